package kernel

import (
	"errors"
	"math/bits"
)

// inflate undoes DEFLATE (RFC 1951). It is written here for what package
// compress/flate brings along: its compressor, and, through compress/gzip,
// the formatting of times and zones, 130 KB in every program that loads one
// object with a .kconfig section or none.
//
// The caller says how much comes out; more is errDeflate. One allocation holds
// it, and one for each of two codes serves all blocks: a stream of tiny blocks
// takes no more memory than another.
func inflate(in []byte, size int) ([]byte, error) {
	d := inflater{in: in, out: make([]byte, 0, size)}
	for final := false; !final; {
		final = d.take(1) == 1
		if err := d.block(d.take(2)); err != nil {
			return nil, err
		}
		if d.short {
			return nil, errTruncated
		}
	}
	return d.out, nil
}

var (
	errTruncated = errors.New("compressed data ends early")
	errDeflate   = errors.New("compressed data is corrupt")
	errInflated  = errors.New("decompressed data is too large")
)

// inflater is the state of inflate.
type inflater struct {
	in    []byte
	bits  uint64 // taken from in, the next lowest
	have  uint   // number of them
	short bool   // bits were wanted that are not there
	out   []byte // never grows
	// Memory for the codes of a block.
	lit, dist code
	lengths   [1 << maxLengthWord]uint16
}

// left is the room for what comes out.
func (d *inflater) left() int { return cap(d.out) - len(d.out) }

// fill makes at least 32 bits ready, zeros after the end.
//
//go:noinline
func (d *inflater) fill() {
	for d.have <= 56 && len(d.in) > 0 {
		d.bits |= uint64(d.in[0]) << d.have
		d.in = d.in[1:]
		d.have += 8
	}
}

// take gives the next n bits, 0 to 16.
func (d *inflater) take(n uint) int {
	if d.have < n {
		d.fill()
	}
	if d.have < n {
		d.short = true
		return 0
	}
	v := d.bits & (1<<n - 1)
	d.bits >>= n
	d.have -= n
	return int(v)
}

func (d *inflater) block(kind int) error {
	switch kind {
	case 0:
		return d.stored()
	case 1:
		d.fixedCodes()
		return d.codes()
	case 2:
		if err := d.dynamicCodes(); err != nil {
			return err
		}
		return d.codes()
	}
	return errDeflate
}

// stored copies a block that is not compressed.
func (d *inflater) stored() error {
	d.take(d.have % 8)
	n, inverse := d.take(16), d.take(16)
	if n != inverse^0xffff {
		return errDeflate
	}
	if n > d.left() {
		return errDeflate
	}
	for range n {
		d.out = append(d.out, byte(d.take(8)))
		if d.short {
			return errTruncated
		}
	}
	return nil
}

// endOfBlock is the symbol that ends a block; those below are bytes, those
// above lengths.
const endOfBlock = 256

// codes decodes symbols up to the end of the block.
func (d *inflater) codes() error {
	for {
		sym, err := d.symbol(d.lit)
		switch {
		case err != nil:
			return err
		case sym == endOfBlock:
			return nil
		case d.left() == 0:
			return errDeflate
		case sym < endOfBlock:
			d.out = append(d.out, byte(sym))
			continue
		case sym-257 >= len(lengths):
			return errDeflate
		}
		n := lengths[sym-257].base + d.take(lengths[sym-257].extra)
		if sym, err = d.symbol(d.dist); err != nil {
			return err
		}
		if sym >= len(distances) {
			return errDeflate
		}
		back := distances[sym].base + d.take(distances[sym].extra)
		if back > len(d.out) || n > d.left() {
			return errDeflate
		}
		for range n { // may overlap what it appends
			d.out = append(d.out, d.out[len(d.out)-back])
		}
	}
}

// span is a range of lengths or distances: base, and how many bits to add.
type span struct {
	base  int
	extra uint
}

// RFC 1951, section 3.2.5.
var (
	lengths = [...]span{
		{3, 0}, {4, 0}, {5, 0}, {6, 0}, {7, 0}, {8, 0}, {9, 0}, {10, 0}, {11, 1}, {13, 1},
		{15, 1}, {17, 1}, {19, 2}, {23, 2}, {27, 2}, {31, 2}, {35, 3}, {43, 3}, {51, 3}, {59, 3},
		{67, 4}, {83, 4}, {99, 4}, {115, 4}, {131, 5}, {163, 5}, {195, 5}, {227, 5}, {258, 0},
	}
	distances = [...]span{
		{1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 1}, {7, 1}, {9, 2}, {13, 2}, {17, 3}, {25, 3},
		{33, 4}, {49, 4}, {65, 5}, {97, 5}, {129, 6}, {193, 6}, {257, 7}, {385, 7}, {513, 8}, {769, 8},
		{1025, 9}, {1537, 9}, {2049, 10}, {3073, 10}, {4097, 11}, {6145, 11}, {8193, 12}, {12289, 12},
		{16385, 13}, {24577, 13},
	}
)

// maxCode is the length of the longest code word, in bits, maxLengthWord that
// of the longest in the code for lengths.
const maxCode, maxLengthWord = 15, 7

// code is a Huffman code: the next bits index what they begin with, a symbol
// shifted left by 4 and the length of its word; 0 is no word.
type code []uint16

// newCode assigns words to symbols by their lengths (section 3.2.2). A code
// may have fewer words than would fit, never more. It is made in the memory of
// table, if that is large enough.
func newCode(table code, words []uint8) (code, error) {
	var count [maxCode + 1]int
	longest := uint(1)
	for _, n := range words {
		count[n]++
		longest = max(longest, uint(n))
	}
	count[0] = 0
	var next [maxCode + 1]uint16
	used := 0
	for n := 1; n <= maxCode; n++ {
		next[n] = uint16(used >> (maxCode - n))
		used += count[n] << (maxCode - n)
	}
	if used > 1<<maxCode {
		return nil, errDeflate
	}
	if n := 1 << longest; n <= cap(table) {
		table = table[:n]
		clear(table)
	} else {
		table = make(code, n)
	}
	for sym, n := range words {
		if n == 0 {
			continue
		}
		word := int(bits.Reverse16(next[n]) >> (16 - n))
		next[n]++
		for ; word < len(table); word += 1 << n {
			table[word] = uint16(sym)<<4 | uint16(n)
		}
	}
	return table, nil
}

// symbol decodes the next symbol.
func (d *inflater) symbol(c code) (int, error) {
	if d.have < maxCode {
		d.fill()
	}
	e := c[d.bits&uint64(len(c)-1)]
	n := uint(e & 15)
	switch {
	case n > d.have:
		return 0, errTruncated
	case n == 0:
		return 0, errDeflate
	}
	d.bits >>= n
	d.have -= n
	return int(e >> 4), nil
}

// fixedCodes are those of blocks that carry none (section 3.2.6).
func (d *inflater) fixedCodes() {
	var words [288]uint8
	for i := range words {
		switch {
		case i < 144:
			words[i] = 8
		case i < 256:
			words[i] = 9
		case i < 280:
			words[i] = 7
		default:
			words[i] = 8
		}
	}
	d.lit, _ = newCode(d.lit, words[:])
	for i := range words[:32] {
		words[i] = 5
	}
	d.dist, _ = newCode(d.dist, words[:32])
}

// lengthOrder is the order in which the lengths of the code for lengths come.
var lengthOrder = [...]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// dynamicCodes reads the codes at the head of a block (section 3.2.7).
func (d *inflater) dynamicCodes() error {
	nlit, ndist, nlen := d.take(5)+257, d.take(5)+1, d.take(4)+4
	var words [288 + 32]uint8
	for _, at := range lengthOrder[:nlen] {
		words[at] = uint8(d.take(3))
	}
	of, err := newCode(d.lengths[:], words[:len(lengthOrder)])
	if err != nil {
		return err
	}
	clear(words[:])
	for i := 0; i < nlit+ndist; {
		sym, err := d.symbol(of)
		if err != nil {
			return err
		}
		word, times := uint8(sym), 1
		switch {
		case sym == 16 && i == 0:
			return errDeflate
		case sym == 16:
			word, times = words[i-1], 3+d.take(2)
		case sym == 17:
			word, times = 0, 3+d.take(3)
		case sym == 18:
			word, times = 0, 11+d.take(7)
		}
		if i+times > nlit+ndist {
			return errDeflate
		}
		for range times {
			words[i] = word
			i++
		}
	}
	if d.lit, err = newCode(d.lit, words[:nlit]); err == nil {
		d.dist, err = newCode(d.dist, words[nlit:nlit+ndist])
	}
	return err
}

package btf

import (
	"math"
	"strconv"
)

// intReader reads numbers of either byte order.
type intReader struct{ big bool }

// bits reads n bits, 64 at most, that begin at a bit of b. Of a big-endian
// number bit 0 is the highest of the first byte.
func (r intReader) bits(b []byte, at, n uint64) (v uint64, ok bool) {
	from, skip := at/8, at%8
	bytes := (skip + n + 7) / 8
	if n > 64 || from > uint64(len(b)) || bytes > uint64(len(b))-from {
		return 0, false
	}
	b = b[from : from+bytes]
	mask := uint64(math.MaxUint64)
	if n < 64 {
		mask = 1<<n - 1
	}
	if r.big {
		drop := 8*bytes - skip - n // bits after it in the last byte
		for i, c := range b {
			if i < 8 || drop == 0 {
				v = v<<8 | uint64(c)
			} else {
				return (v<<(8-drop) | uint64(c)>>drop) & mask, true
			}
		}
		if len(b) <= 8 {
			v >>= drop
		}
		return v & mask, true
	}
	for i, c := range b {
		if shift := 8*i - int(skip); shift < 0 {
			v |= uint64(c) >> -shift
		} else if shift < 64 {
			v |= uint64(c) << shift
		}
	}
	return v & mask, true
}

// wide writes a number of more than 64 bits, in hex as bpftool does it.
func (p *valuePrinter) wide(at, bits uint64) {
	lowAt, highAt := at, at+64
	if p.ints.big {
		lowAt, highAt = at+bits-64, at
	}
	low, ok1 := p.ints.bits(p.data, lowAt, 64)
	high, ok2 := p.ints.bits(p.data, highAt, bits-64)
	if !ok1 || !ok2 {
		p.missing()
		return
	}
	text := strconv.FormatUint(low, 16)
	if high != 0 {
		const zeroes = "0000000000000000"
		text = strconv.FormatUint(high, 16) + zeroes[len(text):] + text
	}
	text = "0x" + text
	if p.JSON {
		text = `"` + text + `"`
	}
	p.text(text)
}

// enum writes the name of a constant, or the number that none has.
func (p *valuePrinter) enum(t Type, v uint64, signed int64) {
	want := v
	if t.Signed() {
		want = uint64(signed)
	}
	for i := range int(t.vlen()) {
		if name, have, ok := t.rawEnum(i); ok && have == want {
			text, _ := t.s.str(name)
			if p.JSON {
				text = quoteJSON(text)
			}
			p.text(text)
			return
		}
	}
	if t.Signed() {
		p.text(strconv.FormatInt(signed, 10))
	} else {
		p.text(strconv.FormatUint(v, 10))
	}
}

func (p *valuePrinter) float(v, bits uint64) {
	var f float64
	switch bits {
	case 32:
		f = float64(math.Float32frombits(uint32(v)))
	case 64:
		f = math.Float64frombits(v)
	default:
		p.text(strconv.FormatUint(v, 10))
		return
	}
	text := strconv.FormatFloat(f, 'g', -1, int(bits))
	if p.JSON && (math.IsNaN(f) || math.IsInf(f, 0)) {
		text = `"` + text + `"`
	}
	p.text(text)
}

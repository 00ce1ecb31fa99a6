package btf

import (
	"encoding/binary"

	"github.com/skepbpf/skep/internal/bin"
)

// Numbers of include/uapi/linux/btf.h.
const (
	magic      = 0xeb9f
	minHeader  = 24 // up to str_len: every release
	fullHeader = 32 // with layout_off and layout_len: Linux 7.1
	maxStrings = 0x00ffffff + 1
	maxTypes   = 0x7fffffff
	typeSize   = 12
)

// header is struct btf_header. Offsets count from the end of the header.
type header struct {
	big                bool
	len                uint32
	typeOff, typeLen   uint32
	strOff, strLen     uint32
	layoutOff, layoutN uint32 // layoutN in bytes
}

// byteOrder finds the order of a blob by its magic number.
func byteOrder(sect string, b []byte) (binary.ByteOrder, error) {
	if len(b) < 8 {
		return nil, bin.Errorf(sect, 0, "%d bytes are too few for a header", len(b))
	}
	switch {
	case binary.LittleEndian.Uint16(b) == magic:
		return binary.LittleEndian, nil
	case binary.BigEndian.Uint16(b) == magic:
		return binary.BigEndian, nil
	}
	return nil, bin.Errorf(sect, 0, "magic number %#x, want %#x in either byte order", binary.LittleEndian.Uint16(b), magic)
}

// parseHeader reads the header and checks that its sections lie within b, in
// order and without overlap: types, layout, strings.
func parseHeader(b []byte) (header, error) {
	order, err := byteOrder(section, b)
	if err != nil {
		return header{}, err
	}
	h := header{big: order == binary.BigEndian}
	c := bin.NewCursor(section, 0, b, order)
	c.Skip(4) // magic, version and flags: libbpf ignores the latter two
	h.len = c.U32()
	h.typeOff, h.typeLen = c.U32(), c.U32()
	h.strOff, h.strLen = c.U32(), c.U32()
	if h.len >= fullHeader {
		h.layoutOff, h.layoutN = c.U32(), c.U32()
	}
	if err := c.Err(); err != nil {
		return header{}, err
	}
	if h.layoutN == 0 {
		h.layoutOff = 0 // means nothing, may be anything
	}
	if h.len < minHeader || uint64(h.len) > uint64(len(b)) {
		return header{}, bin.Errorf(section, 4, "header of %d bytes in a blob of %d", h.len, len(b))
	}
	return h, h.check(uint64(len(b)) - uint64(h.len))
}

// check takes the number of bytes that follow the header.
func (h *header) check(left uint64) error {
	typeEnd := uint64(h.typeOff) + uint64(h.typeLen)
	strEnd := uint64(h.strOff) + uint64(h.strLen)
	switch {
	case strEnd > left:
		return bin.Errorf(section, 16, "strings %d+%d beyond the end %d", h.strOff, h.strLen, left)
	case h.strLen > maxStrings:
		return bin.Errorf(section, 20, "%d bytes of strings, more than %d", h.strLen, maxStrings)
	case typeEnd > uint64(h.strOff):
		return bin.Errorf(section, 8, "types %d+%d overlap strings at %d", h.typeOff, h.typeLen, h.strOff)
	case h.typeOff%4 != 0:
		return bin.Errorf(section, 8, "types at %d are not aligned to 4", h.typeOff)
	case h.layoutN == 0:
		return nil
	case h.layoutOff%4 != 0 || h.layoutN%4 != 0:
		return bin.Errorf(section, 24, "layout %d+%d is not aligned to 4", h.layoutOff, h.layoutN)
	case uint64(h.layoutOff) < typeEnd || uint64(h.layoutOff)+uint64(h.layoutN) > uint64(h.strOff):
		return bin.Errorf(section, 24, "layout %d+%d is not between types and strings", h.layoutOff, h.layoutN)
	}
	return nil
}

// shapes is the length table of a blob, by the 7 bits of a kind.
type shapes [128]shape

// newShapes takes the known kinds, then what base knows, then the entries of a
// layout section for kinds not known here. A layout of a known kind is not
// believed: this package reads those by their own definition.
func newShapes(layout []byte, base *shapes) *shapes {
	var s shapes
	if base != nil {
		s = *base
	} else {
		for k := range kinds {
			s[k] = kinds[k].shape
		}
	}
	for k := int(kindCount); k < len(s) && (k+1)*4 <= len(layout); k++ {
		e := layout[k*4:]
		if e[0]%4 == 0 && e[1]%4 == 0 {
			s[k] = shape{e[0], e[1], true}
		}
	}
	return &s
}

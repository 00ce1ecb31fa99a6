package btf

import "encoding/binary"

// encode writes the Editor's sections after the header as it was: what a
// longer header holds is kept, and so is a layout section.
func (e *Editor) encode() []byte {
	h := e.s.hdr
	old := e.s.raw[h.len:]
	layout := old[h.layoutOff:][:h.layoutN]
	if e.noLayout {
		layout = nil
	}

	size := int(h.len) + len(e.s.types) + len(layout) + len(e.s.strs)
	out := make([]byte, h.len, size)
	copy(out, e.s.raw[:h.len])
	var f [6]uint32 // type, string and layout offset and length
	f[0], f[1] = 0, uint32(len(e.s.types))
	out = append(out, e.s.types...)
	if len(layout) > 0 {
		f[4], f[5] = uint32(len(out))-h.len, uint32(len(layout))
		out = append(out, layout...)
	}
	f[2], f[3] = uint32(len(out))-h.len, uint32(len(e.s.strs))
	out = append(out, e.s.strs...)
	n := 4
	if h.len >= fullHeader {
		n = 6
	}
	putHeader(out, e.order(), f[:n])
	return out
}

// putHeader writes section offsets and lengths, in the header's order.
func putHeader(b []byte, order binary.ByteOrder, f []uint32) {
	for i, v := range f {
		order.PutUint32(b[8+4*i:], v)
	}
}

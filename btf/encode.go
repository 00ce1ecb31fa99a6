package btf

import "encoding/binary"

// encode writes the Editor's sections after the header as it was: what a
// longer header holds is kept, and so is a layout section.
func (e *Editor) encode() []byte {
	layout := e.s.layout()
	if e.noLayout {
		layout = nil
	}
	return e.s.assemble(e.s.types, layout, e.s.strs)
}

// putHeader writes section offsets and lengths, in the header's order.
func putHeader(b []byte, order binary.ByteOrder, f []uint32) {
	for i, v := range f {
		order.PutUint32(b[8+4*i:], v)
	}
}

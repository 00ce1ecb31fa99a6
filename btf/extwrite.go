package btf

import "slices"

// Ext encodes .BTF.ext for the BTF that b makes, in its byte order, the way
// clang lays it out. Names of sections and accesses become strings of b; the
// offsets in a Line are such already. Like Bytes it gives the first error.
func (b *Builder) Ext(e *Ext) ([]byte, error) {
	const header = 32
	w := make([]uint32, header/4)
	w[1] = header
	for i := range extParts {
		p := &extParts[i]
		from := len(w)
		for j := range e.Sections {
			w = b.extSection(w, p, from, &e.Sections[j])
		}
		if len(w) == from && i < 2 {
			w = append(w, p.record) // clang writes the size of no records, but for CO-RE
		}
		w[p.header/4], w[p.header/4+1] = uint32(4*from-header), uint32(4*(len(w)-from))
	}
	if _, err := b.Bytes(); err != nil {
		return nil, err
	}
	out := make([]byte, 4*len(w))
	putWords(out, w, b.big)
	copy(out, []byte{magic & 0xff, magic >> 8, 1, 0})
	if b.big {
		slices.Reverse(out[:2])
	}
	return out, nil
}

// extSection writes what a section has for one table, which begins at from with
// the size of its records.
func (b *Builder) extSection(w []uint32, p *extPart, from int, sec *ExtSection) []uint32 {
	n := p.count(sec)
	if n == 0 {
		return w
	}
	if len(w) == from {
		w = append(w, p.record)
	}
	w = append(w, b.AddString(sec.Name), uint32(n))
	return p.write(b, w, sec)
}

func writeFuncs(b *Builder, w []uint32, sec *ExtSection) []uint32 {
	for _, f := range sec.Funcs {
		w = append(w, f.Off, b.refer(f.Type))
	}
	return w
}

func writeLines(b *Builder, w []uint32, sec *ExtSection) []uint32 {
	end := b.strs.start + uint32(len(b.strs.buf))
	for _, l := range sec.Lines {
		if l.File >= end || l.Text >= end {
			b.failf("line_info of %s at %#x: strings at %#x and %#x of %#x", sec.Name, l.Off, l.File, l.Text, end)
		}
		w = append(w, l.Off, l.File, l.Text, l.LineCol)
	}
	return w
}

func writeCORE(b *Builder, w []uint32, sec *ExtSection) []uint32 {
	for _, c := range sec.CORE {
		w = append(w, c.Off, b.refer(c.Root), b.AddString(c.Access), uint32(c.Kind))
	}
	return w
}

package btf

import "slices"

// extWriters are the ways back of extParts, apart from them: a program that only
// reads does without.
var extWriters = [len(extParts)]struct {
	count func(sec *ExtSection) int
	write func(b *Builder, w []uint32, sec *ExtSection) []uint32
}{
	{func(sec *ExtSection) int { return len(sec.Funcs) }, writeFuncs},
	{func(sec *ExtSection) int { return len(sec.Lines) }, writeLines},
	{func(sec *ExtSection) int { return len(sec.CORE) }, writeCORE},
}

// Ext encodes .BTF.ext for the BTF that b makes, in its byte order, the way
// clang lays it out; one that was read is laid out as it was. Names of sections
// and accesses become strings of b; the offsets in a Line are such already.
// Like Bytes it gives the first error.
func (b *Builder) Ext(e *Ext) ([]byte, error) {
	header := uint32(32)
	if n := e.form.header; n == 24 {
		header = n // before there was CO-RE
	}
	w := make([]uint32, header/4)
	w[1] = header
	for i := range extParts {
		p := &extParts[i]
		from := len(w)
		for j := range e.Sections {
			w = b.extSection(w, i, from, &e.Sections[j])
		}
		if len(w) == from && e.form.empty[i] {
			w = append(w, p.record)
		}
		switch {
		case p.header+8 <= header:
			w[p.header/4], w[p.header/4+1] = 4*uint32(from)-header, uint32(4*(len(w)-from))
		case len(w) > from:
			b.failf(".BTF.ext: %s needs a longer header than %d bytes", p.name, header)
		}
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
func (b *Builder) extSection(w []uint32, part, from int, sec *ExtSection) []uint32 {
	n := extWriters[part].count(sec)
	if n == 0 {
		return w
	}
	if len(w) == from {
		w = append(w, extParts[part].record)
	}
	w = append(w, b.AddString(sec.Name), uint32(n))
	return extWriters[part].write(b, w, sec)
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

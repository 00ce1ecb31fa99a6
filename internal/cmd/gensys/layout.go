package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/skepbpf/skep/btf"
)

// gofield is one field of a Go struct; name is "_" for padding.
type gofield struct {
	name, typ string
	off, size uint32 // bytes
}

// goName turns snake_case into CamelCase.
func goName(c string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(c, "_") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return b.String()
}

// fields flattens the C type of s, by its picks, with explicit padding.
func (g *generator) fields(s *spec) ([]gofield, error) {
	c, err := g.types.composite(s.c)
	if err != nil {
		return nil, err
	}
	f := flattener{g: g, s: s}
	if err := f.composite(c, 0, ""); err != nil {
		return nil, fmt.Errorf("%s: %w", s.goName, err)
	}
	return pad(f.out, c.Size(), s.full)
}

// pad fills the gaps, so that Go's own alignment (4 for uint64 on 386 and arm)
// has no say. Attributes end on a multiple of 8 bytes, as the kernel's union
// does: their size is then the same everywhere.
func pad(flat []gofield, size uint32, full bool) ([]gofield, error) {
	var out []gofield
	at := uint32(0)
	fill := func(to uint32) {
		if to > at {
			out = append(out, gofield{"_", fmt.Sprintf("[%d]byte", to-at), at, to - at})
		}
	}
	for _, f := range flat {
		if f.off < at {
			return nil, fmt.Errorf("field %s overlaps the one before", f.name)
		}
		fill(f.off)
		out = append(out, f)
		at = f.off + f.size
	}
	if full {
		fill(size)
	} else {
		fill((at + 7) &^ 7)
	}
	return out, nil
}

// flattener collects the fields of one Go struct.
type flattener struct {
	g   *generator
	s   *spec
	out []gofield
}

// composite appends the fields of c, which begins at byte base. Fields of a
// member struct whose name is taken get that member's name, outer, in front.
func (f *flattener) composite(c btf.Type, base uint32, outer string) error {
	list := members(c)
	if c.Kind() == btf.KindUnion {
		m, ok := f.g.choose(f.s, c)
		if !ok {
			return nil
		}
		list = []btf.Member{m}
	}
	for i := 0; i < len(list); i++ {
		m := list[i]
		t := f.g.types.strip(m.Type)
		off := base + m.Offset/8
		switch {
		case isComposite(t):
			inner := outer
			if m.Name != "" {
				inner = goName(m.Name)
			}
			if err := f.composite(t, off, inner); err != nil {
				return err
			}
		case m.BitSize != 0:
			i = f.bitfield(list, i, t.Size(), base)
		case m.Name == "" || strings.HasPrefix(m.Name, "__reserved"):
		default:
			if err := f.scalar(m, off, outer); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *flattener) scalar(m btf.Member, off uint32, outer string) error {
	name := goName(m.Name)
	if slices.ContainsFunc(f.out, func(o gofield) bool { return o.name == name }) {
		name = outer + name
	}
	typ, err := f.g.goType(f.s, m.Type, m.Name, name)
	if err != nil {
		return err
	}
	size, err := f.g.types.sizeof(m.Type)
	f.out = append(f.out, gofield{name, typ, off, size})
	return err
}

// bitfield makes one field of the storage unit that the bit fields from list[i]
// on share, and gives the index of the last. A unit of several named bits is
// called Bits; one with a single named bit takes its name, and is non-zero when
// the bit is set on either byte order.
func (f *flattener) bitfield(list []btf.Member, i int, size, base uint32) int {
	unit := size * 8
	start := list[i].Offset / unit
	var named []string
	for ; i < len(list) && list[i].BitSize != 0 && list[i].Offset/unit == start; i++ {
		if n := list[i].Name; n != "" && !strings.HasPrefix(n, "__") {
			named = append(named, n)
		}
	}
	if len(named) > 0 {
		name := "Bits"
		if len(named) == 1 {
			name = goName(named[0])
		}
		f.out = append(f.out, gofield{name, fmt.Sprintf("uint%d", unit), base + start*size, size})
	}
	return i - 1
}

// choose takes the member of a union that the picks ask for, if any.
func (g *generator) choose(s *spec, u btf.Type) (btf.Member, bool) {
	list := members(u)
	if s.noUnion {
		return btf.Member{}, false
	}
	for _, m := range list {
		if m.Name != "" && slices.Contains(s.pick, m.Name) {
			return m, true
		}
	}
	for _, m := range list {
		if t := g.types.strip(m.Type); m.Name == "" && isComposite(t) && g.types.hasField(t, s.pick) {
			return m, true
		}
	}
	return list[0], true
}

// goType is the Go type of a scalar or array; c is the field's name in C, name
// that in Go, both "" for the elements of an array.
func (g *generator) goType(s *spec, id btf.ID, c, name string) (string, error) {
	if typ := s.field[name]; typ != "" {
		return typ, nil
	}
	if typ := fieldTypes[c]; typ != "" {
		return typ, nil
	}
	if g.types.isPointer(id) {
		return "Pointer", nil
	}
	t := g.types.strip(id)
	sign := "u"
	if signed(t) {
		sign = ""
	}
	switch t.Kind() {
	case btf.KindArray:
		elem, _, n := t.Array()
		typ, err := g.goType(s, elem, "", "")
		if typ == "int8" || typ == "uint8" {
			typ = "byte"
		}
		return fmt.Sprintf("[%d]%s", n, typ), err
	case btf.KindEnum:
		if typ := enumGoName(t.Name()); typ != "" {
			return typ, nil
		}
		return fmt.Sprintf("%sint%d", sign, t.Size()*8), nil
	case btf.KindInt:
		return fmt.Sprintf("%sint%d", sign, t.Size()*8), nil
	}
	return "", fmt.Errorf("field %s: kind %v has no Go type", c, t.Kind())
}

// structs writes all specs, and the bits of perf_event_attr.
func (g *generator) structs(b *bytes.Buffer) error {
	for i := range specs {
		s := &specs[i]
		fields, err := g.fields(s)
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "// %s %s.\ntype %s struct {\n", s.goName, s.doc, s.goName)
		for _, f := range fields {
			fmt.Fprintf(b, "%s %s\n", f.name, f.typ)
		}
		b.WriteString("}\n\n")
	}
	return g.perfBits(b)
}

// perfBits numbers the one-bit fields of perf_event_attr.
func (g *generator) perfBits(b *bytes.Buffer) error {
	c, err := g.types.composite("perf_event_attr")
	if err != nil {
		return err
	}
	b.WriteString("// Bits of PerfEventAttr.Bits and PerfProbeAttr.Bits, by number; see PerfBit.Mask.\nconst (\n")
	for _, m := range members(c) {
		if m.BitSize == 1 && m.Name != "" {
			fmt.Fprintf(b, "PerfBit%s PerfBit = %d\n", goName(m.Name), m.Offset%64)
		}
	}
	b.WriteString(")\n")
	return nil
}

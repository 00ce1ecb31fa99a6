package main

import (
	"fmt"
	"strings"

	"github.com/skepbpf/skep/btf"
)

func btfSize(e env, args []string) int {
	f := newBTFFlags(e, "size")
	defer f.close()
	f.in()
	names, code, ok := f.args(args, 1)
	if !ok {
		return code
	}
	s, err := f.source(f.from)
	if err != nil {
		return f.fail(exitUsage, err)
	}
	for _, name := range names {
		t, ok := byName(s, name)
		if !ok {
			code = f.fail(exitRejected, fmt.Errorf("%s: no such type", name))
			continue
		}
		if in, ok := s.Strip(t.ID()); ok && (in.Kind() == btf.KindStruct || in.Kind() == btf.KindUnion) {
			fmt.Fprint(e.out, sizeText(s, in, name))
			continue
		}
		size, err := s.Sizeof(t.ID())
		if err != nil {
			code = f.fail(exitRejected, fmt.Errorf("%s: %w", name, err))
			continue
		}
		fmt.Fprintf(e.out, "%s; /* size: %d */\n", t, size)
	}
	return code
}

// sizer prints a struct as pahole does.
type sizer struct {
	s    *btf.Spec
	b    strings.Builder
	line uint64 // cache line of the last member
}

// totals are what is counted of a struct.
type totals struct {
	members, sum, bits uint64 // bytes and, of bitfields, bits
	holes, bytes       uint64
	bitHoles, bitBytes uint64 // the latter in bits
	paddings, padded   uint64
	end                room
}

const cacheLine = 64

func sizeText(s *btf.Spec, t btf.Type, name string) string {
	z := sizer{s: s}
	if t.Name() != "" {
		name = t.String()
	}
	fmt.Fprintf(&z.b, "%s {\n", name)
	n := z.members(t, 1, 0)
	size := uint64(t.Size())
	fmt.Fprintf(&z.b, "\n\t/* size: %d, cachelines: %d, members: %d */\n", size, (size+cacheLine-1)/cacheLine, n.members)
	if t.Kind() == btf.KindStruct {
		z.totals(&n, size)
	}
	if last := size % cacheLine; last > 0 {
		fmt.Fprintf(&z.b, "\t/* last cacheline: %d bytes */\n", last)
	}
	z.b.WriteString("}")
	if z.packed(t) {
		z.b.WriteString(" __attribute__((__packed__))")
	}
	z.b.WriteString(";\n")
	return z.b.String()
}

func (z *sizer) totals(n *totals, size uint64) {
	if n.holes+n.bitHoles > 0 && n.sum > 0 {
		fmt.Fprintf(&z.b, "\t/* sum members: %d", n.sum)
		if n.holes > 0 {
			fmt.Fprintf(&z.b, ", holes: %d, sum holes: %d", n.holes, n.bytes)
		}
		z.b.WriteString(" */\n")
	}
	switch {
	case n.bitHoles > 0:
		fmt.Fprintf(&z.b, "\t/* sum bitfield members: %d bits, bit holes: %d, sum bit holes: %d bits */\n", n.bits, n.bitHoles, n.bitBytes)
	case n.holes > 0 && n.bits > 0:
		fmt.Fprintf(&z.b, "\t/* sum bitfield members: %d bits (%d bytes) */\n", n.bits, n.bits/8)
	}
	bits, bytes := n.end.rest(size)
	if bytes > 0 {
		fmt.Fprintf(&z.b, "\t/* padding: %d */\n", bytes)
	}
	if n.paddings > 0 {
		fmt.Fprintf(&z.b, "\t/* paddings: %d, sum paddings: %d */\n", n.paddings, n.padded)
	}
	if bits > 0 {
		fmt.Fprintf(&z.b, "\t/* bit_padding: %d bits */\n", bits)
	}
}

// room is how far the members of a struct take it, in bits, and the unit of the
// bitfields at its end.
type room struct {
	last      uint64
	inBits    bool
	unit, end uint64 // size of the unit and where it ends
}

// take adds a member of so many bits at a bit; if it is a bitfield, its type
// has unit bits. It gives the hole before it: what is left of the unit of
// bitfields, and whole bytes.
func (r *room) take(at, bits, unit uint64, bitfield bool) (bitHole, byteHole uint64) {
	if r.inBits {
		end := max(r.last, min(at, r.end))
		bitHole, r.last = end-r.last, end
	}
	if !bitfield {
		if at > r.last {
			byteHole = at/8 - r.last/8
		}
		*r = room{last: max(r.last, at+bits)}
		return bitHole, byteHole
	}
	from := at / unit * unit
	if r.last < from {
		byteHole, r.last = (from-r.last)/8, from
	}
	if at > r.last {
		bitHole += at - r.last
	}
	r.last = max(r.last, at+bits)
	if !r.inBits || at+bits > r.end || unit > r.unit {
		r.unit, r.end = unit, from+unit
		if at+bits > r.end { // it began in the unit before
			r.end += unit
		}
	}
	r.inBits = true
	return bitHole, byteHole
}

// rest is what is left of size bytes: bits of the last unit, and bytes.
func (r *room) rest(size uint64) (bits, bytes uint64) {
	last := r.last
	if r.inBits {
		end := max(last, min(8*size, r.end))
		bits, last = end-last, end
	}
	return bits, size - min(size, last/8)
}

// members prints those of t, which lies at bit from.
func (z *sizer) members(t btf.Type, level int, from uint64) (n totals) {
	tabs := strings.Repeat("\t", level)
	for i := range t.Vlen() {
		m := t.Member(i)
		size, err := z.s.Sizeof(m.Type)
		if err != nil {
			size = 0
		}
		at, bits, unit := uint64(m.Offset), uint64(m.BitSize), max(8*uint64(size), 8)
		if n.members++; bits > 0 {
			n.bits += bits
		} else {
			bits = 8 * uint64(size)
			n.sum += uint64(size)
		}
		if t.Kind() == btf.KindStruct {
			bitHole, byteHole := n.end.take(at, bits, unit, m.BitSize > 0)
			z.hole(tabs, bitHole, byteHole)
			n.count(bitHole, byteHole)
		}
		line := z.line
		z.boundary(tabs, from+at)
		z.member(tabs, m, level, from, size)
		if t.Kind() == btf.KindUnion {
			z.line = line // the next member begins there, too
			continue
		}
		if pad := z.padding(m.Type); pad > 0 && m.BitSize == 0 {
			n.paddings++
			n.padded += pad
			fmt.Fprintf(&z.b, "\n%s/* XXX last struct has %s of padding */\n", tabs, plural(pad, "byte"))
			if i+1 < t.Vlen() {
				z.b.WriteByte('\n')
			}
		}
	}
	return n
}

func (n *totals) count(bits, bytes uint64) {
	if bytes > 0 {
		n.holes++
		n.bytes += bytes
	}
	if bits > 0 {
		n.bitHoles++
		n.bitBytes += bits
	}
}

func (z *sizer) hole(tabs string, bits, bytes uint64) {
	if bits+bytes == 0 {
		return
	}
	z.b.WriteByte('\n')
	if bits > 0 {
		fmt.Fprintf(&z.b, "%s/* XXX %s hole, try to pack */\n", tabs, plural(bits, "bit"))
	}
	if bytes > 0 {
		fmt.Fprintf(&z.b, "%s/* XXX %s hole, try to pack */\n", tabs, plural(bytes, "byte"))
	}
	z.b.WriteByte('\n')
}

func plural(n uint64, unit string) string {
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}

// boundary says that a member at that bit is the first of a cache line.
func (z *sizer) boundary(tabs string, at uint64) {
	n := at / 8 / cacheLine
	if n <= z.line {
		return
	}
	z.line = n
	fmt.Fprintf(&z.b, "%s/* --- cacheline %d boundary (%d bytes)", tabs, n, n*cacheLine)
	if ago := at / 8 % cacheLine; ago > 0 {
		fmt.Fprintf(&z.b, " was %s ago", plural(ago, "byte"))
	}
	z.b.WriteString(" --- */\n")
}

// padding is how many bytes a struct has behind its last member.
func (z *sizer) padding(id btf.ID) uint64 {
	t, ok := z.s.Strip(id)
	if !ok || t.Kind() != btf.KindStruct {
		return 0
	}
	var r room
	for i := range t.Vlen() {
		m := t.Member(i)
		size, err := z.s.Sizeof(m.Type)
		if err != nil {
			size = 0
		}
		bits := uint64(m.BitSize)
		if bits == 0 {
			bits = 8 * uint64(size)
		}
		r.take(uint64(m.Offset), bits, max(8*uint64(size), 8), m.BitSize > 0)
	}
	_, bytes := r.rest(uint64(t.Size()))
	return bytes
}

// packed reports whether members lie, or the whole ends, where they would not
// without the attribute.
func (z *sizer) packed(t btf.Type) bool {
	for i := range t.Vlen() {
		m := t.Member(i)
		align, err := z.s.Alignof(m.Type)
		if err == nil && (m.BitSize == 0 && uint64(m.Offset)%(8*uint64(align)) != 0 || t.Size()%align != 0) {
			return true
		}
	}
	return false
}

// body finds the struct, union or enum without a name that a member is of, and
// what C writes before and behind its body.
func (z *sizer) body(id btf.ID) (t btf.Type, before, behind string, ok bool) {
	for range 32 {
		t, ok = z.s.Type(id)
		switch {
		case !ok:
			return t, "", "", false
		case t.Kind() == btf.KindConst || t.Kind() == btf.KindVolatile:
			before += t.Kind().String() + " "
			id = t.Target()
		case t.Kind() == btf.KindArray:
			elem, _, n := t.Array()
			behind += fmt.Sprintf("[%d]", n)
			id = elem
		default:
			return t, before, behind, t.Name() == "" && (t.Kind() == btf.KindStruct || t.Kind() == btf.KindUnion || isEnum(t.Kind()))
		}
	}
	return t, "", "", false
}

func isEnum(k btf.Kind) bool { return k == btf.KindEnum || k == btf.KindEnum64 }

// member prints a line, or a body.
func (z *sizer) member(tabs string, m btf.Member, level int, from uint64, size uint32) {
	at := from + uint64(m.Offset)
	numbers := fmt.Sprintf("%6d %5d", at/8, size)
	colon := ""
	if m.BitSize > 0 {
		unit := max(8*uint64(size), 8)
		colon = fmt.Sprintf(":%d", m.BitSize)
		numbers = fmt.Sprintf("%6d:%2d %2d", at/unit*unit/8, at%unit, size)
	}
	in, before, behind, ok := z.body(m.Type)
	if !ok || level >= 32 {
		z.text(tabs+z.s.Declare(m.Type, m.Name)+colon+";", numbers)
		return
	}
	kind := in.Kind().String()
	if isEnum(in.Kind()) {
		kind = "enum"
	}
	fmt.Fprintf(&z.b, "%s%s%s {\n", tabs, before, kind)
	if isEnum(in.Kind()) {
		for i := range in.Vlen() {
			fmt.Fprintf(&z.b, "%s\t%s = %s,\n", tabs, in.EnumValue(i).Name, strings.TrimRight(enumText(in, i), "UL"))
		}
	} else {
		z.members(in, level+1, at)
	}
	name := m.Name + behind + colon
	if name != "" {
		name = " " + name
	}
	z.text(tabs+"}"+name+";", numbers)
}

// text prints a member with its numbers in a column; a tab is 8 wide.
func (z *sizer) text(text, numbers string) {
	wide := len(text) + 7*strings.Count(text, "\t")
	fmt.Fprintf(&z.b, "%s%s /* %s */\n", text, strings.Repeat(" ", max(0, 56-wide)), numbers)
}

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
	s     *btf.Spec
	b     strings.Builder
	holes holes
}

// holes are counted of the outermost struct.
type holes struct {
	members, sum     uint64
	count, bytes     uint64
	bitHoles, bitSum uint64
}

const cacheLine = 64

func sizeText(s *btf.Spec, t btf.Type, name string) string {
	z := sizer{s: s}
	if t.Name() != "" {
		name = t.String()
	}
	fmt.Fprintf(&z.b, "%s {\n", name)
	end := z.members(t, 1, 0)
	h, size := &z.holes, uint64(t.Size())
	fmt.Fprintf(&z.b, "\n\t/* size: %d, cachelines: %d, members: %d */\n", size, (size+cacheLine-1)/cacheLine, h.members)
	if h.count > 0 || h.bitHoles > 0 {
		fmt.Fprintf(&z.b, "\t/* sum members: %d, holes: %d, sum holes: %d */\n", h.sum, h.count, h.bytes)
	}
	if h.bitHoles > 0 {
		fmt.Fprintf(&z.b, "\t/* bit holes: %d, sum bit holes: %d bits */\n", h.bitHoles, h.bitSum)
	}
	if pad := size - min(size, (end+7)/8); pad > 0 && t.Kind() == btf.KindStruct {
		fmt.Fprintf(&z.b, "\t/* padding: %d */\n", pad)
	}
	if last := size % cacheLine; last > 0 {
		fmt.Fprintf(&z.b, "\t/* last cacheline: %d bytes */\n", last)
	}
	z.b.WriteString("};\n")
	return z.b.String()
}

// members prints those of t, which lies at bit from, and gives the bit after the
// last one, of t.
func (z *sizer) members(t btf.Type, level int, from uint64) (end uint64) {
	tabs := strings.Repeat("\t", level)
	outer := level == 1
	for i := range t.Vlen() {
		m := t.Member(i)
		at := uint64(m.Offset)
		if t.Kind() == btf.KindStruct && at > end {
			z.hole(tabs, end, at, outer)
		}
		bits := z.member(tabs, m, level, from)
		if outer {
			z.holes.members++
			z.holes.sum += bits / 8
		}
		end = max(end, at+bits)
	}
	return end
}

func (z *sizer) hole(tabs string, from, to uint64, outer bool) {
	// What is left of the byte that a bitfield ends in, and whole bytes.
	bits := min(to, (from+7)/8*8) - from
	bytes := (to - from - bits) / 8
	bits += (to - from - bits) % 8
	z.b.WriteByte('\n')
	if bits > 0 {
		fmt.Fprintf(&z.b, "%s/* XXX %d bits hole, try to pack */\n", tabs, bits)
	}
	if bytes > 0 {
		fmt.Fprintf(&z.b, "%s/* XXX %d bytes hole, try to pack */\n", tabs, bytes)
	}
	z.b.WriteByte('\n')
	if outer && bytes > 0 {
		z.holes.count++
		z.holes.bytes += bytes
	}
	if outer && bits > 0 {
		z.holes.bitHoles++
		z.holes.bitSum += bits
	}
}

// member prints a line, or a body, and gives the member's size in bits.
func (z *sizer) member(tabs string, m btf.Member, level int, from uint64) uint64 {
	size, err := z.s.Sizeof(m.Type)
	if err != nil {
		size = 0
	}
	at := from + uint64(m.Offset)
	if in, ok := z.s.Strip(m.Type); ok && in.Name() == "" && (in.Kind() == btf.KindStruct || in.Kind() == btf.KindUnion) && level < 32 {
		if own, _ := z.s.Type(m.Type); own.ID() == in.ID() {
			fmt.Fprintf(&z.b, "%s%s {\n", tabs, in.Kind())
			z.members(in, level+1, at)
			name := ""
			if m.Name != "" {
				name = " " + m.Name
			}
			z.line(tabs+"}"+name+";", fmt.Sprintf("%6d %5d", at/8, size))
			return 8 * uint64(size)
		}
	}
	text := tabs + z.s.Declare(m.Type, m.Name)
	if m.BitSize > 0 {
		unit := max(8*uint64(size), 8)
		z.line(fmt.Sprintf("%s:%d;", text, m.BitSize), fmt.Sprintf("%6d:%2d %2d", at/unit*unit/8, at%unit, size))
		return uint64(m.BitSize)
	}
	z.line(text+";", fmt.Sprintf("%6d %5d", at/8, size))
	return 8 * uint64(size)
}

// line prints a member with its numbers in a column; a tab is 8 wide.
func (z *sizer) line(text, numbers string) {
	wide := len(text) + 7*strings.Count(text, "\t")
	fmt.Fprintf(&z.b, "%s%s /* %s */\n", text, strings.Repeat(" ", max(0, 56-wide)), numbers)
}

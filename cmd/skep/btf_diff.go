package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/skepbpf/skep/btf"
)

func btfDiff(e env, args []string) int {
	f := newBTFFlags(e, "diff")
	defer f.close()
	brief := f.Bool("brief", false, "only the names of what differs")
	only := f.String("only", "", "comma-separated `names` to compare; the rest is left out")
	rest, code, ok := f.args(args, 2)
	if !ok {
		return code
	}
	var sides [2]*typesByName
	for i := range sides {
		s, err := f.source(rest[i])
		if err != nil {
			return f.fail(exitUsage, err)
		}
		sides[i] = collect(s, *only)
	}
	n := 0
	for _, name := range mergedNames(sides[0].order, sides[1].order) {
		lines := compareTypes(sides[0], sides[1], name)
		if len(lines) == 0 {
			continue
		}
		n++
		fmt.Fprintln(e.out, name+lines[0])
		for _, l := range lines[1:] {
			if !*brief {
				fmt.Fprintln(e.out, "\t"+l)
			}
		}
	}
	if n > 0 {
		return exitRejected
	}
	return exitGood
}

// typesByName are the types and functions of one side, by "struct x".
type typesByName struct {
	s     *btf.Spec
	types map[string][]btf.Type
	order []string
}

func collect(s *btf.Spec, only string) *typesByName {
	c := &typesByName{s: s, types: map[string][]btf.Type{}}
	want := map[string]bool{}
	for _, n := range strings.FieldsFunc(only, func(r rune) bool { return r == ',' }) {
		want[n] = true
	}
	for t := range s.All() {
		word := ""
		switch t.Kind() {
		case btf.KindStruct, btf.KindUnion, btf.KindEnum, btf.KindFunc, btf.KindTypedef:
			word = t.Kind().String()
		case btf.KindEnum64:
			word = "enum"
		}
		if word == "" || t.Name() == "" || len(want) > 0 && !want[t.Name()] {
			continue
		}
		key := word + " " + t.Name()
		c.types[key] = append(c.types[key], t)
	}
	c.order = sortedKeys(c.types)
	return c
}

// mergedNames joins two sorted lists.
func mergedNames(a, b []string) (all []string) {
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0] < b[0]:
			all, a = append(all, a[0]), a[1:]
		case len(a) == 0 || b[0] < a[0]:
			all, b = append(all, b[0]), b[1:]
		default:
			all, a, b = append(all, a[0]), a[1:], b[1:]
		}
	}
	return all
}

// compareTypes says how the types of a name differ: first a word, then a line
// for each part. Of several of a name, those that both sides have in the same
// form are left out, and the first of the others are compared.
func compareTypes(a, b *typesByName, name string) []string {
	left, right := a.types[name], b.types[name]
	switch {
	case len(right) == 0:
		return []string{": removed"}
	case len(left) == 0:
		return []string{": added"}
	}
	forms := map[string]int{}
	var fa, fb []form
	for _, t := range right {
		fb = append(fb, formOf(b.s, t))
		forms[fb[len(fb)-1].key()]++
	}
	for _, t := range left {
		f := formOf(a.s, t)
		if k := f.key(); forms[k] > 0 {
			forms[k]--
		} else {
			fa = append(fa, f)
		}
	}
	var rest []form
	for _, f := range fb {
		if k := f.key(); forms[k] > 0 {
			forms[k]--
			rest = append(rest, f)
		}
	}
	switch {
	case len(fa) == 0 && len(rest) == 0:
		return nil
	case len(fa) == 0 || len(rest) == 0:
		return []string{fmt.Sprintf(": %d types of the name, then %d", len(left), len(right))}
	}
	return fa[0].differ(&rest[0])
}

// form is a type as far as it is compared.
type form struct {
	head  string // size or signature
	parts []part
}

type part struct {
	name, typ string
	at        string // offset, or value
	off       int    // bytes; of enums 0
}

func (f *form) key() string { return fmt.Sprint(f.head, f.parts) }

func formOf(s *btf.Spec, t btf.Type) form {
	switch t.Kind() {
	case btf.KindFunc:
		return form{head: signature(s, t)}
	case btf.KindTypedef:
		return form{head: s.Declare(t.Target(), "")}
	case btf.KindEnum, btf.KindEnum64:
		f := form{head: "size " + strconv.Itoa(int(t.Size()))}
		for i := range t.Vlen() {
			f.parts = append(f.parts, part{t.EnumValue(i).Name, "", strings.TrimRight(enumText(t, i), "UL"), 0})
		}
		return f
	}
	f := form{head: "size " + strconv.Itoa(int(t.Size()))}
	f.members(s, t, "", 0, 0)
	return f
}

// members lists those of t, and those of what stands in it without a name of
// its own: as members of t, or of the member that it is.
func (f *form) members(s *btf.Spec, t btf.Type, prefix string, at uint32, depth int) {
	for i := range t.Vlen() {
		m := t.Member(i)
		name, off := prefix+m.Name, at+m.Offset
		if in, ok := s.Strip(m.Type); ok && in.Name() == "" && (in.Kind() == btf.KindStruct || in.Kind() == btf.KindUnion) && depth < 32 {
			if m.Name != "" {
				name += "."
			}
			f.members(s, in, name, off, depth+1)
			continue
		}
		p := part{name, s.Declare(m.Type, ""), "offset " + strconv.Itoa(int(off/8)), int(off / 8)}
		if m.BitSize > 0 {
			p.typ += ":" + strconv.Itoa(int(m.BitSize))
			p.at = "bit " + strconv.Itoa(int(off))
		}
		f.parts = append(f.parts, p)
	}
}

func signature(s *btf.Spec, fn btf.Type) string {
	proto, ok := s.Type(fn.Target())
	if !ok {
		return ""
	}
	var args []string
	for i := range proto.Vlen() {
		if p := proto.Param(i); p.Type == 0 {
			args = append(args, "...")
		} else {
			args = append(args, s.Declare(p.Type, p.Name))
		}
	}
	if len(args) == 0 {
		args = []string{"void"}
	}
	return s.Declare(proto.Target(), "") + " (" + strings.Join(args, ", ") + ")"
}

// differ says what became of f's parts in g.
func (f *form) differ(g *form) []string {
	lines := []string{": changed"}
	if f.head != g.head {
		lines = append(lines, "- "+f.head, "+ "+g.head)
	}
	theirs := map[string]part{}
	for _, p := range g.parts {
		theirs[p.name] = p
	}
	ours := map[string]bool{}
	var run moved
	for _, p := range f.parts {
		ours[p.name] = true
		q, ok := theirs[p.name]
		if ok && p.typ == q.typ && p.off != q.off {
			if !run.add(p, q) {
				lines = append(lines, run.lines()...)
				run = moved{}
				run.add(p, q)
			}
			continue
		}
		if ok && p == q {
			continue
		}
		lines = append(lines, run.lines()...)
		run = moved{}
		switch {
		case !ok:
			lines = append(lines, strings.TrimSpace("- "+p.name+": "+p.typ)+" "+p.at)
		case p.typ != q.typ:
			lines = append(lines, fmt.Sprintf("~ %s: %s, then %s", p.name, p.typ, q.typ))
		case p.at != q.at:
			lines = append(lines, fmt.Sprintf("~ %s: %s, then %s", p.name, p.at, q.at))
		}
	}
	lines = append(lines, run.lines()...)
	for _, p := range g.parts {
		if !ours[p.name] {
			lines = append(lines, strings.TrimSpace("+ "+p.name+": "+p.typ)+" "+p.at)
		}
	}
	return lines
}

// moved are parts, one after the other, that moved by the same number of bytes.
type moved struct{ from, to []part }

func (m *moved) add(p, q part) bool {
	if n := len(m.from); n > 0 && q.off-p.off != m.to[0].off-m.from[0].off {
		return false
	}
	m.from, m.to = append(m.from, p), append(m.to, q)
	return true
}

func (m *moved) lines() (lines []string) {
	n := len(m.from)
	if n > 3 {
		by := m.to[0].off - m.from[0].off
		return []string{fmt.Sprintf("~ %s to %s, %d members: moved by %+d, to %s", m.from[0].name, m.from[n-1].name, n, by, m.to[0].at)}
	}
	for i := range n {
		lines = append(lines, fmt.Sprintf("~ %s: %s, then %s", m.from[i].name, m.from[i].at, m.to[i].at))
	}
	return lines
}

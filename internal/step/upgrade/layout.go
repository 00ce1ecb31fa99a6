package upgrade

import (
	"fmt"
	"strings"

	"github.com/skepbpf/skep/btf"
)

// Bounds of a walk through types: hostile BTF nests and repeats without end.
const (
	maxDepth  = 32
	maxSteps  = 1 << 12
	maxFields = 1 << 10
)

// class is what a value of a type is to those who read it.
type class uint8

const (
	other class = iota
	integer
	float
	pointer
	array
	structure
	union
)

func classOf(t btf.Type) class {
	switch t.Kind() {
	case btf.KindInt, btf.KindEnum, btf.KindEnum64:
		return integer
	case btf.KindFloat:
		return float
	case btf.KindPtr:
		return pointer
	case btf.KindArray:
		return array
	case btf.KindStruct, btf.KindDatasec:
		return structure
	case btf.KindUnion:
		return union
	}
	return other
}

// resolve follows modifiers, and a variable to its type.
func resolve(s *btf.Spec, id btf.ID) (btf.Type, bool) {
	t, ok := s.Strip(id)
	if ok && t.Kind() == btf.KindVar {
		t, ok = s.Strip(t.Target())
	}
	return t, ok
}

// field is a member of a struct or union, or a variable of a section.
type field struct {
	name      string
	typ       btf.ID
	off, bits uint32 // bits
}

func fields(t btf.Type) []field {
	fs := make([]field, 0, t.Vlen())
	for i := range t.Vlen() {
		if t.Kind() == btf.KindDatasec {
			v := t.SecVar(i)
			name := ""
			if vt, ok := t.Spec().Type(v.Type); ok {
				name = vt.Name()
			}
			fs = append(fs, field{name, v.Type, v.Offset * 8, 0})
			continue
		}
		m := t.Member(i)
		fs = append(fs, field{m.Name, m.Type, m.Offset, m.BitSize})
	}
	return fs
}

// find gives the field of f's name, or of those without one the nth.
func find(fs []field, name string, nth int) (field, bool) {
	for _, f := range fs {
		if f.name == name {
			if nth == 0 {
				return f, true
			}
			nth--
		}
	}
	return field{}, false
}

//go:noinline
func join(path, name string) string {
	switch {
	case name == "":
		name = "(unnamed)"
		fallthrough
	case path != "":
		return strings.TrimPrefix(path+"."+name, ".")
	}
	return name
}

// shapes compares two types as memory: what lies where. Names do not matter,
// except that a member may not be where another one of its struct was.
type shapes struct {
	want, have *btf.Spec
	left       int // steps
}

// differ gives the first place in which they differ, as a prefix to say, and
// what is there in each; equal texts if they do not.
func (s *shapes) differ(want, have btf.ID, path string, depth int) (at, w, h string) {
	if path != "" {
		at = "member " + path + ": "
	}
	if s.left--; s.left < 0 || depth > maxDepth {
		return at, "", "" // too large to tell: sizes have to do
	}
	wt, ok1 := resolve(s.want, want)
	ht, ok2 := resolve(s.have, have)
	if !ok1 || !ok2 {
		return at, "", ""
	}
	c := classOf(wt)
	wn, _ := s.want.Sizeof(wt.ID())
	hn, _ := s.have.Sizeof(ht.ID())
	if c != classOf(ht) || wn != hn {
		return at, describe(wt, wn), describe(ht, hn)
	}
	switch c {
	case array:
		if length(wt) != length(ht) {
			return at, describe(wt, wn), describe(ht, hn)
		}
		return s.differ(wt.Target(), ht.Target(), path+"[]", depth+1)
	case structure, union:
		return s.members(wt, ht, path, depth)
	}
	return at, "", ""
}

func (s *shapes) members(wt, ht btf.Type, path string, depth int) (at, w, h string) {
	if wt.Vlen() > maxFields || ht.Vlen() > maxFields {
		s.left = -1
		return "", "", ""
	}
	wf, hf := fields(wt), fields(ht)
	for i := range max(len(wf), len(hf)) {
		switch {
		case i >= len(wf):
			return "", "nothing at byte " + fmt.Sprint(hf[i].off/8), "member " + join(path, hf[i].name)
		case i >= len(hf):
			return "", "member " + join(path, wf[i].name), "nothing at byte " + fmt.Sprint(wf[i].off/8)
		}
		a, b := wf[i], hf[i]
		_, moved := find(hf, a.name, 0)
		if a.name != b.name && a.name != "" && moved || a.off != b.off || a.bits != b.bits {
			return "", "member " + join(path, a.name) + place(a), "member " + join(path, b.name) + place(b)
		}
		if at, w, h = s.differ(a.typ, b.typ, join(path, a.name), depth+1); w != h {
			return at, w, h
		}
	}
	return "", "", ""
}

// place is where a field is.
func place(f field) string {
	if f.bits != 0 {
		return fmt.Sprintf(" at bit %d", f.off)
	}
	return fmt.Sprintf(" at byte %d", f.off/8)
}

func length(t btf.Type) uint32 {
	_, _, n := t.Array()
	return n
}

//go:noinline
func describe(t btf.Type, size uint32) string {
	return fmt.Sprintf("%s (%d bytes)", t, size)
}

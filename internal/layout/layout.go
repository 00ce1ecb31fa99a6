// Package layout compares a Go type with a BTF type, once, so that memory of
// the Go type can stand for memory of the C type from then on.
//
// The rules. Names do not matter; sizes, offsets and kinds do.
//
//   - INT and ENUM: a Go integer of that size, signed or not: C sources mix
//     __u32, int and enum for one thing. A one-byte INT may be a bool, and one
//     of 16 bytes an array of that size.
//   - FLOAT: a Go float of that size.
//   - PTR: uint64 (or int64). The kernel's addresses are no Go pointers.
//   - ARRAY: a Go array of the same length and agreeing elements.
//   - STRUCT: a Go struct whose fields lie where the members do. A blank field
//     may cover members nobody wants. Members of an anonymous struct may be
//     fields of the outer Go struct. Bitfields are read through an integer
//     that covers them.
//   - UNION: a Go type of the same size that agrees with a member.
//   - STRUCT, UNION and ARRAY: an array of bytes of the same size will do.
package layout

import (
	"fmt"
	"reflect"

	"github.com/skepbpf/skep/btf"
)

// Error is the first difference between a Go type and a C type.
type Error struct {
	Path   string // Go field, such as "Stats.Max[]"; "" is the type itself
	Go, C  string // the two types, or what stands in their place
	GoOff  int    // bytes from the start of the Go type; -1 if there is no such field
	COff   int    // bytes from the start of the C type; -1 if there is no such member
	Reason string
}

func (e *Error) Error() string {
	what := "type"
	if e.Path != "" {
		what = "field " + e.Path
	}
	return fmt.Sprintf("%s: %s (Go %s%s, C %s%s)", what, e.Reason, e.Go, at(e.GoOff), e.C, at(e.COff))
}

func at(off int) string {
	if off < 0 {
		return ""
	}
	return fmt.Sprintf(" at offset %d", off)
}

// Check reports the first way in which t cannot stand for the type id of s; it
// is an *Error.
func Check(t reflect.Type, s *btf.Spec, id btf.ID) error {
	if t == nil {
		return &Error{"", "nil", describe(s, id), -1, -1, "no Go type"}
	}
	c := checker{s: s, left: maxVisits}
	if e := c.check(t, id, place{}); e != nil {
		return e
	}
	return nil
}

// place is where the checker is.
type place struct {
	path string
	g, c int // offsets in Go and in C
}

func (p place) field(name string, g, c int) place {
	if p.path != "" {
		name = p.path + "." + name
	}
	return place{name, p.g + g, p.c + c}
}

// maxVisits bounds the types and members looked at. C types of a few bytes that
// hold each other twice, forty levels deep, have more members than there is
// time for; those that people write have hundreds.
const maxVisits = 1 << 12

// checker walks both types; the Go type is finite, and left counts down.
type checker struct {
	s    *btf.Spec
	left int
}

// spend counts one visit; false if there were too many.
func (c *checker) spend() bool {
	c.left--
	return c.left >= 0
}

func (c *checker) differ(t reflect.Type, id btf.ID, p place, format string, args ...any) *Error {
	return &Error{p.path, t.String(), describe(c.s, id), p.g, p.c, fmt.Sprintf(format, args...)}
}

func (c *checker) check(t reflect.Type, id btf.ID, p place) *Error {
	if !c.spend() {
		return c.differ(t, id, p, "the C type has too many parts")
	}
	ct, ok := c.s.Strip(id)
	if !ok {
		return c.differ(t, id, p, "no such C type")
	}
	size, err := c.s.Sizeof(id)
	if err != nil {
		return c.differ(t, id, p, "the C type has no size")
	}
	if isBytes(t) && isCompound(ct.Kind()) && uint64(t.Size()) == uint64(size) {
		return nil
	}
	switch ct.Kind() {
	case btf.KindInt, btf.KindEnum, btf.KindEnum64:
		return c.integer(t, ct, id, size, p)
	case btf.KindFloat:
		if k := t.Kind(); k != reflect.Float32 && k != reflect.Float64 {
			return c.differ(t, id, p, "not a float")
		}
	case btf.KindPtr:
		if k := t.Kind(); k != reflect.Uint64 && k != reflect.Int64 {
			return c.differ(t, id, p, "a kernel pointer is a uint64")
		}
	case btf.KindArray:
		return c.array(t, ct, id, p)
	case btf.KindStruct:
		return c.structure(t, ct, id, size, p)
	case btf.KindUnion:
		return c.union(t, ct, id, size, p)
	default:
		return c.differ(t, id, p, "values of a C %v cannot be stored", ct.Kind())
	}
	return c.sameSize(t, id, size, p)
}

func (c *checker) sameSize(t reflect.Type, id btf.ID, size uint32, p place) *Error {
	if uint64(t.Size()) != uint64(size) {
		return c.differ(t, id, p, "%d bytes in Go, %d in C", t.Size(), size)
	}
	return nil
}

func (c *checker) integer(t reflect.Type, ct btf.Type, id btf.ID, size uint32, p place) *Error {
	switch k := t.Kind(); {
	case k == reflect.Bool && ct.Kind() == btf.KindInt && size == 1:
		return nil
	case k >= reflect.Int8 && k <= reflect.Int64, k >= reflect.Uint8 && k <= reflect.Uint64:
		return c.sameSize(t, id, size, p)
	case k == reflect.Array && size == 16 && isInteger(t.Elem().Kind()):
		return c.sameSize(t, id, size, p) // __int128 has no Go type
	case k == reflect.Int || k == reflect.Uint || k == reflect.Uintptr:
		return c.differ(t, id, p, "%v has no fixed size", t)
	}
	return c.differ(t, id, p, "not an integer")
}

func (c *checker) array(t reflect.Type, ct btf.Type, id btf.ID, p place) *Error {
	if t.Kind() != reflect.Array {
		return c.differ(t, id, p, "not an array")
	}
	elem, _, n := ct.Array()
	if uint64(t.Len()) != uint64(n) {
		return c.differ(t, id, p, "%d elements in Go, %d in C", t.Len(), n)
	}
	if n == 0 {
		return nil
	}
	p.path += "[]"
	return c.check(t.Elem(), elem, p)
}

func (c *checker) union(t reflect.Type, ct btf.Type, id btf.ID, size uint32, p place) *Error {
	if e := c.sameSize(t, id, size, p); e != nil {
		return e
	}
	for i := range ct.Vlen() {
		if c.check(t, ct.Member(i).Type, p) == nil {
			return nil
		}
		if c.left < 0 {
			break
		}
	}
	return c.differ(t, id, p, "no member of the union is like this; [%d]byte would do", size)
}

func isInteger(k reflect.Kind) bool {
	return k >= reflect.Int8 && k <= reflect.Int64 || k >= reflect.Uint8 && k <= reflect.Uint64
}

func isBytes(t reflect.Type) bool {
	return t.Kind() == reflect.Array && t.Elem().Kind() == reflect.Uint8
}

func isCompound(k btf.Kind) bool {
	return k == btf.KindStruct || k == btf.KindUnion || k == btf.KindArray
}

// describe names a C type for an error.
func describe(s *btf.Spec, id btf.ID) string {
	t, ok := s.Type(id)
	if !ok {
		return fmt.Sprintf("type %d", id)
	}
	prefix := map[btf.Kind]string{btf.KindStruct: "struct ", btf.KindUnion: "union ",
		btf.KindEnum: "enum ", btf.KindEnum64: "enum "}[t.Kind()]
	switch {
	case t.Name() != "":
		return prefix + t.Name()
	case prefix != "":
		return "anonymous " + prefix[:len(prefix)-1]
	case t.Kind() == btf.KindPtr:
		return "pointer"
	case t.Kind() == btf.KindArray:
		elem, _, n := t.Array()
		if e, ok := s.Type(elem); ok && e.Name() != "" {
			return fmt.Sprintf("%s[%d]", e.Name(), n)
		}
		return fmt.Sprintf("array of %d", n)
	}
	if st, ok := s.Strip(id); ok && st.ID() != id {
		return describe(s, st.ID())
	}
	return fmt.Sprint(t.Kind())
}

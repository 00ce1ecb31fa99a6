package layout

import (
	"fmt"
	"reflect"

	"github.com/skepbpf/skep/btf"
)

// member is a C member with its place in the struct the Go type stands for.
type member struct {
	name     string
	id       btf.ID
	off, end int // bytes; a bitfield's cover all bytes it touches
	bits     bool
	opaque   bool // an anonymous struct or union
}

// structure checks fields and members side by side, in order of offset.
func (c *checker) structure(t reflect.Type, ct btf.Type, id btf.ID, size uint32, p place) *Error {
	if t.Kind() != reflect.Struct {
		return c.differ(t, id, p, "not a struct")
	}
	ms, e := c.members(t, ct, id, p, 0, 0, nil)
	if e != nil {
		return e
	}
	w := walk{c: c, t: t, id: id, p: p, ms: ms}
	for i := range t.NumField() {
		if e := w.field(t.Field(i)); e != nil {
			return e
		}
	}
	if len(w.ms) > 0 && w.ms[0].off >= w.covered {
		return w.missing(int(t.Size()))
	}
	return c.sameSize(t, id, size, p)
}

// nested bounds anonymous structs in anonymous structs: their depth is the
// input's, and not the Go type's.
const nested = 32

// members lists what ct holds, with anonymous structs opened unless the Go
// struct has one field in their place.
func (c *checker) members(t reflect.Type, ct btf.Type, id btf.ID, p place, base, depth int, ms []member) ([]member, *Error) {
	if depth > nested {
		return nil, c.differ(t, id, p, "anonymous structs nested too deep")
	}
	for i := range ct.Vlen() {
		if !c.spend() {
			return nil, c.differ(t, id, p, "the C type has too many parts")
		}
		m := ct.Member(i)
		if m.BitSize != 0 {
			from := base + int(m.Offset/8)
			ms = append(ms, member{m.Name, m.Type, from, base + int((m.Offset+m.BitSize+7)/8), true, false})
			continue
		}
		off := base + int(m.Offset/8)
		n, err := c.s.Sizeof(m.Type)
		if err != nil {
			return nil, c.differ(t, m.Type, p.field(m.Name, off, off), "the C member has no size")
		}
		if n == 0 {
			continue // a flexible array
		}
		mt, _ := c.s.Strip(m.Type)
		if m.Name == "" && mt.Kind() == btf.KindStruct && !whole(t, off, int(n)) {
			var e *Error
			if ms, e = c.members(t, mt, m.Type, p, off, depth+1, ms); e != nil {
				return nil, e
			}
			continue
		}
		ms = append(ms, member{m.Name, m.Type, off, off + int(n), false, m.Name == ""})
	}
	return ms, nil
}

// whole reports whether t has one struct or byte array at off of n bytes.
func whole(t reflect.Type, off, n int) bool {
	for i := range t.NumField() {
		f := t.Field(i)
		if int(f.Offset) == off && int(f.Type.Size()) == n && (f.Type.Kind() == reflect.Struct || isBytes(f.Type)) {
			return true
		}
	}
	return false
}

// walk is the state of one struct's comparison.
type walk struct {
	c       *checker
	t       reflect.Type
	id      btf.ID
	p       place
	ms      []member // not yet matched
	covered int      // Go bytes up to here are taken care of
}

func (w *walk) field(f reflect.StructField) *Error {
	off, end := int(f.Offset), int(f.Offset+f.Type.Size())
	if off == end {
		return nil
	}
	if f.Name == "_" {
		// The user chose not to see these bytes.
		if len(w.ms) > 0 && w.ms[0].off < off {
			return w.missing(off)
		}
		for len(w.ms) > 0 && w.ms[0].end <= end {
			w.ms = w.ms[1:]
		}
		w.covered = end
		return nil
	}
	p := w.p.field(f.Name, off, off)
	if len(w.ms) == 0 {
		return &Error{p.path, f.Type.String(), "nothing", p.g, -1, "no C member is left for it"}
	}
	m := w.ms[0]
	if m.bits {
		return w.bits(f, p, off, end)
	}
	if m.off != off {
		p.c = w.p.c + m.off
		return w.c.differ(f.Type, m.id, p, "offset %d in Go, %d in C (member %s)", off, m.off, m.label())
	}
	w.ms, w.covered = w.ms[1:], end
	return w.c.check(f.Type, m.id, p)
}

// bits lets an integer stand for all the bitfields within its bytes.
func (w *walk) bits(f reflect.StructField, p place, off, end int) *Error {
	if m := w.ms[0]; !isInteger(f.Type.Kind()) || m.off < off || m.end > end {
		p.c = w.p.c + m.off
		return w.c.differ(f.Type, m.id, p, "bitfield %s needs an integer that covers it", m.label())
	}
	for len(w.ms) > 0 && w.ms[0].bits && w.ms[0].end <= end {
		w.ms = w.ms[1:]
	}
	w.covered = end
	return nil
}

// missing is the error for a C member that no field covers.
func (w *walk) missing(goOff int) *Error {
	m := w.ms[0]
	p := w.p.field(m.label(), 0, m.off)
	return &Error{p.path, "nothing", describe(w.c.s, m.id), w.p.g + goOff, p.c,
		fmt.Sprintf("C member %s has no Go field", m.label())}
}

func (m member) label() string {
	if m.name == "" {
		return "(anonymous)"
	}
	return m.name
}

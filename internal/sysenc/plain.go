package sysenc

import (
	"fmt"
	"reflect"
)

// Layout is what must be known of a Go type before its memory may be handed to
// the kernel or laid over memory the kernel filled.
type Layout struct {
	Size int   // bytes
	gaps []gap // padding, ascending, not touching each other
}

type gap struct{ off, n int }

// Padded reports whether some bytes of the type belong to no named field.
func (l *Layout) Padded() bool { return len(l.gaps) > 0 }

// Clear zeroes the padding of the values in b: Go leaves it undefined, and the
// kernel compares and stores keys and values with it.
func (l *Layout) Clear(b []byte) {
	for base := 0; l.Size > 0 && base+l.Size <= len(b); base += l.Size {
		for _, g := range l.gaps {
			clear(b[base+g.off : base+g.off+g.n])
		}
	}
}

// PlainError says why values of a type have no fixed bytes.
type PlainError struct {
	Type reflect.Type // the type asked about
	Path string       // field or element at fault, or ""
	Msg  string
}

func (e *PlainError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("type %v: %s", e.Type, e.Msg)
	}
	return fmt.Sprintf("type %v: field %s: %s", e.Type, e.Path, e.Msg)
}

// LayoutOf checks that t is plain: integers of fixed size, floats, bools, and
// arrays and structs of them. Blank fields count as padding. int, uint and
// uintptr are refused, because their size is the machine's and not the kernel's.
func LayoutOf(t reflect.Type) (*Layout, error) {
	if t == nil {
		return nil, &PlainError{t, "", "nil has no size"}
	}
	l := &Layout{Size: int(t.Size())}
	if path, msg := l.walk(t, 0, ""); msg != "" {
		return nil, &PlainError{t, path, msg}
	}
	return l, nil
}

// walk appends the gaps of t at off, or returns the path and fault of the
// first part that is not plain.
func (l *Layout) walk(t reflect.Type, off int, path string) (string, string) {
	switch t.Kind() {
	case reflect.Bool, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64,
		reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
		return "", ""
	case reflect.Int, reflect.Uint, reflect.Uintptr:
		return path, fmt.Sprintf("%v has no fixed size: use one that names it, such as uint64", t)
	case reflect.Array:
		return l.walkArray(t, off, path)
	case reflect.Struct:
		return l.walkStruct(t, off, path)
	}
	return path, fmt.Sprintf("%v holds a pointer", t)
}

func (l *Layout) walkArray(t reflect.Type, off int, path string) (string, string) {
	// The gaps of one element, repeated.
	size := int(t.Elem().Size())
	elem := Layout{Size: size}
	if p, msg := elem.walk(t.Elem(), 0, path+"[]"); msg != "" {
		return p, msg
	}
	if len(elem.gaps) == 0 {
		return "", ""
	}
	for i := range t.Len() {
		for _, g := range elem.gaps {
			l.gap(off+i*size+g.off, off+i*size+g.off+g.n)
		}
	}
	return "", ""
}

func (l *Layout) walkStruct(t reflect.Type, off int, path string) (string, string) {
	end := off
	for i := range t.NumField() {
		f := t.Field(i)
		at := off + int(f.Offset)
		l.gap(end, at)
		end = at + int(f.Type.Size())
		name := f.Name
		if path != "" {
			name = path + "." + name
		}
		if f.Name == "_" {
			if p, msg := new(Layout).walk(f.Type, at, name); msg != "" {
				return p, msg
			}
			l.gap(at, end)
			continue
		}
		if p, msg := l.walk(f.Type, at, name); msg != "" {
			return p, msg
		}
	}
	l.gap(end, off+int(t.Size()))
	return "", ""
}

// gap adds the bytes [from, to).
func (l *Layout) gap(from, to int) {
	if from >= to {
		return
	}
	if n := len(l.gaps); n > 0 && l.gaps[n-1].off+l.gaps[n-1].n == from {
		l.gaps[n-1].n += to - from
		return
	}
	l.gaps = append(l.gaps, gap{from, to - from})
}

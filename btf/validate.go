package btf

import (
	"fmt"
	"math"

	"github.com/skepbpf/skep/internal/bin"
)

// validator checks the types of one blob. What it lets pass can be read
// without further checks: every id and string offset exists, and following
// references ends unless a pointer is on the way. It does not judge whether
// the kernel would take the types: libbpf loads objects whose BTF it refuses.
type validator struct {
	s   *Spec
	ids uint32 // ids below this exist
	str uint32 // string offsets below this exist
	t   Type   // the type being checked
	err error
}

// checks holds what each kind needs beyond a valid name.
var checks = [kindCount]func(*validator, Type){
	KindPtr:       checkRef,
	KindArray:     checkArray,
	KindStruct:    checkMembers,
	KindUnion:     checkMembers,
	KindEnum:      checkEnum,
	KindEnum64:    checkEnum,
	KindTypedef:   checkRef,
	KindVolatile:  checkRef,
	KindConst:     checkRef,
	KindRestrict:  checkRef,
	KindTypeTag:   checkRef,
	KindDeclTag:   checkRef,
	KindVar:       checkRef,
	KindFunc:      checkFunc,
	KindFuncProto: checkProto,
	KindDatasec:   checkDatasec,
}

func (s *Spec) validate() error {
	v := validator{s: s, ids: uint32(s.Len()), str: s.strEnd()}
	off := uint32(0)
	for i := range s.index.n {
		v.t = s.at(s.first+ID(i), off)
		v.checkStr(v.t.name, "name")
		if k := v.t.Kind(); k < kindCount && checks[k] != nil {
			checks[k](&v, v.t)
		}
		if v.err != nil {
			return v.err
		}
		off += s.recordLen(off)
	}
	return nil
}

func (v *validator) failf(format string, args ...any) {
	if v.err == nil {
		v.err = v.s.typeErrorf(v.t, format, args...)
	}
}

// typeErrorf is a format error at the record of t.
func (s *Spec) typeErrorf(t Type, format string, args ...any) error {
	return bin.Errorf(section, s.typeAt(t.off-typeSize), "type %d (%s): %s", t.id, t.Kind(), fmt.Sprintf(format, args...))
}

func (v *validator) checkID(id ID, what string) {
	if uint32(id) >= v.ids {
		v.failf("%s is type %d of %d", what, id, v.ids)
	}
}

func (v *validator) checkStr(off uint32, what string) {
	if off >= v.str && off != 0 {
		v.failf("%s at string offset %#x of %#x", what, off, v.str)
	}
}

func checkRef(v *validator, t Type) { v.checkID(t.ref(), "target") }

func checkArray(v *validator, t Type) {
	elem, index, _ := t.rawArray()
	v.checkID(elem, "element")
	v.checkID(index, "index")
}

func checkMembers(v *validator, t Type) {
	for i := 0; v.err == nil && i < int(t.vlen()); i++ {
		m, _ := t.rawMember(i)
		v.checkStr(m.name, "member name")
		v.checkID(m.typ, "member")
	}
}

func checkEnum(v *validator, t Type) {
	for i := 0; v.err == nil && i < int(t.vlen()); i++ {
		name, _, _ := t.rawEnum(i)
		v.checkStr(name, "value name")
	}
}

func checkFunc(v *validator, t Type) {
	v.checkID(t.ref(), "target")
	if v.err != nil {
		return
	}
	if to, ok := v.s.typ(t.ref()); !ok || to.Kind() != KindFuncProto {
		v.failf("target %d is no func_proto", t.ref())
	}
}

func checkProto(v *validator, t Type) {
	v.checkID(t.ref(), "result")
	for i := 0; v.err == nil && i < int(t.vlen()); i++ {
		name, typ, _ := t.rawParam(i)
		v.checkStr(name, "parameter name")
		v.checkID(typ, "parameter")
	}
}

func checkDatasec(v *validator, t Type) {
	for i := 0; v.err == nil && i < int(t.vlen()); i++ {
		v.checkID(ID(v.s.wordAt(t.off, uint32(i)*3)), "variable")
	}
}

// walk is a depth-first pass that finds loops no pointer breaks and sizes of
// arrays that do not fit 32 bits. It keeps 5 bytes for a type and 8 for one on
// the way, so memory stays below the blob's size.
type walk struct {
	s     *Spec
	ptr   uint32
	state []uint8 // of own types
	size  []uint32
	path  []frame
}

type frame struct{ id, next uint32 }

const (
	unseen = iota
	onPath
	done
)

func (s *Spec) checkLoops() error {
	n := s.index.n
	w := walk{s: s, ptr: s.pointerSize(), state: make([]uint8, n), size: make([]uint32, n)}
	for i := range n {
		if w.state[i] != unseen {
			continue
		}
		if err := w.from(i); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) from(i uint32) error {
	w.path = append(w.path[:0], frame{i, 0})
	w.state[i] = onPath
	for len(w.path) > 0 {
		f := &w.path[len(w.path)-1]
		t, _ := w.s.typ(w.s.first + ID(f.id))
		to, more := edge(t, f.next)
		f.next++
		switch {
		case !more:
			if err := w.finish(t); err != nil {
				return err
			}
			w.state[f.id] = done
			w.path = w.path[:len(w.path)-1]
		case to < w.s.first: // void, or the base's
		case w.state[to-w.s.first] == onPath:
			return w.s.typeErrorf(t, "contains itself through type %d", to)
		case w.state[to-w.s.first] == unseen:
			w.state[to-w.s.first] = onPath
			w.path = append(w.path, frame{uint32(to - w.s.first), 0})
		}
	}
	return nil
}

// edge is the i-th type that t contains or stands for; a pointer has none.
func edge(t Type, i uint32) (ID, bool) {
	switch k := t.Kind(); k {
	case KindStruct, KindUnion:
		m, ok := t.rawMember(int(i))
		return m.typ, ok
	case KindDatasec:
		return ID(t.s.wordAt(t.off, i*3)), i < t.vlen()
	case KindArray:
		elem, _, _ := t.rawArray()
		return elem, i == 0
	case KindFuncProto:
		if i > 0 {
			_, typ, ok := t.rawParam(int(i - 1))
			return typ, ok
		}
		return t.ref(), true
	case KindPtr:
		return 0, false
	default:
		return t.ref(), i == 0 && k < kindCount && kinds[k].use == aType
	}
}

// finish computes the size of t, whose parts are done.
func (w *walk) finish(t Type) error {
	size := uint64(0)
	switch k := t.Kind(); {
	case k == KindPtr:
		size = uint64(w.ptr)
	case k == KindArray:
		elem, _, n := t.rawArray()
		if size = w.sizeOf(elem) * uint64(n); size > math.MaxUint32 {
			return w.s.typeErrorf(t, "%d elements of %d bytes are too large", n, w.sizeOf(elem))
		}
	case modifiers.has(k):
		size = w.sizeOf(t.ref())
	case k < kindCount && kinds[k].use == aSize:
		size = uint64(t.size)
	}
	w.size[t.id-w.s.first] = uint32(size)
	return nil
}

func (w *walk) sizeOf(id ID) uint64 {
	if id >= w.s.first {
		return uint64(w.size[id-w.s.first])
	}
	n, err := w.s.sizeof(id, w.ptr)
	if err != nil {
		return 0
	}
	return uint64(n)
}

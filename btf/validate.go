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

// validate checks all types. Those that lead to no others are done for w.
func (s *Spec) validate(w *walk) error {
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
		if _, _, n := edges(v.t); n == 0 {
			w.finish(v.t) // no error: it has no elements
			w.state[i] = done
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

// checkID and checkStr are inlined; what they say is not.
func (v *validator) checkID(id ID, what string) {
	if uint32(id) >= v.ids {
		v.badID(id, what)
	}
}

func (v *validator) checkStr(off uint32, what string) {
	if off >= v.str && off != 0 {
		v.badStr(off, what)
	}
}

func (v *validator) badID(id ID, what string) {
	v.failf("%s is type %d of %d", what, id, v.ids)
}

func (v *validator) badStr(off uint32, what string) {
	v.failf("%s at string offset %#x of %#x", what, off, v.str)
}

// elems is what follows the common bytes of t, whose kind has elements.
func (v *validator) elems(t Type) (b []byte, size int) {
	size = int(kinds[t.Kind()].elem)
	return v.s.types[t.off:][:size*int(t.vlen())], size
}

func checkRef(v *validator, t Type) { v.checkID(t.ref(), "target") }

func checkArray(v *validator, t Type) {
	elem, index, _ := t.rawArray()
	v.checkID(elem, "element")
	v.checkID(index, "index")
}

func checkMembers(v *validator, t Type) {
	for b, size := v.elems(t); v.err == nil && len(b) > 0; b = b[size:] {
		v.checkStr(v.s.u32(b), "member name")
		v.checkID(ID(v.s.u32(b[4:])), "member")
	}
}

func checkEnum(v *validator, t Type) {
	for b, size := v.elems(t); v.err == nil && len(b) > 0; b = b[size:] {
		v.checkStr(v.s.u32(b), "value name")
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
	for b, size := v.elems(t); v.err == nil && len(b) > 0; b = b[size:] {
		v.checkStr(v.s.u32(b), "parameter name")
		v.checkID(ID(v.s.u32(b[4:])), "parameter")
	}
}

func checkDatasec(v *validator, t Type) {
	for b, size := v.elems(t); v.err == nil && len(b) > 0; b = b[size:] {
		v.checkID(ID(v.s.u32(b)), "variable")
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

func (s *Spec) newWalk() *walk {
	n := s.index.n
	return &walk{s: s, ptr: s.pointerSize(), state: make([]uint8, n), size: make([]uint32, n)}
}

func (w *walk) checkLoops() error {
	for i := range uint32(len(w.state)) {
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
		to, more := w.next(t, f)
		switch {
		case !more:
			if err := w.finish(t); err != nil {
				return err
			}
			w.state[f.id] = done
			w.path = w.path[:len(w.path)-1]
		case w.state[to] == onPath:
			return w.s.typeErrorf(t, "contains itself through type %d", w.s.first+ID(to))
		default:
			w.state[to] = onPath
			w.path = append(w.path, frame{to, 0})
		}
	}
	return nil
}

// next is the next type, counted from the first own one, that t contains or
// stands for and that is not done; void and the base's are.
func (w *walk) next(t Type, f *frame) (uint32, bool) {
	at, stride, n := edges(t)
	for f.next < n {
		to := w.s.u32(w.s.types[at+f.next*stride:]) - uint32(w.s.first)
		f.next++
		// What lies before the first wraps around.
		if to < uint32(len(w.state)) && w.state[to] != done {
			return to, true
		}
	}
	return 0, false
}

// edges says where the ids of the types that t contains or stands for are in
// its blob: n words, stride bytes apart. A pointer has none.
func edges(t Type) (at, stride, n uint32) {
	switch k := t.Kind(); k {
	case KindStruct, KindUnion:
		return t.off + 4, 12, t.vlen()
	case KindDatasec:
		return t.off, 12, t.vlen()
	case KindArray:
		return t.off, 0, 1
	case KindFuncProto: // the result stands where a type before the first parameter would
		return t.off - 4, 8, t.vlen() + 1
	case KindPtr:
		return 0, 0, 0
	default:
		if k < kindCount && kinds[k].use == aType {
			return t.off - 4, 0, 1
		}
		return 0, 0, 0
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

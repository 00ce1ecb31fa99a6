package btf

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"github.com/skepbpf/skep/internal/bin"
)

// validator checks the types of one blob. What it lets pass can be read
// without further checks: every id and string offset exists, and following
// references ends unless a pointer is on the way. It does not judge whether
// the kernel would take the types: libbpf loads objects whose BTF it refuses.
type validator struct {
	s   *Spec
	ids uint32 // ids below this exist
	str uint32 // string offsets below this exist; 0 is one of them
	id  ID     // of the type being checked
	off uint32 // of its record
	err error
}

// validate checks all types; the index has no gaps. Those that contain no others
// are done for w.
func (s *Spec) validate(w *walk) error {
	v := validator{s: s, ids: uint32(s.Len()), str: max(s.strEnd(), 1)}
	for i, off := range s.index.offs {
		b := s.types[off:][:typeSize:typeSize]
		name, info := v.words(b)
		ref := ID(word(b[8:], s.hdr.big))
		v.id, v.off = s.first+ID(i), off
		v.checkStr(name, "name")
		k := Kind(info >> 24 & 0x7f)
		if k == KindPtr {
			v.checkID(ref, "target")
		} else if k < kindCount {
			v.check(k, info, ref)
		}
		if v.err != nil {
			return v.err
		}
		if k >= kindCount || ends.has(k) {
			w.state[i] = done
		}
	}
	return nil
}

// check is what a kind needs beyond a valid name; ref is the last of the common
// words.
func (v *validator) check(k Kind, info uint32, ref ID) {
	off, n := v.off+typeSize, info&0xffffff
	switch k {
	case KindStruct, KindUnion:
		v.pairs(off, 12, n, "member")
	case KindTypedef, KindVolatile, KindConst, KindRestrict, KindTypeTag, KindDeclTag, KindVar:
		v.checkID(ref, "target")
	case KindArray:
		v.checkID(ID(v.s.wordAt(off, 0)), "element")
		v.checkID(ID(v.s.wordAt(off, 1)), "index")
	case KindFunc:
		v.checkID(ref, "target")
		if v.err != nil {
			return
		}
		if to, ok := v.s.typ(ref); !ok || to.Kind() != KindFuncProto {
			v.failf("target %d is no func_proto", ref)
		}
	case KindFuncProto:
		v.checkID(ref, "result")
		v.pairs(off, 8, n, "parameter")
	case KindEnum, KindEnum64:
		size := int(kinds[k].elem)
		for b := v.s.types[off:][:size*int(n)]; v.err == nil && len(b) > 0; b = b[size:] {
			v.checkStr(v.s.u32(b), "value name")
		}
	case KindDatasec:
		for b := v.s.types[off:][:12*n]; v.err == nil && len(b) > 0; b = b[12:] {
			v.checkID(ID(v.s.u32(b)), "variable")
		}
	}
}

// pairs checks n elements of so many bytes, each of which begins with a name and
// a type.
func (v *validator) pairs(off uint32, size int, n uint32, what string) {
	b := v.s.types[off:][:size*int(n)]
	for ; len(b) >= size && len(b) >= 8; b = b[size:] {
		name, typ := v.words(b)
		if name >= v.str || typ >= v.ids {
			v.checkStr(name, what+" name")
			v.checkID(ID(typ), what)
			return
		}
	}
}

func (v *validator) failf(format string, args ...any) {
	if v.err == nil {
		v.err = v.s.typeErrorf(v.s.at(v.id, v.off), format, args...)
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
	if off >= v.str {
		v.badStr(off, what)
	}
}

//go:noinline
func (v *validator) badID(id ID, what string) {
	v.failf("%s is type %d of %d", what, id, v.ids)
}

//go:noinline
func (v *validator) badStr(off uint32, what string) {
	v.failf("%s at string offset %#x of %#x", what, off, v.str)
}

// words are the first two of b.
func (v *validator) words(b []byte) (uint32, uint32) {
	x := binary.LittleEndian.Uint64(b)
	if v.s.hdr.big {
		x = bits.ReverseBytes64(x)
		return uint32(x >> 32), uint32(x)
	}
	return uint32(x), uint32(x >> 32)
}

// walk is a depth-first pass that finds loops no pointer breaks and sizes of
// arrays that do not fit 32 bits. It keeps a byte for a type and 20 for one on
// the way.
type walk struct {
	s     *Spec
	state []uint8 // of own types
	path  []frame
}

// frame is a type on the way, by its place in the index, and where the ids are of
// the types that it contains or stands for and that were not looked at yet.
type frame struct {
	i, at, stride, left uint32
	array               bool
}

const (
	unseen = iota
	onPath
	done
)

func (s *Spec) newWalk() *walk { return &walk{s: s, state: make([]uint8, s.index.n)} }

func (w *walk) checkLoops() error {
	for i, state := range w.state {
		if state != done {
			w.enter(uint32(i))
			if err := w.run(); err != nil {
				return err
			}
		}
	}
	return nil
}

// enter puts a type on the path.
func (w *walk) enter(i uint32) {
	w.state[i] = onPath
	s := w.s
	off := s.index.offs[i]
	b := s.types[off:][:typeSize:typeSize]
	info := word(b[4:], s.hdr.big)
	f := frame{i: i, at: off + 8, left: 1} // a reference among the common bytes
	switch Kind(info >> 24 & 0x7f) {
	case KindStruct, KindUnion:
		f.at, f.stride, f.left = off+typeSize+4, 12, info&0xffffff
	case KindDatasec:
		f.at, f.stride, f.left = off+typeSize, 12, info&0xffffff
	case KindArray:
		f.at, f.array = off+typeSize, true
	case KindFuncProto: // the result stands where a type before the first parameter would
		f.stride, f.left = 8, info&0xffffff+1
	}
	w.path = append(w.path, f)
}

// run finishes what is on the path.
func (w *walk) run() error {
	s := w.s
	for len(w.path) > 0 {
		f := &w.path[len(w.path)-1]
		to, more := w.next(f)
		switch {
		case !more:
			if f.array {
				if err := s.checkSize(f.i); err != nil {
					return err
				}
			}
			w.state[f.i] = done
			w.path = w.path[:len(w.path)-1]
		case w.state[to] == onPath:
			t := s.at(s.first+ID(f.i), s.index.offs[f.i])
			return s.typeErrorf(t, "contains itself through type %d", uint32(s.first)+to)
		default:
			w.enter(to)
		}
	}
	return nil
}

// next is the next of f's types that is an own one and not done.
func (w *walk) next(f *frame) (to uint32, more bool) {
	types, state, first, big := w.s.types, w.state, uint32(w.s.first), w.s.hdr.big
	for f.left > 0 {
		to := word(types[f.at:], big) - first
		f.at += f.stride
		f.left--
		// What lies before the first own type wraps around.
		if to < uint32(len(state)) && state[to] != done {
			return to, true
		}
	}
	return 0, false
}

// checkSize refuses an array that is too large; what it holds is done.
func (s *Spec) checkSize(i uint32) error {
	t := s.at(s.first+ID(i), s.index.offs[i])
	elem, _, n := t.rawArray()
	size, err := s.sizeof(elem, 8)
	if err == nil && uint64(size)*uint64(n) <= math.MaxUint32 {
		return nil // with smaller pointers too
	}
	size, err = s.sizeof(elem, 0)
	if err == nil && uint64(size)*uint64(n) > math.MaxUint32 {
		return s.typeErrorf(t, "%d elements of %d bytes are too large", n, size)
	}
	return nil
}

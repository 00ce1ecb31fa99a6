package btf

import (
	"math"

	"github.com/skepbpf/skep/internal/mkerr"
)

// maxDepth bounds the types that a size is sought through, as libbpf does.
const maxDepth = 32

// longNames are the ways to write the type whose size is a pointer's.
var longNames = [...]string{
	"long unsigned int", "long int", "unsigned long", "long", "unsigned long int",
	"int long", "unsigned int long", "long int unsigned", "int unsigned long", "int long unsigned", "long unsigned",
}

// PointerSize is the size of a pointer in bytes, told by that of "long": 8 if
// the blob has none. Objects for BPF always have 8.
func (s *Spec) PointerSize() uint32 {
	if !s.guard.enter() {
		return 8
	}
	defer s.guard.leave()
	return s.pointerSize()
}

func (s *Spec) pointerSize() uint32 {
	for s.base != nil {
		s = s.base
	}
	if n := s.ptr.Load(); n != 0 {
		return uint32(n)
	}
	n := s.sizeOfLong()
	if n == 0 {
		n = 8
	}
	s.ptr.Store(int32(n))
	return n
}

// sizeOfLong is 0 if there is no type of that name.
func (s *Spec) sizeOfLong() uint32 {
	off := uint32(0)
	for i := range s.index.n {
		t := s.at(1+ID(i), off)
		if t.Kind() == KindInt && (t.size == 4 || t.size == 8) {
			for _, name := range longNames {
				if s.equal(t.name, name) {
					return t.size
				}
			}
		}
		off += s.recordLen(off)
	}
	return 0
}

// Sizeof is the size in bytes of a value of that type. Void, functions and
// types whose size does not fit 32 bits are errors.
func (s *Spec) Sizeof(id ID) (uint32, error) {
	if !s.guard.enter() {
		return 0, ErrClosed
	}
	defer s.guard.leave()
	return s.sizeof(id, 0)
}

// sizeof takes the size of a pointer; 0 is one to be found out when it matters.
func (s *Spec) sizeof(id ID, ptr uint32) (uint32, error) {
	t, ok := s.typ(id)
	if !ok {
		return 0, mkerr.Errorf("size of type %d: no such type", id)
	}
	return t.sizeof(ptr)
}

func (t Type) sizeof(ptr uint32) (uint32, error) {
	if sized.has(t.Kind()) {
		return t.size, nil
	}
	if t.Kind() == KindPtr && ptr != 0 {
		return ptr, nil
	}
	return t.sizeofMany(ptr)
}

// sizeofMany is sizeof for types whose size is that of another type.
func (t Type) sizeofMany(ptr uint32) (uint32, error) {
	id, elems := t.id, uint64(1)
	for range maxDepth {
		switch k := t.Kind(); k {
		case KindPtr:
			if ptr == 0 {
				ptr = t.s.pointerSize()
			}
			return mulSize(id, elems, uint64(ptr))
		case KindArray:
			elem, _, n := t.rawArray()
			if elems *= uint64(n); elems > math.MaxUint32 {
				return 0, mkerr.Errorf("size of type %d: array of %d elements is too large", id, elems)
			}
			id = elem
		case KindVoid, KindFunc, KindFuncProto, KindFwd:
			return 0, mkerr.Errorf("size of type %d: %s has none", id, k)
		default:
			if k >= kindCount {
				return 0, mkerr.Errorf("size of type %d: %s is not known", id, k)
			}
			if kinds[k].use == aSize {
				return mulSize(id, elems, uint64(t.size))
			}
			id = ID(t.size)
		}
		var ok bool
		if t, ok = t.s.typ(id); !ok {
			return 0, mkerr.Errorf("size of type %d: no such type", id)
		}
	}
	return 0, mkerr.Errorf("size of type %d: more than %d steps", id, maxDepth)
}

func mulSize(id ID, elems, size uint64) (uint32, error) {
	if n := elems * size; n <= math.MaxUint32 {
		return uint32(n), nil
	}
	return 0, mkerr.Errorf("size of type %d: %d times %d bytes is too large", id, elems, size)
}

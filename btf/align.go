package btf

import "github.com/skepbpf/skep/internal/mkerr"

// Alignof is the alignment in bytes of a value of that type: of a number its
// size, of a struct or union the greatest of its members', but 1 where one of
// them, or the end, lies where only a packed struct has it. Of machines of 32
// bits it is 4 for larger numbers. BTF does not tell of alignment that was
// asked for with an attribute. Void, functions and what is only declared are
// errors.
func (s *Spec) Alignof(id ID) (uint32, error) {
	if !s.guard.enter() {
		return 0, ErrClosed
	}
	defer s.guard.leave()
	a := aligner{ptr: s.pointerSize(), known: make(map[ID]uint32)}
	n, err := a.align(s, id)
	if err != nil {
		return 0, mkerr.Errorf("alignment of type %d: %w", id, err)
	}
	return n, nil
}

type aligner struct {
	ptr   uint32
	known map[ID]uint32 // of structs and unions
	depth int
}

func (a *aligner) align(s *Spec, id ID) (uint32, error) {
	for range maxChain {
		t, ok := s.typ(id)
		if !ok {
			return 0, mkerr.Errorf("no type %d", id)
		}
		switch k := t.Kind(); k {
		case KindPtr:
			return a.ptr, nil
		case KindInt, KindFloat, KindEnum, KindEnum64:
			return numberAlign(t.size, a.ptr), nil
		case KindStruct, KindUnion:
			return a.compound(t)
		case KindArray:
			id, _, _ = t.rawArray()
		case KindTypedef, KindConst, KindVolatile, KindRestrict, KindTypeTag, KindVar:
			id = t.ref()
		default:
			return 0, mkerr.Errorf("%s has none", k)
		}
	}
	return 0, errNested
}

func (a *aligner) compound(t Type) (uint32, error) {
	if n, ok := a.known[t.id]; ok {
		return n, nil
	}
	if a.depth++; a.depth > maxNest {
		return 0, errNested
	}
	a.known[t.id] = 1 // of one that holds itself, as no C type does
	most, packed := uint32(1), false
	for i := range int(t.vlen()) {
		m, _ := t.rawMember(i)
		n, err := a.align(t.s, m.typ)
		if err != nil {
			return 0, err
		}
		most = max(most, n)
		packed = packed || m.bits == 0 && m.offset%(8*n) != 0
	}
	if packed || t.size%most != 0 {
		most = 1
	}
	a.known[t.id] = most
	a.depth--
	return most, nil
}

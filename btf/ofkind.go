package btf

import "iter"

// OfKind visits the own types of these kinds in order of ids, and costs little
// for the others. Like All it copies the kernel's types to the heap first.
func (s *Spec) OfKind(kinds ...Kind) iter.Seq[Type] {
	var want kindSet
	for _, k := range kinds {
		if k < kindCount {
			want |= 1 << k
		}
	}
	return func(yield func(Type) bool) {
		h := s.onHeap()
		if h == nil {
			return
		}
		if h.index.shift != 0 {
			for t := range h.All() {
				if want.has(t.Kind()) && !yield(t) {
					return
				}
			}
			return
		}
		for i := h.nextOf(want, 0); i < h.index.n; i = h.nextOf(want, i+1) {
			if !yield(h.at(h.first+ID(i), h.index.offs[i])) {
				return
			}
		}
	}
}

// nextOf is the number of the first own type from the i-th on of a wanted kind.
func (s *Spec) nextOf(want kindSet, i uint32) uint32 {
	at := uint32(7) // of the byte that holds the kind
	if s.hdr.big {
		at = 4
	}
	for types, offs := s.types, s.index.offs; i < uint32(len(offs)); i++ {
		if want.has(Kind(types[offs[i]+at] & 0x7f)) {
			return i
		}
	}
	return s.index.n
}

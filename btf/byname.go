package btf

import "iter"

// ByName gives the first type of that name and kind, the base's before s's own.
// KindVoid stands for any kind. It reads through all types: Kernel.FindType is
// the quick way for kernel BTF.
func (s *Spec) ByName(name string, k Kind) (Type, bool) {
	if name == "" {
		return Type{}, false
	}
	if s.base != nil {
		if t, ok := s.base.ByName(name, k); ok {
			return t, true
		}
	}
	if !s.guard.enter() {
		return Type{}, false
	}
	defer s.guard.leave()
	return s.byName(name, k, 0, 0)
}

// byName gives the first own type of that name and kind from the i-th on, whose
// record is at off.
func (s *Spec) byName(name string, k Kind, i, off uint32) (Type, bool) {
	for ; i < s.index.n; i++ {
		t := s.at(s.first+ID(i), off)
		if (k == KindVoid || t.Kind() == k) && s.equal(t.name, name) {
			return t, true
		}
		off += s.recordLen(off)
	}
	return Type{}, false
}

// AllByName visits every type of that name and kind, the base's before s's own.
// KindVoid stands for any kind. Names are compared whole: a flavour that CO-RE
// strips ("x___old") is part of them.
func (s *Spec) AllByName(name string, k Kind) iter.Seq[Type] {
	return func(yield func(Type) bool) {
		if name == "" {
			return
		}
		if s.base != nil {
			for t := range s.base.AllByName(name, k) {
				if !yield(t) {
					return
				}
			}
		}
		// The loop may close the kernel: nothing is held while it runs.
		i, off := uint32(0), uint32(0)
		for {
			if !s.guard.enter() {
				return
			}
			t, ok := s.byName(name, k, i, off)
			if ok {
				i, off = uint32(t.id-s.first)+1, t.off-typeSize+s.recordLen(t.off-typeSize)
			}
			s.guard.leave()
			if !ok || !yield(t) {
				return
			}
		}
	}
}

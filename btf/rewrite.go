package btf

import (
	"iter"

	"github.com/skepbpf/skep/internal/mkerr"
)

// Rewritten is BTF whose types got other ids, or whose strings other offsets.
type Rewritten struct {
	Types *Spec
	// Ext is the .BTF.ext that was given along, with the new numbers.
	Ext   []byte
	first ID
	ids   []ID // by the old id, from first on
}

// ID tells where the type of that old id went. Types of the base keep theirs,
// except in what Relocate gives. It is 0 for void and for what did not exist.
func (r *Rewritten) ID(old ID) ID {
	if old < r.first {
		return old
	}
	if i := int(old - r.first); i < len(r.ids) {
		return r.ids[i]
	}
	return 0
}

// assemble is the blob of s with other types and strings: a longer header and a
// layout section stay.
func (s *Spec) assemble(types, layout, strs []byte) []byte {
	h := s.hdr
	out := make([]byte, h.len, int(h.len)+len(types)+len(layout)+len(strs))
	copy(out, s.raw[:h.len])
	var f [6]uint32 // type, string and layout offset and length
	f[0], f[1] = 0, uint32(len(types))
	out = append(out, types...)
	if len(layout) > 0 {
		f[4], f[5] = uint32(len(out))-h.len, uint32(len(layout))
		out = append(out, layout...)
	}
	f[2], f[3] = uint32(len(out))-h.len, uint32(len(strs))
	out = append(out, strs...)
	n := 4
	if h.len >= fullHeader {
		n = 6
	}
	putHeader(out, s.Order(), f[:n])
	return out
}

// checked is s, of the heap, when all that Parse checks holds for it and its
// bases: kernels' types were not checked before.
func (s *Spec) checked() (*Spec, error) {
	h := s.onHeap()
	if h == nil {
		return nil, ErrClosed
	}
	for b := h; b != nil; b = b.base {
		if b.sound {
			continue
		}
		w := b.newWalk()
		if err := b.validate(w); err != nil {
			return nil, err
		}
		if err := w.checkLoops(); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// layout is the layout section of s.
func (s *Spec) layout() []byte { return s.raw[s.hdr.len:][s.hdr.layoutOff:][:s.hdr.layoutN] }

// records calls f with each own type of s as words that f may change, until it
// says no. Kinds that are not known are an error.
func (s *Spec) records(f func(t Type, r record) bool) error {
	var buf []uint32
	off := uint32(0)
	for i := range s.index.n {
		t := s.at(s.first+ID(i), off)
		r, ok := t.record(buf)
		if !ok {
			return mkerr.Errorf("type %d: kind %d is not known", t.id, t.Kind())
		}
		if !f(t, r) {
			return nil
		}
		buf, off = r, off+s.recordLen(off)
	}
	return nil
}

// whole visits all types of s, those of its bases first.
func (s *Spec) whole() iter.Seq[Type] {
	return func(yield func(Type) bool) {
		if s.base != nil {
			for t := range s.base.whole() {
				if !yield(t) {
					return
				}
			}
		}
		for t := range s.All() {
			if !yield(t) {
				return
			}
		}
	}
}

package btf

import (
	"bytes"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/mkerr"
)

// Permute puts the own types of s into another order: order holds all their
// ids, the one that is to come first first. ext is the .BTF.ext that belongs to
// s, or nil.
func Permute(s *Spec, ext []byte, order []ID) (*Rewritten, error) {
	s, err := s.checked()
	if err != nil {
		return nil, mkerr.Wrap("permute BTF: %w", err)
	}
	out := &Rewritten{first: s.first, ids: make([]ID, s.index.n)}
	if len(order) != len(out.ids) {
		return nil, mkerr.Errorf("permute BTF: an order of %d of %d types", len(order), len(out.ids))
	}
	for i, id := range order {
		at := id - s.first
		if id < s.first || int(at) >= len(out.ids) || out.ids[at] != 0 {
			return nil, mkerr.Errorf("permute BTF: type %d in place %d: not of its own, or twice", id, i)
		}
		out.ids[at] = s.first + ID(i)
	}
	types := make([]byte, 0, len(s.types))
	var buf []uint32
	for _, id := range order {
		t, _ := s.typ(id)
		r, ok := t.record(buf)
		if !ok {
			return nil, mkerr.Errorf("permute BTF: type %d: kind %d is not known", id, t.Kind())
		}
		buf = r
		r.eachID(out.ID)
		at := len(types)
		types = growBy(types, 4*len(r))
		putWords(types[at:], r, s.hdr.big)
	}
	if ext != nil {
		same := func(off uint32) (uint32, bool) { return off, true }
		if out.Ext, err = rewriteExt(ext, same, out.ID); err != nil {
			return nil, mkerr.Wrap("permute BTF: %w", err)
		}
	}
	if out.Types, err = parse(s.assemble(types, s.layout(), s.strs), s.base, false); err != nil {
		return nil, mkerr.Wrap("permute BTF: %w", err)
	}
	return out, nil
}

// SortByName orders types as the newest kernels have theirs, so that a name is
// found by halves: first those without a name, then by name as strcmp orders
// them; what is equal stays in its order. ext is as for Permute.
func SortByName(s *Spec, ext []byte) (*Rewritten, error) {
	if s = s.onHeap(); s == nil {
		return nil, ErrClosed
	}
	type named struct {
		name []byte
		id   ID
	}
	list := make([]named, 0, s.index.n)
	for t := range s.All() {
		list = append(list, named{t.nameBytes(), t.id})
	}
	bin.Sort(list, func(a, b *named) bool {
		if c := bytes.Compare(a.name, b.name); c != 0 {
			return c < 0
		}
		return a.id < b.id
	})
	order := make([]ID, len(list))
	for i := range list {
		order[i] = list[i].id
	}
	return Permute(s, ext, order)
}

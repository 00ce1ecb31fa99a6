package btf

import "github.com/skepbpf/skep/internal/mkerr"

// Relocate moves a split whose base was made by Distill onto a full base: that
// of the kernel it is to be used with. Types of the small base are found there
// by kind, name and, where the name is not enough or a struct of the split
// holds them, size. It is an error if one is not found, or more than once. The
// ids of the result tell where all types went, those of the small base too.
func Relocate(split, base *Spec) (*Rewritten, error) {
	if base = base.onHeap(); base == nil {
		return nil, ErrClosed
	}
	split, err := split.checked()
	if err == nil && (split.base == nil || split.base.base != nil) {
		err = ErrNotSplit
	}
	var out *Rewritten
	if err == nil {
		r := relocation{split: split, small: split.base, base: base}
		out, err = r.run()
	}
	if err != nil {
		return nil, mkerr.Wrap("relocate BTF: %w", err)
	}
	return out, nil
}

type relocation struct {
	split, small, base *Spec
	// ids says where each type goes, by its id - 1.
	ids []ID
	// embedded are types of the small base that a struct of the split holds.
	embedded map[ID]bool
	byName   map[string][]ID   // of the small base
	several  map[string]int    // structs and unions of a name in the base
	strs     map[uint32]uint32 // names of the small base: their offsets in the base
}

func (r *relocation) run() (*Rewritten, error) {
	n := ID(r.small.Len())
	r.ids = make([]ID, r.split.Len()-1)
	for id := n; int(id) <= len(r.ids); id++ {
		r.ids[id-1] = id - n + ID(r.base.Len())
	}
	if err := r.collect(); err != nil {
		return nil, err
	}
	if err := r.findEmbedded(); err != nil {
		return nil, err
	}
	if err := r.match(); err != nil {
		return nil, err
	}
	for id := ID(1); id < n; id++ {
		if r.ids[id-1] == 0 {
			t, _ := r.small.typ(id)
			return nil, mkerr.Errorf("type %d of the small base, %s of %d bytes, is not in the other: %w", id, t.cstring(), t.Size(), ErrNotFound)
		}
	}
	return r.rewrite()
}

// collect reads the names of the small base.
func (r *relocation) collect() error {
	r.byName = make(map[string][]ID, r.small.index.n)
	r.strs = make(map[uint32]uint32)
	for t := range r.small.All() {
		p, name := places[KindVoid], ""
		if k := t.Kind(); k < kindCount {
			p, name = places[k], t.Name()
		}
		if p != inBase && p != inBaseBy || name == "" || t.Kind() == KindEnum64 {
			return mkerr.Errorf("type %d, %s %q: not of a distilled base", t.id, t.Kind(), name)
		}
		r.byName[name] = append(r.byName[name], t.id)
	}
	r.several = make(map[string]int, len(r.byName))
	for t := range r.base.whole() {
		if compound.has(t.Kind()) && t.name != 0 {
			if _, ok := r.byName[string(t.nameBytes())]; ok {
				r.several[t.Name()]++
			}
		}
	}
	return nil
}

// findEmbedded finds the structs and unions of the small base that members of
// the split's own hold, not behind a pointer: their size is part of the
// layout, so it has to be the same.
func (r *relocation) findEmbedded() error {
	r.embedded = make(map[ID]bool)
	return r.split.records(func(_ Type, rec record) bool {
		if !compound.has(rec.kind()) {
			return true
		}
		for at := 4; at < len(rec); at += 3 {
			t, ok := r.held(ID(rec[at]))
			if ok && compound.has(t.Kind()) && t.s == r.small {
				r.embedded[t.id] = true
			}
		}
		return true
	})
}

// held follows modifiers and arrays to what lies in memory. It ends: that a
// type does not contain itself was checked.
func (r *relocation) held(id ID) (Type, bool) {
	for range r.split.Len() {
		t, ok := r.split.typ(id)
		switch {
		case ok && modifiers.has(t.Kind()):
			id = t.ref()
		case ok && t.Kind() == KindArray:
			id, _, _ = t.rawArray()
		default:
			return t, ok
		}
	}
	return Type{}, false
}

// match goes once over the base and takes what the small base names.
func (r *relocation) match() error {
	for t := range r.base.whole() {
		if t.name == 0 || t.Kind() >= kindCount || places[t.Kind()] != inBase && places[t.Kind()] != inBaseBy {
			continue
		}
		for _, id := range r.byName[string(t.nameBytes())] {
			small, _ := r.small.typ(id)
			if !r.fits(small, t) {
				continue
			}
			if old := r.ids[id-1]; old != 0 {
				return mkerr.Errorf("type %d of the small base, %s of %d bytes, is type %d and type %d of the other", id, small.cstring(), small.Size(), old, t.id)
			}
			r.ids[id-1], r.strs[small.name] = t.id, t.name
		}
	}
	return nil
}

// fits reports whether t of the base, of the same name, may be small.
func (r *relocation) fits(small, t Type) bool {
	k := t.Kind()
	switch {
	case small.Kind() == KindFwd && k == KindFwd:
		return small.KindFlag() == t.KindFlag()
	case small.Kind() == KindFwd:
		// Of several types of a name none is what was meant, but a declaration is.
		return (k == KindStruct && !small.KindFlag() || k == KindUnion && small.KindFlag()) && r.severalOf(t) < 2
	case small.Kind() == KindEnum:
		return enumKinds.has(k) && small.size == t.size
	case small.Kind() != k:
		return false
	case k == KindInt:
		a, _, _ := small.rawInt()
		b, _, _ := t.rawInt()
		return a == b && small.size == t.size
	case k == KindFloat:
		return small.size == t.size
	}
	return small.size == t.size || r.severalOf(t) < 2 && !r.embedded[small.id]
}

func (r *relocation) severalOf(t Type) int { return r.several[string(t.nameBytes())] }

// rewrite changes the split's ids and the strings that were the small base's.
func (r *relocation) rewrite() (*Rewritten, error) {
	out := &Rewritten{first: 1, ids: r.ids}
	types := make([]byte, 0, len(r.split.types))
	missing := uint32(0)
	moved := func(off uint32) uint32 {
		if off == 0 {
			return 0
		}
		if off >= r.split.strOff {
			return off - r.split.strOff + r.base.strEnd()
		}
		to, ok := r.strs[off]
		if !ok && missing == 0 {
			missing = off
		}
		return to
	}
	err := r.split.records(func(_ Type, rec record) bool {
		rec.eachID(out.ID)
		rec.eachString(moved)
		at := len(types)
		types = types[:at+4*len(rec)]
		putWords(types[at:], rec, r.split.hdr.big)
		return missing == 0
	})
	if err != nil {
		return nil, err
	}
	if missing != 0 {
		name, _ := r.split.str(missing)
		return nil, mkerr.Named("string %q of the small base is the name of none of its types", shown(name))
	}
	out.Types, err = parse(r.split.assemble(types, r.split.layout(), r.split.strs), r.base, true)
	return out, err
}

package btf

import (
	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/mkerr"
)

// COREObject is what Minimize looks at in an object: its types, and its
// relocations in the order of the object.
type COREObject struct {
	Types *Spec
	Relos []*CORERelo
}

// RelosOf picks the CO-RE relocations of an object out of its notes.
func RelosOf(notes []Note) []*CORERelo {
	var relos []*CORERelo
	for i := range notes {
		if c := notes[i].CORE; c != nil {
			relos = append(relos, c)
		}
	}
	return relos
}

// Minimize gives the little of a kernel's types that objects look at: the
// members that their relocations lead to, enum values they ask for, types whose
// existence, size or layout they ask for. Relocated against it, they come out
// as they do against the whole, type ids excepted; it is for kernels that ship
// no BTF. kernel is as for NewRelocatorFor, vmlinux before its modules: types
// of modules become part of the one result. Types that an object seeks in vain
// are not there, which is no error.
func Minimize(kernel []*Spec, objects ...COREObject) (*Spec, error) {
	if len(kernel) == 0 {
		return nil, mkerr.Wrap("minimize BTF: no kernel: %w", ErrNoBTF)
	}
	heap := make([]*Spec, len(kernel))
	for i, s := range kernel {
		if heap[i] = s.onHeap(); heap[i] == nil {
			return nil, ErrClosed
		}
	}
	kernel = heap
	z := minimizer{keep: make(map[typeRef]*kept)}
	for _, o := range objects {
		if o.Types == nil {
			continue
		}
		if err := z.object(NewRelocatorFor(o.Types, kernel...), o.Relos); err != nil {
			return nil, mkerr.Wrap("minimize BTF: %w", err)
		}
	}
	z.long(kernel)
	s, err := z.build(kernel)
	if err != nil {
		return nil, mkerr.Wrap("minimize BTF: %w", err)
	}
	return s, nil
}

// typeRef is a type of one of several blobs.
type typeRef struct {
	s  *Spec
	id ID
}

// kept is what is left of a type. Without parts, it is what it says of itself:
// name, size, sign.
type kept struct {
	t     Type
	all   bool            // members, values, or what a pointer leads to
	parts map[uint32]bool // numbers of members or values
	id    ID              // in the result
}

type minimizer struct {
	keep  map[typeRef]*kept
	list  []*kept
	depth int
}

// add keeps a type, stripped or not, and tells whether it was not kept yet.
func (z *minimizer) add(t Type) (k *kept, fresh bool) {
	ref := typeRef{t.s, t.id}
	if k = z.keep[ref]; k != nil {
		return k, false
	}
	k = &kept{t: t}
	z.keep[ref] = k
	z.list = append(z.list, k)
	return k, true
}

func (k *kept) part(i uint32) {
	if k.parts == nil {
		k.parts = make(map[uint32]bool)
	}
	k.parts[i] = true
}

// object keeps what relocations come to, for each in its turn: what one of them
// rules out, later ones do not see.
func (z *minimizer) object(r *Relocator, relos []*CORERelo) error {
	var names []sought
	for _, relo := range relos {
		if root := r.roots.get(r.local, relo.Root); root.ok && root.t.name != 0 && relo.Kind != CORETypeIDLocal {
			names = append(names, sought{name: string(essential(root.t.nameBytes())), kinds: like(root.t.Kind())})
		}
	}
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	if err := r.find(names); err != nil {
		return err
	}
	for _, relo := range relos {
		if relo.Kind == CORETypeIDLocal {
			continue
		}
		res, known := r.known.get(relo)
		if known {
			continue
		}
		// An error is the object's, against the whole kernel too: of an
		// ambiguous relocation all that match are kept.
		root := r.roots.get(r.local, relo.Root)
		r.keep(root, res)
		m := &r.m
		m.kind, m.budget = relo.Kind, matchBudget
		if !root.ok || m.local.parseIn(r.local, relo, &root.stripped) != nil {
			continue
		}
		for i := range root.cands {
			c := &root.cands[i]
			if ok, err := m.match(c); ok && err == nil {
				if err := z.candidate(m, c.t); err != nil {
					return mkerr.WrapNamed("CO-RE %s: %w", relo.Describe(r.local), err)
				}
			}
		}
	}
	return nil
}

// candidate keeps what a relocation that matches t looks at.
func (z *minimizer) candidate(m *matcher, t Type) error {
	in, err := z.root(t)
	if err != nil {
		return err
	}
	switch {
	case m.kind == CORETypeMatches:
		return z.whole(in, true)
	case m.kind.typ():
		return z.whole(in, false)
	case m.kind.enumval():
		k, _ := z.add(in)
		k.part(m.target.last.idx)
		return nil
	}
	for i := range m.local.path {
		a := &m.local.path[i]
		if a.name == 0 {
			if i == 0 {
				continue
			}
			elem, _, _ := in.rawArray()
			if in, err = z.plain(in.s, elem); err != nil {
				return err
			}
			continue
		}
		next, ok, err := z.member(in, m.local.s.strBytes(a.name), 0)
		if err != nil || !ok {
			return err
		}
		in = next
	}
	return nil
}

// root keeps a candidate with the typedefs and qualifiers before what it stands
// for: it is sought by its name.
func (z *minimizer) root(t Type) (Type, error) {
	for range maxChain {
		z.add(t)
		if !modifiers.has(t.Kind()) {
			return t, nil
		}
		var ok bool
		if t, ok = t.s.typ(t.ref()); !ok {
			break
		}
	}
	return t, errPair
}

// plain keeps what a type stands for, without parts: an array with its elements
// and index.
func (z *minimizer) plain(s *Spec, id ID) (Type, error) {
	t, ok := s.strip(id)
	if !ok {
		return t, errPair
	}
	if t.id == 0 {
		return t, nil
	}
	if _, fresh := z.add(t); fresh && t.Kind() == KindArray {
		elem, index, _ := t.rawArray()
		if _, err := z.plain(t.s, index); err != nil {
			return t, err
		}
		if z.depth++; z.depth > maxNest {
			return t, errNested
		}
		_, err := z.plain(t.s, elem)
		z.depth--
		return t, err
	}
	return t, nil
}

// member keeps the member of that name, found as a relocation finds it, and the
// anonymous ones that it is in. It gives the member's type.
func (z *minimizer) member(t Type, name []byte, depth int) (Type, bool, error) {
	if !compound.has(t.Kind()) || depth > maxAccess {
		return t, false, errPair
	}
	for i := range t.vlen() {
		f, _ := t.rawMember(int(i))
		if f.name != 0 {
			if !same(t.s, f.name, name) {
				continue
			}
			k, _ := z.add(t)
			k.part(i)
			to, err := z.plain(t.s, f.typ)
			return to, true, err
		}
		in, ok := t.s.strip(f.typ)
		if !ok || !compound.has(in.Kind()) {
			continue
		}
		to, found, err := z.member(in, name, depth+1)
		if found || err != nil {
			k, _ := z.add(t)
			k.part(i)
			return to, found, err
		}
	}
	return t, false, nil
}

// whole keeps what a comparison of types looks at: with layout also members
// and values, though not behind pointers.
func (z *minimizer) whole(t Type, layout bool) error {
	if t.id == 0 {
		return nil
	}
	k, _ := z.add(t)
	if k.all || !layout && (compound.has(t.Kind()) || enumKinds.has(t.Kind())) {
		return nil
	}
	k.all = true
	if z.depth++; z.depth > maxNest {
		return errNested
	}
	defer func() { z.depth-- }()
	if t.Kind() == KindArray {
		_, index, _ := t.rawArray()
		if _, err := z.plain(t.s, index); err != nil {
			return err
		}
	}
	var err error
	t.eachRef(func(id ID) {
		in, ok := t.s.strip(id)
		switch {
		case err != nil:
		case !ok:
			err = errPair
		case t.Kind() == KindPtr && compound.has(in.Kind()):
			z.add(in)
		default:
			err = z.whole(in, layout)
		}
	})
	return err
}

// long keeps a type that tells the size of a pointer, where it is not 8.
func (z *minimizer) long(kernel []*Spec) {
	s := kernel[0]
	for s.base != nil {
		s = s.base
	}
	if s.pointerSize() == 8 {
		return
	}
	for t := range s.All() {
		if t.Kind() != KindInt || t.size != s.pointerSize() {
			continue
		}
		for _, name := range longNames {
			if s.equal(t.name, name) {
				z.add(t)
				return
			}
		}
	}
}

// build writes what is kept, in the order of the kernel's ids.
func (z *minimizer) build(kernel []*Spec) (*Spec, error) {
	place := make(map[*Spec]int)
	for i, s := range kernel {
		place[s] = i + 1
		for b := s.base; b != nil && place[b] == 0; b = b.base {
			place[b] = i - len(kernel)
		}
	}
	bin.Sort(z.list, func(a, b **kept) bool {
		if pa, pb := place[(*a).t.s], place[(*b).t.s]; pa != pb {
			return pa < pb
		}
		return (*a).t.id < (*b).t.id
	})
	b := NewBuilder(&BuilderOptions{Order: kernel[0].Order()})
	for i, k := range z.list {
		k.id = ID(i + 1)
	}
	for _, k := range z.list {
		z.write(b, k)
	}
	return b.Spec()
}

// to is the id in the result of what a type refers to: the type itself, or what
// it stands for, or void if nobody looks there.
func (z *minimizer) to(s *Spec, id ID) ID {
	for range maxChain {
		t, ok := s.typ(id)
		if !ok {
			break
		}
		if k := z.keep[typeRef{t.s, t.id}]; k != nil {
			return k.id
		}
		if !modifiers.has(t.Kind()) {
			break
		}
		id = t.ref()
	}
	return 0
}

func (z *minimizer) write(b *Builder, k *kept) {
	t := k.t
	switch kind := t.Kind(); kind {
	case KindStruct, KindUnion:
		var members []Member
		for i := range t.vlen() {
			if k.all || k.parts[i] {
				m := t.Member(int(i))
				m.Type = z.to(t.s, m.Type)
				members = append(members, m)
			}
		}
		if kind == KindStruct {
			b.AddStruct(t.Name(), t.size, members)
		} else {
			b.AddUnion(t.Name(), t.size, members)
		}
	case KindEnum, KindEnum64:
		var values []EnumValue
		for i := range t.vlen() {
			if k.all || k.parts[i] {
				values = append(values, t.EnumValue(int(i)))
			}
		}
		if kind == KindEnum {
			b.AddEnum(t.Name(), t.size, t.KindFlag(), values)
		} else {
			b.AddEnum64(t.Name(), t.size, t.KindFlag(), values)
		}
	default:
		b.copy(t, func(id ID) ID { return z.to(t.s, id) })
	}
}

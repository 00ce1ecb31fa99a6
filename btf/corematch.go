package btf

import (
	"errors"
	"fmt"
	"math"
)

// errBudget ends matching against types that nest without bound: only a blob
// made for it gets there.
var errBudget = errors.New("types nest too deeply to compare")

// matchBudget bounds the members looked at for one relocation, all candidates
// together.
const matchBudget = 1 << 20

// matcher compares one local path with candidate types. Its rules are those of
// libbpf's relo_core.c, which other loaders share.
type matcher struct {
	kind   COREKind
	local  access
	target access
	budget int
	why    refusal // of the last candidate
	// index is that of indexOf, the struct that was asked last.
	index   *memberIndex
	indexOf Type
}

// refusal is why a candidate does not match.
type refusal struct {
	what string // with %s for name
	name string
}

func (r refusal) String() string {
	if r.name == "" {
		return r.what
	}
	return fmt.Sprintf(r.what, shown(r.name))
}

func (m *matcher) refuse(what, name string) (bool, error) {
	m.why = refusal{what, name}
	return false, nil
}

func (m *matcher) spend() error {
	if m.budget--; m.budget < 0 {
		return errBudget
	}
	return nil
}

// match tries a candidate and leaves its path in m.target.
func (m *matcher) match(c Type) (bool, error) {
	m.why = refusal{}
	if err := m.spend(); err != nil {
		return false, err
	}
	m.target.reset(c.s, c.id, c.s.pointerSize())
	switch {
	case m.kind == CORETypeMatches:
		ok, err := m.typesMatch(pair{m.local.s, c.s, m.local.root, c.id}, false, maxDepth)
		if err == nil && !ok {
			return m.refuse("its layout differs", "")
		}
		return ok, err
	case m.kind.typ():
		ok, err := m.typesCompat(pair{m.local.s, c.s, m.local.root, c.id}, maxDepth)
		if err == nil && !ok {
			return m.refuse("it is another sort of type", "")
		}
		return ok, err
	case m.kind.enumval():
		return m.matchEnumval(c)
	}
	return m.matchField(c)
}

func (m *matcher) matchEnumval(c Type) (bool, error) {
	t, ok := c.s.strip(c.id)
	if !ok || !enumKinds.has(t.Kind()) {
		return m.refuse("it is no enum", "")
	}
	want := essential(m.local.s.strBytes(m.local.acc[0].name))
	for i := range int(t.vlen()) {
		name, _, ok := t.rawEnum(i)
		if ok && string(essential(t.s.strBytes(name))) == string(want) {
			return true, m.target.push(accessor{t: t, idx: uint32(i), name: name})
		}
	}
	return m.refuse("no value %s", string(want))
}

func (m *matcher) matchField(c Type) (bool, error) {
	id := c.id
	for i := range m.local.acc {
		a := &m.local.acc[i]
		t, ok := m.target.field, true
		if i == 0 {
			t = c
		}
		if t.s == nil || modifiers.has(t.Kind()) {
			if t, ok = m.target.s.strip(id); !ok {
				return false, fmt.Errorf("no type %d in the target", id)
			}
		}
		var err error
		if a.name != 0 {
			id, ok, err = m.matchMember(a, t)
		} else {
			id, ok, err = m.matchIndex(a, t, i == 0)
		}
		if !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// matchIndex takes the same element. The first index is not into an array: it
// treats the root as the element of one.
func (m *matcher) matchIndex(a *accessor, t Type, first bool) (ID, bool, error) {
	if !first {
		if t.Kind() != KindArray {
			m.refuse("%s is no array there", t.cstring())
			return 0, false, nil
		}
		elem, _, n := t.rawArray()
		if a.idx >= n && !m.target.flexible(n) {
			m.refuse("its array is shorter: %s", t.cstring())
			return 0, false, nil
		}
		var ok bool
		if t, ok = t.s.strip(elem); !ok {
			return 0, false, fmt.Errorf("no type %d in the target", elem)
		}
	}
	if err := m.target.push(accessor{t: t, idx: a.idx}); err != nil {
		return 0, false, err
	}
	m.target.field = t
	return t.id, true, m.target.advance(a.idx, t)
}

// matchMember finds the member of that name in t, or in an anonymous struct or
// union within it, and checks that the types go together.
func (m *matcher) matchMember(a *accessor, t Type) (ID, bool, error) {
	name := m.local.s.strBytes(a.name)
	if !compound.has(t.Kind()) {
		m.refuse("%s has no members", t.cstring())
		return 0, false, nil
	}
	id, found, err := m.findMember(string(name), t)
	if err != nil {
		return 0, false, err
	}
	if !found {
		m.refuse("no member %s", string(name))
		return 0, false, nil
	}
	l, ok := m.local.field, true
	if l.s == nil || a != &m.local.acc[len(m.local.acc)-1] {
		l, ok = m.local.s.strip(a.typ)
	}
	if ok && m.target.field.s == nil {
		m.target.field, ok = m.target.s.strip(id)
	}
	if !ok {
		return id, false, errPair
	}
	ok, err = m.fieldsCompat(l, m.target.field)
	if err == nil && !ok {
		m.refuse("member %s has another type", string(name))
	}
	return id, ok, err
}

func (m *matcher) findMember(name string, t Type) (ID, bool, error) {
	p := &m.target
	if t.vlen() >= indexFrom {
		ix := m.index
		if ix == nil || m.indexOf.s != t.s || m.indexOf.id != t.id {
			ix = t.s.memberIndex(t)
			m.index, m.indexOf = ix, t
		}
		if ix != nil && p.bits+ix.span <= math.MaxUint32 && p.levels+ix.levels < maxAccess {
			return m.indexedMember(name, ix)
		}
	}
	if m.budget -= int(t.vlen()); m.budget < 0 {
		return 0, false, errBudget
	}
	rest := t.s.types[t.off:][:12*t.vlen()]
	for i := 0; len(rest) > 0; i, rest = i+1, rest[12:] {
		off := t.s.u32(rest)
		anon := off == 0
		if !anon && !t.s.equal(off, name) {
			continue
		}
		f, _ := t.rawMember(i)
		if p.levels == maxAccess {
			return 0, false, fmt.Errorf("%w: more than %d levels in the target", errAccess, maxAccess)
		}
		p.bits += uint64(f.offset)
		if err := p.checkBits(); err != nil {
			return 0, false, err
		}
		if !anon {
			return f.typ, true, p.push(accessor{t, uint32(i), f.name, f.typ, f.bits})
		}
		inner, ok := t.s.strip(f.typ)
		if ok && compound.has(inner.Kind()) {
			p.levels++
			id, found, err := m.findMember(name, inner)
			if found || err != nil {
				return id, found, err
			}
			p.levels--
		}
		p.bits -= uint64(f.offset)
	}
	return 0, false, nil
}

// indexedMember is findMember by an index.
func (m *matcher) indexedMember(name string, ix *memberIndex) (ID, bool, error) {
	if err := m.spend(); err != nil {
		return 0, false, err
	}
	f := ix.find(name)
	if f == nil {
		return 0, false, nil
	}
	p := &m.target
	p.bits += uint64(f.bits)
	p.levels += int(f.level)
	err := p.push(accessor{ix.holders[f.holder], f.idx, f.name, f.typ, uint32(f.width)})
	p.field, _ = ix.strip(f)
	return f.typ, true, err
}

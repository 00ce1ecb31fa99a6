package btf

import (
	"errors"
	"fmt"
	"math"
	"strings"
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

func (r refusal) append(b []byte) []byte {
	before, after, ok := strings.Cut(r.what, "%s")
	b = append(b, before...)
	if ok {
		b = append(append(b, shown(r.name)...), after...)
	}
	return b
}

func (m *matcher) refuse(what, name string) (bool, error) {
	m.why = refusal{what, name}
	return false, nil
}

// wanted is the name of a local member or value.
func (m *matcher) wanted(name uint32) string {
	s, _ := m.local.s.str(name)
	return s
}

func (m *matcher) spend() error {
	if m.budget--; m.budget < 0 {
		return errBudget
	}
	return nil
}

// match tries a candidate and leaves its path in m.target.
func (m *matcher) match(c *cand) (bool, error) {
	if err := m.spend(); err != nil {
		return false, err
	}
	s := c.t.s
	m.target.reset(s, c.t.id, s.pointerSize())
	switch {
	case m.kind.field():
		return m.matchField(c)
	case m.kind == CORETypeMatches:
		ok, err := m.typesMatch(pair{m.local.s, s, m.local.root, c.t.id}, false, maxDepth)
		if err == nil && !ok {
			return m.refuse("its layout differs", "")
		}
		return ok, err
	case m.kind.typ():
		ok, err := m.typesCompat(pair{m.local.s, s, m.local.root, c.t.id}, maxDepth)
		if err == nil && !ok {
			return m.refuse("it is another sort of type", "")
		}
		return ok, err
	}
	return m.matchEnumval(c.t)
}

func (m *matcher) matchEnumval(c Type) (bool, error) {
	t, ok := c.s.strip(c.id)
	if !ok || !enumKinds.has(t.Kind()) {
		return m.refuse("it is no enum", "")
	}
	want := essential(m.local.s.strBytes(m.local.last.name))
	for i := range int(t.vlen()) {
		name, _, ok := t.rawEnum(i)
		if ok && string(essential(t.s.strBytes(name))) == string(want) {
			m.target.field = t
			m.target.member(name, uint32(i), 0, false)
			return true, nil
		}
	}
	return m.refuse("no value %s", essential(m.wanted(m.local.last.name)))
}

func (m *matcher) matchField(c *cand) (bool, error) {
	p := &m.target
	p.field = c.t
	if modifiers.has(c.t.Kind()) {
		var ok bool
		if p.field, ok = p.s.strip(c.t.id); !ok {
			return false, fmt.Errorf("no type %d in the target", c.t.id)
		}
	}
	for i := range m.local.path {
		a := &m.local.path[i]
		var ok bool
		var err error
		if a.name != 0 {
			ok, err = m.matchMember(a, i == len(m.local.path)-1)
		} else {
			ok, err = m.matchIndex(a.idx, i == 0)
		}
		if !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// matchIndex takes the same element. The first index is not into an array: it
// treats the root as the element of one.
func (m *matcher) matchIndex(idx uint32, first bool) (bool, error) {
	p := &m.target
	t := p.field
	if !first {
		if t.Kind() != KindArray {
			return m.refuse("%s is no array there", t.cstring())
		}
		elem, _, n := t.rawArray()
		if idx >= n && !p.flexible(n) {
			return m.refuse("its array is shorter: %s", t.cstring())
		}
		var ok bool
		if t, ok = t.s.strip(elem); !ok {
			return false, fmt.Errorf("no type %d in the target", elem)
		}
	}
	if err := p.index(idx, &t); err != nil {
		return false, err
	}
	return true, p.check()
}

// matchMember finds the member of that name, also in an anonymous struct or
// union, and checks that the types go together.
func (m *matcher) matchMember(a *step, last bool) (bool, error) {
	p := &m.target
	if !compound.has(p.field.Kind()) {
		return m.refuse("%s has no members", p.field.cstring())
	}
	name := m.local.s.strBytes(a.name)
	found, err := m.findMember(name, p.field)
	if err == nil && found {
		err = p.check()
	}
	if err != nil {
		return false, err
	}
	if !found {
		return m.refuse("no member %s", m.wanted(a.name))
	}
	l, ok := &m.local.field, true
	if !last || m.local.nameless {
		var t Type
		t, ok = m.local.s.strip(a.typ)
		l = &t
	}
	if !ok {
		return false, errPair
	}
	ok, err = m.fieldsCompat(l, &p.field)
	if err == nil && !ok {
		return m.refuse("member %s has another type", m.wanted(a.name))
	}
	return ok, err
}

// findMember goes to the member of that name in t, a struct or union.
func (m *matcher) findMember(name []byte, t Type) (bool, error) {
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
		return false, errBudget
	}
	rest := t.s.types[t.off:][:12*t.vlen()]
	for i := 0; len(rest) > 0; i, rest = i+1, rest[12:] {
		off := t.s.u32(rest)
		anon := off == 0
		if !anon && !same(t.s, off, name) {
			continue
		}
		f, _ := t.rawMember(i)
		p.bits += uint64(f.offset)
		if err := p.check(); err != nil {
			return false, err
		}
		inner, ok := t.s.strip(f.typ)
		if !anon {
			if p.field = inner; !ok {
				return true, errPair
			}
			p.member(f.name, uint32(i), f.bits, i+1 == int(t.vlen()))
			return true, nil
		}
		if ok && compound.has(inner.Kind()) {
			p.levels++
			found, err := m.findMember(name, inner)
			if found || err != nil {
				return found, err
			}
			p.levels--
		}
		p.bits -= uint64(f.offset)
	}
	return false, nil
}

// indexedMember is findMember by an index.
func (m *matcher) indexedMember(name []byte, ix *memberIndex) (bool, error) {
	if err := m.spend(); err != nil {
		return false, err
	}
	f := ix.find(name, hashName(name))
	if f == nil {
		return false, nil
	}
	p := &m.target
	p.bits += uint64(f.bits)
	p.levels += int(f.level)
	var ok bool
	if p.field, ok = ix.strip(f); !ok {
		return true, errPair
	}
	p.member(f.name, uint32(f.idx), uint32(f.width), f.tail)
	return true, nil
}

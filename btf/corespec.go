package btf

import (
	"errors"
	"fmt"
	"math"
	"strconv"
)

// maxAccess bounds the levels of an access, as libbpf and the kernel do.
const maxAccess = 64

// access is a path to a field of a type, resolved in one blob.
type access struct {
	s    *Spec
	ptr  uint32 // size of a pointer there
	root ID
	bits uint64 // offset of the field from the root's start
	// levels of the access, those into anonymous structs included.
	levels int
	last   accessor
	field  Type // stripped, that the whole path leads to
	// nameless says that steps into anonymous structs follow the last accessor,
	// which led to elem. They do not count.
	nameless bool
	elem     Type
	path     []step // of a local access
}

// accessor is a step of an access that means something in C: a member with a
// name, or an index. Steps into anonymous structs only count as levels.
type accessor struct {
	idx  uint32 // member or index
	name uint32 // string offset; 0 for an index
	bits uint32 // width of a member that is a bitfield
	tail bool   // the last member of its struct
}

// step is an accessor of a path that is kept.
type step struct {
	idx, name uint32
	typ       ID // of a member
}

var errAccess = errors.New("malformed access")

func (p *access) reset(s *Spec, root ID, ptr uint32) {
	p.s, p.root, p.ptr, p.bits, p.levels = s, root, ptr, 0, 0
	p.last.name, p.nameless = 0, false
	p.path = p.path[:0]
}

// member goes to a member with a name.
func (p *access) member(name, idx, bits uint32, tail bool) {
	p.last = accessor{idx: idx, name: name, bits: bits, tail: tail}
	p.nameless = false
	p.levels++
}

// index goes to element number idx of type t.
func (p *access) index(idx uint32, t *Type) error {
	p.last = accessor{idx: idx}
	p.nameless = false
	p.levels++
	p.field = *t
	if idx == 0 && sized.has(t.Kind()) {
		return nil
	}
	return p.advance(idx, *t)
}

// indexed is what the last accessor, an index or an enum value, is of.
func (p *access) indexed() *Type {
	if p.nameless {
		return &p.elem
	}
	return &p.field
}

// advance moves by n elements of a type.
func (p *access) advance(n uint32, t Type) error {
	size, err := t.sizeof(p.ptr)
	if err != nil {
		return err
	}
	p.bits += uint64(n) * uint64(size) * 8
	return p.check()
}

// check holds the path to its bounds. Paths are checked after each step that may
// have left them.
func (p *access) check() error {
	if p.bits > math.MaxUint32 || p.levels > maxAccess {
		return p.beyond()
	}
	return nil
}

func (p *access) beyond() error {
	if p.levels > maxAccess {
		return fmt.Errorf("%w: more than %d levels", errAccess, maxAccess)
	}
	return fmt.Errorf("%w: offset of %d bits", errAccess, p.bits)
}

// parse resolves the access of relo in the object's own types.
func (p *access) parse(s *Spec, relo *CORERelo) error {
	t, ok := s.strip(relo.Root)
	if !ok {
		p.reset(s, relo.Root, 8)
		return fmt.Errorf("no type %d", relo.Root)
	}
	return p.parseIn(s, relo, &t)
}

// parseIn is parse where the root, stripped, is known.
func (p *access) parseIn(s *Spec, relo *CORERelo, t *Type) error {
	p.reset(s, relo.Root, 8)
	if !relo.Kind.field() {
		if relo.Kind.typ() {
			if relo.Access != "0" {
				return fmt.Errorf("%w %q of a type", errAccess, shown(relo.Access))
			}
			return nil
		}
		if relo.Kind >= coreKindCount {
			return fmt.Errorf("%w: unknown %s", errAccess, relo.Kind)
		}
	}
	first, rest, err := uint32(0), "", error(nil)
	if a := relo.Access; len(a) > 2 && a[:2] == "0:" { // what nearly all begin with
		rest = a[1:]
	} else if first, rest, err = nextIndex(a); err != nil {
		return err
	}
	if relo.Kind.enumval() {
		return p.parseEnumval(t, first, rest)
	}
	err = p.index(first, t)
	p.path = append(p.path, step{idx: first})
	for rest != "" && err == nil {
		var idx uint32
		if idx, rest, err = nextIndex(rest[1:]); err == nil {
			err = p.step(idx)
		}
	}
	return err
}

// nextIndex reads a number; the rest is empty or begins with a colon.
func nextIndex(s string) (uint32, string, error) {
	n, i := uint64(0), 0
	for ; i < len(s) && n <= math.MaxInt32; i++ {
		digit := s[i] - '0'
		if digit > 9 {
			break
		}
		n = n*10 + uint64(digit)
	}
	rest := s[i:]
	if i == 0 || n > math.MaxInt32 || len(rest) > 0 && (rest[0] != ':' || len(rest) == 1) {
		return 0, "", fmt.Errorf("%w %q", errAccess, shown(s))
	}
	return uint32(n), rest, nil
}

func (p *access) parseEnumval(t *Type, idx uint32, rest string) error {
	if rest != "" {
		return fmt.Errorf("%w of an enum value", errAccess)
	}
	name, _, ok := t.rawEnum(int(idx))
	if !ok {
		return fmt.Errorf("%w: %s has no value %d", errAccess, t.cstring(), idx)
	}
	p.field = *t
	p.member(name, idx, 0, false)
	p.path = append(p.path, step{idx: idx, name: name})
	return nil
}

// step goes into member or element number idx.
func (p *access) step(idx uint32) error {
	switch k := p.field.Kind(); {
	case compound.has(k):
		return p.stepMember(idx)
	case k == KindArray:
		return p.stepElem(idx)
	}
	return fmt.Errorf("%w: %s has no parts", errAccess, p.field.cstring())
}

func (p *access) stepMember(idx uint32) error {
	t := &p.field
	m, ok := t.rawMember(int(idx))
	if !ok {
		return fmt.Errorf("%w: %s has no member %d", errAccess, t.cstring(), idx)
	}
	p.bits += uint64(m.offset)
	if m.name != 0 && p.s.equal(m.name, "") {
		return fmt.Errorf("%w: member %d of %s has no name", errAccess, idx, t.cstring())
	}
	if m.name == 0 {
		if !p.nameless {
			p.nameless, p.elem = true, *t
		}
		p.levels++
	} else {
		p.member(m.name, idx, m.bits, idx+1 == t.vlen())
		p.path = append(p.path, step{idx, m.name, m.typ})
	}
	if p.field, ok = p.s.strip(m.typ); !ok {
		return fmt.Errorf("no type %d", m.typ)
	}
	return p.check()
}

func (p *access) stepElem(idx uint32) error {
	t := p.field
	id, _, n := t.rawArray()
	elem, ok := p.s.strip(id)
	if !ok {
		return fmt.Errorf("no type %d", id)
	}
	if idx >= n && !p.flexible(n) {
		return fmt.Errorf("%w: index %d of %s", errAccess, idx, t.cstring())
	}
	if err := p.index(idx, &elem); err != nil {
		return err
	}
	p.path = append(p.path, step{idx: idx})
	return p.check()
}

// flexible reports whether an array of n elements that the path has come to is
// a flexible array member: the last of its struct, declared without a size.
func (p *access) flexible(n uint32) bool { return n == 0 && p.last.name != 0 && p.last.tail }

// describe appends what a relocation seeks, in the words of the C source.
func (p *access) describe(b []byte, kind COREKind) []byte {
	root, ok := p.s.typ(p.root)
	if !ok {
		return strconv.AppendUint(append(b, "type "...), uint64(p.root), 10)
	}
	b = root.appendString(b)
	for i, a := range p.path {
		if a.name != 0 {
			before := "."
			if kind.enumval() {
				before = "::"
			}
			name, _ := p.s.str(a.name)
			b = append(append(b, before...), shown(name)...)
		} else if i > 0 || a.idx > 0 {
			b = append(strconv.AppendUint(append(b, '['), uint64(a.idx), 10), ']')
		}
	}
	return b
}

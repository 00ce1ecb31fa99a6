package btf

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// maxAccess bounds the levels of an access, as libbpf and the kernel do.
const maxAccess = 64

// accessor is a step of an access that means something in C: a member with a
// name, or an index. Steps into anonymous structs only count as levels.
type accessor struct {
	t    Type   // the struct, or for an index the element's type
	idx  uint32 // member or index
	name uint32 // string offset; 0 for an index
	typ  ID     // of a member
	bits uint32 // width of a member that is a bitfield
}

// access is a path to a field of a type, resolved in one blob.
type access struct {
	s    *Spec
	ptr  uint32 // size of a pointer there
	root ID
	bits uint64 // offset of the field from the root's start
	acc  []accessor
	// levels of the access, those into anonymous structs included.
	levels int
	// field is the stripped type that the whole path leads to, where it is known.
	field Type
}

var errAccess = errors.New("malformed access")

func (p *access) reset(s *Spec, root ID, ptr uint32) {
	p.s, p.root, p.ptr, p.bits = s, root, ptr, 0
	p.acc, p.levels, p.field = p.acc[:0], 0, Type{}
}

// push adds an index or named step.
func (p *access) push(a accessor) error {
	if p.levels == maxAccess {
		return fmt.Errorf("%w: more than %d levels", errAccess, maxAccess)
	}
	p.acc = append(p.acc, a)
	p.levels++
	p.field = Type{}
	return nil
}

// advance moves by n elements of a type.
func (p *access) advance(n uint32, t Type) error {
	size, err := t.sizeof(p.ptr)
	if err != nil {
		return err
	}
	p.bits += uint64(n) * uint64(size) * 8
	return p.checkBits()
}

func (p *access) checkBits() error {
	if p.bits > math.MaxUint32 {
		return fmt.Errorf("%w: offset of %d bits", errAccess, p.bits)
	}
	return nil
}

// parse resolves the access of relo in the object's own types.
func (p *access) parse(s *Spec, relo *CORERelo) error {
	p.reset(s, relo.Root, 8)
	if relo.Kind.typ() {
		if relo.Access != "0" {
			return fmt.Errorf("%w %q of a type", errAccess, shown(relo.Access))
		}
		return nil
	}
	if relo.Kind >= coreKindCount {
		return fmt.Errorf("%w: unknown %s", errAccess, relo.Kind)
	}
	rest := relo.Access
	first, rest, err := nextIndex(rest)
	if err != nil {
		return err
	}
	t, ok := s.strip(relo.Root)
	if !ok {
		return fmt.Errorf("no type %d", relo.Root)
	}
	if relo.Kind.enumval() {
		return p.parseEnumval(t, first, rest)
	}
	if err := p.push(accessor{t: t, idx: first}); err != nil {
		return err
	}
	if err := p.advance(first, t); err != nil {
		return err
	}
	for rest != "" {
		var idx uint32
		if idx, rest, err = nextIndex(rest[1:]); err != nil {
			return err
		}
		id, err := p.step(t, idx)
		if err != nil || rest == "" {
			return err
		}
		if t, ok = s.strip(id); !ok {
			return fmt.Errorf("no type %d", id)
		}
	}
	return nil
}

// nextIndex reads a number; the rest is empty or begins with a colon.
func nextIndex(s string) (uint32, string, error) {
	n, i := uint64(0), 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' && n <= math.MaxInt32 {
		n = n*10 + uint64(s[i]-'0')
		i++
	}
	rest := s[i:]
	if i == 0 || n > math.MaxInt32 || rest == ":" || rest != "" && rest[0] != ':' {
		return 0, "", fmt.Errorf("%w %q", errAccess, shown(s))
	}
	return uint32(n), rest, nil
}

func (p *access) parseEnumval(t Type, idx uint32, rest string) error {
	if rest != "" {
		return fmt.Errorf("%w of an enum value", errAccess)
	}
	name, _, ok := t.rawEnum(int(idx))
	if !ok {
		return fmt.Errorf("%w: %s has no value %d", errAccess, t.cstring(), idx)
	}
	return p.push(accessor{t: t, idx: idx, name: name})
}

// step goes from a type, stripped, into its member or element number idx.
func (p *access) step(t Type, idx uint32) (ID, error) {
	switch k := t.Kind(); {
	case compound.has(k):
		return p.stepMember(t, idx)
	case k == KindArray:
		return p.stepElem(t, idx)
	}
	return 0, fmt.Errorf("%w: %s has no parts", errAccess, t.cstring())
}

func (p *access) stepMember(t Type, idx uint32) (ID, error) {
	m, ok := t.rawMember(int(idx))
	if !ok {
		return 0, fmt.Errorf("%w: %s has no member %d", errAccess, t.cstring(), idx)
	}
	p.bits += uint64(m.offset)
	if err := p.checkBits(); err != nil {
		return 0, err
	}
	if m.name == 0 {
		if p.levels == maxAccess {
			return 0, fmt.Errorf("%w: more than %d levels", errAccess, maxAccess)
		}
		p.levels++
		return m.typ, nil
	}
	if len(p.s.strBytes(m.name)) == 0 {
		return 0, fmt.Errorf("%w: member %d of %s has no name", errAccess, idx, t.cstring())
	}
	return m.typ, p.push(accessor{t, idx, m.name, m.typ, m.bits})
}

func (p *access) stepElem(t Type, idx uint32) (ID, error) {
	id, _, n := t.rawArray()
	elem, ok := p.s.strip(id)
	if !ok {
		return 0, fmt.Errorf("no type %d", id)
	}
	if idx >= n && !p.flexible(n) {
		return 0, fmt.Errorf("%w: index %d of %s", errAccess, idx, t.cstring())
	}
	if err := p.push(accessor{t: elem, idx: idx}); err != nil {
		return 0, err
	}
	return elem.id, p.advance(idx, elem)
}

// flexible reports whether an array of n elements that the path has come to is
// a flexible array member: the last of its struct, declared without a size.
func (p *access) flexible(n uint32) bool {
	if n > 0 || len(p.acc) == 0 {
		return false
	}
	last := p.acc[len(p.acc)-1]
	if last.name == 0 {
		return false
	}
	return last.idx+1 == last.t.vlen()
}

// describe writes what a relocation seeks, in the words of the C source.
func (p *access) describe(kind COREKind) string {
	root, ok := p.s.typ(p.root)
	if !ok {
		return fmt.Sprintf("type %d", p.root)
	}
	var b strings.Builder
	b.WriteString(root.cstring())
	for i, a := range p.acc {
		switch {
		case a.name != 0 && kind.enumval():
			name, _ := p.s.str(a.name)
			b.WriteString("::" + shown(name))
		case a.name != 0:
			name, _ := p.s.str(a.name)
			b.WriteString("." + shown(name))
		case i > 0 || a.idx > 0:
			fmt.Fprintf(&b, "[%d]", a.idx)
		}
	}
	return b.String()
}

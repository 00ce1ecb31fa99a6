package btf

import (
	"math"
	"strings"

	"github.com/skepbpf/skep/internal/mkerr"
)

// Elem is the type that Target names: what a pointer points to, an array is of,
// a typedef stands for, the prototype of a FUNC. It is void where Target is 0.
func (t Type) Elem() Type {
	if t.s == nil {
		return Type{}
	}
	to, _ := t.s.Type(t.Target())
	return to
}

// Proto is the FUNC_PROTO of a FUNC, or of what leads to one: pointers to
// functions, and typedefs and qualifiers of such.
func (t Type) Proto() (Type, bool) {
	for range maxChain {
		switch k := t.Kind(); {
		case k == KindFuncProto:
			return t, true
		case k == KindFunc || k == KindPtr || modifiers.has(k):
			t = t.Elem()
		default:
			return Type{}, false
		}
	}
	return Type{}, false
}

// MemberByName finds the member of a STRUCT or UNION with that name, in
// anonymous structs and unions, too: its Offset is from the start of t.
func (t Type) MemberByName(name string) (Member, bool) {
	if t.s == nil || name == "" || !compound.has(t.Kind()) || !t.s.guard.enter() {
		return Member{}, false
	}
	defer t.s.guard.leave()
	budget := matchBudget
	m, ok := t.memberByName(name, 0, maxAccess, &budget)
	if !ok {
		return Member{}, false
	}
	m.Name = name
	return m, true
}

func (t Type) memberByName(name string, at uint64, depth int, budget *int) (Member, bool) {
	for i := range int(t.vlen()) {
		if *budget--; *budget < 0 {
			break
		}
		m, _ := t.rawMember(i)
		off := at + uint64(m.offset)
		if m.name != 0 {
			if t.s.equal(m.name, name) && off <= math.MaxUint32 {
				return Member{Type: m.typ, Offset: uint32(off), BitSize: m.bits}, true
			}
			continue
		}
		if in, ok := t.s.strip(m.typ); ok && compound.has(in.Kind()) && depth > 0 {
			if found, ok := in.memberByName(name, off, depth-1, budget); ok {
				return found, true
			}
		}
	}
	return Member{}, false
}

// Offsetof follows a path of members and array elements from a STRUCT or UNION,
// or a typedef of one, as C's offsetof does: "loginuid.val", "comm[3]",
// "args[1].p". The Member has the last name and type, and its Offset, in bits,
// is from the start of t. A name that is not there is ErrNotFound. Pointers are
// not followed.
func (t Type) Offsetof(path string) (Member, error) {
	if t.s == nil {
		return Member{}, mkerr.Errorf("offset of %s in void: %w", shown(path), ErrNotFound)
	}
	m, err := t.offsetof(path)
	if err != nil {
		return Member{}, mkerr.Errorf("offset of %s in %s: %w", shown(path), t, err)
	}
	return m, nil
}

func (t Type) offsetof(path string) (Member, error) {
	s := t.s
	at, m := uint64(0), Member{Type: t.id}
	for rest := "." + path; rest != ""; {
		in, ok := s.Strip(m.Type)
		if !ok {
			return m, mkerr.Errorf("no type %d", m.Type)
		}
		n := 1 + strings.IndexAny(rest[1:]+".", ".[")
		step := rest[1:n]
		before := rest[0]
		rest = rest[n:]
		if before == '.' {
			if m, ok = in.MemberByName(step); !ok {
				return m, mkerr.Errorf("%s has no member %s: %w", in, shown(step), ErrNotFound)
			}
			at += uint64(m.Offset)
		} else {
			step, ok = strings.CutSuffix(step, "]")
			idx, more, err := nextIndex(step)
			elem, _, count := in.Array()
			if !ok || err != nil || more != "" || in.Kind() != KindArray {
				return m, mkerr.Errorf("%w: [%s of %s", errAccess, shown(step), in)
			}
			if idx >= count && count > 0 {
				return m, mkerr.Errorf("%w: index %d of %s", errAccess, idx, in)
			}
			size, err := s.Sizeof(elem)
			if err != nil {
				return m, err
			}
			m.Type = elem
			at += 8 * uint64(idx) * uint64(size)
		}
		if at > math.MaxUint32 {
			return m, mkerr.Errorf("%w: offset of %d bits", errAccess, at)
		}
	}
	m.Offset = uint32(at)
	return m, nil
}

// MemberAt finds the member of a STRUCT or UNION that holds a bit, counted from
// its start: the first of a union, and in anonymous ones the one within, with
// its Offset from the start of t. It is false for holes.
func (t Type) MemberAt(bit uint32) (Member, bool) {
	if t.s == nil || !compound.has(t.Kind()) || !t.s.guard.enter() {
		return Member{}, false
	}
	defer t.s.guard.leave()
	budget := matchBudget
	return t.memberAt(uint64(bit), 0, maxAccess, &budget)
}

func (t Type) memberAt(bit, at uint64, depth int, budget *int) (Member, bool) {
	ptr := t.s.pointerSize()
	for i := range int(t.vlen()) {
		if *budget--; *budget < 0 {
			break
		}
		m, _ := t.rawMember(i)
		off, width := at+uint64(m.offset), uint64(m.bits)
		if width == 0 {
			size, err := t.s.sizeof(m.typ, ptr)
			if err != nil {
				continue
			}
			width = 8 * uint64(size)
		}
		if bit < off || bit-off >= width {
			continue
		}
		if in, ok := t.s.strip(m.typ); ok && m.name == 0 && compound.has(in.Kind()) {
			if depth == 0 {
				break
			}
			if found, ok := in.memberAt(bit, off, depth-1, budget); ok {
				return found, true
			}
			continue
		}
		name, _ := t.s.str(m.name)
		return Member{Name: name, Type: m.typ, Offset: uint32(off), BitSize: m.bits}, true
	}
	return Member{}, false
}

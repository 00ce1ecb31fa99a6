package structops

import (
	"strings"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/mkerr"
)

// Member is a place in an Ops.
type Member struct {
	Type   btf.ID
	Offset uint32 // in Data, in bytes
	Size   uint32 // in bytes
	Func   bool   // a pointer to a function: a program's place
}

// Member finds a member by its path in C, such as "flags" or "conf.limit".
// Members of structs and unions without a name are found by their own.
func (o *Ops) Member(path string) (Member, error) {
	m := Member{Type: o.Type}
	left := maxMembers
	for rest, more := path, true; more; {
		var name string
		name, rest, more = strings.Cut(rest, ".")
		t, ok := o.Types.Strip(m.Type)
		if !ok || t.Kind() != btf.KindStruct && t.Kind() != btf.KindUnion {
			return Member{}, mkerr.Errorf("member %s: %s has no members", path, strings.TrimSuffix(path, "."+name))
		}
		found, ok := o.search(t, name, 0, &left)
		if !ok {
			return Member{}, mkerr.Errorf("member %s: %s has no member %q", path, t, name)
		}
		m.Type, m.Offset = found.Type, m.Offset+found.Offset/8
		if found.BitSize != 0 || found.Offset%8 != 0 {
			return Member{}, mkerr.Named("member %s: a bit field", path)
		}
	}
	n, err := o.Types.Sizeof(m.Type)
	if err != nil {
		return Member{}, mkerr.WrapNamed("member %s: %w", path, err)
	}
	if uint64(m.Offset)+uint64(n) > uint64(len(o.Data)) {
		return Member{}, mkerr.Named("member %s lies outside of its struct", path)
	}
	m.Size, m.Func = n, isFunc(o.Types, m.Type)
	return m, nil
}

// search looks in t, and in members of it that have no name.
func (o *Ops) search(t btf.Type, name string, depth int, left *int) (btf.Member, bool) {
	if name == "" || depth == maxDepth {
		return btf.Member{}, false
	}
	for i := range t.Vlen() {
		if *left--; *left < 0 {
			break
		}
		m := t.Member(i)
		if m.Name == name {
			return m, true
		}
		if m.Name != "" {
			continue
		}
		inner, ok := o.Types.Strip(m.Type)
		if !ok || inner.Kind() != btf.KindStruct && inner.Kind() != btf.KindUnion {
			continue
		}
		if found, ok := o.search(inner, name, depth+1, left); ok {
			found.Offset += m.Offset
			return found, true
		}
	}
	return btf.Member{}, false
}

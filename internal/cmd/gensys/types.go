package main

import (
	"fmt"
	"slices"

	"github.com/skepbpf/skep/btf"
)

// types is the input, with the few questions that the generator asks of it.
type types struct{ spec *btf.Spec }

func parseTypes(raw []byte) (*types, error) {
	spec, err := btf.Parse(raw)
	if err != nil {
		return nil, err
	}
	return &types{spec}, nil
}

// composite finds the struct or union of a C name.
func (t *types) composite(name string) (btf.Type, error) {
	for _, k := range []btf.Kind{btf.KindStruct, btf.KindUnion} {
		if c, ok := t.spec.ByName(name, k); ok {
			return c, nil
		}
	}
	return btf.Type{}, fmt.Errorf("no struct or union %q in the input", name)
}

// enum finds the enum of a C name.
func (t *types) enum(name string) (btf.Type, error) {
	if c, ok := t.spec.ByName(name, btf.KindEnum); ok {
		return c, nil
	}
	return btf.Type{}, fmt.Errorf("no enum %q in the input", name)
}

// strip follows typedefs and qualifiers. References of a parsed blob exist.
func (t *types) strip(id btf.ID) btf.Type {
	c, _ := t.spec.Strip(id)
	return c
}

// isPointer reports whether a type is __aligned_u64, by whatever typedefs.
func (t *types) isPointer(id btf.ID) bool {
	for c, ok := t.spec.Type(id); ok && c.Kind() == btf.KindTypedef; c, ok = t.spec.Type(c.Target()) {
		if c.Name() == "__aligned_u64" {
			return true
		}
	}
	return false
}

// sizeof is in bytes.
func (t *types) sizeof(id btf.ID) (uint32, error) { return t.spec.Sizeof(id) }

func isComposite(c btf.Type) bool { return c.Kind() == btf.KindStruct || c.Kind() == btf.KindUnion }

// signed reports whether an integer or enum has a sign.
func signed(c btf.Type) bool {
	if c.Kind() == btf.KindInt {
		enc, _, _ := c.Int()
		return enc&btf.IntSigned != 0
	}
	return c.Signed()
}

func members(c btf.Type) []btf.Member {
	list := make([]btf.Member, c.Vlen())
	for i := range list {
		list[i] = c.Member(i)
	}
	return list
}

// cvalue is a named constant.
type cvalue struct {
	name string
	val  int64
}

func enumValues(c btf.Type) []cvalue {
	list := make([]cvalue, c.Vlen())
	for i := range list {
		v := c.EnumValue(i)
		list[i] = cvalue{v.Name, int64(v.Value)}
	}
	return list
}

// otherEnums are the named enums without a Go type, in the input's order.
func (t *types) otherEnums() []btf.Type {
	var list []btf.Type
	for c := range t.spec.All() {
		if (c.Kind() == btf.KindEnum || c.Kind() == btf.KindEnum64) && c.Name() != "" && enumGoName(c.Name()) == "" {
			list = append(list, c)
		}
	}
	return list
}

// hasField reports whether an anonymous struct or union holds one of the
// fields, at any depth that anonymous members make.
func (t *types) hasField(c btf.Type, names []string) bool {
	for _, m := range members(c) {
		if m.Name != "" && slices.Contains(names, m.Name) {
			return true
		}
		if inner := t.strip(m.Type); m.Name == "" && isComposite(inner) && t.hasField(inner, names) {
			return true
		}
	}
	return false
}

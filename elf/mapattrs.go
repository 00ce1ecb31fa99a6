package elf

import (
	"fmt"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/mkerr"
)

// mapAttrs reads the struct that describes a map: a member's name says which
// attribute it is, and its type holds the value, as the macros __uint, __type,
// __array and __ulong of bpf_helpers.h write it.
type mapAttrs struct {
	types  *btf.Spec
	m      *MapDef
	off    int64 // of the map in its section, for errors
	inner  bool  // the map is the template of a map-in-map
	values uint64

	template           btf.Type // struct of the maps in a map-in-map; void without one
	keySize, valueSize bool     // has been given
}

// mapAttrTable holds all attributes. set must not keep its arguments.
var mapAttrTable = [...]struct {
	name string
	set  func(*mapAttrs, btf.Member) error
}{
	{"type", func(a *mapAttrs, m btf.Member) error { return a.uint(m, &a.m.Type) }},
	{"max_entries", func(a *mapAttrs, m btf.Member) error { return a.uint(m, &a.m.MaxEntries) }},
	{"map_flags", func(a *mapAttrs, m btf.Member) error { return a.uint(m, &a.m.Flags) }},
	{"numa_node", func(a *mapAttrs, m btf.Member) error { a.m.HasNuma = true; return a.uint(m, &a.m.NumaNode) }},
	{"key_size", func(a *mapAttrs, m btf.Member) error { return a.size(m, &a.m.KeySize, &a.keySize) }},
	{"value_size", func(a *mapAttrs, m btf.Member) error { return a.size(m, &a.m.ValueSize, &a.valueSize) }},
	{"key", func(a *mapAttrs, m btf.Member) error { return a.typed(m, &a.m.Key, &a.m.KeySize, &a.keySize) }},
	{"value", func(a *mapAttrs, m btf.Member) error { return a.typed(m, &a.m.Value, &a.m.ValueSize, &a.valueSize) }},
	{"values", (*mapAttrs).slots},
	{"pinning", (*mapAttrs).pinning},
	{"map_extra", (*mapAttrs).extra},
}

func (a *mapAttrs) parse(def btf.Type) error {
	n := def.Vlen()
	for i := range n {
		m := def.Member(i)
		known := false
		for _, attr := range &mapAttrTable {
			if attr.name != m.Name {
				continue
			}
			known = true
			if m.Name == "values" && i != n-1 {
				return a.errorf("attribute values is not the last one")
			}
			if err := attr.set(a, m); err != nil {
				return a.errorf("attribute %s: %v", m.Name, err)
			}
		}
		if !known {
			return a.errorf("unknown attribute %q", m.Name)
		}
	}
	if a.m.Type == 0 {
		return a.errorf("no type")
	}
	return nil
}

func (a *mapAttrs) errorf(format string, args ...any) error {
	return bin.Errorf(a.m.Section, a.off, "map %s: %s", a.m.Name, fmt.Sprintf(format, args...))
}

// pointee is the type that the member, a pointer, points to.
func (a *mapAttrs) pointee(m btf.Member, strip bool) (btf.Type, error) {
	t, ok := a.types.Type(m.Type)
	if strip {
		t, ok = a.types.Strip(m.Type)
	}
	if !ok || t.Kind() != btf.KindPtr {
		return t, mkerr.Errorf("declared as %s, want a pointer", t.Kind())
	}
	if to, ok := a.types.Type(t.Target()); ok {
		return to, nil
	}
	return t, mkerr.Errorf("no type %d", t.Target())
}

// uint reads a number that is written as the length of an array.
func (a *mapAttrs) uint(m btf.Member, n *uint32) error {
	t, err := a.pointee(m, true)
	if err != nil {
		return err
	}
	if t.Kind() != btf.KindArray {
		return mkerr.Errorf("pointer to %s, want an array", t.Kind())
	}
	_, _, *n = t.Array()
	return nil
}

// size reads key_size or value_size; the types key or value may say the same.
func (a *mapAttrs) size(m btf.Member, size *uint32, given *bool) error {
	var n uint32
	if err := a.uint(m, &n); err != nil {
		return err
	}
	return setSize(n, size, given)
}

func setSize(n uint32, size *uint32, given *bool) error {
	if *given && *size != 0 && *size != n {
		return mkerr.Errorf("size %d, but %d was given before", n, *size)
	}
	*size, *given = n, true
	return nil
}

func (a *mapAttrs) typed(m btf.Member, id *btf.ID, size *uint32, given *bool) error {
	t, err := a.pointee(m, false)
	if err != nil {
		return err
	}
	n, err := a.types.Sizeof(t.ID())
	if err != nil {
		return err
	}
	*id = t.ID()
	return setSize(n, size, given)
}

// slots reads what the elements of a map-in-map or program array are. What
// they are at first is in relocations.
func (a *mapAttrs) slots(m btf.Member) error {
	isMap := a.m.Type == mapArrayOfMaps || a.m.Type == mapHashOfMaps
	switch {
	case a.inner:
		return mkerr.Errorf("maps within the maps of a map-in-map are not supported")
	case !isMap && a.m.Type != mapProgArray:
		return mkerr.Errorf("only maps of maps and program arrays have one (map type %d)", a.m.Type)
	}
	if err := setSize(4, &a.m.ValueSize, &a.valueSize); err != nil {
		return err
	}
	array, ok := a.types.Type(m.Type)
	if !ok || array.Kind() != btf.KindArray {
		return mkerr.Errorf("declared as %s, want an array", array.Kind())
	}
	elem, _, n := array.Array()
	if n != 0 {
		return mkerr.Errorf("array of %d elements, want one without a length", n)
	}
	ptr, ok := a.types.Strip(elem)
	if !ok || ptr.Kind() != btf.KindPtr {
		return mkerr.Errorf("array of %s, want pointers", ptr.Kind())
	}
	to, ok := a.types.Strip(ptr.Target())
	if !ok {
		return mkerr.Errorf("no type %d", ptr.Target())
	}
	a.values = uint64(m.Offset / 8)
	if a.values == 0 {
		return mkerr.Errorf("no attribute before it")
	}
	if !isMap {
		if to.Kind() != btf.KindFuncProto {
			return mkerr.Errorf("pointers to %s, want functions", to.Kind())
		}
		return nil
	}
	if to.Kind() != btf.KindStruct {
		return mkerr.Errorf("pointers to %s, want a map's struct", to.Kind())
	}
	a.template = to
	return nil
}

// parseAll reads the attributes of a map and of its template.
func (a *mapAttrs) parseAll(def btf.Type) error {
	if err := a.parse(def); err != nil || a.template.Kind() != btf.KindStruct {
		return err
	}
	a.m.Inner = &MapDef{Name: a.m.Name + ".inner", Section: a.m.Section}
	inner := mapAttrs{types: a.types, m: a.m.Inner, off: a.off, inner: true}
	return inner.parse(a.template)
}

func (a *mapAttrs) pinning(m btf.Member) error {
	if a.inner {
		return mkerr.Errorf("the maps of a map-in-map cannot be pinned")
	}
	if err := a.uint(m, &a.m.Pinning); err != nil {
		return err
	}
	if a.m.Pinning > PinByName {
		return mkerr.Errorf("unknown value %d", a.m.Pinning)
	}
	return nil
}

// extra reads a number of 64 bits: an array's length as the others, or the
// only value of an enum, which __ulong makes.
func (a *mapAttrs) extra(m btf.Member) error {
	t, ok := a.types.Strip(m.Type)
	if !ok {
		return mkerr.Errorf("no type %d", m.Type)
	}
	switch t.Kind() {
	case btf.KindEnum, btf.KindEnum64:
		if t.Vlen() != 1 {
			return mkerr.Errorf("enum of %d values, want one", t.Vlen())
		}
		a.m.MapExtra = t.EnumValue(0).Value
		if t.Kind() == btf.KindEnum && !t.Signed() {
			a.m.MapExtra = uint64(uint32(a.m.MapExtra))
		}
		return nil
	}
	var n uint32
	err := a.uint(m, &n)
	a.m.MapExtra = uint64(n)
	return err
}

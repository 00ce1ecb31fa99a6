// Package structops lays a struct of operations that an object implements
// (struct_ops) out as the running kernel declares it: members are matched by
// name, so that the object's own declaration may be older, shorter or in
// another order.
package structops

import (
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/mkerr"
)

// valuePrefix begins the name of the type of a struct_ops map's value: struct
// bpf_struct_ops_X holds a state that is the kernel's and struct X (kernel
// commit 85d33df357b6).
const valuePrefix = "bpf_struct_ops_"

// maxValue bounds a value's size in bytes; the largest in the kernel has 400.
const maxValue = 1 << 16

// Ops is a struct of operations as the object has it.
type Ops struct {
	Types *btf.Spec
	Type  btf.ID // the struct in Types
	Data  []byte // its bytes, function pointers zero
	Slots []Slot
}

// Slot says which program implements a member.
type Slot struct {
	Offset  uint32 // of the function pointer in Data, in bytes
	Program string
}

// Value is what a kernel gets of an Ops.
type Value struct {
	Name   string // of the struct in the kernel
	Module string // whose BTF has the types: "vmlinux" or a module
	Type   btf.ID // of the map's value: struct bpf_struct_ops_X
	Ops    btf.ID // of the operations: what programs are verified against
	Data   []byte // the map's value, function pointers zero
	Funcs  []Func // in the order of the object's slots
	// Missing are the slots that this kernel has no member for.
	Missing []Missing
}

// Func is a function pointer in a Value.
type Func struct {
	Member  string
	Index   uint32 // of the member in the kernel's struct: expected_attach_type
	Offset  uint32 // in Data, in bytes
	Program string
}

// Missing is a slot for a member that the kernel's struct lacks.
type Missing struct{ Member, Program string }

// target is the kernel's side.
type target struct {
	module string
	value  btf.Type
	ops    btf.Type
	offset uint32 // of ops in value, in bytes
}

// Queries are what Resolve will look up, for btf.Kernel.Find.
func (o *Ops) Queries() []btf.Query {
	t, ok := o.Types.Type(o.Type)
	if !ok {
		return nil
	}
	return []btf.Query{{Name: valuePrefix + btf.EssentialName(t.Name()), Kind: btf.KindStruct}}
}

// Resolve lays o out for the kernel. A member that the kernel does not have
// must be zero, as one that a newer kernel added is for an older one; a program
// in its place is Missing.
func (o *Ops) Resolve(k *btf.Kernel) (*Value, error) {
	local, ok := o.Types.Strip(o.Type)
	if !ok || local.Kind() != btf.KindStruct {
		return nil, mkerr.Errorf("type %d of the object is no struct", o.Type)
	}
	if uint64(len(o.Data)) != uint64(local.Size()) {
		return nil, mkerr.Errorf("%d bytes for struct %s of %d", len(o.Data), local.Name(), local.Size())
	}
	to, err := find(k, btf.EssentialName(local.Name()))
	if err != nil {
		return nil, err
	}
	v := &Value{
		Name: to.ops.Name(), Module: to.module, Type: to.value.ID(), Ops: to.ops.ID(),
		Data: make([]byte, to.value.Size()),
	}
	if err := o.functions(v, local, to); err != nil {
		return nil, mkerr.WrapNamed("struct %s: %w", v.Name, err)
	}
	c := copier{kernel: to.ops.Spec(), local: o.Types, left: maxMembers}
	if err := c.members(v.Data[to.offset:], o.Data, to.ops, local, 0); err != nil {
		return nil, mkerr.WrapNamed("struct %s: %w", v.Name, err)
	}
	return v, nil
}

// find looks for the type of the map's value, which names that of the
// operations: only one that the kernel registered has both.
func find(k *btf.Kernel, name string) (to target, err error) {
	if k == nil {
		return to, mkerr.WrapNamed("struct %s: %w", name, btf.ErrNoBTF)
	}
	if to.module, to.value, err = k.FindType(valuePrefix+name, btf.KindStruct); err != nil {
		return to, mkerr.Wrap("no such operations: %w", err)
	}
	if to.value.Size() > maxValue {
		return to, mkerr.Errorf("%s%s has %d bytes", valuePrefix, name, to.value.Size())
	}
	s := to.value.Spec()
	for i := range to.value.Vlen() {
		m := to.value.Member(i)
		t, ok := s.Type(m.Type)
		if !ok || t.Kind() != btf.KindStruct || t.Name() != name {
			continue
		}
		if end := uint64(m.Offset/8) + uint64(t.Size()); m.Offset%8 != 0 || end > uint64(to.value.Size()) {
			break
		}
		to.ops, to.offset = t, m.Offset/8
		return to, nil
	}
	return to, mkerr.Errorf("%s%s of the kernel holds no struct %s", valuePrefix, name, name)
}

// functions finds the kernel's members of the slots.
func (o *Ops) functions(v *Value, local btf.Type, to target) error {
	for _, s := range o.Slots {
		if s.Program == "" {
			continue
		}
		name, ok := memberAt(local, s.Offset)
		if !ok || !isFunc(o.Types, name.Type) {
			return mkerr.Errorf("offset %d is no pointer to a function", s.Offset)
		}
		i, m, ok := lookup(to.ops, name.Name, 0)
		if !ok {
			v.Missing = append(v.Missing, Missing{name.Name, s.Program})
			continue
		}
		if !isFunc(to.ops.Spec(), m.Type) {
			return mkerr.Named("member %s is no pointer to a function in the kernel", name.Name)
		}
		at := uint64(to.offset) + uint64(m.Offset/8)
		if at+8 > uint64(len(v.Data)) {
			return mkerr.Named("member %s lies outside of it", name.Name)
		}
		v.Funcs = append(v.Funcs, Func{name.Name, uint32(i), uint32(at), s.Program})
	}
	return nil
}

// memberAt is the member of t that begins at an offset in bytes.
func memberAt(t btf.Type, offset uint32) (btf.Member, bool) {
	for i := range t.Vlen() {
		if m := t.Member(i); uint64(m.Offset) == uint64(offset)*8 && m.BitSize == 0 {
			return m, true
		}
	}
	return btf.Member{}, false
}

// lookup is the nth member of t of a name: names are unique but for "", that of
// members without any.
func lookup(t btf.Type, name string, nth int) (int, btf.Member, bool) {
	for i := range t.Vlen() {
		if m := t.Member(i); m.Name == name {
			if nth == 0 {
				return i, m, true
			}
			nth--
		}
	}
	return 0, btf.Member{}, false
}

// isFunc reports whether a type is a pointer to a function.
func isFunc(s *btf.Spec, id btf.ID) bool {
	t, ok := s.Strip(id)
	if !ok || t.Kind() != btf.KindPtr {
		return false
	}
	t, ok = s.Strip(t.Target())
	return ok && t.Kind() == btf.KindFuncProto
}

package skep

import (
	"encoding/binary"
	"math"
	"reflect"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/elf"
	"github.com/skepbpf/skep/internal/layout"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sysenc"
)

// VarSpec is a global variable of an object: a place in the contents of a data
// section's map.
type VarSpec struct {
	def  *elf.VarDef
	spec *Spec
}

// Name in C; the second static variable of a name is "name·2".
func (v *VarSpec) Name() string { return v.def.Name }

// Map that holds the variable: a name in Spec.Maps.
func (v *VarSpec) Map() string { return v.def.Map }

// Offset in the map's only value, in bytes.
func (v *VarSpec) Offset() uint32 { return v.def.Offset }

// Size in bytes.
func (v *VarSpec) Size() uint32 { return v.def.Size }

// ReadOnly reports whether the variable is constant once loaded.
func (v *VarSpec) ReadOnly() bool { return v.def.ReadOnly }

// Set gives the variable its value at load. val is an integer that fits, a
// bool, a byte slice of the exact size, or a pointer-free value whose layout
// is the variable's: where the object has BTF, that is checked. An object of
// the other byte order than this machine's takes byte slices only, and variables
// of one byte.
func (v *VarSpec) Set(val any) error {
	m, err := v.home()
	if err != nil {
		return err
	}
	if err := v.check(val); err != nil {
		return mkerr.WrapNamed("variable %s: %w", v.def.Name, err)
	}
	b, err := sysenc.Encode(val, int(v.def.Size))
	if err != nil {
		return mkerr.WrapNamed("variable %s: %w", v.def.Name, err)
	}
	if m.Contents == nil {
		m.Contents = make([]byte, m.ValueSize)
	}
	copy(m.Contents[v.def.Offset:], b)
	return nil
}

// Get copies the value that the variable will have at load to *out, whose type
// is one that Set takes, or []byte.
func (v *VarSpec) Get(out any) error {
	m, err := v.home()
	if err != nil {
		return err
	}
	if err := v.check(out); err != nil {
		return mkerr.WrapNamed("variable %s: %w", v.def.Name, err)
	}
	mem := m.Contents
	if mem == nil {
		mem = make([]byte, v.def.Size)
	} else {
		mem = mem[v.def.Offset:][:v.def.Size]
	}
	if err := sysenc.Decode(mem, out); err != nil {
		return mkerr.WrapNamed("variable %s: %w", v.def.Name, err)
	}
	return nil
}

// check compares the Go type with the variable's. Integers are fitted by size
// where the variable is a number: C has too many names for them. Byte slices
// are not looked at.
func (v *VarSpec) check(val any) error {
	_, raw := val.([]byte)
	if _, out := val.(*[]byte); out {
		raw = true
	}
	if o := v.spec.object.Order; foreign(o) && v.def.Size > 1 && !raw {
		return mkerr.Errorf("the object is %v, this machine is not: it takes bytes only", o)
	}
	return checkValue(v.spec.Types, v.def.Type, val)
}

func checkValue(s *btf.Spec, id btf.ID, val any) error {
	t := reflect.TypeOf(val)
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() == reflect.Slice || id == 0 || s == nil {
		return nil
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Array, reflect.Float32, reflect.Float64:
		return layout.Check(t, s, id)
	}
	c, ok := s.Strip(id)
	if !ok {
		return nil
	}
	switch c.Kind() {
	case btf.KindStruct, btf.KindUnion, btf.KindArray, btf.KindFloat:
		return layout.Check(t, s, id)
	}
	return nil
}

// foreign reports whether data of an order is not this machine's. No order is
// that of any machine.
func foreign(o binary.ByteOrder) bool {
	return o != nil && o.Uint16([]byte{1, 0}) != binary.NativeEndian.Uint16([]byte{1, 0})
}

// home is the map that the variable is in. Its contents, or zeros of the map's
// size where it has none, reach to the variable's end.
func (v *VarSpec) home() (*MapSpec, error) {
	m := v.spec.Maps[v.def.Map]
	if m == nil {
		return nil, mkerr.WrapNamed("variable %s: %w", v.def.Name, notFound("map", v.def.Map, v.spec.MapNames()))
	}
	have := uint64(m.ValueSize)
	if m.Contents != nil {
		have = uint64(len(m.Contents))
	} else if have > math.MaxInt {
		return nil, mkerr.Errorf("variable %s: map %s of %d bytes is too large for this machine", v.def.Name, v.def.Map, have)
	}
	if end := uint64(v.def.Offset) + uint64(v.def.Size); end > have {
		return nil, mkerr.Errorf("variable %s: map %s holds %d bytes, the variable ends at %d", v.def.Name, v.def.Map, have, end)
	}
	return m, nil
}

// Set gives a global variable its value at load; see VarSpec.Set. An unknown
// name is a *NotFoundError.
func (s *Spec) Set(name string, val any) error {
	v := s.Vars[name]
	if v == nil {
		return notFound("variable", name, keys(s.Vars))
	}
	return v.Set(val)
}

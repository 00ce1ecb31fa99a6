package skep

import (
	"github.com/skepbpf/skep/elf"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sysenc"
	"github.com/skepbpf/skep/maps"
)

// Get copies the present value of a global variable to *out, whose type is one
// that VarSpec.Get takes. An unknown name is a *NotFoundError. A program that writes at the same time may have
// written half of it.
func (c *Collection) Get(variable string, out any) error {
	v, m, err := c.variable(variable)
	if err == nil {
		err = c.get(v, m, out)
	}
	if err != nil {
		return mkerr.WrapNamed("variable %s: %w", variable, err)
	}
	return nil
}

// Set gives a global variable of a loaded object a new value, of a type that
// VarSpec.Set takes. What is read-only cannot be set any more: the error Is
// fs.ErrPermission. Where the map cannot be mapped (Linux before 5.5, or a
// section of static variables alone), its other variables are written back too.
func (c *Collection) Set(variable string, val any) error {
	v, m, err := c.variable(variable)
	if err == nil {
		err = c.set(v, m, val)
	}
	if err != nil {
		return mkerr.WrapNamed("variable %s: %w", variable, err)
	}
	return nil
}

func (c *Collection) get(v *elf.VarDef, m *maps.Map, out any) error {
	if err := checkValue(c.plan.types, v.Type, out); err != nil {
		return err
	}
	if m.Type() == maps.Arena {
		mem, at, err := c.inArena(v)
		if err != nil {
			return err
		}
		b := make([]byte, v.Size)
		if _, err := mem.ReadAt(b, at); err != nil {
			return err
		}
		return sysenc.Decode(b, out)
	}
	value, err := wholeValue(m, v)
	if err != nil {
		return err
	}
	return sysenc.Decode(value[v.Offset:v.Offset+v.Size], out)
}

func (c *Collection) set(v *elf.VarDef, m *maps.Map, val any) error {
	if err := checkValue(c.plan.types, v.Type, val); err != nil {
		return err
	}
	b, err := sysenc.Encode(val, int(v.Size))
	if err != nil {
		return err
	}
	switch {
	case m.Type() == maps.Arena:
		mem, at, err := c.inArena(v)
		if err == nil {
			_, err = mem.WriteAt(b, at)
		}
		return err
	case m.Flags()&maps.Mmapable != 0:
		mem, err := m.Memory()
		if err != nil {
			return err
		}
		_, err = mem.WriteAt(b, int64(v.Offset))
		return mkerr.Join(err, mem.Close())
	}
	value, err := wholeValue(m, v)
	if err != nil {
		return err
	}
	copy(value[v.Offset:], b)
	return m.Update(make([]byte, 4), value, maps.Any)
}

// inArena is where a variable of an arena is in this process.
func (c *Collection) inArena(v *elf.VarDef) (*maps.Memory, int64, error) {
	mem := c.Arenas[v.Map]
	for _, m := range c.plan.maps {
		if m.name == v.Map && m.arena != nil && mem != nil {
			return mem, int64(m.arena.offset) + int64(v.Offset), nil
		}
	}
	return nil, 0, mkerr.Named("map %s: an arena of the caller's", v.Map)
}

// wholeValue reads the value of a data section that v is a part of.
func wholeValue(m *maps.Map, v *elf.VarDef) ([]byte, error) {
	if m.Type().PerCPU() {
		return nil, mkerr.Named("map %s: each CPU has a value of its own: use the map", v.Map)
	}
	value := make([]byte, m.ValueSize())
	if err := m.Lookup(make([]byte, 4), value, 0); err != nil {
		return nil, err
	}
	if uint64(v.Offset)+uint64(v.Size) > uint64(len(value)) {
		return nil, mkerr.Errorf("map %s holds %d bytes, the variable ends at %d", v.Map, len(value), uint64(v.Offset)+uint64(v.Size))
	}
	return value, nil
}

func (c *Collection) variable(name string) (*elf.VarDef, *maps.Map, error) {
	for _, v := range c.plan.vars {
		if v.Name == name {
			m, err := c.Map(v.Map)
			return v, m, err
		}
	}
	var have []string
	for _, v := range c.plan.vars {
		have = append(have, v.Name)
	}
	return nil, nil, notFound("variable", name, have)
}

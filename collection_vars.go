package skep

import (
	"errors"
	"fmt"

	"github.com/skepbpf/skep/elf"
	"github.com/skepbpf/skep/internal/sysenc"
	"github.com/skepbpf/skep/maps"
)

// Get copies the present value of a global variable to *out, whose type is one
// that VarSpec.Get takes. A program that writes at the same time may have
// written half of it.
func (c *Collection) Get(variable string, out any) error {
	v, m, err := c.variable(variable)
	if err == nil {
		err = checkValue(c.plan.types, v.Type, out)
	}
	value := make([]byte, 0)
	if err == nil {
		value, err = readAll(m, v)
	}
	if err == nil {
		err = sysenc.Decode(value[v.Offset:v.Offset+v.Size], out)
	}
	if err != nil {
		return fmt.Errorf("variable %s: %w", variable, err)
	}
	return nil
}

// Set gives a global variable of a loaded object a new value, of a type that
// VarSpec.Set takes. What is read-only cannot be set any more: the error Is
// EPERM. Where the map cannot be mapped (Linux before 5.5, or a section of
// static variables alone), its other variables are written back too.
func (c *Collection) Set(variable string, val any) error {
	v, m, err := c.variable(variable)
	if err == nil {
		err = checkValue(c.plan.types, v.Type, val)
	}
	if err == nil {
		err = set(m, v, val)
	}
	if err != nil {
		return fmt.Errorf("variable %s: %w", variable, err)
	}
	return nil
}

func set(m *maps.Map, v *elf.VarDef, val any) error {
	b, err := sysenc.Encode(val, int(v.Size))
	if err != nil {
		return err
	}
	if m.Flags()&maps.Mmapable != 0 {
		mem, err := m.Memory()
		if err != nil {
			return err
		}
		_, err = mem.WriteAt(b, int64(v.Offset))
		return errors.Join(err, mem.Close())
	}
	value, err := readAll(m, v)
	if err != nil {
		return err
	}
	copy(value[v.Offset:], b)
	return m.Update(make([]byte, 4), value, maps.Any)
}

// readAll reads the value that v is a part of.
func readAll(m *maps.Map, v *elf.VarDef) ([]byte, error) {
	value := make([]byte, m.ValueSize())
	if err := m.Lookup(make([]byte, 4), value, 0); err != nil {
		return nil, err
	}
	if uint64(v.Offset)+uint64(v.Size) > uint64(len(value)) {
		return nil, fmt.Errorf("map %s holds %d bytes, the variable ends at %d", v.Map, len(value), uint64(v.Offset)+uint64(v.Size))
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

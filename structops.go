package skep

import (
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/step/structops"
	"github.com/skepbpf/skep/internal/sysenc"
	"github.com/skepbpf/skep/link"
	"github.com/skepbpf/skep/maps"
	"github.com/skepbpf/skep/prog"
)

// StructOps is a variable in a .struct_ops section that can be edited before
// it is planned: numbers, strings, and which programs implement its members.
type StructOps struct {
	name string
	spec *Spec
	ops  *structops.Ops
}

// StructOps gives the struct_ops map of a name. Its programs are loaded when
// the map is created (MapSpec.Off), whatever their own policy; those that are
// all Optional make the map so.
func (s *Spec) StructOps(name string) (*StructOps, error) {
	o := s.ops(name)
	if o == nil {
		var have []string
		for n, m := range s.Maps {
			if m.Type == maps.StructOps {
				have = append(have, n)
			}
		}
		return nil, notFound("struct_ops map", name, have)
	}
	return &StructOps{name: name, spec: s, ops: o}, nil
}

// ops is the value of a struct_ops map, as the object declares it; nil if name
// is none. It is not inlined for the size of programs.
//
//go:noinline
func (s *Spec) ops(name string) *structops.Ops {
	m := s.Maps[name]
	if m == nil || m.Type != maps.StructOps || m.Types == nil {
		return nil
	}
	o := &structops.Ops{Types: m.Types, Type: m.Value, Data: m.Contents}
	for _, slot := range m.Slots {
		o.Slots = append(o.Slots, structops.Slot{Offset: slot.Index, Program: slot.Name})
	}
	return o
}

func (o *StructOps) fail(err error) error { return mkerr.WrapNamed("map %s: %w", o.name, err) }

// Set gives a member its value. The member is a path in C, such as "flags" or
// "conf.limit"; val is what VarSpec.Set takes, or a string that fits, with its
// NUL, an array of characters.
func (o *StructOps) Set(member string, val any) error {
	m, mem, err := o.member(member, false)
	if err != nil {
		return o.fail(err)
	}
	if s, ok := val.(string); ok && isChars(o.ops.Types, m.Type) {
		if len(s) >= len(mem) {
			return o.fail(mkerr.Errorf("member %s: %d characters and a NUL do not fit %d bytes", member, len(s), len(mem)))
		}
		clear(mem[copy(mem, s):])
		return nil
	}
	if err := checkValue(o.ops.Types, m.Type, val); err != nil {
		return o.fail(mkerr.WrapNamed("member %s: %w", member, err))
	}
	b, err := sysenc.Encode(val, len(mem))
	if err != nil {
		return o.fail(mkerr.WrapNamed("member %s: %w", member, err))
	}
	copy(mem, b)
	return nil
}

// Get copies the value that a member will have to *out, as VarSpec.Get does.
func (o *StructOps) Get(member string, out any) error {
	m, mem, err := o.member(member, false)
	if err != nil {
		return o.fail(err)
	}
	if err := checkValue(o.ops.Types, m.Type, out); err != nil {
		return o.fail(mkerr.WrapNamed("member %s: %w", member, err))
	}
	if err := sysenc.Decode(mem, out); err != nil {
		return o.fail(mkerr.WrapNamed("member %s: %w", member, err))
	}
	return nil
}

// SetProgram lets a program of the Spec implement a member; "" leaves the
// member out. A program that no map uses any more is Off.
func (o *StructOps) SetProgram(member, program string) error {
	m, _, err := o.member(member, true)
	if err != nil {
		return o.fail(err)
	}
	if program != "" {
		switch p := o.spec.Programs[program]; {
		case p == nil:
			return o.fail(notFound("program", program, o.spec.ProgramNames()))
		case p.Type != prog.StructOps:
			return o.fail(mkerr.Errorf("member %s: program %s is of type %s", member, program, p.Type))
		}
	}
	ms := o.spec.Maps[o.name]
	for i := range ms.Slots {
		if ms.Slots[i].Index == m.Offset {
			before := ms.Slots[i].Name
			ms.Slots = append(ms.Slots[:i], ms.Slots[i+1:]...)
			o.spec.release(before)
			break
		}
	}
	if program != "" {
		ms.Slots = append(ms.Slots, maps.Slot{Index: m.Offset, Name: program, Program: true})
	}
	return nil
}

// release switches a struct_ops program off that no map uses any more: it could
// not be loaded.
func (s *Spec) release(program string) {
	for _, m := range s.Maps {
		if m.Type == maps.StructOps && usesProgram(m, program) {
			return
		}
	}
	if p := s.Programs[program]; p != nil {
		p.Policy = Off
	}
}

// Program names the program that implements a member; "" for none.
func (o *StructOps) Program(member string) (string, error) {
	m, _, err := o.member(member, true)
	if err != nil {
		return "", o.fail(err)
	}
	for _, s := range o.spec.Maps[o.name].Slots {
		if s.Index == m.Offset {
			return s.Name, nil
		}
	}
	return "", nil
}

func (o *StructOps) member(path string, function bool) (structops.Member, []byte, error) {
	m, err := o.ops.Member(path)
	if err != nil {
		return m, nil, err
	}
	if m.Func != function {
		if function {
			return m, nil, mkerr.Named("member %s: no pointer to a function", path)
		}
		return m, nil, mkerr.Named("member %s: a pointer to a function: see SetProgram", path)
	}
	return m, o.ops.Data[m.Offset : m.Offset+m.Size], nil
}

func isChars(s *btf.Spec, id btf.ID) bool {
	t, ok := s.Strip(id)
	if !ok || t.Kind() != btf.KindArray {
		return false
	}
	elem, _, _ := t.Array()
	n, err := s.Sizeof(elem)
	return err == nil && n == 1
}

// policy is that of a program in a load. A struct_ops program is loaded if a
// map that is created uses it, as libbpf does it. The error says why it is Off.
func (s *Spec) policy(name string) (Policy, error) {
	p := s.Programs[name]
	used, created := false, false
	if p.Type == prog.StructOps {
		for _, m := range s.Maps {
			if m.Type == maps.StructOps && usesProgram(m, name) {
				used, created = true, created || !m.Off
			}
		}
	}
	switch {
	case used && !created:
		return Off, mkerr.Wrap("%w: so is each struct_ops map that it is for", ErrOff)
	case created && p.Policy == Off:
		return Required, nil
	case p.Policy == Off:
		return Off, ErrOff
	}
	return p.Policy, nil
}

//go:noinline
func usesProgram(m *MapSpec, program string) bool {
	for i := range m.Slots {
		if m.Slots[i].Program && m.Slots[i].Name == program {
			return true
		}
	}
	return false
}

// AttachStructOps registers a struct_ops map of the collection with the
// kernel's subsystem. The Link is the caller's. A name that the object does not
// have is a *NotFoundError. Requires Linux 5.6; maps of ".struct_ops.link" 6.4.
func (c *Collection) AttachStructOps(name string) (*link.StructOps, error) {
	m, o, err := c.structOps(name)
	if err == nil {
		var l *link.StructOps
		if l, err = link.AttachStructOps(m, o); err == nil {
			return l, nil
		}
		err = mkerr.WrapNamed("map %s: %w", name, err)
	}
	return nil, &StepError{Object: c.plan.object, Step: "attach", Name: name, Err: err}
}

// UpdateStructOps lets a struct_ops map of the collection take the place of the
// one that l has registered. Requires Linux 6.4.
func (c *Collection) UpdateStructOps(l *link.StructOps, name string) error {
	m, o, err := c.structOps(name)
	if err == nil {
		if err = l.UpdateMap(m, o); err == nil {
			return nil
		}
		err = mkerr.WrapNamed("map %s: %w", name, err)
	}
	return &StepError{Object: c.plan.object, Step: "attach", Name: name, Err: err}
}

// structOps gives a map and what to store in it. Its errors name the map.

func (c *Collection) structOps(name string) (*maps.Map, link.StructOpsOptions, error) {
	var o link.StructOpsOptions
	m, err := c.Map(name)
	if err != nil {
		return nil, o, err
	}
	for _, pm := range c.plan.maps {
		if pm.name != name || pm.ops == nil {
			continue
		}
		o.Value = pm.ops.Data
		for _, f := range pm.ops.Funcs {
			if p := c.Programs[f.Program]; p != nil {
				o.Programs = append(o.Programs, link.StructOpsProgram{Offset: f.Offset, Program: p})
			}
		}
		return m, o, nil
	}
	return nil, o, mkerr.Named("map %s: not a struct_ops map", name)
}

package skep

import (
	"errors"
	"fmt"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/step/structops"
	"github.com/skepbpf/skep/prog"
)

// plannedOps is the value of a struct_ops map on this kernel.
type plannedOps struct {
	value *structops.Value
	err   error
}

// structOps lays all struct_ops maps out: their programs cannot be planned
// before.
func (p *planner) structOps() {
	for _, name := range p.spec.MapNames() {
		o := p.spec.ops(name)
		if o == nil || p.spec.Maps[name].Off {
			continue
		}
		v, err := o.Resolve(p.facts.BTF)
		p.ops[name] = &plannedOps{v, err}
	}
}

// errNoMember: the kernel's struct lacks the only members that a program is for.
var errNoMember = errors.New("the kernel has no such member")

// member finds what a struct_ops program implements. A program may be shared
// by maps, as the same member of the same struct.
func (p *planner) member(pp *plannedProgram) error {
	var use, first *structops.Func
	var ops *structops.Value
	var missing string
	for _, name := range p.spec.MapNames() {
		planned := p.ops[name]
		if planned == nil || !usesProgram(p.spec.Maps[name], pp.name) {
			continue
		}
		if planned.err != nil {
			return mkerr.WrapNamed("map %s: %w", name, planned.err)
		}
		for _, m := range planned.value.Missing {
			if m.Program == pp.name {
				missing = fmt.Sprintf("%s.%s", planned.value.Name, m.Member)
			}
		}
		for i := range planned.value.Funcs {
			if use = &planned.value.Funcs[i]; use.Program != pp.name {
				continue
			}
			if first != nil && (ops.Ops != planned.value.Ops || ops.Module != planned.value.Module || first.Index != use.Index) {
				return mkerr.Errorf("implements both %s.%s and %s.%s", ops.Name, first.Member, planned.value.Name, use.Member)
			}
			first, ops = use, planned.value
		}
	}
	switch {
	case first != nil:
	case missing != "":
		// As libbpf does: what an older kernel never calls is not needed.
		pp.policy = Off
		return mkerr.Errorf("%w: %s", errNoMember, missing)
	default:
		return errors.New("no struct_ops map uses it")
	}
	pp.spec.Target = prog.Target{Name: ops.Name, Module: ops.Module, ID: ops.Ops}
	pp.spec.Attach = prog.AttachType(first.Index)
	pp.note("implements %s.%s: member %d of type %d in %s", ops.Name, first.Member, first.Index, ops.Ops, ops.Module)
	return nil
}

// planOps gives the form of a struct_ops map. It is left out where all its
// programs are Optional and the kernel does not know the struct.
func (p *planner) planOps(pm *plannedMap) error {
	planned := p.ops[pm.name]
	if planned == nil {
		return errors.New("no BTF describes it")
	}
	pm.optional = p.optional(pm.name)
	if planned.err != nil {
		if pm.optional {
			pm.off, pm.why = true, planned.err
			return nil
		}
		return planned.err
	}
	pm.ops = planned.value
	pm.spec.ValueSize = uint32(len(planned.value.Data))
	pm.spec.VmlinuxValue = planned.value.Type
	pm.spec.Key, pm.spec.Value = 0, 0
	pm.spec.Contents, pm.spec.Slots = nil, nil
	return pm.spec.Validate()
}

// optional reports whether a struct_ops map has programs, and all are Optional.
func (p *planner) optional(name string) bool {
	m := p.spec.Maps[name]
	for _, s := range m.Slots {
		if ps := p.spec.Programs[s.Name]; ps == nil || ps.Policy != Optional {
			return false
		}
	}
	return len(m.Slots) > 0
}

// printOps prints a struct_ops value.
func (m *plannedMap) printOps(line func(format string, args ...any)) {
	line("\tstruct %s: value type %d in %s\n", m.ops.Name, m.ops.Type, m.ops.Module)
	for _, f := range m.ops.Funcs {
		line("\t+%d %s: {prog %s}\n", f.Offset, f.Member, f.Program)
	}
	for _, lost := range m.ops.Missing {
		line("\tno member %s for %s\n", lost.Member, lost.Program)
	}
}

package skep

import (
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/mkerr"
)

// Misfit is something that a program wants of a kernel's types, and that is not
// there.
type Misfit struct {
	Program string
	// Of a CO-RE relocation that has no value: where it is, and what it asks
	// for in C words. Empty for what else keeps the program from being planned,
	// such as a function to attach to that the kernel does not have.
	Function, Source, What string
	Insn                   int // slot in Function
	// Why says what was sought, which types were candidates, and why each of
	// them was rejected.
	Why string
	// Fails: the program does not load there. It does if the instruction cannot
	// be reached, behind a test whether the field exists.
	Fails bool
}

// Misfits says what a kernel's types lack of what the programs of the Spec
// want, those switched off excepted. It asks no kernel: of facts it takes BTF,
// and the rest as far as it is there. A symbol or a feature that facts do not
// tell of counts as there. To ask about several kernels, ask for each of them;
// btf.KernelOf makes one of types.
func (s *Spec) Misfits(facts *Facts) ([]Misfit, error) {
	c := s.Copy()
	for _, p := range c.Programs {
		if p.Policy == Required {
			p.Policy = Optional
		}
	}
	f := *facts
	f.owned = false
	f.assume(c.Needs())
	p, err := c.Plan(&f)
	if err != nil {
		return nil, mkerr.Wrap("check types: %w", err)
	}
	var all []Misfit
	for _, pp := range p.programs {
		switch {
		case c.Programs[pp.name] != nil && c.Programs[pp.name].Policy == Off:
		case pp.err != nil:
			all = append(all, Misfit{Program: pp.name, Why: pp.err.Error(), Fails: true})
		case pp.linked != nil:
			all = append(all, p.misfits(pp)...)
		}
	}
	return all, nil
}

// misfits are the relocations of a program that have no value.
func (p *Plan) misfits(pp *plannedProgram) (all []Misfit) {
	reach := p.reach(pp)
	for _, fn := range pp.linked.Names() {
		pf := p.funcs[fn]
		if pf == nil {
			continue
		}
		for _, r := range p.relocations(pf) {
			if r.Missing != "" {
				all = append(all, Misfit{
					Program: pp.name, Function: fn, Source: r.Source, What: r.What, Insn: r.Insn,
					Why: r.Missing, Fails: reach[fn].here(r.Insn),
				})
			}
		}
	}
	return all
}

// assume fills in what a plan for types alone needs to know besides them.
func (f *Facts) assume(n Needs) {
	if f.PageSize == 0 {
		f.PageSize = 4096
	}
	if f.CPUs == 0 {
		f.CPUs = 1
	}
	if f.Features == nil {
		f.Features = new(Features)
		for _, id := range n.Features {
			f.Features.Learn(id, feature.Yes)
		}
	}
	symbols := make(map[string]Fact[uint64], len(n.Symbols))
	for _, name := range n.Symbols {
		if symbols[name] = f.Symbols[name]; symbols[name].State == NotAsked {
			symbols[name] = Fact[uint64]{State: Known, Value: 1}
		}
	}
	f.Symbols = symbols
}

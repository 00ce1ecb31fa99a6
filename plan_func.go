package skep

import (
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/relo"
)

// vmlinux is the name of the kernel's own BTF.
const vmlinux = "vmlinux"

// function resolves one function, once for all programs that call it.
func (p *planner) function(f *FuncSpec) *plannedFunc {
	if pf := p.funcs[f.Name]; pf != nil {
		return pf
	}
	pf := &plannedFunc{Func: relo.Func{Name: f.Name, Insns: f.Insns, Type: f.Type}}
	p.funcs[f.Name] = pf
	if pf.err = p.core(pf); pf.err != nil {
		return pf
	}
	slot := 0
	for i := range pf.Insns {
		in := &pf.Insns[i]
		// The rest is looked up all the same: the report tells of all.
		if err := p.extern(pf, in, slot); err != nil && pf.err == nil {
			pf.err = mkerr.Errorf("%s: %w", f.Name, err)
		}
		slot += in.Slots()
	}
	return pf
}

// core applies the CO-RE relocations of a function.
func (p *planner) core(pf *plannedFunc) error {
	insns, poisoned, err := relo.ApplyCORE(pf.Insns, p.spec.notes(), func(c *btf.CORERelo) (btf.Fixup, error) {
		fix, err := p.relo.Resolve(c)
		if err == nil {
			pf.notes = append(pf.notes, note{core: c, fix: fix})
		}
		return fix, err
	})
	if err != nil {
		return mkerr.Errorf("%s: %w", pf.Name, err)
	}
	pf.Insns = insns
	for _, u := range poisoned {
		pf.poison = append(pf.poison, unresolved{pf.Name, u.Slot, u.Why})
	}
	return nil
}

package skep

import (
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/relo"
	"github.com/skepbpf/skep/internal/step/prune"
)

// vmlinux is the name of the kernel's own BTF.
const vmlinux = "vmlinux"

// plannedFunc is a function after CO-RE, pruning and externs. Programs share it.
type plannedFunc struct {
	relo.Func
	notes  []note
	poison []unresolved
	outer  []outer
	tails  []prune.TailCall // if it was pruned
	pruned []string
	err    error
}

// outer is an instruction that refers to a symbol of the kernel.
type outer struct {
	slot  int
	name  string
	kfunc bool
	weak  bool
}

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
		err := p.extern(pf, in, slot)
		if err == nil && p.inline {
			err = p.noData(in)
		}
		if err != nil && pf.err == nil {
			pf.err = mkerr.WrapNamed("%s: %w", f.Name, err)
		}
		slot += in.Slots()
	}
	return pf
}

// core applies the CO-RE relocations of a function, and prunes it.
func (p *planner) core(pf *plannedFunc) error {
	var failed map[*btf.CORERelo]error // and may be in dead code
	insns, poisoned, err := relo.ApplyCORE(pf.Insns, p.spec.notes(), func(c *btf.CORERelo) (btf.Fixup, error) {
		fix, err := p.relo.Resolve(c)
		if err == nil {
			pf.notes = append(pf.notes, note{core: c, fix: fix})
		} else if p.spec.prune != nil {
			if failed == nil {
				failed = map[*btf.CORERelo]error{}
			}
			failed[c] = err
			return btf.Fixup{Poison: true}, nil
		}
		return fix, err
	})
	if err != nil {
		return mkerr.WrapNamed("%s: %w", pf.Name, err)
	}
	pf.Insns = insns
	for _, u := range poisoned {
		pf.poison = append(pf.poison, unresolved{pf.Name, u.Slot, u.Why, u.CORE.Describe(p.spec.Types)})
	}
	if p.spec.prune == nil {
		return nil
	}
	if err := p.spec.prune.function(p, pf); err != nil {
		return mkerr.WrapNamed("%s: %w", pf.Name, err)
	}
	return p.reachedCORE(pf, failed)
}

// reachedCORE forgets the relocations of pruned code. One that failed and is
// reached is an error.
func (p *planner) reachedCORE(pf *plannedFunc, failed map[*btf.CORERelo]error) error {
	reached := map[*btf.CORERelo]bool{}
	slot := 0
	for i := range pf.Insns {
		in := &pf.Insns[i]
		c := p.spec.core(in)
		if err := failed[c]; c != nil && err != nil {
			return mkerr.Errorf("%s: insn %d: %w", pf.Name, slot, err)
		}
		reached[c] = true
		slot += in.Slots()
	}
	var notes []note
	for _, n := range pf.notes {
		if reached[n.core] {
			notes = append(notes, n)
		}
	}
	pf.notes = notes
	return nil
}

package skep

import (
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/maps"
)

// planPrograms plans all programs.
func (p *planner) planPrograms(plan *Plan) {
	if p.spec.prune != nil {
		p.spec.prune.programs(p, plan)
		return
	}
	for _, name := range p.spec.ProgramNames() {
		plan.programs = append(plan.programs, p.program(name))
	}
}

// reachable plans the programs that can be reached: all, but those that stand
// in a program array to which no tail call leads any more.
func (p *planner) reachable(plan *Plan) {
	names := p.spec.ProgramNames()
	w := &tailWalk{planner: p, planned: map[string]*plannedProgram{}}
	for _, name := range p.spec.MapNames() {
		if p.spec.Maps[name].Type == maps.ProgArray {
			w.arrays = append(w.arrays, name)
		}
	}
	for _, name := range w.entries(names) {
		w.visit(name)
	}
	for _, name := range names {
		pp := w.planned[name]
		if pp == nil {
			if pp = p.unplanned(name); pp.policy != Off {
				pp.policy, pp.err = Off, mkerr.Wrap("%w: no tail call that can be reached leads to it", ErrPruned)
			}
		}
		plan.programs = append(plan.programs, pp)
	}
}

// unplanned is a program of which no more is known than the Spec says.
func (p *planner) unplanned(name string) *plannedProgram {
	ps := p.spec.Programs[name]
	pp := &plannedProgram{name: name, section: ps.Section, match: ps.Match, handler: ps.handler, spec: ps.Spec}
	pp.policy, pp.err = p.spec.policy(name)
	return pp
}

// tailWalk follows tail calls from program to program.
type tailWalk struct {
	*planner
	planned map[string]*plannedProgram
	arrays  []string // program arrays, in the object's order
}

// entries are the programs that are no targets of tail calls. One that stands
// in an array which no entry refers to, before anything is pruned, is an entry:
// the caller attaches it, or nothing would ever run it.
func (w *tailWalk) entries(names []string) (list []string) {
	target := map[string]bool{}
	for _, array := range w.arrays {
		m := w.spec.Maps[array]
		for _, s := range m.Slots {
			// Others may jump to what is in a pinned array.
			target[s.Name] = target[s.Name] || s.Program && m.Pinning == maps.NotPinned
		}
	}
	seen := map[string]bool{}
	flood := func(name string) {
		list = append(list, name)
		queue := []string{name}
		for len(queue) > 0 {
			one := queue[len(queue)-1]
			queue = queue[:len(queue)-1]
			if seen[one] || w.spec.Programs[one] == nil {
				continue
			}
			seen[one] = true
			queue = append(queue, w.mentioned(one)...)
		}
	}
	for _, pass := range []bool{false, true} {
		for _, name := range names {
			if pol, _ := w.spec.policy(name); pol != Off && target[name] == pass && !seen[name] {
				flood(name)
			}
		}
	}
	return list
}

// mentioned are the programs in all arrays that a program refers to, before
// anything is pruned.
//
//go:noinline
func (w *tailWalk) mentioned(program string) (names []string) {
	refs := map[string]bool{}
	w.mention(program, refs)
	for _, array := range w.arrays {
		if refs[array] {
			names = append(names, w.targets(array, -1)...)
		}
	}
	return names
}

// targets are the programs in an array, or in one element of it.
//
//go:noinline
func (w *tailWalk) targets(array string, index int64) (names []string) {
	m := w.spec.Maps[array]
	if m == nil || m.Type != maps.ProgArray {
		return nil
	}
	for _, s := range m.Slots {
		if s.Program && (index < 0 || int64(s.Index) == index) {
			names = append(names, s.Name)
		}
	}
	return names
}

// visit plans a program, and those that its tail calls lead to.
func (w *tailWalk) visit(name string) {
	queue := []string{name}
	for len(queue) > 0 {
		name := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if w.planned[name] != nil || w.spec.Programs[name] == nil {
			continue
		}
		pp := w.program(name)
		w.planned[name] = pp
		if pp.policy != Off {
			queue = append(queue, w.next(pp)...)
		}
	}
}

// next are the programs that a planned one may jump to.
func (w *tailWalk) next(pp *plannedProgram) (names []string) {
	if pp.err != nil { // it may be loaded all the same, after an edit of the caller's
		return w.mentioned(pp.name)
	}
	for _, fn := range pp.linked.Names() {
		for _, t := range w.funcs[fn].tails {
			index := int64(-1)
			if t.Fixed {
				index = int64(t.Index)
			}
			if t.Array != "" {
				names = append(names, w.targets(t.Array, index)...)
				continue
			}
			for _, array := range w.arrays {
				names = append(names, w.targets(array, index)...)
			}
		}
	}
	return names
}

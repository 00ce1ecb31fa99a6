package skep

import (
	"path"
	"strconv"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
)

// Relocation is what became of one CO-RE record of a plan.
type Relocation struct {
	Function string
	Insn     int    // slot in Function
	Source   string // "file.c:12", or "" if the object does not say
	What     string // in C words: "struct task_struct.pid: offset"
	// Value in this kernel, and what stands in the object.
	Value, Was uint64
	// Missing is why there is no value; the program loads if the instruction
	// cannot be reached. "" if it is resolved.
	Missing string
}

// Relocations are those of all functions that the plan's programs consist of,
// in the order of the programs, each function's once.
func (p *Plan) Relocations() []Relocation {
	var all []Relocation
	seen := map[string]bool{}
	for _, pp := range p.programs {
		if pp.linked == nil {
			continue
		}
		for _, fn := range pp.linked.Names() {
			if pf := p.funcs[fn]; pf != nil && !seen[fn] {
				seen[fn] = true
				all = append(all, p.relocations(pf)...)
			}
		}
	}
	return all
}

func (p *Plan) relocations(pf *plannedFunc) (all []Relocation) {
	slot := 0
	rest := pf.notes // in the order of the instructions
	at := lines{spec: p.spec}
	for i := range pf.Insns {
		in := &pf.Insns[i]
		at.step(in)
		if c := p.spec.core(in); c != nil {
			for len(rest) > 0 && rest[0].core != c {
				rest = rest[1:]
			}
			if len(rest) == 0 {
				break
			}
			r := Relocation{
				Function: pf.Name, Insn: slot, Source: at.String(), What: c.Describe(p.spec.Types),
				Value: rest[0].fix.New, Was: rest[0].fix.Old,
			}
			for _, u := range pf.poison {
				if u.fn == pf.Name && u.slot == slot {
					r.Missing = u.why
				}
			}
			all = append(all, r)
		}
		slot += in.Slots()
	}
	return all
}

// forget lets go of what only telling of the plan takes: nobody can ask a plan
// that a Collection keeps for itself.
func (p *Plan) forget() { p.spec, p.funcs, p.features = nil, nil, nil }

// lines follows the source lines of a function's instructions, in order.
type lines struct {
	spec *Spec
	at   *btf.Line
}

// step goes to the next instruction. One without a line belongs to the last.
func (l *lines) step(in *asm.Instruction) {
	notes := l.spec.notes()
	for _, id := range [...]asm.NoteID{in.Line, in.Note} {
		if id != 0 && int(id) <= len(notes) && notes[id-1].HasLine {
			l.at = &notes[id-1].Line
		}
	}
}

// String is "file.c:12", or "" if the object does not say.
func (l *lines) String() string {
	if l.at == nil || l.spec.Types == nil {
		return ""
	}
	file, ok := l.spec.Types.String(l.at.File)
	if !ok {
		return ""
	}
	return path.Base(file) + ":" + strconv.Itoa(int(l.at.Line()))
}

// outerAt is the symbol of the kernel that an instruction refers to, or nil.
func (pf *plannedFunc) outerAt(slot int) *outer {
	for i := range pf.outer {
		if pf.outer[i].slot == slot {
			return &pf.outer[i]
		}
	}
	return nil
}

// Report is what a load would report without asking the kernel: what is left
// out and why, what externs became, and what is done without on a kernel that
// is known to lack something.
func (p *Plan) Report() *Report {
	r := newReport(p)
	for _, pp := range p.programs {
		if o := r.Programs[pp.name]; pp.err == nil {
			_, o.Degraded = pp.spec.For(p.features)
			r.Programs[pp.name] = o
		}
	}
	for _, m := range p.maps {
		if !m.off {
			_, lost := m.spec.For(p.features)
			r.Maps[m.name] = MapOutcome{Degraded: lost}
		}
	}
	return r
}

package skep

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/elf"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/step/prune"
	"github.com/skepbpf/skep/maps"
)

// Prune makes plans of s leave out what constants make unreachable: those in
// .rodata and other sections that nothing can change, and .kconfig externs.
// Branches that they decide are resolved; maps and functions that only dead
// code refers to are not created, and programs that stand in a program array
// are not loaded if no tail call that can be reached leads to them. A map
// without use in the object stays. What a section pinned by name holds is no
// constant. The Plan and the Report list all of it.
//
// Before Linux 5.2, which brought data sections, an object that has constants
// loads only so: where they are read one by one they become part of the
// instructions.
func (s *Spec) Prune() { s.prune = pruning{} }

// pruner is what a plan does differently after Spec.Prune. The planner knows
// it by this interface alone, so that a program which never prunes is linked
// without the code.
type pruner interface {
	// programs plans those that can be reached.
	programs(*planner, *Plan)
	// function takes out of one what constants make unreachable.
	function(*planner, *plannedFunc) error
	// uncalled lists the functions that a program does not consist of any more.
	uncalled(*planner, *plannedProgram)
	// maps are those that something in the object refers to, but nothing that
	// is left.
	maps(*planner, *Plan) map[string]bool
}

type pruning struct{}

func (pruning) programs(p *planner, plan *Plan) { p.reachable(plan) }

func (pruning) function(p *planner, pf *plannedFunc) error {
	before := pf.Insns
	r, err := prune.Func(before, &prune.Env{Order: p.byteOrder(), Memory: p.memory, Zero: p.isZero})
	if err != nil {
		return err
	}
	pf.Insns, pf.tails = r.Insns, r.TailCalls
	var poison []unresolved
	for _, u := range pf.poison {
		if slot, ok := r.Slot(u.slot); ok {
			poison = append(poison, unresolved{u.fn, slot, u.why, u.what})
		}
	}
	pf.poison = poison
	if n, m := r.Insns.Slots(), before.Slots(); n != m {
		pf.pruned = append(pf.pruned, fmt.Sprintf("%s: %d instructions of %d are left", pf.Name, n, m))
	}
	last := ""
	for _, b := range r.Branches {
		if line := p.sourceLine(b.Note); line == "" || line != last {
			pf.pruned = append(pf.pruned, fmt.Sprintf("%s: insn %d: constant branch%s", pf.Name, b.Slot, line))
			last = line
		}
	}
	return nil
}

// sourceLine says where the instruction of a note, or the one with the last
// line before it, stands; "" if there is none.
func (p *planner) sourceLine(id asm.NoteID) string {
	notes := p.spec.notes()
	for ; id > 0 && int(id) <= len(notes); id-- {
		if n := &notes[id-1]; n.HasLine {
			file, _ := p.spec.Types.String(n.Line.File)
			text, _ := p.spec.Types.String(n.Line.Text)
			file = file[strings.LastIndexByte(file, '/')+1:]
			return fmt.Sprintf(" at %s:%d: %s", file, n.Line.Line(), strings.TrimSpace(text))
		}
	}
	return ""
}

func (p *planner) byteOrder() binary.ByteOrder {
	if p.spec.object != nil && p.spec.object.Order != nil {
		return p.spec.object.Order
	}
	return binary.NativeEndian
}

// memory gives bytes of a data section that stays what it is, nil of others:
// neither programs nor user space can write it, and this load makes it.
func (p *planner) memory(ref asm.Ref, off int64, n int) []byte {
	name := ref.Name
	contents := func(m *MapSpec) []byte { return m.Contents }
	if ref.Kind == asm.RefVar {
		x, err := p.lookUp(&asm.Instruction{Op: asm.OpLoadImm64, Ref: ref})
		if err != nil || x.sym != nil || off < 0 || off > int64(x.def.Size)-int64(n) {
			return nil
		}
		off += int64(x.def.Offset)
		name = kconfigMap
		contents = func(*MapSpec) []byte { return p.kconfig }
	}
	m := p.spec.Maps[name]
	if m == nil || m.Off || m.Type != maps.Array || !m.Freeze || m.Flags&maps.ReadOnlyProg == 0 || m.Pinning != maps.NotPinned {
		return nil
	}
	if def := p.spec.mapDef(name); def != nil && def.Extern || off < 0 || off > int64(m.ValueSize)-int64(n) {
		return nil
	}
	b := contents(m)
	switch {
	case b == nil:
		b = make([]byte, n)
	case off > int64(len(b))-int64(n):
		return nil
	default:
		b = b[off:][:n]
	}
	p.constants[name] = true
	return b
}

// isZero reports whether a symbol's address is 0: it is weak, and missing.
func (p *planner) isZero(ref asm.Ref) bool {
	if ref.Kind != asm.RefKsym && ref.Kind != asm.RefKfunc {
		return false
	}
	x, err := p.lookUp(&asm.Instruction{Op: asm.OpLoadImm64, Ref: ref})
	return err == nil && x.sym != nil && x.Missing != nil
}

func (pruning) uncalled(p *planner, pp *plannedProgram) {
	left := pp.linked.Names()
	for _, f := range p.spec.reach(pp.name) {
		if !slices.Contains(left, f.Name) {
			pp.pruned = append(pp.pruned, "function "+f.Name+": not called")
		}
	}
}

// prunedMap stands for a map that is not created.
func (p *planner) prunedMap(name string) *plannedMap {
	return &plannedMap{
		name: name, spec: *p.spec.Maps[name].Spec.Copy(), off: true,
		why: mkerr.Wrap("%w: only code that is never reached refers to it", ErrPruned),
	}
}

func (pruning) maps(p *planner, plan *Plan) map[string]bool {
	mentioned, needed := map[string]bool{}, map[string]bool{}
	for _, pp := range plan.programs {
		if pol, _ := p.spec.policy(pp.name); pol == Off {
			continue
		}
		p.mention(pp.name, mentioned)
		switch {
		case pp.policy == Off:
		case pp.err != nil:
			p.mention(pp.name, needed)
		default:
			refersTo(pp.spec.Insns, needed)
		}
	}
	names := p.spec.MapNames()
	for _, name := range names {
		for _, s := range p.spec.Maps[name].Slots {
			if !s.Program {
				mentioned[s.Name] = true
			}
		}
	}
	for _, name := range names {
		if needed[name] || !mentioned[name] || !p.mayPrune(name) {
			p.keepMap(name, needed)
		}
	}
	for _, name := range names {
		if needed[name] {
			delete(mentioned, name)
		}
	}
	return mentioned
}

// mayPrune is false for maps that hold variables, and for those that make
// programs.
func (p *planner) mayPrune(name string) bool {
	m, def := p.spec.Maps[name], p.spec.mapDef(name)
	return m.Type != maps.StructOps && m.Type != maps.Arena && (def == nil || def.Kind == elf.MapDeclared)
}

// keepMap marks a map, and those in its elements, as needed.
func (p *planner) keepMap(name string, needed map[string]bool) {
	needed[name] = true
	m := p.spec.Maps[name]
	if m == nil {
		return
	}
	for _, s := range m.Slots {
		if !s.Program && !needed[s.Name] {
			p.keepMap(s.Name, needed)
		}
	}
}

// mention adds the maps that a program of the object refers to.
func (p *planner) mention(program string, names map[string]bool) {
	for _, f := range p.spec.reach(program) {
		refersTo(f.Insns, names)
	}
}

// refersTo adds the maps that instructions refer to. Inlined, its loop would be
// in each caller.
//
//go:noinline
func refersTo(ins asm.Instructions, names map[string]bool) {
	for i := range ins {
		if ref := &ins[i].Ref; ref.Kind == asm.RefMap || ref.Kind == asm.RefMapValue {
			names[ref.Name] = true
		}
	}
}

// noData refuses what is left of an address in a data section on a kernel that
// has none.
func (p *planner) noData(in *asm.Instruction) error {
	if in.Ref.Kind != asm.RefMapValue || p.spec.Maps[in.Ref.Name] == nil || p.spec.Maps[in.Ref.Name].Type != maps.Array {
		return nil
	}
	at, err := p.variableAt(in.Ref), feature.Unsupported(feature.GlobalData)
	if p.spec.prune == nil {
		return mkerr.WrapNamed("%s: only constants can be inlined, by Spec.Prune: %w", at, err)
	}
	return mkerr.WrapNamed("%s: only constants that are read one by one can be inlined: %w", at, err)
}

// variableAt names what stands in a data section.
func (p *planner) variableAt(ref asm.Ref) string {
	at := uint32(ref.Addend)
	if o := p.spec.object; o != nil {
		for _, x := range o.Externs {
			if ref.Name == kconfigMap && isConfig(x) && at >= x.Offset && at-x.Offset < x.Size {
				return "extern " + x.Name
			}
		}
		for _, v := range o.Vars {
			if v.Map == ref.Name && at >= v.Offset && at-v.Offset < v.Size {
				return "variable " + v.Name
			}
		}
	}
	return fmt.Sprintf("byte %d of %s", at, ref.Name)
}

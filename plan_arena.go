package skep

import (
	"fmt"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/elf"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/maps"
)

// globals are the variables of an object in an arena.
type globals struct {
	contents []byte
	offset   uint32 // in the arena, in bytes
}

// arenaGlobals places the variables of an arena: at its end, so that pointers
// to its first pages stay what the program makes of them, or at its start where
// a program cannot refer to what is so far behind (libbpf's rule).
func (p *planner) arenaGlobals(name string) (*globals, error) {
	m := p.spec.Maps[name]
	if m.Type != maps.Arena || len(m.Contents) == 0 || p.facts.PageSize <= 0 {
		return nil, nil
	}
	page := uint64(p.facts.PageSize)
	size := uint64(m.MaxEntries) * page
	need := (uint64(len(m.Contents)) + page - 1) / page * page
	if need > size {
		return nil, mkerr.Errorf("an arena of %d pages, %d bytes, is too small for variables of %d bytes", m.MaxEntries, size, len(m.Contents))
	}
	g := &globals{contents: m.Contents}
	switch p.facts.Features.Get(feature.Ldimm64FullRange) {
	case feature.Yes:
		g.offset = uint32(size - need)
	case feature.No:
		p.lose(fmt.Sprintf("map %s: variables stand at its start: %v", name, feature.Unsupported(feature.Ldimm64FullRange)))
	}
	return g, nil
}

// usesArenaGlobals reports whether where an arena's variables are put matters.
func (s *Spec) usesArenaGlobals() bool {
	for _, m := range s.Maps {
		if m.Type == maps.Arena && !m.Off && len(m.Contents) > 0 {
			return true
		}
	}
	return false
}

// arenaOf gives the variables of an arena, placed once.
func (p *planner) arenaOf(name string) (*globals, error) {
	g, ok := p.arenas[name]
	if !ok {
		var err error
		if g, err = p.arenaGlobals(name); err != nil {
			return nil, mkerr.WrapNamed("map %s: %w", name, err)
		}
		p.arenas[name] = g
	}
	return g, nil
}

// planArena puts the variables apart from the map, which is created empty.
func (p *planner) planArena(pm *plannedMap) (err error) {
	pm.arena, err = p.arenaOf(pm.name)
	pm.spec.Contents = nil
	return err
}

// table is a jump table of one program: a map of its own, since it holds places
// in the program.
type table struct {
	name    string
	targets []uint32 // slots from the start of the program
}

// jumpTable gives the object's table of a name.
func (s *Spec) jumpTable(name string) *elf.JumpTable {
	if s.object != nil {
		for _, t := range s.object.JumpTables {
			if t.Name == name {
				return t
			}
		}
	}
	return nil
}

// table places a jump table in a linked program.
func (p *planner) table(pp *plannedProgram, t *elf.JumpTable) error {
	for i := range pp.tables {
		if pp.tables[i].name == t.Name {
			return nil
		}
	}
	if t.Bad != nil {
		return mkerr.WrapNamed("jump table %s: %w", t.Name, t.Bad)
	}
	start, ok := pp.linked.Start(t.Func)
	if !ok {
		return mkerr.Errorf("jump table %s: function %s is not part of the program", t.Name, t.Func)
	}
	if p.edited(pp.name, t.Func) {
		return mkerr.Errorf("jump table %s: instructions of function %s were added or removed: the table does not fit any more", t.Name, t.Func)
	}
	own := table{name: t.Name, targets: make([]uint32, len(t.Targets))}
	for i, to := range t.Targets {
		own.targets[i] = uint32(start) + to
	}
	pp.tables = append(pp.tables, own)
	return nil
}

// edited reports whether a function is longer or shorter than in the object.
func (p *planner) edited(program, function string) bool {
	slots := func(ins asm.Instructions) int { return ins.Slots() }
	for _, f := range p.spec.object.Funcs {
		if f.Name == function {
			if function == program {
				return slots(p.spec.Programs[program].Insns) != slots(f.Insns)
			}
			return slots(p.spec.Funcs[function].Insns) != slots(f.Insns)
		}
	}
	return true
}

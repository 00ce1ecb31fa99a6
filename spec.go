package skep

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/elf"
	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/maps"
	"github.com/skepbpf/skep/prog"
)

// Policy says what becomes of a load when a program cannot be loaded.
type Policy uint8

const (
	// Required: the load fails. The default.
	Required Policy = iota
	// Optional: the program is left out, and the Report says why.
	Optional
	// Off: the program is not loaded. SEC("?…") starts as Off.
	Off
)

func (p Policy) String() string {
	return [...]string{"required", "optional", "off"}[min(p, Off)]
}

// ProgramSpec is a program of an object: what prog.Load needs, and what only a
// collection knows. Its Insns are the entry function's alone; the functions
// that it calls stand in Spec.Funcs and are linked in by the Plan.
type ProgramSpec struct {
	prog.Spec
	Section string    // as written in SEC()
	Match   elf.Match // what the section name means
	Policy  Policy

	handler *SectionHandler
}

// MapSpec is a map of an object.
type MapSpec struct {
	maps.Spec
	Section string
	// Exclusive names the program of the object that alone may use the map; ""
	// is none. The kernel knows it by the SHA-256 of its instructions, which
	// the Plan makes ExclusiveHash. Requires Linux 6.18.
	Exclusive string
	// Off: the map is not created. A program that uses it cannot load, unless
	// the use is unreachable.
	Off bool
}

// FuncSpec is a function that programs call.
type FuncSpec struct {
	Name  string // unique in the object
	Insns asm.Instructions
	Type  btf.ID // FUNC, or 0
}

// Spec is an object that the caller may edit before it is planned: sizes and
// types of maps, variables, policies, attach targets, instructions. Maps,
// programs and functions may be added and removed.
//
// A Spec is not safe for concurrent use; Copy it.
type Spec struct {
	// Name of the object: the prefix of its data maps' names, and of errors.
	Name     string
	License  string
	Maps     map[string]*MapSpec
	Programs map[string]*ProgramSpec
	Funcs    map[string]*FuncSpec
	Vars     map[string]*VarSpec
	// Types of the object; nil if it was built without BTF.
	Types *btf.Spec

	object *elf.Object // never changed
	prefer [][]string
	prune  pruner // nil before Prune
}

// maxObject bounds the size of files that Open reads, in bytes.
const maxObject = 1 << 30

// Open reads a compiled object. The Spec's name is the file's up to its first
// dot.
func Open(path string) (*Spec, error) {
	b, err := sys.ReadFile(path, maxObject)
	if err != nil {
		return nil, err
	}
	s, err := Read(b)
	if err != nil {
		return nil, mkerr.WrapNamed("%s: %w", path, err)
	}
	s.Name, _, _ = strings.Cut(filepath.Base(path), ".")
	return s, nil
}

// Read parses a compiled object held in memory, such as an embedded one. Name
// is left empty.
func Read(b []byte) (*Spec, error) {
	o, err := elf.Parse(b)
	if err != nil {
		return nil, err
	}
	return newSpec(o, true), nil
}

// NewSpec makes the editable form of o. Many Specs may share an Object.
func NewSpec(o *elf.Object) (*Spec, error) { return newSpec(o, false), nil }

// newSpec takes the functions' instructions as they are if the object is this
// Spec's own. Jump tables are compared with them, so they are then copied.
func newSpec(o *elf.Object, own bool) *Spec {
	s := &Spec{
		License:  o.License,
		Maps:     make(map[string]*MapSpec, len(o.Maps)),
		Programs: make(map[string]*ProgramSpec, len(o.Progs)),
		Funcs:    make(map[string]*FuncSpec, len(o.Funcs)),
		Vars:     make(map[string]*VarSpec, len(o.Vars)),
		Types:    o.Types,
		object:   o,
	}
	own = own && len(o.JumpTables) == 0
	funcs := make([]FuncSpec, len(o.Funcs))
	for i, f := range o.Funcs {
		funcs[i] = FuncSpec{Name: f.Name, Insns: f.Insns, Type: f.Type}
		if !own {
			funcs[i].Insns = cloneInsns(f.Insns)
		}
		s.Funcs[f.Name] = &funcs[i]
	}
	for _, p := range o.Progs {
		s.Programs[p.Name] = newProgramSpec(o, p)
	}
	for _, m := range o.Maps {
		s.Maps[m.Name] = newMapSpec(o, m)
	}
	for _, v := range o.Vars {
		s.Vars[v.Name] = &VarSpec{def: v, spec: s}
	}
	return s
}

// Copy gives a Spec that can be edited without changing s.
func (s *Spec) Copy() *Spec {
	c := *s
	c.Maps = make(map[string]*MapSpec, len(s.Maps))
	for n, m := range s.Maps {
		mc := *m
		mc.Spec = *m.Spec.Copy()
		c.Maps[n] = &mc
	}
	c.Programs = make(map[string]*ProgramSpec, len(s.Programs))
	for n, p := range s.Programs {
		pc := *p
		pc.Spec = *p.Spec.Copy()
		c.Programs[n] = &pc
	}
	c.Funcs = make(map[string]*FuncSpec, len(s.Funcs))
	for n, f := range s.Funcs {
		fc := *f
		fc.Insns = cloneInsns(f.Insns)
		c.Funcs[n] = &fc
	}
	c.Vars = make(map[string]*VarSpec, len(s.Vars))
	for n, v := range s.Vars {
		c.Vars[n] = &VarSpec{def: v.def, spec: &c}
	}
	c.prefer = make([][]string, len(s.prefer))
	for i, g := range s.prefer {
		c.prefer[i] = slices.Clone(g)
	}
	return &c
}

// Only switches off every program but these. The named ones keep their policy,
// except that Off becomes Required. Of struct_ops maps those stay that have one
// of them, with all of their programs; of maps that are off, the first that has
// one which no other has.
func (s *Spec) Only(programs ...string) error {
	for _, n := range programs {
		if s.Programs[n] == nil {
			return notFound("program", n, s.ProgramNames())
		}
	}
	for n, p := range s.Programs {
		switch keep := slices.Contains(programs, n); {
		case !keep:
			p.Policy = Off
		case p.Policy == Off:
			p.Policy = Required
		}
	}
	s.onlyOps(programs)
	return nil
}

// onlyOps leaves on the struct_ops maps that the programs are for.
func (s *Spec) onlyOps(programs []string) {
	var ops []*MapSpec
	for _, n := range s.MapNames() {
		if m := s.Maps[n]; m.Type == maps.StructOps && len(m.Slots) > 0 {
			m.Off = m.Off || !slices.ContainsFunc(programs, func(p string) bool { return usesProgram(m, p) })
			ops = append(ops, m)
		}
	}
	for _, p := range programs {
		uses := func(m *MapSpec) bool { return usesProgram(m, p) }
		if slices.ContainsFunc(ops, func(m *MapSpec) bool { return !m.Off && uses(m) }) {
			continue
		}
		if i := slices.IndexFunc(ops, uses); i >= 0 {
			ops[i].Off = false
		}
	}
}

// Prefer makes the programs alternatives of each other: at load, they are
// tried in this order; the first that resolves and loads stays, the others are
// off. If none does, the load fails, unless all of them are Optional.
func (s *Spec) Prefer(programs ...string) error {
	for i, n := range programs {
		if s.Programs[n] == nil {
			return notFound("program", n, s.ProgramNames())
		}
		if slices.Contains(programs[:i], n) {
			return mkerr.Named("program %s: named twice", n)
		}
		for _, g := range s.prefer {
			if slices.Contains(g, n) {
				return mkerr.Named("program %s: already in a group of alternatives", n)
			}
		}
	}
	for _, n := range programs {
		if s.Programs[n].Policy == Off {
			s.Programs[n].Policy = Required
		}
	}
	s.prefer = append(s.prefer, slices.Clone(programs))
	return nil
}

// order sorts names: those of the object as they stand there, then added ones.
func order(names, object []string) []string {
	place := make(map[string]int, len(object))
	for i, n := range object {
		place[n] = i - len(object) // added ones have 0
	}
	bin.Sort(names, func(a, b *string) bool {
		x, y := place[*a], place[*b]
		return x < y || x == y && *a < *b
	})
	return names
}

// ProgramNames lists the programs in the object's order, added ones last.
func (s *Spec) ProgramNames() []string {
	names := make([]string, 0, len(s.Programs))
	for n := range s.Programs {
		names = append(names, n)
	}
	var object []string
	if s.object != nil {
		for _, p := range s.object.Progs {
			object = append(object, p.Name)
		}
	}
	return order(names, object)
}

// MapNames lists the maps in the object's order, added ones last.
func (s *Spec) MapNames() []string {
	var object []string
	if s.object != nil {
		for _, m := range s.object.Maps {
			object = append(object, m.Name)
		}
	}
	return order(keys(s.Maps), object)
}

// Externs lists what the object wants from outside. It is not to be changed.
func (s *Spec) Externs() []*elf.ExternDef {
	if s.object == nil {
		return nil
	}
	return s.object.Externs
}

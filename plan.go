package skep

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/elf"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/relo"
	"github.com/skepbpf/skep/internal/step/structops"
	"github.com/skepbpf/skep/maps"
	"github.com/skepbpf/skep/prog"
)

// Plan is what Apply will do to one kernel. It holds no descriptor, does not
// change, and can be applied many times. String prints it.
type Plan struct {
	object   string
	license  string
	release  string
	version  uint32
	cpus     int
	order    binary.ByteOrder // of the object's data; nil without an object
	types    *btf.Spec
	vars     []*elf.VarDef
	externs  []Extern // in the order of their first use
	lost     []string // what programs go without
	modules  []plannedModule
	maps     []*plannedMap
	programs []*plannedProgram
	groups   [][]int // alternatives: indexes into programs
	spec     *Spec   // a copy; what follows is for what is told of the plan
	funcs    map[string]*plannedFunc
	features *Features
	pinned   *Pins
}

// plannedMap is a map in the form for this kernel.
type plannedMap struct {
	name   string // in the object
	spec   maps.Spec
	off    bool
	why    error // why it is off, where that is not the Spec's wish
	extern bool  // of another object: only the caller can give it
	ops    *structops.Value
	arena  *globals
	owner  string // the only program that may use it, or ""
	// constant: instructions depend on the contents.
	constant bool
	// optional: a struct_ops map that may fail to attach
	optional bool
}

// plannedProgram is a program with everything resolved that can be without a
// system call: what is left open are map descriptors.
type plannedProgram struct {
	name    string
	section string
	match   elf.Match
	policy  Policy
	handler *SectionHandler // of the caller's, or nil
	spec    prog.Spec
	linked  *relo.Linked
	tables  []table // jump tables
	notes   []note  // what was resolved, for String
	poison  []unresolved
	pruned  []string // what constants removed
	err     error    // why it is left out
}

// unresolved is an instruction that the verifier refuses if it is reached.
type unresolved struct {
	fn   string
	slot int // within fn
	why  string
	what string // of a CO-RE relocation: kind and field, as CORERelo.Describe has them
}

// planner holds what the programs of one Plan share.
type planner struct {
	spec    *Spec
	facts   *Facts
	relo    *btf.Relocator
	funcs   map[string]*plannedFunc
	ops     map[string]*plannedOps // of struct_ops maps
	arenas  map[string]*globals
	kconfig []byte // contents of the .kconfig map
	externs map[string]*plannedExtern
	order   []*plannedExtern // as they were first used
	modules []plannedModule
	lost    []string
	// inline: the kernel has no data sections.
	inline    bool
	constants map[string]bool // maps whose contents instructions depend on

	done  []*plannedProgram // all, once they are planned
	bytes binary.ByteOrder  // as Plan.order
	// exclusive: a map belongs to one program.
	exclusive bool
}

// Plan resolves everything in s that does not need the kernel's hand: CO-RE,
// calls, externs, attach targets, sizes. It is pure: the same Spec and Facts
// give the same Plan, on any machine.
//
// It fails for a Required program that cannot be resolved; an Optional one is
// left out, and an Off one is not looked at.
func (s *Spec) Plan(f *Facts) (*Plan, error) {
	p := &planner{
		spec: s.Copy(), facts: f, funcs: map[string]*plannedFunc{}, ops: map[string]*plannedOps{}, externs: map[string]*plannedExtern{},
		arenas: map[string]*globals{}, constants: map[string]bool{},
		inline: f.Features.Get(feature.GlobalData) == feature.No,
	}
	plan := &Plan{
		spec: p.spec, funcs: p.funcs, features: f.Features,
		object: s.Name, license: s.License, release: f.Release, version: f.versionOf(), cpus: f.CPUs, types: s.Types,
	}
	fail := func(step, name string, err error) (*Plan, error) {
		return nil, &StepError{Object: s.Name, Step: step, Name: name, Err: err}
	}
	if s.object != nil {
		plan.order, plan.vars = s.object.Order, s.object.Vars
		p.bytes = plan.order
	}
	p.exclusive = p.spec.hasExclusive()
	p.lookAhead()
	p.structOps()
	p.planPrograms(plan)
	index := map[string]int{}
	for i, pp := range plan.programs {
		index[pp.name] = i
	}
	p.done = plan.programs
	for _, group := range p.spec.prefer {
		plan.addGroup(group, index)
	}
	if bad := plan.firstFailure(); bad != nil {
		return fail("plan", bad.name, mkerr.WrapNamed("program %s: %w", bad.name, bad.err))
	}
	var pruned map[string]bool
	if p.spec.prune != nil {
		pruned = p.spec.prune.maps(p, plan)
	}
	for _, name := range p.spec.MapNames() {
		if pruned[name] {
			plan.maps = append(plan.maps, p.prunedMap(name))
			continue
		}
		m, err := p.planMap(name)
		if err != nil {
			return fail("plan", name, mkerr.WrapNamed("map %s: %w", name, err))
		}
		plan.maps = append(plan.maps, m)
	}
	for _, x := range p.order {
		plan.externs = append(plan.externs, x.Extern)
	}
	if err := p.markContexts(plan); err != nil {
		return fail("plan", "", err)
	}
	plan.lost, plan.modules = p.lost, p.modules
	plan.pinned = f.Pins
	return plan, nil
}

// lookAhead has every type that the plan will name found in one pass over the
// kernel's BTF, and the CO-RE relocations resolved in the object's order: a
// candidate that one of them rules out is none for those behind it.
func (p *planner) lookAhead() {
	s := p.spec
	if s.Types != nil {
		p.relo = btf.NewRelocator(s.Types, p.facts.BTF)
	}
	if p.facts.BTF == nil || !s.Needs().KernelBTF {
		return
	}
	var ahead lookAhead
	seen := map[string]bool{}
	for _, name := range s.ProgramNames() {
		pr := s.Programs[name]
		if pol, _ := s.policy(name); pol == Off {
			continue
		}
		if hooksKernel(pr) && pr.Target.Name != "" {
			ahead.names = append(ahead.names, pr.TargetQuery())
		}
		for _, f := range s.reach(name) {
			if !seen[f.Name] {
				seen[f.Name] = true
				ahead.function(s, f)
			}
		}
	}
	for _, name := range s.MapNames() {
		if o := s.ops(name); o != nil {
			ahead.names = append(ahead.names, o.Queries()...)
		}
	}
	// Kernel BTF that cannot be had is an error only of the programs that need
	// it: they meet it again.
	if p.facts.BTF.Find(ahead.names...) == nil && p.relo != nil {
		_ = p.relo.Prepare(ahead.relos)
	}
}

// lookAhead is what a plan will want of the kernel's BTF.
type lookAhead struct {
	names []btf.Query
	relos []*btf.CORERelo
}

func (a *lookAhead) function(s *Spec, f *FuncSpec) {
	for i := range f.Insns {
		in := &f.Insns[i]
		if c := s.core(in); c != nil {
			a.relos = append(a.relos, c)
			if t, ok := s.Types.Type(c.Root); ok && t.Name() != "" && c.Kind != btf.CORETypeIDLocal {
				a.names = append(a.names, btf.Query{Name: t.Name(), Kind: t.Kind()})
			}
		}
		if in.Ref.Kind == asm.RefKsym || in.Ref.Kind == asm.RefKfunc {
			a.names = append(a.names, btf.Query{Name: in.Ref.Name})
		}
	}
}

// program plans one program; its err says why it cannot be loaded.
func (p *planner) program(name string) *plannedProgram {
	pp := p.unplanned(name)
	if pp.policy == Off {
		return pp
	}
	pp.err = p.fill(pp, p.spec.Programs[name])
	return pp
}

func (p *planner) fill(pp *plannedProgram, ps *ProgramSpec) error {
	if ps.Type == 0 {
		return mkerr.Named("section %q is no known program type: set Type", ps.Section)
	}
	if ps.Type == prog.StructOps {
		if err := p.member(pp); err != nil {
			return err
		}
	}
	for _, f := range p.spec.reachIn(pp.name, func(f *FuncSpec) asm.Instructions { return p.function(f).Insns }) {
		if err := p.function(f).err; err != nil {
			return err
		}
	}
	if err := p.target(pp); err != nil {
		return err
	}
	if isUSDT(ps) && p.facts.Features.Get(feature.UprobeMulti) == feature.Yes {
		pp.spec.Attach = prog.AttachTraceUprobeMulti
	}
	root := p.funcs[pp.name].Func
	root.Callbacks = p.spec.callbacks(root.Type)
	linked, err := relo.Link(&root, p.lookup, p.spec.notes())
	if err != nil {
		return err
	}
	pp.linked = linked
	pp.spec.Insns = linked.Insns
	pp.spec.Types = p.spec.Types
	pp.spec.Funcs, pp.spec.Lines = linked.Funcs, linked.Lines
	p.numberModules(pp)
	for _, fn := range linked.Names() {
		f := p.funcs[fn]
		pp.notes = append(pp.notes, f.notes...)
		pp.poison = append(pp.poison, f.poison...)
		pp.pruned = append(pp.pruned, f.pruned...)
	}
	if p.spec.prune != nil {
		p.spec.prune.uncalled(p, pp)
	}
	if err := p.maps(pp); err != nil {
		return err
	}
	return p.owned(pp)
}

// target resolves what the program hooks in the kernel's BTF.
func (p *planner) target(pp *plannedProgram) error {
	t := &pp.spec.Target
	if !needsHook(p.spec.Programs[pp.name]) {
		if t.Module == "" {
			return nil
		}
		return p.targetModule(pp)
	}
	if t.Name == "" {
		return mkerr.Named("section %q names no target: set Target.Name", pp.section)
	}
	if pp.spec.Type == prog.Ext && t.Program == nil {
		return mkerr.Wrap("target %w", &prog.TargetError{Function: t.Name, Err: prog.ErrNoTargetProgram})
	}
	if t.Program != nil { // only the kernel knows its BTF
		pp.note("target %s: of program %s", t.Name, t.Program.Name())
		return nil
	}
	if t.ID != 0 {
		return nil
	}
	if err := pp.spec.Resolve(p.facts.BTF); err != nil {
		return mkerr.Wrap("target %w", err)
	}
	if t.Unique && pp.spec.HooksFunction() {
		if err := p.facts.one(t); err != nil {
			return mkerr.Wrap("target %w", err)
		}
		t.Unique = false // not to be asked again
	}
	where := vmlinux
	if t.Module != "" {
		where = t.Module
		if err := p.targetModule(pp); err != nil {
			return err
		}
	}
	pp.note("target %s: type %d in %s", t.Name, t.ID, where)
	return nil
}

// note adds what was resolved. It is not inlined for the size of programs.
//
//go:noinline
func (pp *plannedProgram) note(format string, a ...any) {
	pp.notes = append(pp.notes, note{text: fmt.Sprintf(format, a...)})
}

// targetModule notes that the program is verified for functions of a module.
func (p *planner) targetModule(pp *plannedProgram) error {
	module := pp.spec.Target.Module
	if module == vmlinux {
		return nil
	}
	types, err := p.facts.BTF.Module(module)
	if err != nil {
		return mkerr.Wrap("target %w", err)
	}
	p.moduleIndex(module, types)
	return nil
}

// maps checks that every map that the program names is one of the Spec's, and
// poisons the uses of those that are Off.
func (p *planner) maps(pp *plannedProgram) error {
	slot := 0
	for i := range pp.spec.Insns {
		in := &pp.spec.Insns[i]
		if in.Ref.Kind == asm.RefMap || in.Ref.Kind == asm.RefMapValue {
			m := p.spec.Maps[in.Ref.Name]
			t := p.spec.jumpTable(in.Ref.Name)
			switch {
			case m == nil && t != nil:
				if err := p.table(pp, t); err != nil {
					return err
				}
			case m == nil:
				return notFound("map", in.Ref.Name, p.spec.MapNames())
			case m.Type == maps.Arena && in.Ref.Kind == asm.RefMapValue:
				g, err := p.arenaOf(in.Ref.Name)
				if err != nil {
					return err
				}
				if g != nil {
					in.Ref.Addend += int32(g.offset)
				}
			}
			if m != nil && m.Off {
				fn, at, _ := pp.linked.Origin(slot)
				pp.poison = append(pp.poison, unresolved{fn, at, fmt.Sprintf("map %s is switched off", in.Ref.Name), ""})
			}
		}
		slot += in.Slots()
	}
	insns, err := relo.PoisonMaps(pp.spec.Insns, func(name string) (int, bool) {
		if m := p.spec.Maps[name]; m == nil || !m.Off {
			return 0, false
		}
		return slices.Index(p.spec.MapNames(), name), true
	})
	pp.spec.Insns = insns
	return err
}

func (p *planner) lookup(name string) (*relo.Func, bool) {
	f, ok := p.funcs[name]
	if !ok {
		return nil, false
	}
	return &f.Func, true
}

// needsHook reports whether the program is verified against a type of the
// kernel, or of another program.
func needsHook(p *ProgramSpec) bool {
	switch p.Type {
	case prog.Tracing:
		switch p.Attach {
		case prog.AttachTraceFentryMulti, prog.AttachTraceFexitMulti, prog.AttachTraceFsessionMulti:
			return false
		}
		return true
	case prog.LSM, prog.Ext:
		return true
	}
	return false
}

// hooksKernel reports whether that type is one of the kernel's.
func hooksKernel(p *ProgramSpec) bool {
	return needsHook(p) && p.Type != prog.Ext && p.Target.Program == nil
}

func isUSDT(p *ProgramSpec) bool {
	return p.Match.Known && (p.Match.Pattern == "usdt+" || p.Match.Pattern == "usdt.s+")
}

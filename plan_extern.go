package skep

import (
	"errors"
	"fmt"
	"slices"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/elf"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/step/ksyms"
)

// kconfigMap is the map that holds .kconfig externs.
const kconfigMap = ".kconfig"

// Extern is what became of something that an object wants from outside.
type Extern struct {
	Name string
	Kind elf.ExternKind
	Weak bool
	// Value is what it was resolved to, in words: "250", `"(none)"`, "address
	// 0xffffffff81c0e7a0", "type 130012 of module nf_conntrack", or "0" with
	// the reason in brackets for a weak one that the kernel does not have.
	Value string
	// From is where the value was found, unless that is the kernel itself: a
	// module, a config file, "the values given".
	From string
	// Missing is why it is not resolved: the value is 0, or, if it is not Weak,
	// the programs that need it cannot load.
	Missing error
}

// String is a line such as "kfunc bpf_task_acquire = type 18".
func (x *Extern) String() string {
	head := fmt.Sprintf("%s %s", x.Kind, x.Name)
	switch {
	case x.Value == "":
		return fmt.Sprintf("%s: %v", head, x.Missing)
	case x.Kind == elf.ExternKconfig && x.From != "":
		return fmt.Sprintf("%s = %s, from %s", head, x.Value, x.From)
	}
	return fmt.Sprintf("%s = %s", head, x.Value)
}

// plannedExtern is an extern that was looked up, once for all that refer to it.
type plannedExtern struct {
	Extern
	def *elf.ExternDef
	sym *ksyms.Symbol // nil for a value of the .kconfig map
}

// extern resolves the reference of one instruction to something outside the
// object.
func (p *planner) extern(pf *plannedFunc, in *asm.Instruction, slot int) error {
	switch in.Ref.Kind {
	case asm.RefVar, asm.RefKsym, asm.RefKfunc:
	default:
		return nil
	}
	x, err := p.lookUp(in)
	if err != nil {
		return mkerr.WrapNamed("extern %s: %w", in.Ref.Name, err)
	}
	if x.sym == nil {
		in.Ref = asm.Ref{Kind: asm.RefMapValue, Name: kconfigMap, Addend: int32(x.def.Offset)}
		return nil
	}
	pf.outer = append(pf.outer, outer{slot, x.Name, x.Kind == elf.ExternKfunc, x.Weak})
	if why := x.sym.Patch(in, p.module); why != "" {
		pf.poison = append(pf.poison, unresolved{pf.Name, slot, why, ""})
	}
	return nil
}

// lookUp looks an extern up when the first instruction refers to it.
func (p *planner) lookUp(in *asm.Instruction) (*plannedExtern, error) {
	name := in.Ref.Name
	if x := p.externs[name]; x != nil {
		if !x.Weak && x.Missing != nil {
			return nil, x.Missing
		}
		return x, nil
	}
	def := p.spec.extern(name)
	if def == nil {
		// Code added by hand: kernel functions need no declaration.
		if in.Ref.Kind != asm.RefKfunc {
			return nil, errors.New("not declared")
		}
		def = &elf.ExternDef{Name: name, Kind: elf.ExternKfunc}
	}
	x := &plannedExtern{Extern: Extern{Name: name, Kind: def.Kind, Weak: def.Weak}, def: def}
	p.externs[name] = x
	p.order = append(p.order, x)
	err := p.resolve(x)
	if err != nil {
		// Whatever it is, there is no value: a weak one fails here only if 0
		// would be a lie.
		x.Missing, x.Weak = err, false
	}
	return x, err
}

func (p *planner) resolve(x *plannedExtern) (err error) {
	switch x.Kind {
	case elf.ExternKconfig:
		return p.config(x)
	case elf.ExternKsym, elf.ExternKsymVar, elf.ExternKfunc:
		k := ksyms.Kernel{BTF: p.facts.BTF, Address: p.facts.address}
		if x.sym, err = k.Resolve(p.spec.Types, x.def, slices.Index(p.spec.Externs(), x.def)); err != nil {
			return err
		}
		x.Value, x.From, x.Missing = x.sym.Value, x.sym.Module, x.sym.Missing
		if x.sym.Lost != "" {
			p.lose(x.sym.Lost)
		}
		return nil
	}
	return errors.New("a function or variable of another object: link the objects first")
}

// lose remembers what programs go without although the kernel may have it.
// Inlined, its loop would be in each caller.
//
//go:noinline
func (p *planner) lose(what string) {
	if !slices.Contains(p.lost, what) {
		p.lost = append(p.lost, what)
	}
}

// plannedModule is a kernel module whose types the plan refers to by number.
type plannedModule struct {
	name string
	// sum of its types as the plan saw them: a module that was built anew
	// numbers them otherwise.
	sum uint64
}

// module numbers the module that a symbol is in.
func (p *planner) module(s *ksyms.Symbol) int {
	return p.moduleIndex(s.Module, s.Types)
}

func (p *planner) moduleIndex(name string, types *btf.Spec) int {
	for i, m := range p.modules {
		if m.name == name {
			return i
		}
	}
	p.modules = append(p.modules, plannedModule{name, sumOf(types.Bytes())})
	return len(p.modules) - 1
}

// sumOf is FNV-1a of a module's types.
func sumOf(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// numberModules gives the program a list of the modules that it refers to, one
// place for each, and its instructions their places in that list.
func (p *planner) numberModules(pp *plannedProgram) {
	s := &pp.spec
	for i := range s.Insns {
		in := &s.Insns[i]
		if in.Ref.Kind != asm.RefKsym {
			continue
		}
		name := p.modules[in.Ref.Addend-1].name
		at := slices.Index(s.Modules, name)
		if at < 0 {
			at = len(s.Modules)
			s.Modules = append(s.Modules, name)
		}
		in.Ref.Addend = int32(at) + 1
		if !in.Wide() {
			in.Ref, in.Off = asm.Ref{}, int16(at)+1
		}
	}
}

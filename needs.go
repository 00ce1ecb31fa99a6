package skep

import (
	"slices"
	"strings"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/elf"
	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/step/kconfig"
	"github.com/skepbpf/skep/maps"
	"github.com/skepbpf/skep/prog"
)

// Needs lists what must be known of a kernel before a Spec can be planned for
// it. Programs that are Off need nothing.
type Needs struct {
	KernelBTF bool      // CO-RE, typed kernel symbols, BTF attach targets
	Version   bool      // LINUX_KERNEL_VERSION
	Config    []string  // options, sorted
	Symbols   []string  // addresses of kernel symbols, sorted
	Features  []Feature // answers that change what the programs see
	Hooks     []string  // names that programs attach to by BTF, sorted
	Functions []string  // kernel functions of which there must be one, sorted
	PinNames  []string  // maps pinned by name, sorted
	PinPaths  []string  // of maps that are pinned at a path of their own, sorted
}

// Needs is pure: it looks at nothing but s.
func (s *Spec) Needs() Needs {
	var n Needs
	seen := map[string]bool{}
	for _, name := range s.ProgramNames() {
		p := s.Programs[name]
		if pol, _ := s.policy(name); pol == Off {
			continue
		}
		if hooksKernel(p) {
			n.KernelBTF = true
			n.Hooks = append(n.Hooks, p.Target.Name)
			if p.Target.Unique && p.HooksFunction() {
				n.Functions = append(n.Functions, functionName(&p.Target))
			}
		}
		if p.Type == prog.Tracing && p.Target.Module != "" {
			n.KernelBTF = true
		}
		if isUSDT(p) {
			n.Features = append(n.Features, feature.UprobeMulti)
		}
		if s.marksContext(p) {
			n.Features = append(n.Features, feature.ArgCtxTag)
		}
		if s.usesArenaGlobals() {
			n.Features = append(n.Features, feature.Ldimm64FullRange)
		}
		for _, f := range s.reach(name) {
			if !seen[f.Name] {
				seen[f.Name] = true
				s.needsOf(f, &n)
			}
		}
	}
	for name, m := range s.Maps {
		switch {
		case m.Off:
		case m.PinPath != "":
			n.PinPaths = append(n.PinPaths, m.PinPath)
		case m.Pinning != 0:
			n.PinNames = append(n.PinNames, name)
		}
		if !m.Off && m.Type == maps.StructOps {
			n.KernelBTF = true
		}
	}
	for _, list := range []*[]string{&n.Config, &n.Symbols, &n.Hooks, &n.Functions, &n.PinNames, &n.PinPaths} {
		bin.SortStrings(*list)
		*list = slices.Compact(*list)
	}
	bin.Sort(n.Features, func(a, b *Feature) bool { return *a < *b })
	n.Features = slices.Compact(n.Features)
	return n
}

// functionName is a target without its module.
func functionName(t *prog.Target) string {
	if _, fn, ok := strings.Cut(t.Name, ":"); ok {
		return fn
	}
	return t.Name
}

// needsOf adds what the instructions of one function need.
func (s *Spec) needsOf(f *FuncSpec, n *Needs) {
	for i := range f.Insns {
		in := &f.Insns[i]
		if core := s.core(in); core != nil && core.Kind != btf.CORETypeIDLocal {
			n.KernelBTF = true
		}
		if s.refersToData(in) && !slices.Contains(n.Features, feature.GlobalData) {
			n.Features = append(n.Features, feature.GlobalData)
		}
		switch in.Ref.Kind {
		case asm.RefVar, asm.RefKsym, asm.RefKfunc:
		default:
			continue
		}
		switch x := s.extern(in.Ref.Name); {
		case x == nil:
		case x.Kind == elf.ExternKconfig:
			n.kconfig(x.Name)
		case x.Kind == elf.ExternKsym:
			n.Symbols = append(n.Symbols, x.Name)
		default:
			n.KernelBTF = true
		}
	}
}

func (n *Needs) kconfig(name string) {
	switch f, virtual := virtualExtern(name); {
	case virtual:
		n.Features = append(n.Features, f)
	case name == kconfig.KernelVersion:
		n.Version = true
	case kconfig.IsOption(name):
		n.Config = append(n.Config, name)
	}
}

func isConfig(x *elf.ExternDef) bool { return x.Kind == elf.ExternKconfig }

// refersToData reports whether an instruction wants the address of a data
// section.
func (s *Spec) refersToData(in *asm.Instruction) bool {
	switch in.Ref.Kind {
	case asm.RefVar:
		return true
	case asm.RefMapValue:
		m := s.Maps[in.Ref.Name]
		return m != nil && m.Type == maps.Array
	}
	return false
}

// core is the CO-RE record of an instruction, or nil.
//
//go:noinline
func (s *Spec) core(in *asm.Instruction) *btf.CORERelo {
	if in.Note == 0 || s.object == nil || int(in.Note) > len(s.object.Notes) {
		return nil
	}
	return s.object.Notes[in.Note-1].CORE
}

func (s *Spec) notes() []btf.Note {
	if s.object == nil {
		return nil
	}
	return s.object.Notes
}

func (s *Spec) extern(name string) *elf.ExternDef {
	if s.object == nil {
		return nil
	}
	for _, x := range s.object.Externs {
		if x.Name == name {
			return x
		}
	}
	return nil
}

// reach lists the functions that a program consists of, its own first, each
// once, in the order of their first use.
//
//go:noinline
func (s *Spec) reach(program string) []*FuncSpec {
	return s.reachIn(program, func(f *FuncSpec) asm.Instructions { return f.Insns })
}

// reachIn is reach by other instructions than the functions' own.
func (s *Spec) reachIn(program string, insns func(*FuncSpec) asm.Instructions) []*FuncSpec {
	p := s.Programs[program]
	own := &FuncSpec{Name: program, Insns: p.Insns}
	if f := s.Funcs[program]; f != nil {
		own.Type = f.Type
	}
	all := []*FuncSpec{own}
	seen := map[string]bool{program: true}
	add := func(name string) {
		if f := s.Funcs[name]; f != nil && !seen[name] {
			seen[name] = true
			all = append(all, f)
		}
	}
	for i := 0; i < len(all); i++ {
		code := insns(all[i])
		for j := range code {
			if ref := &code[j].Ref; ref.Kind == asm.RefFunc {
				add(ref.Name)
			}
		}
		if i == 0 {
			for _, name := range s.callbacks(own.Type) {
				add(name)
			}
		}
	}
	return all
}

// callbacks are functions that a program needs although it calls none of them:
// what its exceptions end in (bpf_throw, Linux 6.7).
func (s *Spec) callbacks(id btf.ID) (names []string) {
	if s.object == nil || id == 0 {
		return nil
	}
	for _, t := range s.object.FuncTags {
		if name, ok := strings.CutPrefix(t.Text, elf.TagException); ok && t.Func == id {
			names = append(names, name)
		}
	}
	return names
}

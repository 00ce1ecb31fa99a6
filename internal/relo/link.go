package relo

import (
	"sort"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/mkerr"
)

// Linked is a program: its entry function, and behind it each function that
// it reaches.
type Linked struct {
	// Insns have no references to functions left.
	Insns asm.Instructions
	// Funcs and Lines describe Insns to the verifier, in slots. Both are empty
	// if a function has no type: the kernel wants all or none.
	Funcs []btf.FuncInfo
	Lines []btf.LineInfo
	// NoInfo says why Funcs, or Lines alone, are empty.
	NoInfo string

	parts []part
}

// part is a function's place in a program.
type part struct {
	name  string
	slot  int // of its first instruction
	index int // of its first instruction in Insns
}

// Names lists the functions in the order of their places.
//
//go:noinline
func (l *Linked) Names() []string {
	names := make([]string, len(l.parts))
	for i, p := range l.parts {
		names[i] = p.name
	}
	return names
}

// Origin is the function that the instruction at slot comes from, and its slot
// there.
func (l *Linked) Origin(slot int) (function string, in int, ok bool) {
	if slot < 0 || slot >= l.Insns.Slots() {
		return "", 0, false
	}
	i := sort.Search(len(l.parts), func(i int) bool { return l.parts[i].slot > slot }) - 1
	return l.parts[i].name, slot - l.parts[i].slot, true
}

// Start is the slot at which a function begins.
func (l *Linked) Start(function string) (int, bool) {
	for _, p := range l.parts {
		if p.name == function {
			return p.slot, true
		}
	}
	return 0, false
}

// Link lays out root and what it reaches. A function's callees follow in the
// order of its references, each directly behind what was placed before, its
// own callees before its caller's next one, each once: the order of libbpf
// (bpf_object__reloc_code), so that both loaders give the kernel the same
// program.
func Link(root *Func, lookup func(name string) (*Func, bool), notes []btf.Note) (*Linked, error) {
	k := &linker{lookup: lookup, at: map[string]int{}}
	if err := k.place(root.Name, root); err != nil {
		return nil, err
	}
	if err := k.patch(); err != nil {
		return nil, err
	}
	l := &Linked{Insns: k.insns, parts: k.parts}
	l.describe(k.funcs, notes)
	return l, nil
}

type linker struct {
	lookup func(string) (*Func, bool)
	insns  asm.Instructions
	slots  int
	parts  []part
	funcs  []*Func
	at     map[string]int // slot of each function
}

// place puts f, asked for by name, behind what is placed, and what f needs
// behind f.
func (k *linker) place(name string, f *Func) error {
	if len(f.Insns) == 0 {
		return mkerr.Named("function %s: no instructions", f.Name)
	}
	k.at[name] = k.slots
	k.parts = append(k.parts, part{f.Name, k.slots, len(k.insns)})
	k.funcs = append(k.funcs, f)
	k.insns = append(k.insns, f.Insns...)
	k.slots += f.Insns.Slots()
	slot := 0
	for i := range f.Insns {
		if ref := &f.Insns[i].Ref; ref.Kind == asm.RefFunc {
			if err := k.need(ref.Name); err != nil {
				return mkerr.Errorf("%s: insn %d: %w", f.Name, slot, err)
			}
		}
		slot += f.Insns[i].Slots()
	}
	for _, name := range f.Callbacks {
		if err := k.need(name); err != nil {
			return mkerr.WrapNamed("%s: callback: %w", f.Name, err)
		}
	}
	return nil
}

// need places the function of that name unless it has a place.
func (k *linker) need(name string) error {
	if _, placed := k.at[name]; placed {
		return nil
	}
	f, ok := k.lookup(name)
	if !ok {
		return mkerr.Named("function %s is not in the object", name)
	}
	return k.place(name, f)
}

// patch turns references to functions into distances, in slots from the next
// one: of a call, and of a wide load of a function's address alike
// (include/uapi/linux/bpf.h, BPF_PSEUDO_CALL and BPF_PSEUDO_FUNC).
func (k *linker) patch() error {
	slot := 0
	for i := range k.insns {
		in := &k.insns[i]
		if in.Ref.Kind == asm.RefFunc {
			distance := int64(k.at[in.Ref.Name] + int(in.Ref.Addend)/8 - slot - 1)
			switch {
			case in.Wide():
				// The upper half, the second slot's immediate, stays 0.
				in.Src, in.Imm = asm.PseudoFunc, int64(uint32(distance))
			case in.Op == asm.OpCall:
				in.Src, in.Imm = asm.PseudoCall, distance
			default:
				return mkerr.Errorf("insn %d: only a call or a wide load can refer to function %s", slot, in.Ref.Name)
			}
			in.Ref = asm.Ref{}
		}
		slot += in.Slots()
	}
	return nil
}

// describe makes func_info and line_info. The kernel wants a record of both
// kinds at each function's start (kernel/bpf/check_btf.c: check_btf_line): code
// inserted before the first line belongs to it.
func (l *Linked) describe(funcs []*Func, notes []btf.Note) {
	for _, f := range funcs {
		switch {
		case f.Type == 0:
			l.NoInfo = "function " + f.Name + " has no type"
			return
		case hasLocal(f.Insns):
			l.NoInfo = "function " + f.Name + " has a part that is called by itself, which has no type"
			return
		}
	}
	lines := 0
	for i := range l.Insns {
		if l.Insns[i].Note|l.Insns[i].Line != 0 {
			lines++
		}
	}
	l.Funcs = make([]btf.FuncInfo, 0, len(funcs))
	l.Lines = make([]btf.LineInfo, 0, lines+len(funcs))
	for i, f := range funcs {
		p := l.parts[i]
		l.Funcs = append(l.Funcs, btf.FuncInfo{Off: uint32(p.slot), Type: f.Type})
		if !l.lines(p, len(f.Insns), notes) {
			l.NoInfo = "function " + f.Name + " has no source lines"
		}
	}
	if l.NoInfo != "" {
		l.Lines = nil // the kernel wants all or none here, too
	}
}

// hasLocal reports whether code calls, or takes the address of, a place within
// itself other than its start. To the kernel that is one more function.
func hasLocal(ins asm.Instructions) bool {
	slot := 0
	for i := range ins {
		in := &ins[i]
		if in.CallsFunc() || in.LoadsFunc() {
			if to, ok := in.Target(slot); ok && to != 0 {
				return true
			}
		}
		slot += in.Slots()
	}
	return false
}

// lines appends the line records of one function; false if it has none.
func (l *Linked) lines(p part, n int, notes []btf.Note) bool {
	slot, first := p.slot, true
	for i := p.index; i < p.index+n; i++ {
		in := &l.Insns[i]
		if line, ok := lineOf(in, notes); ok {
			off := slot
			if first {
				off, first = p.slot, false
			}
			l.Lines = append(l.Lines, btf.LineInfo{Off: uint32(off), Line: line})
		}
		slot += in.Slots()
	}
	return !first
}

// lineOf gives the source line that begins at an instruction: its own, or one
// that dropped code left to it. What was left may be a note without a line;
// then the line is that of a note before it, since notes are in the order of
// the code.
func lineOf(in *asm.Instruction, notes []btf.Note) (btf.Line, bool) {
	if n := noteOf(in, notes); n != nil && n.HasLine {
		return n.Line, true
	}
	for id := in.Line; id > 0 && uint64(id) <= uint64(len(notes)); id-- {
		if n := &notes[id-1]; n.HasLine {
			return n.Line, true
		}
	}
	return btf.Line{}, false
}

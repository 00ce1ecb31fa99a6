package prog

import (
	"fmt"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf/handle"
	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/diagnose"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/tree"
)

// namer finds what the numbers in a dump mean.
type namer struct {
	*raw
	root  tree.Root
	insns asm.Instructions
}

// split makes functions of the instructions.
func (n *namer) split() []DumpFunc {
	starts := n.starts()
	var funcs []DumpFunc
	slot, first := 0, 0
	for i := range n.insns {
		if len(starts) > 0 && slot == starts[0] {
			funcs = append(funcs, DumpFunc{Slot: slot})
			starts, first = starts[1:], i
		}
		funcs[len(funcs)-1].Insns = n.insns[first : i+1 : i+1]
		slot += n.insns[i].Slots()
	}
	code, tags := n.jited, n.tags
	for i := range funcs {
		f := &funcs[i]
		if len(tags) == len(funcs) {
			f.Tag = tags[i]
		}
		if len(n.ksyms) == len(funcs) {
			f.Addr = n.ksyms[i]
		}
		if size := len(code); len(n.lens) == len(funcs) {
			size = min(size, int(n.lens[i]))
			f.Code, code = code[:size:size], code[size:]
		}
	}
	return funcs
}

// starts are the slots at which functions begin, ascending, 0 first: from the
// function info, which a program without BTF does not have, and from what is
// called, since the verifier adds functions of its own.
func (n *namer) starts() []int {
	begins := make(map[int]bool, len(n.tags))
	slot := 0
	for i := range n.insns {
		begins[slot] = false
		slot += n.insns[i].Slots()
	}
	begins[0] = true
	for _, f := range n.funcs {
		if _, ok := begins[int(f.Off)]; ok {
			begins[int(f.Off)] = true
		}
	}
	slot = 0
	for i := range n.insns {
		if to, ok := calls(&n.insns[i], slot); ok && n.info.JitedProgLen != 0 && len(n.funcs) < len(n.tags) {
			if _, ok := begins[to]; ok {
				begins[to] = true
			}
		}
		slot += n.insns[i].Slots()
	}
	var starts []int
	for s, yes := range begins {
		if yes {
			starts = append(starts, s)
		}
	}
	bin.Sort(starts, func(a, b *int) bool { return *a < *b })
	return starts
}

// calls is the slot of the function that an instruction calls or takes the
// address of. The verifier leaves a call's distance in Off, since Imm is then
// the function's number (kernel/bpf/verifier.c, jit_subprogs).
func calls(in *asm.Instruction, slot int) (int, bool) {
	switch {
	case in.CallsFunc():
		return slot + 1 + int(in.Off), true
	case in.LoadsFunc():
		return slot + 1 + int(int32(in.Imm)), true
	}
	return 0, false
}

// fromBTF gives functions their names and lines.
func (n *namer) fromBTF(funcs []DumpFunc) error {
	if n.info.BtfId == 0 {
		return nil
	}
	h, err := handle.FromID(n.info.BtfId)
	if err != nil {
		return mkerr.Wrap("names and lines: %w", err)
	}
	defer h.Close()
	types, err := h.Spec(nil)
	if err != nil {
		return mkerr.Wrap("names and lines: %w", err)
	}
	text := func(off uint32) string {
		s, _ := types.String(off)
		return s
	}
	for _, info := range n.funcs {
		if t, ok := types.Type(info.Type); ok {
			if f := at(funcs, int(info.Off)); f != nil && f.Slot == int(info.Off) {
				f.Name = t.Name()
			}
		}
	}
	for i, l := range n.lines {
		f := at(funcs, int(l.Off))
		line := DumpLine{
			Slot: int(l.Off), Code: -1, File: text(l.File), Text: text(l.Text),
			Line: int(l.Line.Line()), Column: int(l.Column()),
		}
		if i < len(n.jlines) && n.jlines[i]-f.Addr <= uint64(len(f.Code)) && f.Addr != 0 {
			line.Code = int(n.jlines[i] - f.Addr)
		}
		f.Lines = append(f.Lines, line)
	}
	n.eachInsn(func(in *asm.Instruction, slot int) {
		// The interpreter has other numbers in calls.
		if to, ok := calls(in, slot); ok && n.info.JitedProgLen != 0 {
			if f := at(funcs, to); f.Slot == to && f.Name != "" {
				in.Ref = asm.Ref{Kind: asm.RefFunc, Name: f.Name}
			}
		}
	})
	return nil
}

// at is the function that a slot lies in.
func at(funcs []DumpFunc, slot int) *DumpFunc {
	f := &funcs[0]
	for i := range funcs {
		if funcs[i].Slot <= slot {
			f = &funcs[i]
		}
	}
	return f
}

func (n *namer) eachInsn(do func(in *asm.Instruction, slot int)) {
	slot := 0
	for i := range n.insns {
		do(&n.insns[i], slot)
		slot += n.insns[i].Slots()
	}
}

// maps names maps: the kernel put their ids where the descriptors were.
func (n *namer) maps([]DumpFunc) error {
	names := make(map[uint32]string, len(n.mapIDs))
	var first error
	n.eachInsn(func(in *asm.Instruction, _ int) {
		if !in.Wide() || in.Src != asm.PseudoMapFD && in.Src != asm.PseudoMapValue {
			return
		}
		id := uint32(in.Imm)
		name, ok := names[id]
		if !ok {
			var err error
			if name, err = mapName(id); err != nil && first == nil {
				first = mkerr.Wrap("names of maps: %w", privileged(err, diagnose.SysAdmin))
			}
			if name == "" {
				name = fmt.Sprintf("#%d", id)
			}
			names[id] = name
		}
		in.Ref = asm.Ref{Kind: asm.RefMap, Name: name}
		if in.Src == asm.PseudoMapValue {
			in.Ref = asm.Ref{Kind: asm.RefMapValue, Name: name, Addend: int32(in.Imm >> 32)}
		}
	})
	return first
}

func mapName(id uint32) (string, error) {
	fd, err := sys.MapGetFDByID(&sys.GetIDAttr{StartId: id})
	if err != nil {
		return "", err
	}
	defer fd.Close()
	raw, err := fd.Borrow()
	if err != nil {
		return "", err
	}
	defer fd.Release()
	var in sys.MapInfo
	err = sys.ObjGetInfoByFD(raw, &in)
	return sys.NameString(in.Name[:]), err
}

// callBase is the symbol that the distances of calls are counted from.
const callBase = "__bpf_call_base"

// symbols names what is called in the kernel, and the variables that are read.
func (n *namer) symbols([]DumpFunc) error {
	var addrs []uint64
	n.eachInsn(func(in *asm.Instruction, _ int) {
		if inKernel(in) && in.Imm == int64(asm.FnTailCall) {
			in.Ref = asm.Ref{Kind: asm.RefKfunc, Name: "bpf_tail_call"}
		} else if inKernel(in) {
			addrs = append(addrs, uint64(in.Imm))
		}
	})
	if len(addrs) == 0 {
		return nil
	}
	base, err := kernel.ReadSymbols(n.root, []string{callBase}, kernel.ScanFound)
	if err != nil {
		return mkerr.Wrap("names of calls: %w", err)
	}
	from := base.Found[callBase].Addr
	if from == 0 {
		return mkerr.Wrap("names of calls: %w", diagnose.Addresses(n.root))
	}
	for i := range addrs {
		addrs[i] += from
	}
	names, err := kernel.ReadNames(n.root, addrs)
	if err != nil {
		return mkerr.Wrap("names of calls: %w", err)
	}
	n.eachInsn(func(in *asm.Instruction, _ int) {
		if name := names[from+uint64(in.Imm)]; name != "" && inKernel(in) && in.Ref.Kind == asm.RefNone {
			in.Ref = asm.Ref{Kind: asm.RefKfunc, Name: name}
		}
	})
	return nil
}

// inKernel reports a call of a helper or a kernel function.
func inKernel(in *asm.Instruction) bool { return in.Op == asm.OpCall && in.Src != asm.PseudoCall }

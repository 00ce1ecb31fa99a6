package prune

import "github.com/skepbpf/skep/asm"

// registers is a set of them.
type registers uint16

const (
	arguments registers = 1<<asm.R1 | 1<<asm.R2 | 1<<asm.R3 | 1<<asm.R4 | 1<<asm.R5
	clobbered           = arguments | 1<<asm.R0
)

// lives finds instructions that compute what nothing looks at. What only such
// an instruction looks at is not looked at either, around loops too: sets begin
// empty and grow until they are right.
type lives struct {
	*flow
	fate []fate
	in   []registers // looked at from instruction i on
	// from and next list the jumps that lead to an instruction.
	from, next []int32
	queue      []int32
	queued     []bool
}

// dropUseless marks the instructions that compute what nothing looks at.
func (f *flow) dropUseless(fate []fate) {
	n := len(f.ins)
	l := &lives{
		flow: f, fate: fate, in: make([]registers, n),
		from: make([]int32, n), next: make([]int32, n), queued: make([]bool, n), queue: make([]int32, 0, n),
	}
	for i := range l.from {
		l.from[i] = -1
	}
	for i := range f.ins {
		if to := f.to[i]; to >= 0 && fate[i] != unreachable && fate[i] != never {
			l.next[i], l.from[to] = l.from[to], int32(i)
		}
		if fate[i] != unreachable {
			l.push(int32(i))
		}
	}
	for len(l.queue) > 0 {
		i := l.queue[len(l.queue)-1]
		l.queue, l.queued[i] = l.queue[:len(l.queue)-1], false
		l.update(i)
	}
	for i := range f.ins {
		if fate[i] != unreachable && l.useless(i, l.out(i)) {
			fate[i] = useless
		}
	}
}

func (l *lives) push(i int32) {
	if !l.queued[i] {
		l.queued[i] = true
		l.queue = append(l.queue, i)
	}
}

func (l *lives) update(i int32) {
	out := l.out(int(i))
	in := out
	if !l.useless(int(i), out) {
		reads, writes := l.effect(int(i))
		in = out&^writes | reads
	}
	if in == l.in[i] {
		return
	}
	l.in[i] = in
	if i > 0 && l.fate[i-1] != unreachable && l.fallsThrough(int(i-1)) {
		l.push(i - 1)
	}
	for p := l.from[i]; p >= 0; p = l.next[p] {
		l.push(p)
	}
}

// out is what is looked at behind instruction i. A function within the function
// looks at its arguments alone, which its call stands for.
func (l *lives) out(i int) registers {
	var out registers
	if i+1 < len(l.ins) && l.fallsThrough(i) {
		out = l.in[i+1]
	}
	if to := l.to[i]; to >= 0 && l.fate[i] != never && l.ins[i].Op != asm.OpCall && !l.ins[i].Wide() {
		out |= l.in[to]
	}
	return out
}

func (l *lives) fallsThrough(i int) bool {
	op := l.ins[i].Op
	return op != asm.OpExit && op != asm.OpJa && op != asm.OpJaLong && l.fate[i] != always
}

// useless reports whether all that an instruction does is to write a register
// that is not in out.
func (l *lives) useless(i int, out registers) bool {
	in := &l.ins[i]
	switch in.Op.Class() {
	case asm.ClassALU, asm.ClassALU64:
		if in.Op == moveReg64 && in.Off == 1 {
			return false // a cast of address spaces tells the verifier of the arena
		}
	case asm.ClassLD:
		if !in.Wide() {
			return false
		}
	case asm.ClassLDX:
		if l.fate[i] != inlined {
			return false // it may fault
		}
	default:
		return false
	}
	return in.Dst < asm.R10 && out&(1<<in.Dst) == 0
}

// effect gives the registers that an instruction reads and writes; of those it
// may write, none that it may not.
func (l *lives) effect(i int) (reads, writes registers) {
	in := &l.ins[i]
	dst, src := registers(1)<<in.Dst, registers(1)<<in.Src
	switch in.Op.Class() {
	case asm.ClassALU, asm.ClassALU64:
		return aluReads(in, dst, src), dst
	case asm.ClassLD:
		if in.Wide() {
			return 0, dst
		}
		return src | 1<<asm.R6, clobbered
	case asm.ClassLDX:
		if l.fate[i] == inlined {
			return 0, dst
		}
		return src, dst
	case asm.ClassST:
		return dst, 0
	case asm.ClassSTX:
		reads = dst | src
		if in.Op.Mode() == asm.ModeATOMIC {
			reads |= 1 << asm.R0
		}
		return reads, 0
	}
	return l.jumpEffect(i, dst, src)
}

func (l *lives) jumpEffect(i int, dst, src registers) (reads, writes registers) {
	in := &l.ins[i]
	switch {
	case in.Op == asm.OpCall:
		return arguments, clobbered
	case in.Op == asm.OpExit:
		return 1 << asm.R0, 0
	case l.fate[i] != kept || !isCond(in.Op):
		return 0, 0
	case in.Op.UsesRegister():
		return dst | src, 0
	}
	return dst, 0
}

func aluReads(in *asm.Instruction, dst, src registers) registers {
	op := asm.ALUOp(in.Op & 0xf0)
	switch {
	case op == opEnd || op == asm.OpNeg:
		return dst
	case op == asm.OpMov && in.Op.UsesRegister():
		return src
	case op == asm.OpMov:
		return 0
	case in.Op.UsesRegister():
		return dst | src
	}
	return dst
}

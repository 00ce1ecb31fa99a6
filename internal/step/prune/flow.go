package prune

import "github.com/skepbpf/skep/asm"

// flow follows the values of registers through a function. Where ways meet, a
// register is known if it has the same value on all that can be taken; a way is
// looked at only once a branch that is not decided, or decided for it, leads to
// it. States only lose knowledge, so this ends, in time linear to the function.
type flow struct {
	env    *Env
	ins    asm.Instructions
	to     []int32 // where instruction i jumps, -1 if it does not
	leader []int32 // the state of instruction i, if ways meet there; else -1
	states []state
	refs   []asm.Ref // what addresses point to
	refAt  map[asm.Ref]int32
	queue  []int32 // leaders to walk from
	final  bool    // states do not change any more
}

// newFlow is false for a function that jumps where it cannot be followed.
func newFlow(ins asm.Instructions, env *Env) (*flow, bool) {
	f := &flow{env: env, ins: ins, to: make([]int32, len(ins)), leader: make([]int32, len(ins))}
	if !f.link() || len(ins) == 0 {
		return nil, false
	}
	n := int32(1)
	for i := range f.leader {
		f.leader[i] = -1
	}
	f.leader[0] = 0
	for _, to := range f.to {
		if to >= 0 && f.leader[to] < 0 {
			f.leader[to] = n
			n++
		}
	}
	f.states = make([]state, n)
	return f, true
}

// link finds where jumps lead.
func (f *flow) link() bool {
	index := make([]int32, 0, len(f.ins)+len(f.ins)/4)
	for i := range f.ins {
		in := &f.ins[i]
		if !followed(in) {
			return false
		}
		index = append(index, int32(i))
		if in.Wide() {
			index = append(index, -1)
		}
	}
	slot := 0
	for i := range f.ins {
		in := &f.ins[i]
		f.to[i] = -1
		if to, ok := in.Target(slot); ok {
			if to < 0 || to >= len(index) || index[to] < 0 {
				return false
			}
			f.to[i] = index[to]
		}
		slot += in.Slots()
	}
	return true
}

// followed reports whether it is known where an instruction leads.
func followed(in *asm.Instruction) bool {
	if in.Dst > asm.R10 || in.Src > asm.R10 || in.Ref.Kind == asm.RefLabel || in.Ref.Kind == asm.RefMark {
		return false
	}
	switch in.Op.Class() {
	case asm.ClassJMP:
		switch in.Op {
		case asm.OpJa, asm.OpMayGoto, asm.OpCall, asm.OpExit:
			return true
		}
	case asm.ClassJMP32:
		if in.Op == asm.OpJaLong {
			return true
		}
	case asm.ClassLD:
		return in.Wide() || in.Op.Mode() == asm.ModeABS || in.Op.Mode() == asm.ModeIND
	default:
		return true
	}
	return isCond(in.Op)
}

func (f *flow) run() {
	entry := state{visited: true}
	f.meet(0, &entry)
	for len(f.queue) > 0 {
		i := f.queue[len(f.queue)-1]
		f.queue = f.queue[:len(f.queue)-1]
		s := f.states[f.leader[i]]
		f.walk(int(i), &s, nil)
	}
}

// meet adds a way to a leader.
func (f *flow) meet(i int32, s *state) {
	if !f.final && f.states[f.leader[i]].join(s) {
		f.queue = append(f.queue, i)
	}
}

// walk goes from a leader to the next one, or to where nothing follows. With
// facts, whose states are final, it notes what it finds and goes nowhere else.
func (f *flow) walk(start int, s *state, facts *facts) {
	for i := start; i < len(f.ins); i++ {
		if i != start && f.leader[i] >= 0 {
			f.meet(int32(i), s)
			return
		}
		in, to := &f.ins[i], f.to[i]
		if facts != nil {
			facts.note(f, i, s)
		}
		switch {
		case in.Op == asm.OpExit:
			return
		case in.Op == asm.OpJa || in.Op == asm.OpJaLong:
			f.meet(to, s)
			return
		case isCond(in.Op):
			taken, decided := f.decide(in, s)
			if taken || !decided {
				f.meet(to, s)
			}
			if taken {
				return
			}
		case in.Op == asm.OpMayGoto:
			f.meet(to, s)
		case to >= 0: // a function within the function
			f.meet(to, &state{visited: true})
		}
		f.step(in, s)
	}
}

// decide reports whether a conditional jump always goes one way, and which.
func (f *flow) decide(in *asm.Instruction, s *state) (taken, decided bool) {
	a, b := s.get(in.Dst), known(uint64(in.Imm))
	if in.Op.UsesRegister() {
		b = s.get(in.Src)
	}
	if a.kind != number || b.kind != number {
		return false, false
	}
	return compare(in, a.n, b.n), true
}

// step makes s what it is behind an instruction.
func (f *flow) step(in *asm.Instruction, s *state) {
	switch in.Op.Class() {
	case asm.ClassALU, asm.ClassALU64:
		s.set(in.Dst, f.arithmetic(in, s))
	case asm.ClassLD:
		if !in.Wide() { // the packet loads call a function
			s.clobber()
			return
		}
		s.set(in.Dst, f.wide(in))
	case asm.ClassLDX:
		v := value{}
		if n, ok := f.constant(in, s); ok {
			v = known(n)
		}
		s.set(in.Dst, v)
	case asm.ClassSTX:
		if in.Op.Mode() == asm.ModeATOMIC {
			s.set(in.Dst, value{})
			s.set(in.Src, value{})
			s.set(asm.R0, value{})
		}
	case asm.ClassJMP:
		if in.Op == asm.OpCall {
			s.clobber()
		}
	}
}

func (f *flow) arithmetic(in *asm.Instruction, s *state) value {
	a, b := s.get(in.Dst), known(uint64(in.Imm))
	if in.Op.UsesRegister() && asm.ALUOp(in.Op&0xf0) != opEnd {
		b = s.get(in.Src)
	}
	op := asm.ALUOp(in.Op & 0xf0)
	if op == asm.OpMov {
		if in.Op == moveReg64 && in.Off == 0 {
			return b
		}
		a = known(0)
	}
	if a.kind == number && b.kind == number {
		if n, ok := arithmetic(in, a.n, b.n, f.env.Order); ok {
			return known(n)
		}
		return value{}
	}
	if in.Op.Class() == asm.ClassALU64 && in.Off == 0 && a.kind == address && b.kind == number {
		switch op {
		case asm.OpAdd:
			a.n += b.n
			return a
		case asm.OpSub:
			a.n -= b.n
			return a
		}
	}
	return value{}
}

const moveReg64 asm.Opcode = 0xbf

func (f *flow) wide(in *asm.Instruction) value {
	switch in.Ref.Kind {
	case asm.RefNone:
		if in.Src == 0 {
			return known(uint64(in.Imm))
		}
	case asm.RefMapValue, asm.RefVar:
		return value{kind: address, ref: f.ref(in.Ref), n: uint64(int64(in.Ref.Addend))}
	case asm.RefMap:
		return value{kind: mapItself, ref: f.ref(in.Ref)}
	default:
		if f.env.Zero != nil && f.env.Zero(in.Ref) {
			return known(0)
		}
	}
	return value{}
}

// ref numbers what a reference names.
func (f *flow) ref(r asm.Ref) int32 {
	r.Addend = 0
	i, ok := f.refAt[r]
	if !ok {
		if f.refAt == nil {
			f.refAt = map[asm.Ref]int32{}
		}
		i = int32(len(f.refs))
		f.refAt[r], f.refs = i, append(f.refs, r)
	}
	return i
}

// constant is what a load gives, if its memory never changes.
func (f *flow) constant(in *asm.Instruction, s *state) (uint64, bool) {
	if m := in.Op.Mode(); m != asm.ModeMEM && m != asm.ModeMEMSX {
		return 0, false
	}
	at := s.get(in.Src)
	if at.kind != address || f.env.Order == nil {
		return 0, false
	}
	size := in.Op.Size().Bytes()
	b := f.env.Memory(f.refs[at.ref], int64(at.n)+int64(in.Off), size)
	if len(b) != size {
		return 0, false
	}
	return readNumber(in, b, f.env.Order), true
}

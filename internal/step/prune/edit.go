package prune

import "github.com/skepbpf/skep/asm"

// edit takes out what the facts say, and puts the rest into r. It does not use
// asm.Editor, which can do more and would be four times as much code in every
// program that loads: here nothing is inserted.
func (f *flow) edit(r *Result, facts *facts) error {
	if len(facts.branches) == 0 && len(facts.inline) == 0 {
		// Code that nothing leads to without any constant is the compiler's.
		return nil
	}
	f.dropUseless(facts.fate)
	f.dropJumps(facts.fate)
	out := make(asm.Instructions, 0, len(f.ins))
	place := make([]int32, len(f.ins)) // in slots; of what is gone, that of the next that stays
	r.slots = make([]int32, 0, f.ins.Slots())
	slot, inline := int32(0), facts.inline
	var line asm.NoteID // of the last line that began in what is gone
	for i := range f.ins {
		in := f.ins[i]
		place[i] = slot
		r.slots = append(r.slots, slot)
		if in.Wide() {
			r.slots = append(r.slots, slot+1)
		}
		constant := len(inline) > 0 && inline[0].at == i
		if constant {
			in = immediate(&in, inline[0].n)
			inline = inline[1:]
		}
		switch fate := facts.fate[i]; {
		case fate.gone():
			for k := len(r.slots) - f.ins[i].Slots(); k < len(r.slots); k++ {
				r.slots[k] = -1
			}
			line = max(line, in.Note, in.Line)
			continue
		case fate == always:
			in = asm.Instruction{Op: asm.OpJa, Note: in.Note, Line: in.Line}
		}
		if in.Line == 0 {
			in.Line = line
		}
		line = 0
		out = append(out, in)
		slot += int32(in.Slots())
	}
	r.Insns = out
	return f.retarget(out, place, facts.fate)
}

// retarget makes jumps lead to where their targets are now.
func (f *flow) retarget(out asm.Instructions, place []int32, fates []fate) error {
	n := 0
	for i := range f.ins {
		if fates[i].gone() {
			continue
		}
		if to := f.to[i]; to >= 0 {
			if err := out[n].SetTarget(int(place[i]), int(place[to])); err != nil {
				return err
			}
		}
		n++
	}
	return nil
}

func (x fate) gone() bool { return x == unreachable || x == never || x == useless }

// immediate is the shortest move of a number in the place of a load, as
// compilers write it.
func immediate(load *asm.Instruction, n uint64) asm.Instruction {
	in := asm.Instruction{Op: moveImm64, Dst: load.Dst, Imm: int64(n), Note: load.Note, Line: load.Line}
	switch {
	case n == uint64(int64(int32(n))):
	case n == uint64(uint32(n)):
		in.Op, in.Imm = moveImm32, int64(int32(n))
	default:
		in.Op = asm.OpLoadImm64
	}
	return in
}

const (
	moveImm64 asm.Opcode = 0xb7
	moveImm32 asm.Opcode = 0xb4
)

// dropJumps drops what jumps to where it leads anyway.
func (f *flow) dropJumps(fates []fate) {
	next := len(f.ins) // the first behind i that stays
	for i := len(f.ins) - 1; i >= 0; i-- {
		jump := fates[i] == always || fates[i] == kept && (f.ins[i].Op == asm.OpJa || f.ins[i].Op == asm.OpJaLong)
		if to := int(f.to[i]); jump && to > i && to <= next && next < len(f.ins) {
			fates[i] = useless
		}
		if !fates[i].gone() {
			next = i
		}
	}
}

package asm

import (
	"math"

	"github.com/skepbpf/skep/internal/mkerr"
)

// field is where a relative target is kept in an instruction.
type field uint8

const (
	noField  field = iota
	offField       // Off, 16 bits
	immField       // Imm, 32 bits; of a wide one the low half
)

// jumpField says where an instruction keeps a relative target, whatever its
// Ref. The unit is slots; the base is the slot after the instruction's first
// (kernel: check_subprogs, add_subprog_and_kfunc).
func (i *Instruction) jumpField() field {
	if i.Ref.Kind == RefMark {
		return noField
	}
	switch i.Op.Class() {
	case ClassJMP:
		return i.jumpField64()
	case ClassJMP32:
		if i.Op == OpJaLong {
			return immField
		}
		if isCond(i.Op) {
			return offField
		}
	case ClassLD:
		if i.Op == OpLoadImm64 && i.Src == PseudoFunc {
			return immField
		}
	}
	return noField
}

func (i *Instruction) jumpField64() field {
	switch {
	case i.Op == OpJa, i.Op == OpMayGoto, isCond(i.Op):
		return offField
	case i.CallsFunc():
		return immField
	}
	return noField
}

// isCond reports whether a jump opcode compares.
func isCond(op Opcode) bool {
	switch Cond(op & 0xf0) {
	case JEq, JGT, JGE, JSet, JNe, JSGT, JSGE, JLT, JLE, JSLT, JSLE:
		return true
	}
	return false
}

// Target gives the slot that a jump, a call of a bpf function or a load of its
// address leads to, if the instruction stands at slot at. It is false for
// other instructions, and while a Ref says where to.
func (i Instruction) Target(at int) (slot int, ok bool) {
	if i.Ref.Kind != RefNone {
		return 0, false
	}
	switch i.jumpField() {
	case offField:
		return at + 1 + int(i.Off), true
	case immField:
		return at + 1 + int(int32(i.Imm)), true
	}
	return 0, false
}

// SetTarget makes a jump, a call of a bpf function or a load of its address
// that stands at slot at lead to another slot, and clears its Ref. It is an
// error if the distance does not fit, or if the instruction has no target.
func (i *Instruction) SetTarget(at, slot int) error {
	d := slot - at - 1
	switch i.jumpField() {
	case offField:
		if d < math.MinInt16 || d > math.MaxInt16 {
			return mkerr.Errorf("jump of %+d slots does not fit 16 bits", d)
		}
		i.Off = int16(d)
	case immField:
		if d < math.MinInt32 || d > math.MaxInt32 {
			return mkerr.Errorf("jump of %+d slots does not fit 32 bits", d)
		}
		i.Imm = int64(d)
		if i.Op == OpLoadImm64 {
			i.Imm = int64(uint32(int32(d)))
		}
	default:
		return mkerr.Errorf("opcode %#02x has no target", uint8(i.Op)) // its text would keep the disassembler in every loader
	}
	i.Ref = Ref{}
	return nil
}

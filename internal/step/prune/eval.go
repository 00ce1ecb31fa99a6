package prune

import (
	"encoding/binary"
	"math/bits"

	"github.com/skepbpf/skep/asm"
)

// arithmetic gives the result of an arithmetic instruction on numbers, false
// if it is not known. What kernels disagree on, division by zero, is not
// (Documentation/bpf/standardization/instruction-set.rst).
func arithmetic(in *asm.Instruction, a, b uint64, order binary.ByteOrder) (uint64, bool) {
	wide := in.Op.Class() == asm.ClassALU64
	op := asm.ALUOp(in.Op & 0xf0)
	if op == opEnd {
		return swap(in, a, order)
	}
	if in.Off != 0 {
		switch {
		case op == asm.OpMov && in.Op.UsesRegister():
			return extend(in.Off, b, wide)
		case in.Off == 1 && (op == asm.OpDiv || op == asm.OpMod):
			return signedDivide(op, a, b, wide)
		}
		return 0, false
	}
	if wide {
		return compute(op, a, b, 63)
	}
	if op == asm.OpArsh {
		return uint64(uint32(int32(uint32(a)) >> (b & 31))), true
	}
	n, ok := compute(op, uint64(uint32(a)), uint64(uint32(b)), 31)
	return uint64(uint32(n)), ok
}

const opEnd asm.ALUOp = 0xd0

// compute is exact in 64 bits; its low half is right for 32.
func compute(op asm.ALUOp, a, b, shift uint64) (uint64, bool) {
	switch op {
	case asm.OpAdd:
		return a + b, true
	case asm.OpSub:
		return a - b, true
	case asm.OpMul:
		return a * b, true
	case asm.OpDiv:
		if b == 0 {
			return 0, false
		}
		return a / b, true
	case asm.OpMod:
		if b == 0 {
			return 0, false
		}
		return a % b, true
	case asm.OpOr:
		return a | b, true
	case asm.OpAnd:
		return a & b, true
	case asm.OpXor:
		return a ^ b, true
	case asm.OpLsh:
		return a << (b & shift), true
	case asm.OpRsh:
		return a >> (b & shift), true
	case asm.OpArsh:
		return uint64(int64(a) >> (b & shift)), true
	case asm.OpNeg:
		return -a, true
	case asm.OpMov:
		return b, true
	}
	return 0, false
}

// extend is a move with sign extension. An address space cast has offset 1.
func extend(from int16, n uint64, wide bool) (uint64, bool) {
	switch {
	case from == 8:
		n = uint64(int8(n))
	case from == 16:
		n = uint64(int16(n))
	case from == 32 && wide:
		n = uint64(int32(n))
	default:
		return 0, false
	}
	if !wide {
		n = uint64(uint32(n))
	}
	return n, true
}

func signedDivide(op asm.ALUOp, a, b uint64, wide bool) (uint64, bool) {
	x, y := int64(a), int64(b)
	if !wide {
		x, y = int64(int32(a)), int64(int32(b))
	}
	switch {
	case y == 0:
		return 0, false
	case op == asm.OpMod:
		x %= y // of the least number by -1, 0, as in the kernel
	default:
		x /= y
	}
	if !wide {
		return uint64(uint32(x)), true
	}
	return uint64(x), true
}

// swap is a conversion of byte order.
func swap(in *asm.Instruction, n uint64, order binary.ByteOrder) (uint64, bool) {
	turn := in.Op.Class() == asm.ClassALU64
	if !turn {
		if order == nil {
			return 0, false
		}
		big := order.Uint16([]byte{0, 1}) == 1
		turn = in.Op.UsesRegister() != big
	}
	var keep uint64
	switch in.Imm {
	case 16:
		keep = 1<<16 - 1
	case 32:
		keep = 1<<32 - 1
	case 64:
		keep = 1<<64 - 1
	default:
		return 0, false
	}
	if turn {
		n = bits.ReverseBytes64(n) >> (64 - uint(in.Imm))
	}
	return n & keep, true
}

// compare decides a conditional jump.
func compare(in *asm.Instruction, a, b uint64) bool {
	x, y := int64(a), int64(b)
	if in.Op.Class() == asm.ClassJMP32 {
		a, b = uint64(uint32(a)), uint64(uint32(b))
		x, y = int64(int32(a)), int64(int32(b))
	}
	switch asm.Cond(in.Op & 0xf0) {
	case asm.JEq:
		return a == b
	case asm.JNe:
		return a != b
	case asm.JGT:
		return a > b
	case asm.JGE:
		return a >= b
	case asm.JLT:
		return a < b
	case asm.JLE:
		return a <= b
	case asm.JSGT:
		return x > y
	case asm.JSGE:
		return x >= y
	case asm.JSLT:
		return x < y
	case asm.JSLE:
		return x <= y
	}
	return a&b != 0 // JSet: isCond lets nothing else through
}

// isCond reports whether a jump compares.
func isCond(op asm.Opcode) bool {
	if c := op.Class(); c != asm.ClassJMP && c != asm.ClassJMP32 {
		return false
	}
	switch asm.Cond(op & 0xf0) {
	case asm.JEq, asm.JNe, asm.JGT, asm.JGE, asm.JLT, asm.JLE, asm.JSGT, asm.JSGE, asm.JSLT, asm.JSLE, asm.JSet:
		return true
	}
	return false
}

// number reads a constant as a load does.
func readNumber(in *asm.Instruction, b []byte, order binary.ByteOrder) uint64 {
	var n uint64
	switch len(b) {
	case 1:
		n = uint64(b[0])
	case 2:
		n = uint64(order.Uint16(b))
	case 4:
		n = uint64(order.Uint32(b))
	default:
		n = order.Uint64(b)
	}
	if in.Op.Mode() == asm.ModeMEMSX {
		shift := 64 - 8*uint(len(b))
		n = uint64(int64(n<<shift) >> shift)
	}
	return n
}

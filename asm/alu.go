package asm

// ALU is dst = dst op imm in 64 bits; the immediate is sign-extended.
func ALU(op ALUOp, dst Reg, imm int32) Instruction { return aluImm(ClassALU64, op, dst, imm) }

// ALUReg is dst = dst op src in 64 bits.
func ALUReg(op ALUOp, dst, src Reg) Instruction { return aluReg(ClassALU64, op, dst, src) }

// ALU32 is dst = dst op imm in 32 bits; the upper half becomes zero.
func ALU32(op ALUOp, dst Reg, imm int32) Instruction { return aluImm(ClassALU, op, dst, imm) }

// ALUReg32 is dst = dst op src in 32 bits; the upper half becomes zero.
func ALUReg32(op ALUOp, dst, src Reg) Instruction { return aluReg(ClassALU, op, dst, src) }

// aluImm keeps the signed flag, bit 0 of an ALUOp, where the encoding has it:
// in the offset.
func aluImm(c Class, op ALUOp, dst Reg, imm int32) Instruction {
	return Instruction{Op: Opcode(op&0xf0) | Opcode(c), Dst: dst, Off: int16(op & 1), Imm: int64(imm)}
}

func aluReg(c Class, op ALUOp, dst, src Reg) Instruction {
	return Instruction{Op: Opcode(op&0xf0) | srcX | Opcode(c), Dst: dst, Src: src, Off: int16(op & 1)}
}

// Mov is dst = imm, sign-extended to 64 bits.
func Mov(dst Reg, imm int32) Instruction { return ALU(OpMov, dst, imm) }

// MovReg is dst = src.
func MovReg(dst, src Reg) Instruction { return ALUReg(OpMov, dst, src) }

// Mov32 is dst = imm; the upper half becomes zero.
func Mov32(dst Reg, imm int32) Instruction { return ALU32(OpMov, dst, imm) }

// MovReg32 is dst = the lower half of src; the upper half becomes zero.
func MovReg32(dst, src Reg) Instruction { return ALUReg32(OpMov, dst, src) }

// MovSX is dst = the low bits of src (8, 16 or 32), sign-extended to 64 bits.
// Requires Linux 6.6.
func MovSX(dst, src Reg, bits int16) Instruction {
	in := MovReg(dst, src)
	in.Off = bits
	return in
}

// MovSX32 is dst = the low bits of src (8 or 16), sign-extended to 32 bits;
// the upper half becomes zero. Requires Linux 6.6.
func MovSX32(dst, src Reg, bits int16) Instruction {
	in := MovReg32(dst, src)
	in.Off = bits
	return in
}

// Add is dst += imm.
func Add(dst Reg, imm int32) Instruction { return ALU(OpAdd, dst, imm) }

// AddReg is dst += src.
func AddReg(dst, src Reg) Instruction { return ALUReg(OpAdd, dst, src) }

// Sub is dst -= imm.
func Sub(dst Reg, imm int32) Instruction { return ALU(OpSub, dst, imm) }

// SubReg is dst -= src.
func SubReg(dst, src Reg) Instruction { return ALUReg(OpSub, dst, src) }

// Mul is dst *= imm.
func Mul(dst Reg, imm int32) Instruction { return ALU(OpMul, dst, imm) }

// MulReg is dst *= src.
func MulReg(dst, src Reg) Instruction { return ALUReg(OpMul, dst, src) }

// Div is dst /= imm, unsigned.
func Div(dst Reg, imm int32) Instruction { return ALU(OpDiv, dst, imm) }

// DivReg is dst /= src, unsigned; zero if src is zero.
func DivReg(dst, src Reg) Instruction { return ALUReg(OpDiv, dst, src) }

// SDiv is dst /= imm, signed. Requires Linux 6.6.
func SDiv(dst Reg, imm int32) Instruction { return ALU(OpSDiv, dst, imm) }

// SDivReg is dst /= src, signed. Requires Linux 6.6.
func SDivReg(dst, src Reg) Instruction { return ALUReg(OpSDiv, dst, src) }

// Mod is dst %= imm, unsigned.
func Mod(dst Reg, imm int32) Instruction { return ALU(OpMod, dst, imm) }

// ModReg is dst %= src, unsigned; dst stays if src is zero.
func ModReg(dst, src Reg) Instruction { return ALUReg(OpMod, dst, src) }

// SMod is dst %= imm, signed. Requires Linux 6.6.
func SMod(dst Reg, imm int32) Instruction { return ALU(OpSMod, dst, imm) }

// SModReg is dst %= src, signed. Requires Linux 6.6.
func SModReg(dst, src Reg) Instruction { return ALUReg(OpSMod, dst, src) }

// Or is dst |= imm.
func Or(dst Reg, imm int32) Instruction { return ALU(OpOr, dst, imm) }

// OrReg is dst |= src.
func OrReg(dst, src Reg) Instruction { return ALUReg(OpOr, dst, src) }

// And is dst &= imm.
func And(dst Reg, imm int32) Instruction { return ALU(OpAnd, dst, imm) }

// AndReg is dst &= src.
func AndReg(dst, src Reg) Instruction { return ALUReg(OpAnd, dst, src) }

// Xor is dst ^= imm.
func Xor(dst Reg, imm int32) Instruction { return ALU(OpXor, dst, imm) }

// XorReg is dst ^= src.
func XorReg(dst, src Reg) Instruction { return ALUReg(OpXor, dst, src) }

// Lsh is dst <<= imm.
func Lsh(dst Reg, imm int32) Instruction { return ALU(OpLsh, dst, imm) }

// LshReg is dst <<= src.
func LshReg(dst, src Reg) Instruction { return ALUReg(OpLsh, dst, src) }

// Rsh is dst >>= imm, filling with zeros.
func Rsh(dst Reg, imm int32) Instruction { return ALU(OpRsh, dst, imm) }

// RshReg is dst >>= src, filling with zeros.
func RshReg(dst, src Reg) Instruction { return ALUReg(OpRsh, dst, src) }

// Arsh is dst >>= imm, filling with the sign.
func Arsh(dst Reg, imm int32) Instruction { return ALU(OpArsh, dst, imm) }

// ArshReg is dst >>= src, filling with the sign.
func ArshReg(dst, src Reg) Instruction { return ALUReg(OpArsh, dst, src) }

// Neg is dst = -dst.
func Neg(dst Reg) Instruction { return ALU(OpNeg, dst, 0) }

// Neg32 is dst = -dst in 32 bits; the upper half becomes zero.
func Neg32(dst Reg) Instruction { return ALU32(OpNeg, dst, 0) }

// ToBE converts the low bits (16, 32 or 64) of dst between the machine's byte
// order and big-endian; the rest becomes zero.
func ToBE(dst Reg, bits int32) Instruction {
	in := aluImm(ClassALU, opEnd, dst, bits)
	in.Op |= srcX
	return in
}

// ToLE converts the low bits (16, 32 or 64) of dst between the machine's byte
// order and little-endian; the rest becomes zero.
func ToLE(dst Reg, bits int32) Instruction { return aluImm(ClassALU, opEnd, dst, bits) }

// BSwap reverses the bytes of the low bits (16, 32 or 64) of dst; the rest
// becomes zero. Requires Linux 6.6.
func BSwap(dst Reg, bits int32) Instruction { return aluImm(ClassALU64, opEnd, dst, bits) }

// AddrSpaceCast is dst = src, a pointer of address space from made one of
// address space to; arenas are space 1, the kernel's is 0. Requires Linux 6.9.
func AddrSpaceCast(dst, src Reg, to, from uint16) Instruction {
	in := MovReg(dst, src)
	in.Off = 1
	in.Imm = int64(int32(uint32(to)<<16 | uint32(from)))
	return in
}

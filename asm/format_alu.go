package asm

import "strconv"

// aluSigns is indexed by the operation's code; where the offset makes the
// operation signed, LLVM puts "s" before the sign.
var aluSigns = [16]string{
	OpAdd >> 4: "+=", OpSub >> 4: "-=", OpMul >> 4: "*=", OpDiv >> 4: "/=",
	OpOr >> 4: "|=", OpAnd >> 4: "&=", OpLsh >> 4: "<<=", OpRsh >> 4: ">>=",
	OpMod >> 4: "%=", OpXor >> 4: "^=", OpMov >> 4: "=", OpArsh >> 4: "s>>=",
}

func (i *Instruction) textALU(b []byte) []byte {
	bank := byte('r')
	if i.Op.Class() == ClassALU {
		bank = 'w'
	}
	if i.Dst > maxLLVMReg {
		return b
	}
	op := ALUOp(i.Op & 0xf0)
	switch op {
	case opEnd:
		return i.textSwap(b)
	case OpNeg:
		if i.Op.UsesRegister() {
			return b
		}
		b = append(appendReg(b, bank, i.Dst), " = -"...)
		return appendReg(b, bank, i.Dst)
	}
	prefix := ""
	sign := aluSigns[op>>4]
	switch {
	case sign == "" || i.Op.UsesRegister() && i.Src > maxLLVMReg:
		return b
	case i.Off == 0:
	case i.Off == 1 && (op == OpDiv || op == OpMod):
		prefix = "s"
	case op == OpMov && i.Op.UsesRegister():
		return i.textMovOff(b, bank)
	default:
		return b
	}
	b = append(append(append(append(appendReg(b, bank, i.Dst), ' '), prefix...), sign...), ' ')
	if i.Op.UsesRegister() {
		return appendReg(b, bank, i.Src)
	}
	return appendHex(b, i.Imm)
}

// textMovOff is a register move whose offset makes it something else.
func (i *Instruction) textMovOff(b []byte, bank byte) []byte {
	switch {
	case i.Off == 8, i.Off == 16, i.Off == 32 && bank == 'r':
		b = append(appendReg(b, bank, i.Dst), " = (s"...)
		b = append(strconv.AppendInt(b, int64(i.Off), 10), ')')
		return appendReg(b, bank, i.Src)
	case i.Off == 1 && bank == 'r':
		b = append(appendReg(b, bank, i.Dst), " = addr_space_cast("...)
		b = append(appendReg(b, bank, i.Src), ", "...)
		b = append(appendHex(b, int64(uint32(i.Imm)>>16)), ", "...)
		return append(appendHex(b, int64(uint16(i.Imm))), ')')
	}
	return b
}

func (i *Instruction) textSwap(b []byte) []byte {
	if i.Imm != 16 && i.Imm != 32 && i.Imm != 64 {
		return b
	}
	name := "le"
	switch {
	case i.Op.Class() == ClassALU64 && i.Op.UsesRegister():
		return b
	case i.Op.Class() == ClassALU64:
		name = "bswap"
	case i.Op.UsesRegister():
		name = "be"
	}
	b = append(append(appendReg(b, 'r', i.Dst), " = "...), name...)
	b = append(strconv.AppendInt(b, i.Imm, 10), ' ')
	return appendReg(b, 'r', i.Dst)
}

package asm

import "strconv"

// String gives the instruction in the syntax of llvm-objdump (LLVM 22), and
// "<unknown>" where that has none. It shows the fields as they stand; a Ref
// does not appear.
func (i Instruction) String() string {
	if i.Ref.Kind == RefMark {
		return i.Ref.Name + ":"
	}
	var buf [64]byte
	return string(i.appendText(buf[:0]))
}

const unknown = "<unknown>"

// maxLLVMReg is the last register LLVM knows: r11 is its own scratch register.
const maxLLVMReg = 11

var formatters = [8]func(*Instruction, []byte) []byte{
	ClassLD:    (*Instruction).textLD,
	ClassLDX:   (*Instruction).textLDX,
	ClassST:    (*Instruction).textST,
	ClassSTX:   (*Instruction).textSTX,
	ClassALU:   (*Instruction).textALU,
	ClassJMP:   (*Instruction).textJMP,
	ClassJMP32: (*Instruction).textJMP32,
	ClassALU64: (*Instruction).textALU,
}

// appendText appends the text; formatters append nothing for what LLVM does
// not decode.
func (i *Instruction) appendText(b []byte) []byte {
	n := len(b)
	if b = formatters[i.Op.Class()](i, b); len(b) == n {
		return append(b, unknown...)
	}
	return b
}

func appendReg(b []byte, bank byte, r Reg) []byte {
	return strconv.AppendUint(append(b, bank), uint64(r), 10)
}

// appendHex writes "0x7" or "-0x7".
func appendHex(b []byte, v int64) []byte {
	u := uint64(v)
	if v < 0 {
		b = append(b, '-')
		u = -u
	}
	return strconv.AppendUint(append(b, "0x"...), u, 16)
}

// appendDelta writes "+0x7" or "-0x7".
func appendDelta(b []byte, v int64) []byte {
	if v >= 0 {
		b = append(b, '+')
	}
	return appendHex(b, v)
}

// appendAddr writes "r1 + 0x7" or "r1 - 0x7".
func appendAddr(b []byte, r Reg, off int16) []byte {
	b = appendReg(b, 'r', r)
	v := int64(off)
	if v < 0 {
		return appendHex(append(b, " - "...), -v)
	}
	return appendHex(append(b, " + "...), v)
}

// appendMem writes "*(u32 *)(r1 + 0x7)".
func appendMem(b []byte, typ string, r Reg, off int16) []byte {
	b = append(append(append(b, "*("...), typ...), " *)("...)
	return append(appendAddr(b, r, off), ')')
}

var (
	unsignedTypes = [4]string{"u32", "u16", "u8", "u64"}
	signedTypes   = [4]string{"s32", "s16", "s8", ""}
)

func (op Opcode) sizeIndex() int { return int(op&sizeMask) >> 3 }

func (i *Instruction) textLD(b []byte) []byte {
	if i.Op == OpLoadImm64 {
		if i.Dst > maxLLVMReg || i.Off != 0 {
			return b
		}
		if i.Src == 0 {
			b = append(appendReg(b, 'r', i.Dst), " = "...)
			return append(appendHex(b, i.Imm), " ll"...)
		}
		b = append(appendReg(append(b, "ld_pseudo\t"...), 'r', i.Dst), ", "...)
		b = append(appendHex(b, int64(i.Src)), ", "...)
		return appendHex(b, int64(uint32(i.Imm)))
	}
	mode := i.Op.Mode()
	if i.Op.Size() == SizeDW || mode != ModeABS && mode != ModeIND || mode == ModeIND && i.Src > maxLLVMReg {
		return b
	}
	b = append(append(append(b, "r0 = *("...), unsignedTypes[i.Op.sizeIndex()]...), " *)skb["...)
	if mode == ModeABS {
		b = appendHex(b, i.Imm)
	} else {
		b = appendReg(b, 'r', i.Src)
	}
	return append(b, ']')
}

// bankOf is the register name for a value of that size: LLVM shows loads and
// stores of less than 64 bits with the 32-bit names.
func bankOf(s Size) byte {
	if s == SizeDW {
		return 'r'
	}
	return 'w'
}

func (i *Instruction) textLDX(b []byte) []byte {
	bank, types := bankOf(i.Op.Size()), &unsignedTypes
	switch i.Op.Mode() {
	case ModeMEM:
	case ModeMEMSX:
		bank, types = 'r', &signedTypes
	default:
		return b
	}
	typ := types[i.Op.sizeIndex()]
	if typ == "" || i.Dst > maxLLVMReg || i.Src > maxLLVMReg {
		return b
	}
	b = append(appendReg(b, bank, i.Dst), " = "...)
	return appendMem(b, typ, i.Src, i.Off)
}

func (i *Instruction) textST(b []byte) []byte {
	if i.Op.Mode() != ModeMEM || i.Dst > maxLLVMReg {
		return b
	}
	b = appendMem(b, unsignedTypes[i.Op.sizeIndex()], i.Dst, i.Off)
	return appendHex(append(b, " = "...), i.Imm)
}

func (i *Instruction) textSTX(b []byte) []byte {
	if i.Dst > maxLLVMReg || i.Src > maxLLVMReg {
		return b
	}
	switch i.Op.Mode() {
	case ModeMEM:
		b = appendMem(b, unsignedTypes[i.Op.sizeIndex()], i.Dst, i.Off)
		return appendReg(append(b, " = "...), bankOf(i.Op.Size()), i.Src)
	case ModeATOMIC:
		return i.textAtomic(b)
	}
	return b
}

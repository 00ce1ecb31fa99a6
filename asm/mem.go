package asm

func memOp(c Class, m Mode, size Size) Opcode {
	return Opcode(m) | Opcode(size&sizeMask) | Opcode(c)
}

// LoadMem is dst = *(src + off), zero-extended.
func LoadMem(dst, src Reg, off int16, size Size) Instruction {
	return Instruction{Op: memOp(ClassLDX, ModeMEM, size), Dst: dst, Src: src, Off: off}
}

// LoadMemSX is dst = *(src + off), sign-extended; not for SizeDW. Requires
// Linux 6.6.
func LoadMemSX(dst, src Reg, off int16, size Size) Instruction {
	return Instruction{Op: memOp(ClassLDX, ModeMEMSX, size), Dst: dst, Src: src, Off: off}
}

// StoreMem is *(dst + off) = src.
func StoreMem(dst Reg, off int16, src Reg, size Size) Instruction {
	return Instruction{Op: memOp(ClassSTX, ModeMEM, size), Dst: dst, Src: src, Off: off}
}

// StoreImm is *(dst + off) = imm, sign-extended.
func StoreImm(dst Reg, off int16, imm int32, size Size) Instruction {
	return Instruction{Op: memOp(ClassST, ModeMEM, size), Dst: dst, Off: off, Imm: int64(imm)}
}

// LoadAbs is r0 = the packet's bytes at offset imm, in host order: a legacy
// load that ends the program if the packet is too short. Not for SizeDW.
func LoadAbs(imm int32, size Size) Instruction {
	return Instruction{Op: memOp(ClassLD, ModeABS, size), Imm: int64(imm)}
}

// LoadInd is LoadAbs at offset src + imm.
func LoadInd(src Reg, imm int32, size Size) Instruction {
	return Instruction{Op: memOp(ClassLD, ModeIND, size), Src: src, Imm: int64(imm)}
}

// Atomic is *(dst + off) = *(dst + off) op src, as one access. Sizes are SizeW
// and SizeDW.
func Atomic(op AtomicOp, dst Reg, off int16, src Reg, size Size) Instruction {
	return Instruction{Op: memOp(ClassSTX, ModeATOMIC, size), Dst: dst, Src: src, Off: off, Imm: int64(op)}
}

// LoadAcquire is dst = *(src + off), ordered before every later access.
// Requires Linux 6.15.
func LoadAcquire(dst, src Reg, off int16, size Size) Instruction {
	return Atomic(AtomicLoadAcquire, dst, off, src, size)
}

// StoreRelease is *(dst + off) = src, ordered after every earlier access.
// Requires Linux 6.15.
func StoreRelease(dst Reg, off int16, src Reg, size Size) Instruction {
	return Atomic(AtomicStoreRelease, dst, off, src, size)
}

package asm

func jumpTo(in Instruction, label string) Instruction {
	in.Ref = Ref{Kind: RefLabel, Name: label}
	return in
}

// Ja is goto label. The jump is 16 bits wide: up to 32767 slots.
func Ja(label string) Instruction { return jumpTo(Instruction{Op: OpJa}, label) }

// JaLong is gotol label: 32 bits wide. Requires Linux 6.6.
func JaLong(label string) Instruction { return jumpTo(Instruction{Op: OpJaLong}, label) }

// JaReg is gotox: to the instruction whose address is in dst. Requires
// Linux 6.19.
func JaReg(dst Reg) Instruction { return Instruction{Op: OpJaReg, Dst: dst} }

// MayGoto goes to label once the loop has run for too long, else on. Requires
// Linux 6.9.
func MayGoto(label string) Instruction { return jumpTo(Instruction{Op: OpMayGoto}, label) }

// JumpIf goes to label if dst, 64 bits, compares so with imm, sign-extended.
func JumpIf(c Cond, dst Reg, imm int32, label string) Instruction {
	return jumpTo(Instruction{Op: Opcode(c) | Opcode(ClassJMP), Dst: dst, Imm: int64(imm)}, label)
}

// JumpIfReg goes to label if dst compares so with src, 64 bits each.
func JumpIfReg(c Cond, dst, src Reg, label string) Instruction {
	return jumpTo(Instruction{Op: Opcode(c) | srcX | Opcode(ClassJMP), Dst: dst, Src: src}, label)
}

// JumpIf32 goes to label if the lower half of dst compares so with imm.
// Requires Linux 5.1.
func JumpIf32(c Cond, dst Reg, imm int32, label string) Instruction {
	return jumpTo(Instruction{Op: Opcode(c) | Opcode(ClassJMP32), Dst: dst, Imm: int64(imm)}, label)
}

// JumpIfReg32 goes to label if the lower half of dst compares so with the
// lower half of src. Requires Linux 5.1.
func JumpIfReg32(c Cond, dst, src Reg, label string) Instruction {
	return jumpTo(Instruction{Op: Opcode(c) | srcX | Opcode(ClassJMP32), Dst: dst, Src: src}, label)
}

// Call calls a helper: arguments in R1 to R5, result in R0.
func Call(f FuncID) Instruction { return Instruction{Op: OpCall, Imm: int64(f)} }

// CallKfunc calls the kernel function called name.
func CallKfunc(name string) Instruction {
	return Instruction{Op: OpCall, Src: PseudoKfuncCall, Ref: Ref{Kind: RefKfunc, Name: name}}
}

// CallFunc calls the bpf function called name. Requires Linux 4.16.
func CallFunc(name string) Instruction {
	return Instruction{Op: OpCall, Src: PseudoCall, Ref: Ref{Kind: RefFunc, Name: name}}
}

// CallLabel calls the code at a label of the same list.
func CallLabel(label string) Instruction {
	return jumpTo(Instruction{Op: OpCall, Src: PseudoCall}, label)
}

// LoadLabel is dst = the address of the code at a label of the same list, for
// a helper that takes a callback.
func LoadLabel(dst Reg, label string) Instruction {
	return jumpTo(Instruction{Op: OpLoadImm64, Dst: dst, Src: PseudoFunc}, label)
}

// Exit returns R0 from a function or ends the program.
func Exit() Instruction { return Instruction{Op: OpExit} }

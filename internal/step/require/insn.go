package require

import "github.com/skepbpf/skep/asm"

// Insn is what an instruction needs, whether it can be reached or not: verifiers
// look at all of them for what they do not know (check_cfg,
// resolve_pseudo_ldimm64).
type Insn struct {
	What  string
	Since Since
}

// What instructions need of which there are many. Base is Linux 3.18.
const (
	jumpLess   = "instructions: jumps if less (ISA v2)"
	jump32     = "instructions: 32-bit jumps (ISA v3)"
	isa4       = "instructions: ISA v4"
	atomics    = "instructions: atomics that fetch"
	barriers   = "instructions: load-acquire, store-release"
	casts      = "instructions: address space casts"
	mayGoto    = "instructions: may_goto"
	gotox      = "instructions: jumps through a register"
	loops      = "loops"
	functions  = "calls of functions"
	funcPtrs   = "callbacks"
	kfuncs     = "calls of kernel functions"
	modFuncs   = "calls of kernel functions in modules"
	globals    = "variables in maps"
	typedKsyms = "kernel variables with types"
	modKsyms   = "variables of modules"
	places     = "maps by place"
	addresses  = "addresses of kernel functions"
)

// Instruction gives what in needs besides the helper that it may call; ok is
// false if every kernel has it. For loops, see Loops.
func Instruction(in *asm.Instruction) (n Insn, ok bool) {
	switch class := in.Op.Class(); {
	case in.Ref.Kind == asm.RefMark:
	case in.Op == asm.OpLoadImm64:
		n = wide(in)
	case class == asm.ClassALU, class == asm.ClassALU64:
		n = alu(in)
	case class == asm.ClassJMP, class == asm.ClassJMP32:
		n = jump(in)
	case class == asm.ClassLDX && in.Op.Mode() == asm.ModeMEMSX:
		n = Insn{isa4, "6.6"}
	case class == asm.ClassSTX && in.Op.Mode() == asm.ModeATOMIC:
		n = atomic(in)
	}
	return n, n.What != ""
}

func wide(in *asm.Instruction) Insn {
	switch {
	case in.Ref.Kind == asm.RefMapValue:
		return Insn{globals, "5.2"}
	case in.Ref.Kind == asm.RefKsym && in.Ref.Addend > 0:
		return Insn{modKsyms, "5.12"}
	}
	switch in.Src {
	case asm.PseudoMapValue:
		return Insn{globals, "5.2"}
	case asm.PseudoBTFID:
		return Insn{typedKsyms, "5.10"}
	case asm.PseudoFunc:
		return Insn{funcPtrs, "5.13"}
	case asm.PseudoMapIdx, asm.PseudoMapIdxValue:
		return Insn{places, "5.14"}
	}
	return Insn{}
}

func alu(in *asm.Instruction) Insn {
	const end = 0xd0
	op := in.Op & 0xf0
	switch {
	case op == end && in.Op.Class() == asm.ClassALU64: // bswap
		return Insn{isa4, "6.6"}
	case in.Off == 0:
		return Insn{}
	case op == asm.Opcode(asm.OpMov) && in.Off == 1:
		return Insn{casts, "6.9"}
	case op == asm.Opcode(asm.OpMov), op == asm.Opcode(asm.OpDiv), op == asm.Opcode(asm.OpMod):
		return Insn{isa4, "6.6"} // sign-extended moves, signed division
	}
	return Insn{}
}

func jump(in *asm.Instruction) Insn {
	switch in.Op {
	case asm.OpJaLong:
		return Insn{isa4, "6.6"}
	case asm.OpJaReg:
		return Insn{gotox, "6.19"}
	case asm.OpMayGoto:
		return Insn{mayGoto, "6.9"}
	case asm.OpCall:
		return call(in)
	case asm.OpJa, asm.OpExit:
		return Insn{}
	}
	if in.Op.Class() == asm.ClassJMP32 {
		return Insn{jump32, "5.1"}
	}
	switch asm.Cond(in.Op & 0xf0) {
	case asm.JLT, asm.JLE, asm.JSLT, asm.JSLE:
		return Insn{jumpLess, "4.14"}
	}
	return Insn{}
}

func call(in *asm.Instruction) Insn {
	switch {
	case in.Src == asm.PseudoCall:
		return Insn{functions, "4.16"}
	case in.Src != asm.PseudoKfuncCall:
	case in.Off != 0 || in.Ref.Kind == asm.RefKsym:
		return Insn{modFuncs, "5.16"}
	default:
		return Insn{kfuncs, "5.13"}
	}
	return Insn{}
}

func atomic(in *asm.Instruction) Insn {
	switch asm.AtomicOp(in.Imm) {
	case asm.AtomicAdd:
		return Insn{}
	case asm.AtomicLoadAcquire, asm.AtomicStoreRelease:
		return Insn{barriers, "6.15"}
	}
	return Insn{atomics, "5.12"}
}

// Loop reports whether in jumps back, other than by may_goto: what verifiers
// before Linux 5.3 refuse.
func Loop(in *asm.Instruction) (n Insn, ok bool) {
	c := in.Op.Class()
	if c != asm.ClassJMP && c != asm.ClassJMP32 || in.Op == asm.OpCall || in.Op == asm.OpExit || in.Op == asm.OpMayGoto || in.Op == asm.OpJaReg {
		return Insn{}, false
	}
	back := in.Off < 0
	if in.Op == asm.OpJaLong {
		back = in.Imm < 0
	}
	return Insn{loops, "5.3"}, back
}

// Address is what it takes to load the address of a typed symbol: of a kernel
// function, or of a variable, which the kernel finds among its symbols.
func Address(function bool) (n Insn, config string) {
	if function {
		return Insn{addresses, "6.4"}, ""
	}
	return Insn{typedKsyms, "5.10"}, "CONFIG_KALLSYMS_ALL"
}

package asm

// Opcode is the first byte of an instruction. Its three low bits are the
// [Class]; the meaning of the others depends on it
// (Documentation/bpf/standardization/instruction-set.rst).
type Opcode uint8

// Class is the part of an Opcode that says how to read the rest.
type Class uint8

// Instruction classes.
const (
	ClassLD    Class = 0 // wide immediates and legacy packet loads
	ClassLDX   Class = 1 // loads from memory
	ClassST    Class = 2 // stores of an immediate
	ClassSTX   Class = 3 // stores of a register, atomics
	ClassALU   Class = 4 // 32-bit arithmetic
	ClassJMP   Class = 5 // jumps that compare 64 bits, calls, exit
	ClassJMP32 Class = 6 // jumps that compare 32 bits
	ClassALU64 Class = 7 // 64-bit arithmetic
)

// Class is the class of the opcode.
func (op Opcode) Class() Class { return Class(op & 7) }

// Size is how much memory an instruction touches, as the opcode has it. Only
// opcodes of the four load and store classes have one.
type Size uint8

// Memory sizes.
const (
	SizeW  Size = 0x00 // word, 4 bytes
	SizeH  Size = 0x08 // half word, 2 bytes
	SizeB  Size = 0x10 // 1 byte
	SizeDW Size = 0x18 // double word, 8 bytes
)

const sizeMask = 0x18

// Bytes is the size in bytes: 1, 2, 4 or 8.
func (s Size) Bytes() int { return int([4]uint8{4, 2, 1, 8}[(s&sizeMask)>>3]) }

// SizeOf gives the Size for a number of bytes, false if there is none.
func SizeOf(bytes int) (Size, bool) {
	switch bytes {
	case 1:
		return SizeB, true
	case 2:
		return SizeH, true
	case 4:
		return SizeW, true
	case 8:
		return SizeDW, true
	}
	return 0, false
}

// Size is the memory size of a load or store opcode.
func (op Opcode) Size() Size { return Size(op & sizeMask) }

// WithSize is the same load or store with another memory size.
func (op Opcode) WithSize(s Size) Opcode { return op&^sizeMask | Opcode(s&sizeMask) }

// Mode is how a load or store finds its memory.
type Mode uint8

// Modes of the load and store classes.
const (
	ModeIMM    Mode = 0x00 // wide immediate
	ModeABS    Mode = 0x20 // packet byte at a constant offset (legacy)
	ModeIND    Mode = 0x40 // packet byte at a register's offset (legacy)
	ModeMEM    Mode = 0x60 // register plus offset
	ModeMEMSX  Mode = 0x80 // register plus offset, sign-extended; Linux 6.6
	ModeATOMIC Mode = 0xc0 // atomic operation named by the immediate
)

// Mode is the mode of a load or store opcode.
func (op Opcode) Mode() Mode { return Mode(op & 0xe0) }

// UsesRegister reports whether the second operand of an arithmetic or jump
// opcode is a register (BPF_X) and not the immediate (BPF_K).
func (op Opcode) UsesRegister() bool { return op&srcX != 0 }

const srcX Opcode = 0x08

// ALUOp is an arithmetic operation. SDiv and SMod share a code with Div and
// Mod and differ by offset 1; their ALUOp has bit 0 set for it.
type ALUOp uint8

// Arithmetic operations.
const (
	OpAdd  ALUOp = 0x00
	OpSub  ALUOp = 0x10
	OpMul  ALUOp = 0x20
	OpDiv  ALUOp = 0x30 // unsigned; by zero gives zero
	OpSDiv ALUOp = 0x31 // signed; Linux 6.6
	OpOr   ALUOp = 0x40
	OpAnd  ALUOp = 0x50
	OpLsh  ALUOp = 0x60
	OpRsh  ALUOp = 0x70
	OpNeg  ALUOp = 0x80
	OpMod  ALUOp = 0x90 // unsigned; by zero leaves the operand
	OpSMod ALUOp = 0x91 // signed; Linux 6.6
	OpXor  ALUOp = 0xa0
	OpMov  ALUOp = 0xb0
	OpArsh ALUOp = 0xc0
	opEnd  ALUOp = 0xd0
)

// Cond is the comparison of a conditional jump. Requires Linux 4.14 for the
// less-than forms; the same with 32-bit operands requires Linux 5.1.
type Cond uint8

// Comparisons. S is for signed.
const (
	JEq  Cond = 0x10 // dst == src
	JGT  Cond = 0x20 // dst > src
	JGE  Cond = 0x30 // dst >= src
	JSet Cond = 0x40 // dst & src != 0
	JNe  Cond = 0x50 // dst != src
	JSGT Cond = 0x60
	JSGE Cond = 0x70
	JLT  Cond = 0xa0 // dst < src
	JLE  Cond = 0xb0 // dst <= src
	JSLT Cond = 0xc0
	JSLE Cond = 0xd0
)

// AtomicOp is the immediate of an atomic instruction.
type AtomicOp int32

// Atomic operations. The Fetch forms leave the old value in the source
// register and require Linux 5.12, as do Xchg and CmpXchg.
const (
	AtomicAdd          AtomicOp = 0x00
	AtomicOr           AtomicOp = 0x40
	AtomicAnd          AtomicOp = 0x50
	AtomicXor          AtomicOp = 0xa0
	AtomicFetchAdd     AtomicOp = 0x01
	AtomicFetchOr      AtomicOp = 0x41
	AtomicFetchAnd     AtomicOp = 0x51
	AtomicFetchXor     AtomicOp = 0xa1
	AtomicXchg         AtomicOp = 0xe1
	AtomicCmpXchg      AtomicOp = 0xf1  // compares with R0, old value to R0
	AtomicLoadAcquire  AtomicOp = 0x100 // dst = *(src + off); Linux 6.15
	AtomicStoreRelease AtomicOp = 0x110 // *(dst + off) = src; Linux 6.15
)

// Opcodes that code outside this package asks for by name.
const (
	OpLoadImm64 Opcode = 0x18 // the one wide instruction
	OpJa        Opcode = 0x05 // goto, offset in Off
	OpJaLong    Opcode = 0x06 // gotol, offset in Imm; Linux 6.6
	OpJaReg     Opcode = 0x0d // gotox, through a register; Linux 6.19
	OpMayGoto   Opcode = 0xe5 // bounded loop exit, offset in Off; Linux 6.9
	OpCall      Opcode = 0x85
	OpCallReg   Opcode = 0x8d // callx: compilers emit it, the kernel refuses it
	OpExit      Opcode = 0x95
	opNeg32     Opcode = 0x84
	opMovReg64  Opcode = 0xbf
)

// What Src means in an OpLoadImm64 (BPF_PSEUDO_ of linux/bpf.h).
const (
	PseudoMapFD       Reg = 1 // Imm is a map's descriptor
	PseudoMapValue    Reg = 2 // low half a map's descriptor, high half an offset into its value
	PseudoBTFID       Reg = 3 // low half the BTF id of a kernel variable, high half its module's BTF descriptor
	PseudoFunc        Reg = 4 // low half a bpf function, in slots from the next slot
	PseudoMapIdx      Reg = 5 // like PseudoMapFD, by index into fd_array; Linux 5.14
	PseudoMapIdxValue Reg = 6 // like PseudoMapValue, by index into fd_array; Linux 5.14
)

// What Src means in an OpCall.
const (
	PseudoHelper    Reg = 0 // Imm is a FuncID
	PseudoCall      Reg = 1 // Imm is a bpf function, in slots from the next slot
	PseudoKfuncCall Reg = 2 // Imm is the BTF id of a kernel function, Off its module's fd_array index
)

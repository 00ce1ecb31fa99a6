// Package asm models the instructions of eBPF: decode and encode them in
// either byte order, build them by hand, edit lists of them without breaking
// jumps, and print them as llvm-objdump does.
//
// The model is the whole instruction set of the kernel's
// Documentation/bpf/standardization/instruction-set.rst and what the kernel
// added since (may_goto, addr_space_cast, load-acquire and store-release,
// indirect jumps). An instruction names maps, functions and kernel symbols by
// [Ref]; nothing here knows a descriptor.
package asm

import "strconv"

// Reg is a register, or, in the Src of a wide load or a call, one of the
// Pseudo constants.
type Reg uint8

// Registers. R10 is the read-only frame pointer.
const (
	R0 Reg = iota
	R1
	R2
	R3
	R4
	R5
	R6
	R7
	R8
	R9
	R10

	RFP = R10
)

// String gives the 64-bit name, such as "r1".
func (r Reg) String() string { return "r" + strconv.Itoa(int(r)) }

// RefKind says what a Ref names.
type RefKind uint8

// Kinds of references.
const (
	RefNone     RefKind = iota
	RefMap              // wide load of a map
	RefMapValue         // wide load of an address in a map's first value; Addend is the offset
	RefFunc             // call or wide load of a bpf function
	RefKfunc            // call of a kernel function
	RefKsym             // wide load of a kernel symbol's address
	RefVar              // wide load of an extern .kconfig variable; Addend is the offset
	RefLabel            // jump to a Label of the same list; Assemble resolves it
	RefMark             // not an instruction: the place of a label; Assemble removes it
)

// String names the kind as plans and listings print it.
func (k RefKind) String() string {
	names := [...]string{"none", "map", "map value", "function", "kfunc", "ksym", "variable", "label", "mark"}
	if int(k) < len(names) {
		return names[k]
	}
	return "ref(" + strconv.Itoa(int(k)) + ")"
}

// Ref names the object that an instruction means. While Kind is not RefNone
// the fields of the instruction that would hold the object's number are not
// yet meaningful.
type Ref struct {
	Name   string
	Addend int32 // bytes
	Kind   RefKind
}

// NoteID refers to a side table kept by the owner of the instructions (source
// line, CO-RE record): 0 is none, n is entry n-1. Editing moves it with its
// instruction.
type NoteID uint32

// Instruction is one instruction; a 64-bit immediate load, which takes two
// slots of eight bytes, is one Instruction too.
type Instruction struct {
	Op       Opcode
	Dst, Src Reg
	Off      int16
	// Imm is the sign-extended 32-bit immediate. In an OpLoadImm64 it has all
	// 64 bits: the first slot's in the low half, the second's in the high.
	Imm  int64
	Ref  Ref
	Note NoteID
	// Line is the note of dropped code whose source line begins here now; its
	// other contents went with that code. An Editor sets it.
	Line NoteID
}

// Instructions is a list of instructions: a function, or a whole program.
type Instructions []Instruction

// Wide reports whether the instruction takes two slots.
func (i Instruction) Wide() bool { return i.Op == OpLoadImm64 && i.Ref.Kind != RefMark }

// Slots is how many slots of eight bytes the instruction takes: 2 for a wide
// one, 0 for a Label, else 1. Jumps and the kernel count in slots.
func (i Instruction) Slots() int {
	switch {
	case i.Ref.Kind == RefMark:
		return 0
	case i.Op == OpLoadImm64:
		return 2
	}
	return 1
}

// Slots is the length of the encoded list in slots of eight bytes.
//
//go:noinline
func (ins Instructions) Slots() int {
	n := 0
	for i := range ins {
		n += ins[i].Slots()
	}
	return n
}

// IsCall reports whether the instruction calls something: a helper, a kernel
// function, a bpf function or, through a register, callx.
func (i Instruction) IsCall() bool { return i.Op == OpCall || i.Op == OpCallReg }

// LoadsFunc reports whether the instruction loads the address of a bpf
// function.
func (i Instruction) LoadsFunc() bool { return i.Wide() && i.Src == PseudoFunc }

// CallsFunc reports whether the instruction calls a bpf function.
func (i Instruction) CallsFunc() bool { return i.Op == OpCall && i.Src == PseudoCall }

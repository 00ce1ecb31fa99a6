package btf

import (
	"fmt"
	"math"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/internal/mkerr"
)

// poisonCall is the helper number that a poisoned instruction calls, 0xbad2310:
// no helper has it, so the verifier refuses the instruction if it is reachable
// ("invalid func unknown#195896080"). libbpf uses the same number.
const poisonCall = 195896080

// Fixup is the outcome of a CO-RE relocation: how to patch the instruction.
type Fixup struct {
	Kind     COREKind
	Poison   bool   // the value cannot be had: make the instruction invalid
	Validate bool   // Old must be what the instruction holds
	BadSize  bool   // widths differ and the value would change: poison loads and stores
	Old, New uint64 // values in the object, on the target
	// Size in bytes of what a load or store accesses, 0 where it is not known.
	// If they differ the instruction's width is changed, unless BadSize.
	OldSize, NewSize uint32
	Module           string // where the target type was found
	Target           ID     // the target's root type, 0 if none matched
	Why              string // why there is no value, or why something does not exist
}

// Apply patches one instruction. To poison a 64-bit load, which becomes two
// instructions, ApplyAt is needed; Apply then gives an error.
func (f Fixup) Apply(in *asm.Instruction) error {
	switch in.Op.Class() {
	case asm.ClassALU, asm.ClassALU64:
		return f.applyALU(in)
	case asm.ClassLDX, asm.ClassST, asm.ClassSTX:
		return f.applyMem(in)
	case asm.ClassLD:
		return f.applyWide(in)
	}
	return f.errorf("opcode %#02x cannot be relocated", uint8(in.Op))
}

// ApplyAt patches ins[at]: in place, or, to poison a 64-bit load, in a new list
// with two calls in its stead. Jumps keep their targets: both take two slots.
func (f Fixup) ApplyAt(ins asm.Instructions, at int) (asm.Instructions, error) {
	if uint(at) >= uint(len(ins)) {
		return nil, f.errorf("no instruction %d", at)
	}
	in := &ins[at]
	if !f.Poison || !in.Wide() {
		return ins, f.Apply(in)
	}
	if err := f.checkWide(in); err != nil {
		return nil, err
	}
	out := make(asm.Instructions, 0, len(ins)+1)
	out = append(out, ins[:at]...)
	out = append(out, poison(in.Note), poison(in.Note))
	return append(out, ins[at+1:]...), nil
}

func poison(note asm.NoteID) asm.Instruction {
	return asm.Instruction{Op: asm.OpCall, Imm: poisonCall, Note: note}
}

func (f Fixup) applyALU(in *asm.Instruction) error {
	switch {
	case in.Op.UsesRegister():
		return f.errorf("opcode %#02x has no immediate to relocate", uint8(in.Op))
	case f.Poison:
		*in = poison(in.Note)
		return nil
	case f.Validate && uint64(in.Imm) != f.Old:
		return f.mismatch("immediate", in.Imm)
	}
	in.Imm = int64(int32(f.New))
	return nil
}

func (f Fixup) applyMem(in *asm.Instruction) error {
	switch {
	case f.Poison:
		*in = poison(in.Note)
		return nil
	case f.Validate && uint64(int64(in.Off)) != f.Old:
		return f.mismatch("offset", int64(in.Off))
	case f.New > math.MaxInt16:
		return f.errorf("offset %d does not fit a load or store", f.New)
	case f.BadSize:
		*in = poison(in.Note)
		return nil
	}
	if f.OldSize != f.NewSize {
		if n := in.Op.Size().Bytes(); uint32(n) != f.OldSize {
			return f.errorf("accesses %d bytes of a field of %d", n, f.OldSize)
		}
		size, ok := asm.SizeOf(int(f.NewSize))
		if !ok {
			return f.errorf("no load or store accesses %d bytes", f.NewSize)
		}
		in.Op = in.Op.WithSize(size)
	}
	in.Off = int16(f.New)
	return nil
}

func (f Fixup) checkWide(in *asm.Instruction) error {
	if !in.Wide() || in.Src != 0 || in.Off != 0 || in.Ref.Kind != asm.RefNone {
		return f.errorf("opcode %#02x with source %d is not a plain 64-bit load", uint8(in.Op), in.Src)
	}
	return nil
}

func (f Fixup) applyWide(in *asm.Instruction) error {
	if err := f.checkWide(in); err != nil {
		return err
	}
	switch {
	case f.Poison:
		return f.errorf("poisoning a 64-bit load takes two instructions")
	case f.Validate && uint64(in.Imm) != f.Old:
		return f.mismatch("immediate", in.Imm)
	}
	in.Imm = int64(f.New)
	return nil
}

//go:noinline
func (f Fixup) mismatch(what string, got int64) error {
	return f.errorf("%s is %d, but the relocation record says %d", what, got, int64(f.Old))
}

func (f Fixup) errorf(format string, args ...any) error {
	return mkerr.Errorf("apply CO-RE %s: %s", f.Kind, fmt.Sprintf(format, args...))
}

// Package relo turns functions that refer to each other by name into the one
// list of instructions that the kernel takes as a program: it applies CO-RE
// fixups, links calls, and puts recognisable poison where nothing can be
// resolved.
package relo

import (
	"fmt"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/mkerr"
)

// Func is a function before linking.
type Func struct {
	Name  string
	Insns asm.Instructions
	Type  btf.ID // FUNC in the object's types, or 0
	// Callbacks are functions that must be part of the program although no
	// instruction names them, such as an exception callback.
	Callbacks []string
}

// Unresolved is an instruction that could not be relocated. The verifier
// rejects the program only if it is reached.
type Unresolved struct {
	Slot int // in the function
	Why  string
	CORE *btf.CORERelo
}

// ApplyCORE relocates the instructions of one function whose notes carry
// CO-RE records. The list given is not changed; its slots keep their places.
func ApplyCORE(ins asm.Instructions, notes []btf.Note, resolve func(*btf.CORERelo) (btf.Fixup, error)) (asm.Instructions, []Unresolved, error) {
	out := make(asm.Instructions, 0, len(ins))
	var bad []Unresolved
	slot := 0
	for i := range ins {
		out = append(out, ins[i])
		if note := noteOf(&ins[i], notes); note != nil && note.CORE != nil {
			fix, err := resolve(note.CORE)
			if err == nil {
				out, err = applyLast(out, fix)
			}
			if err != nil {
				return nil, nil, mkerr.Errorf("insn %d: %w", slot, err)
			}
			if fix.Poison || fix.BadSize && poisoned(&ins[i], &out[len(out)-1]) {
				bad = append(bad, Unresolved{slot, why(fix), note.CORE})
			}
		}
		slot += ins[i].Slots()
	}
	return out, bad, nil
}

// applyLast patches the last instruction of out by itself: a poisoned wide load
// grows to two calls, and moving the rest of the list for each of many would
// take quadratic time. The second call has no line of its own.
func applyLast(out asm.Instructions, fix btf.Fixup) (asm.Instructions, error) {
	n := len(out) - 1
	one, err := fix.ApplyAt(out[n:n+1:n+1], 0)
	if err != nil {
		return nil, err
	}
	out = append(out[:n], one...)
	if len(one) > 1 {
		out[n+1].Note = 0
	}
	return out, nil
}

// poisoned reports whether a load or store became a call, which none that is
// resolved does.
func poisoned(before, after *asm.Instruction) bool {
	return after.Op == asm.OpCall && before.Op != asm.OpCall
}

func why(fix btf.Fixup) string {
	if fix.Why == "" && fix.BadSize {
		return fmt.Sprintf("the field has %d bytes here and %d in the kernel, and is no unsigned integer", fix.OldSize, fix.NewSize)
	}
	return fix.Why
}

func noteOf(in *asm.Instruction, notes []btf.Note) *btf.Note {
	if in.Note == 0 || uint64(in.Note) > uint64(len(notes)) {
		return nil
	}
	return &notes[in.Note-1]
}

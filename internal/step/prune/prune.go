// Package prune takes out of a function what its constants make unreachable:
// read-only data and kernel configuration that a loader knows before anything
// exists in the kernel decide branches, and the code behind the side that is
// never taken goes, with what it alone referred to. Loads of such constants
// become immediates.
//
// Nothing is guessed: a value is known only if it is the same on every way that
// can be taken, and stack and other memory are not followed.
package prune

import (
	"encoding/binary"

	"github.com/skepbpf/skep/asm"
)

// Env is what is known beside the instructions. Its functions are called for
// reachable instructions alone, and may be called more than once for one.
type Env struct {
	// Order of the target's memory.
	Order binary.ByteOrder
	// Memory gives n bytes at an offset into what ref names (RefMapValue or
	// RefVar), nil if they are not the same for the life of the program.
	Memory func(ref asm.Ref, off int64, n int) []byte
	// Zero reports whether a wide load of another reference gives 0: of a weak
	// symbol that is missing. May be nil.
	Zero func(ref asm.Ref) bool
}

// Result is a function without what was pruned.
type Result struct {
	// Insns are those that were given, if nothing changed.
	Insns asm.Instructions
	// Branches are the conditional jumps that constants decide, in order.
	Branches []Branch
	// TailCalls that can be reached, in order.
	TailCalls []TailCall
	// Inlined counts the loads that became immediates.
	Inlined int
	// Opaque: the function jumps in ways that are not followed, and is left as
	// it is. Nothing is known of its tail calls but their number.
	Opaque bool

	slots []int32 // where each slot went, -1 for those that are gone; nil: nothing moved
}

// Branch is a conditional jump that is always, or never, taken.
type Branch struct {
	Slot  int        // in the function as it was given
	Note  asm.NoteID // the last at or before it, 0 if there is none
	Taken bool
}

// TailCall is a call of bpf_tail_call.
type TailCall struct {
	Array string // the program array; "" if it is not known
	Index uint32 // valid if Fixed
	Fixed bool
}

// Slot gives the place of an instruction that stood at slot old, false if it is
// gone.
func (r *Result) Slot(old int) (int, bool) {
	if r.slots == nil {
		return old, true
	}
	if old < 0 || old >= len(r.slots) || r.slots[old] < 0 {
		return 0, false
	}
	return int(r.slots[old]), true
}

// Func prunes one function, whose callees are references by name. The list is
// not changed.
func Func(ins asm.Instructions, env *Env) (*Result, error) {
	f, ok := newFlow(ins, env)
	if !ok {
		return &Result{Insns: ins, Opaque: true, TailCalls: unknownTailCalls(ins)}, nil
	}
	f.run()
	facts := f.gather()
	r := &Result{Insns: ins, TailCalls: facts.tails, Branches: facts.branches, Inlined: len(facts.inline)}
	return r, f.edit(r, facts)
}

package asm

import (
	"slices"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/mkerr"
)

// Editor gathers changes to a list of instructions and makes them all at once,
// in time linear to the result. Positions always count the instructions of
// the list as it was given, whatever was asked for before.
//
// What keeps its meaning: relative jumps of every width, calls of bpf
// functions and loads of their addresses that carry no Ref, and the Notes,
// which stay with their instructions. A source line that began in dropped code
// begins at what stands there instead; its CO-RE record is gone.
//
//   - A jump to instruction i leads to the code inserted at i, so that a probe
//     put before an instruction sees every way to it.
//   - A jump to a deleted instruction leads to the next one that was kept or
//     inserted there; if there is none, that is an error.
//   - A jump to the first of replaced instructions leads to their replacement;
//     a jump to a later one of them is an error.
//   - Relative jumps within inserted code count slots of that code alone, and
//     may lead to its end, which is the instruction that follows it.
//   - A jump that lands outside the list or inside a wide instruction, and a
//     distance that no longer fits its field, are errors.
//
// Jumps with a Ref are left alone. Not followed are indirect jumps (gotox):
// their tables of offsets lie outside the instructions.
type Editor struct {
	ins   Instructions
	edits []edit
	added Instructions // the new code of all edits, one after the other
}

// edit puts added[from:to] before ins[at] and drops ins[at:at+n].
type edit struct {
	at, n    int
	from, to int
}

// NewEditor begins to edit ins, which stays as it is.
func NewEditor(ins Instructions) *Editor { return &Editor{ins: ins} }

// Insert puts add before instruction at; at may be len, for the end. Of several
// insertions at one place the first stands first.
func (e *Editor) Insert(at int, add ...Instruction) { e.record(at, 0, add) }

// Delete drops n instructions from instruction at.
func (e *Editor) Delete(at, n int) { e.record(at, n, nil) }

// Replace puts with in the place of n instructions from instruction at. To keep
// a CO-RE record of what it drops, set the Note of the new instruction.
func (e *Editor) Replace(at, n int, with ...Instruction) { e.record(at, n, with) }

func (e *Editor) record(at, n int, add Instructions) {
	from := len(e.added)
	e.added = append(e.added, add...)
	e.edits = append(e.edits, edit{at, n, from, len(e.added)})
}

// Apply gives the changed list. The Editor can go on and be applied again.
func (e *Editor) Apply() (Instructions, error) {
	edits, err := e.sorted()
	if err != nil {
		return nil, err
	}
	l := newLayout(e, edits)
	if err := l.retarget(e, edits); err != nil {
		return nil, err
	}
	return l.out, nil
}

// sorted orders the edits by place, insertions first, and checks that no two
// touch the same instruction.
func (e *Editor) sorted() ([]edit, error) {
	edits := slices.Clone(e.edits)
	bin.Sort(edits, func(a, b *edit) bool {
		return a.at < b.at || a.at == b.at && min(a.n, 1) < min(b.n, 1)
	})
	end := 0
	for _, d := range edits {
		if d.at < 0 || d.n < 0 || d.at > len(e.ins) || d.n > len(e.ins)-d.at {
			return nil, mkerr.Errorf("edit: instructions %d+%d: out of range, have %d", d.at, d.n, len(e.ins))
		}
		if d.at < end {
			return nil, mkerr.Errorf("edit: instruction %d: another edit drops it", d.at)
		}
		end = d.at + d.n
	}
	return edits, nil
}

// Insert puts add before ins[at]; see [Editor] for what becomes of jumps. The
// result is a new list.
func Insert(ins Instructions, at int, add ...Instruction) (Instructions, error) {
	return Replace(ins, at, 0, add...)
}

// Delete drops n instructions from ins[at]; see [Editor] for what becomes of
// jumps. The result is a new list.
func Delete(ins Instructions, at, n int) (Instructions, error) {
	return Replace(ins, at, n)
}

// Replace puts with in the place of ins[at:at+n]; see [Editor] for what becomes
// of jumps. The result is a new list.
func Replace(ins Instructions, at, n int, with ...Instruction) (Instructions, error) {
	e := Editor{ins: ins, edits: []edit{{at, n, 0, len(with)}}, added: with}
	return e.Apply()
}

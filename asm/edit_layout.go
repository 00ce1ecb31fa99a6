package asm

import "github.com/skepbpf/skep/internal/mkerr"

// nowhere marks in a layout an instruction that is gone, or that a jump must
// not lead to.
const nowhere = -1

// layout is the edited list and where the old instructions went.
type layout struct {
	out   Instructions
	slots int     // of out
	goes  []int32 // the slot in out that a jump to old instruction i leads to
	index []int32 // the position in out of old instruction i
	slot  []int32 // the slot in out of old instruction i
	// block is the slot in out of each edit's new code.
	block []int32
	// line is the note of the last line that began in dropped code, until an
	// instruction takes it over.
	line NoteID
}

// newLayout places everything and changes no jump.
func newLayout(e *Editor, edits []edit) *layout {
	n := len(e.ins)
	l := &layout{
		out:   make(Instructions, 0, n+len(e.added)),
		goes:  make([]int32, n),
		index: make([]int32, n),
		slot:  make([]int32, n),
		block: make([]int32, len(edits)),
	}
	k := 0
	for i := 0; i <= n; i++ {
		if i < n {
			l.goes[i] = int32(l.slots)
		}
		var d edit
		for ; k < len(edits) && edits[k].at == i; k++ {
			d = edits[k]
			l.block[k] = int32(l.slots)
			l.dropLines(e.ins[i : i+d.n])
			for _, in := range e.added[d.from:d.to] {
				l.add(in)
			}
		}
		if d.n > 0 {
			l.drop(d)
			i += d.n - 1
		} else if i < n {
			l.index[i], l.slot[i] = int32(len(l.out)), int32(l.slots)
			l.add(e.ins[i])
		}
	}
	return l
}

// dropLines notes which source line began last in code that is dropped. A
// Note may hold no line; its owner then looks at the notes before it.
func (l *layout) dropLines(gone Instructions) {
	for i := range gone {
		if id := max(gone[i].Note, gone[i].Line); id != 0 {
			l.line = id
		}
	}
}

func (l *layout) add(in Instruction) {
	if l.line != 0 && in.Ref.Kind != RefMark {
		if in.Line == 0 {
			in.Line = l.line
		}
		l.line = 0
	}
	l.out = append(l.out, in)
	l.slots += in.Slots()
}

// drop records that the old instructions of d are gone.
func (l *layout) drop(d edit) {
	l.index[d.at] = nowhere
	for j := d.at + 1; j < d.at+d.n; j++ {
		l.index[j] = nowhere
		l.goes[j] = int32(l.slots)
		if d.to > d.from {
			l.goes[j] = nowhere
		}
	}
}

// retarget makes the kept jumps lead to where their targets went, and checks
// the jumps of new code, whose distances cannot have changed.
func (l *layout) retarget(e *Editor, edits []edit) error {
	old := slotIndex(e.ins)
	at := 0
	for i := range e.ins {
		in := &e.ins[i]
		if to, ok := in.Target(at); ok && l.index[i] != nowhere {
			slot, err := l.moved(old, to)
			if err == nil {
				err = l.out[l.index[i]].SetTarget(int(l.slot[i]), slot)
			}
			if err != nil {
				return mkerr.Errorf("edit: instruction %d: %w", i, err)
			}
		}
		at += in.Slots()
	}
	for k, d := range edits {
		if err := l.checkNew(e.added[d.from:d.to], int(l.block[k])); err != nil {
			return mkerr.Errorf("edit: instruction %d: new code: %w", d.at, err)
		}
	}
	return nil
}

// moved gives the new slot for a jump to an old one.
func (l *layout) moved(old []int32, to int) (int, error) {
	if to < 0 || to >= len(old) {
		return 0, mkerr.Errorf("jumps to slot %d, outside the list", to)
	}
	i := old[to]
	if i == nowhere {
		return 0, mkerr.Errorf("jumps to slot %d, inside a wide instruction", to)
	}
	slot := l.goes[i]
	switch {
	case slot == nowhere:
		return 0, mkerr.Errorf("jumps to instruction %d, in the middle of replaced code", i)
	case int(slot) == l.slots:
		return 0, mkerr.Errorf("jumps to instruction %d, which is deleted and has no successor", i)
	}
	return int(slot), nil
}

// checkNew checks the relative jumps of new code that begins at a slot of out.
func (l *layout) checkNew(add Instructions, start int) error {
	var own []int32
	at := 0
	for n := range add {
		to, ok := add[n].Target(at)
		at += add[n].Slots()
		if !ok {
			continue
		}
		if own == nil {
			own = slotIndex(add)
		}
		switch {
		case to < 0 || to > len(own):
			return mkerr.Errorf("instruction %d jumps to slot %d, outside the new code", n, to)
		case to < len(own) && own[to] == nowhere:
			return mkerr.Errorf("instruction %d jumps to slot %d, inside a wide instruction", n, to)
		case start+to == l.slots:
			return mkerr.Errorf("instruction %d jumps to its end, where nothing follows", n)
		}
	}
	return nil
}

// slotIndex gives for every slot the instruction that begins there, of a Label
// and what follows it the Label, and nowhere for the second half of a wide one.
func slotIndex(ins Instructions) []int32 {
	t := make([]int32, ins.Slots())
	at := 0
	marked := nowhere
	for i := range ins {
		if ins[i].Slots() == 0 {
			if marked == nowhere {
				marked = i
			}
			continue
		}
		t[at] = int32(i)
		if marked != nowhere {
			t[at] = int32(marked)
			marked = nowhere
		}
		if ins[i].Wide() {
			t[at+1] = nowhere
		}
		at += ins[i].Slots()
	}
	return t
}

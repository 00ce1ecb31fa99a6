package asm_test

import (
	"testing"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/internal/fuzztest"
)

// randomCode makes a list whose jumps all land on instructions, and gives for
// each jump the index of its target. Notes number the instructions from 1.
func randomCode(b []byte) (asm.Instructions, map[int]int) {
	kinds := []asm.Instruction{
		nop, asm.LoadImm64(asm.R1, 1), {Op: asm.OpJa}, {Op: asm.OpJaLong}, {Op: asm.OpMayGoto},
		{Op: 0x15}, {Op: 0x1e}, {Op: asm.OpCall, Src: asm.PseudoCall}, {Op: asm.OpLoadImm64, Src: asm.PseudoFunc},
		asm.Call(asm.FnKtimeGetNs), asm.CallFunc("f"),
	}
	var ins asm.Instructions
	var slots []int
	at := 0
	for i, c := range b {
		in := kinds[int(c)%len(kinds)]
		in.Note = asm.NoteID(i + 1)
		ins, slots = append(ins, in), append(slots, at)
		at += in.Slots()
	}
	targets := map[int]int{}
	for i := range ins {
		to := (i*7 + int(b[i])) % len(ins)
		if _, ok := ins[i].Target(slots[i]); !ok {
			continue
		}
		if ins[i].SetTarget(slots[i], slots[to]) == nil {
			targets[i] = to
		}
	}
	return ins, targets
}

// model is what an edited list must be: per old position the number of
// no-ops before it, and whether it is kept.
type model struct {
	inserted []int
	kept     []bool
}

// lands gives what a jump to old instruction i must meet: the note of an
// instruction, 0 for a no-op, false if nothing is left.
func (m *model) lands(i int) (asm.NoteID, bool) {
	for ; i < len(m.kept); i++ {
		if m.inserted[i] > 0 {
			return 0, true
		}
		if m.kept[i] {
			return asm.NoteID(i + 1), true
		}
	}
	return 0, m.inserted[len(m.kept)] > 0
}

// FuzzEdit compares edits with a model of where each jump must lead.
func FuzzEdit(f *testing.F) {
	f.Add([]byte{2, 0, 3, 1, 8, 7, 5, 6, 4, 0}, []byte{1, 3, 9, 4, 2, 4})
	f.Add([]byte{8, 1, 1, 0}, []byte{0, 0, 0, 1, 129, 2})
	f.Fuzz(func(t *testing.T, code, script []byte) {
		if len(code) == 0 || len(code) > 4096 {
			return
		}
		ins, targets := randomCode(code)
		m := model{inserted: make([]int, len(ins)+1), kept: make([]bool, len(ins))}
		for i := range m.kept {
			m.kept[i] = true
		}
		e := asm.NewEditor(ins)
		slots := len(code) + len(script)/2 // 8 bytes each, were they encoded
		for ; len(script) >= 2; script = script[2:] {
			at := int(script[0]) % (len(ins) + 1)
			if script[1] < 128 {
				e.Insert(at, nop)
				m.inserted[at]++
			} else if at < len(ins) && m.kept[at] {
				e.Delete(at, 1)
				m.kept[at] = false
			}
		}
		var got asm.Instructions
		var err error
		fuzztest.Check(t, 8*slots, func() { got, err = e.Apply() })
		for from, to := range targets {
			if _, ok := m.lands(to); !ok && m.kept[from] {
				if err == nil {
					t.Fatalf("instruction %d jumps to %d, which is gone: no error", from, to)
				}
				return
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		checkEdited(t, got, targets, &m)
	})
}

func checkEdited(t *testing.T, got asm.Instructions, targets map[int]int, m *model) {
	t.Helper()
	starts := map[int]asm.NoteID{}
	at := 0
	for _, in := range got {
		starts[at] = in.Note
		at += in.Slots()
	}
	at = 0
	for _, in := range got {
		if in.Note != 0 {
			if to, ok := targets[int(in.Note)-1]; ok {
				slot, _ := in.Target(at)
				note, begins := starts[slot]
				if want, _ := m.lands(to); !begins || note != want {
					t.Fatalf("instruction %d lands on note %d (%v), want %d", in.Note-1, note, begins, want)
				}
			}
		}
		at += in.Slots()
	}
}

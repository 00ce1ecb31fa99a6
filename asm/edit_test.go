package asm_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/asm"
)

func mustAssemble(t testing.TB, code ...asm.Instruction) asm.Instructions {
	t.Helper()
	ins, err := asm.Assemble(code...)
	if err != nil {
		t.Fatal(err)
	}
	return ins
}

var nop = asm.MovReg(asm.R0, asm.R0)

// sample has every kind of relative target, forwards and backwards, and wide
// instructions between.
func sample(t testing.TB) []asm.Instruction {
	return []asm.Instruction{
		asm.Mov(asm.R0, 0),
		asm.Label("top"),
		asm.LoadImm64(asm.R1, 1),
		asm.JumpIf(asm.JEq, asm.R1, 0, "out"),
		asm.JumpIfReg32(asm.JNe, asm.R1, asm.R2, "out"),
		asm.LoadLabel(asm.R3, "sub"),
		asm.CallLabel("sub"),
		asm.MayGoto("out"),
		asm.JaLong("top"),
		asm.Label("out"),
		asm.Exit(),
		asm.Label("sub"),
		asm.LoadImm64(asm.R0, 2),
		asm.Exit(),
	}
}

func TestInsertEverywhereEqualsAssembling(t *testing.T) {
	code := sample(t)
	var want []asm.Instruction
	for i, in := range code {
		// A no-op stands after the labels of its instruction.
		if in.Ref.Kind != asm.RefMark {
			want = append(want, nop)
		}
		want = append(want, code[i])
	}
	ins := mustAssemble(t, code...)
	for i := range ins {
		ins[i].Note = asm.NoteID(i + 1)
	}
	before := slices.Clone(ins)
	e := asm.NewEditor(ins)
	for i := len(ins) - 1; i >= 0; i-- {
		e.Insert(i, nop)
	}
	got, err := e.Apply()
	if err != nil {
		t.Fatal(err)
	}
	expect := mustAssemble(t, want...)
	for i := range expect {
		if i%2 == 1 {
			expect[i].Note = asm.NoteID(i/2 + 1)
		}
	}
	if diff := cmp.Diff(expect, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, ins); diff != "" {
		t.Errorf("the input changed: %s", diff)
	}
}

func texts(ins asm.Instructions) []string {
	var s []string
	for _, in := range ins {
		s = append(s, in.String())
	}
	return s
}

func TestEditRules(t *testing.T) {
	jumpOver := mustAssemble(t, asm.JumpIf(asm.JEq, asm.R1, 0, "x"), asm.Mov(asm.R0, 1),
		asm.Label("x"), asm.Mov(asm.R0, 2), asm.Mov(asm.R0, 3), asm.Exit())
	wide := append(slices.Clone(jumpOver[:1]), asm.LoadImm64(asm.R1, 5), asm.Exit())
	local := mustAssemble(t, asm.JumpIf(asm.JEq, asm.R2, 0, "y"), asm.Mov(asm.R0, 9), asm.Label("y"), asm.Mov(asm.R0, 8))
	toEnd := []asm.Instruction{{Op: asm.OpJa, Off: 1}, asm.Mov(asm.R0, 9)}
	for _, tt := range []struct {
		name string
		ins  asm.Instructions
		edit func(*asm.Editor)
		want string // texts, or the error
	}{
		{"insert at a target: the jump sees it", jumpOver, func(e *asm.Editor) { e.Insert(2, nop) },
			"if r1 == 0x0 goto +0x1|r0 = 0x1|r0 = r0|r0 = 0x2|r0 = 0x3|exit"},
		{"insert twice: first stands first and is the target", jumpOver,
			func(e *asm.Editor) { e.Insert(2, asm.Mov(asm.R5, 1)); e.Insert(2, asm.Mov(asm.R5, 2)) },
			"if r1 == 0x0 goto +0x1|r0 = 0x1|r5 = 0x1|r5 = 0x2|r0 = 0x2|r0 = 0x3|exit"},
		{"insert before the jump", jumpOver, func(e *asm.Editor) { e.Insert(0, nop) },
			"r0 = r0|if r1 == 0x0 goto +0x1|r0 = 0x1|r0 = 0x2|r0 = 0x3|exit"},
		{"append", jumpOver, func(e *asm.Editor) { e.Insert(5, nop) },
			"if r1 == 0x0 goto +0x1|r0 = 0x1|r0 = 0x2|r0 = 0x3|exit|r0 = r0"},
		{"delete what is jumped over", jumpOver, func(e *asm.Editor) { e.Delete(1, 1) },
			"if r1 == 0x0 goto +0x0|r0 = 0x2|r0 = 0x3|exit"},
		{"delete the target: next kept", jumpOver, func(e *asm.Editor) { e.Delete(2, 2) },
			"if r1 == 0x0 goto +0x1|r0 = 0x1|exit"},
		{"delete the jump", jumpOver, func(e *asm.Editor) { e.Delete(0, 1) },
			"r0 = 0x1|r0 = 0x2|r0 = 0x3|exit"},
		{"delete the target and all after", jumpOver, func(e *asm.Editor) { e.Delete(2, 3) },
			"edit: instruction 0: jumps to instruction 2, which is deleted and has no successor"},
		{"delete to the end, then append", jumpOver, func(e *asm.Editor) { e.Delete(2, 3); e.Insert(5, asm.Exit()) },
			"if r1 == 0x0 goto +0x1|r0 = 0x1|exit"},
		{"replace the target", jumpOver, func(e *asm.Editor) { e.Replace(2, 1, nop, nop) },
			"if r1 == 0x0 goto +0x1|r0 = 0x1|r0 = r0|r0 = r0|r0 = 0x3|exit"},
		{"replace across the target", jumpOver, func(e *asm.Editor) { e.Replace(1, 3, nop) },
			"edit: instruction 0: jumps to instruction 2, in the middle of replaced code"},
		{"insert and replace at one place", jumpOver,
			func(e *asm.Editor) { e.Replace(2, 1, asm.Mov(asm.R5, 2)); e.Insert(2, asm.Mov(asm.R5, 1)) },
			"if r1 == 0x0 goto +0x1|r0 = 0x1|r5 = 0x1|r5 = 0x2|r0 = 0x3|exit"},
		{"new code with its own jump", jumpOver, func(e *asm.Editor) { e.Insert(1, local...) },
			"if r1 == 0x0 goto +0x4|if r2 == 0x0 goto +0x1|r0 = 0x9|r0 = 0x8|r0 = 0x1|r0 = 0x2|r0 = 0x3|exit"},
		{"new code jumps to its end", jumpOver, func(e *asm.Editor) { e.Insert(1, toEnd...) },
			"if r1 == 0x0 goto +0x3|goto +0x1|r0 = 0x9|r0 = 0x1|r0 = 0x2|r0 = 0x3|exit"},
		{"new code at the end jumps to its end", jumpOver, func(e *asm.Editor) { e.Insert(5, toEnd...) },
			"edit: instruction 5: new code: instruction 0 jumps to its end, where nothing follows"},
		{"new code jumps out", jumpOver, func(e *asm.Editor) { e.Insert(1, asm.Instruction{Op: asm.OpJa, Off: 1}) },
			"edit: instruction 1: new code: instruction 0 jumps to slot 2, outside the new code"},
		{"overlap", jumpOver, func(e *asm.Editor) { e.Delete(1, 2); e.Delete(2, 1) },
			"edit: instruction 2: another edit drops it"},
		{"insert into a deletion", jumpOver, func(e *asm.Editor) { e.Delete(1, 2); e.Insert(2, nop) },
			"edit: instruction 2: another edit drops it"},
		{"out of range", jumpOver, func(e *asm.Editor) { e.Delete(4, 2) }, "edit: instructions 4+2: out of range, have 5"},
		{"negative", jumpOver, func(e *asm.Editor) { e.Insert(-1, nop) }, "edit: instructions -1+0: out of range, have 5"},
		{"into a wide instruction", asm.Instructions{{Op: asm.OpJa, Off: 1}, asm.LoadImm64(1, 1), asm.Exit()},
			func(e *asm.Editor) { e.Insert(0, nop) }, "edit: instruction 0: jumps to slot 2, inside a wide instruction"},
		{"over a wide instruction", wide, func(e *asm.Editor) { e.Insert(1, nop) },
			"edit: instruction 0: jumps to slot 2, inside a wide instruction"},
		{"outside", asm.Instructions{{Op: asm.OpJa, Off: 7}, asm.Exit()}, func(e *asm.Editor) { e.Insert(0, nop) },
			"edit: instruction 0: jumps to slot 8, outside the list"},
		{"Refs are left alone", asm.Instructions{asm.CallFunc("f"), asm.LoadFunc(1, "g"), asm.Exit()},
			func(e *asm.Editor) { e.Insert(0, nop) }, "r0 = r0|call 0x0|ld_pseudo\tr1, 0x4, 0x0|exit"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := slices.Clone(tt.ins)
			e := asm.NewEditor(tt.ins)
			tt.edit(e)
			got, err := e.Apply()
			s := strings.Join(texts(got), "|")
			if err != nil {
				s = err.Error()
			}
			if diff := cmp.Diff(tt.want, s); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(before, tt.ins); diff != "" {
				t.Errorf("the input changed: %s", diff)
			}
		})
	}
}

func TestEditOffsetOverflow(t *testing.T) {
	code := []asm.Instruction{asm.JumpIf(asm.JEq, asm.R1, 0, "x")}
	for range 1<<15 - 1 {
		code = append(code, nop)
	}
	code = append(code, asm.Label("x"), asm.Exit())
	ins := mustAssemble(t, code...)
	if _, err := asm.Insert(ins, 1, nop); err == nil || !strings.Contains(err.Error(), "does not fit 16 bits") {
		t.Errorf("got %v", err)
	}
	got, err := asm.Insert(ins, 0, nop)
	if err != nil || got[1].Off != 1<<15-1 {
		t.Errorf("got %v, %v", got[1], err)
	}
}

func TestFreeFunctions(t *testing.T) {
	ins := mustAssemble(t, asm.Mov(asm.R0, 0), asm.Exit())
	got, err := asm.Insert(ins, 1, nop)
	if err == nil {
		got, err = asm.Replace(got, 0, 1, asm.Mov(asm.R0, 5))
	}
	if err == nil {
		got, err = asm.Delete(got, 1, 1)
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"r0 = 0x5", "exit"}, texts(got)); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkInsertBeforeEach100k(b *testing.B) {
	ins := make(asm.Instructions, 0, 100_001)
	for len(ins) < 100_000 {
		ins = append(ins, asm.Instruction{Op: asm.OpJa, Off: 1}, nop, nop, nop)
	}
	ins = append(ins, asm.Exit())
	b.ReportAllocs()
	for b.Loop() {
		e := asm.NewEditor(ins)
		for i := range ins {
			e.Insert(i, nop)
		}
		if _, err := e.Apply(); err != nil {
			b.Fatal(err)
		}
	}
}

func TestDroppedLinesMoveOn(t *testing.T) {
	code := asm.Instructions{asm.Mov(asm.R0, 0), asm.Mov(asm.R0, 1), asm.Mov(asm.R0, 2), asm.Mov(asm.R0, 3), asm.Exit()}
	for i, note := range []asm.NoteID{1, 2, 0, 3, 0} {
		code[i].Note = note
	}
	for _, tt := range []struct {
		name  string
		edit  func(*asm.Editor)
		notes []asm.NoteID
		lines []asm.NoteID
	}{
		{"to the next", func(e *asm.Editor) { e.Delete(1, 1) }, []asm.NoteID{1, 0, 3, 0}, []asm.NoteID{0, 2, 0, 0}},
		{"the last of several", func(e *asm.Editor) { e.Delete(0, 2) }, []asm.NoteID{0, 3, 0}, []asm.NoteID{2, 0, 0}},
		{"beside a note", func(e *asm.Editor) { e.Delete(1, 2) }, []asm.NoteID{1, 3, 0}, []asm.NoteID{0, 2, 0}},
		{"to the replacement", func(e *asm.Editor) { e.Replace(1, 1, nop, nop) },
			[]asm.NoteID{1, 0, 0, 0, 3, 0}, []asm.NoteID{0, 2, 0, 0, 0, 0}},
		{"none began there", func(e *asm.Editor) { e.Delete(2, 1) }, []asm.NoteID{1, 2, 3, 0}, make([]asm.NoteID, 4)},
		{"nothing follows", func(e *asm.Editor) { e.Delete(3, 2) }, []asm.NoteID{1, 2, 0}, make([]asm.NoteID, 3)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := asm.NewEditor(code)
			tt.edit(e)
			got, err := e.Apply()
			if err != nil {
				t.Fatal(err)
			}
			var notes, lines []asm.NoteID
			for _, in := range got {
				notes, lines = append(notes, in.Note), append(lines, in.Line)
			}
			if diff := cmp.Diff(tt.notes, notes); diff != "" {
				t.Errorf("notes: %s", diff)
			}
			if diff := cmp.Diff(tt.lines, lines); diff != "" {
				t.Errorf("lines: %s", diff)
			}
		})
	}
	// Dropping what took a line over hands it on.
	got, err := asm.Delete(code, 1, 1)
	if err == nil {
		got, err = asm.Delete(got, 1, 1)
	}
	if err != nil || got[1].Note != 3 || got[1].Line != 2 {
		t.Errorf("got %+v, %v", got, err)
	}
}

package relo

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
)

func funcs(list ...*Func) (*Func, func(string) (*Func, bool)) {
	byName := map[string]*Func{}
	for _, f := range list {
		byName[f.Name] = f
	}
	return list[0], func(n string) (*Func, bool) { f, ok := byName[n]; return f, ok }
}

func call(name string) asm.Instruction { return asm.CallFunc(name) }

var nop = asm.Instruction{Op: 0xb7} // r0 = 0

func TestLinkOrder(t *testing.T) {
	// main calls a, then c; a calls b, then c: depth first, each once.
	root, lookup := funcs(
		&Func{Name: "main", Insns: asm.Instructions{nop, call("a"), call("c"), asm.Exit()}},
		&Func{Name: "a", Insns: asm.Instructions{call("b"), call("c"), asm.Exit()}},
		&Func{Name: "b", Insns: asm.Instructions{asm.LoadFunc(1, "c"), asm.Exit()}},
		&Func{Name: "c", Insns: asm.Instructions{asm.Exit()}},
	)
	l, err := Link(root, lookup, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"main", "a", "b", "c"}, l.Names()); diff != "" {
		t.Error(diff)
	}
	// slots: main 0..3, a 4..6, b 7..9, c 10
	want := map[int]int64{1: 4 - 1 - 1, 2: 10 - 2 - 1, 4: 7 - 4 - 1, 5: 10 - 5 - 1, 7: 10 - 7 - 1}
	slot := 0
	for _, in := range l.Insns {
		if d, ok := want[slot]; ok && in.Imm != d {
			t.Errorf("slot %d: distance %d, want %d", slot, in.Imm, d)
		}
		if in.Ref.Kind != asm.RefNone {
			t.Errorf("slot %d: reference left: %v", slot, in.Ref)
		}
		slot += in.Slots()
	}
	for slot, want := range map[int]string{0: "main", 3: "main", 4: "a", 9: "b", 10: "c"} {
		if fn, _, ok := l.Origin(slot); !ok || fn != want {
			t.Errorf("slot %d comes from %s, want %s", slot, fn, want)
		}
	}
	if fn, in, _ := l.Origin(8); fn != "b" || in != 1 {
		t.Errorf("slot 8 is %s+%d", fn, in)
	}
	for _, slot := range []int{-1, 11} {
		if _, _, ok := l.Origin(slot); ok {
			t.Errorf("slot %d has an origin", slot)
		}
	}
}

func TestLinkBackward(t *testing.T) {
	root, lookup := funcs(
		&Func{Name: "main", Insns: asm.Instructions{call("a"), asm.Exit()}},
		&Func{Name: "a", Insns: asm.Instructions{asm.LoadFunc(2, "main"), asm.Exit()}},
	)
	l, err := Link(root, lookup, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Insns.AppendEncode(nil, binary.LittleEndian)
	if err != nil {
		t.Fatal(err)
	}
	// slot 2: ldimm64 of slot 0: -3 in the first half, 0 in the second.
	if got := int32(binary.LittleEndian.Uint32(b[20:])); got != -3 {
		t.Errorf("first half %d", got)
	}
	if got := binary.LittleEndian.Uint32(b[28:]); got != 0 {
		t.Errorf("second half %d", got)
	}
}

func TestLinkErrors(t *testing.T) {
	for name, f := range map[string]*Func{
		"main: insn 1: function gone is not in the object": {Name: "main", Insns: asm.Instructions{nop, call("gone")}},
		"function main: no instructions":                   {Name: "main"},
		"main: callback: function cb is not in the object": {Name: "main", Insns: asm.Instructions{nop}, Callbacks: []string{"cb"}},
		"insn 0: only a call or a wide load can refer to function main": {Name: "main", Insns: asm.Instructions{
			{Op: 0xb7, Ref: asm.Ref{Kind: asm.RefFunc, Name: "main"}}}},
	} {
		root, lookup := funcs(f)
		if _, err := Link(root, lookup, nil); err == nil || err.Error() != name {
			t.Errorf("got %v, want %s", err, name)
		}
	}
}

func TestDescribe(t *testing.T) {
	notes := []btf.Note{
		{HasLine: true, Line: btf.Line{File: 1, Text: 2, LineCol: 3 << 10}},
		{HasLine: true, Line: btf.Line{File: 1, Text: 5, LineCol: 4 << 10}},
		{},
	}
	noted := func(n asm.NoteID) asm.Instruction { in := nop; in.Note = n; return in }
	root, lookup := funcs(
		// Two instructions were put before the first line.
		&Func{Name: "main", Type: 7, Insns: asm.Instructions{nop, noted(3), noted(1), call("a"), noted(2), asm.Exit()}},
		&Func{Name: "a", Type: 9, Insns: asm.Instructions{noted(2), asm.Exit()}},
	)
	l, err := Link(root, lookup, notes)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]btf.FuncInfo{{Off: 0, Type: 7}, {Off: 6, Type: 9}}, l.Funcs); diff != "" {
		t.Error(diff)
	}
	want := []btf.LineInfo{{Off: 0, Line: notes[0].Line}, {Off: 4, Line: notes[1].Line}, {Off: 6, Line: notes[1].Line}}
	if diff := cmp.Diff(want, l.Lines); diff != "" {
		t.Error(diff)
	}
}

func TestDescribeAllOrNone(t *testing.T) {
	line := []btf.Note{{HasLine: true}}
	noted := nop
	noted.Note = 1
	root, lookup := funcs(
		&Func{Name: "main", Type: 7, Insns: asm.Instructions{noted, call("a"), asm.Exit()}},
		&Func{Name: "a", Type: 9, Insns: asm.Instructions{asm.Exit()}},
	)
	l, err := Link(root, lookup, line)
	if err != nil || len(l.Funcs) != 2 || l.Lines != nil {
		t.Errorf("a function without lines: %v, %v, %v", l.Funcs, l.Lines, err)
	}
	a, _ := lookup("a")
	a.Type = 0
	if l, err = Link(root, lookup, line); err != nil || l.Funcs != nil || l.Lines != nil {
		t.Errorf("a function without a type: %v, %v, %v", l.Funcs, l.Lines, err)
	}
}

func TestPoisonMaps(t *testing.T) {
	ins := asm.Instructions{nop, asm.LoadMap(1, "a"), asm.LoadMap(2, "gone"), asm.Exit()}
	out, err := PoisonMaps(ins, func(n string) (int, bool) { return 5, n == "gone" })
	if err != nil {
		t.Fatal(err)
	}
	if out.Slots() != ins.Slots() || len(out) != len(ins)+1 {
		t.Fatalf("%d instructions in %d slots", len(out), out.Slots())
	}
	for _, in := range out[2:4] {
		if in.Op != asm.OpCall || in.Imm != 2001000005 {
			t.Errorf("got %v", in)
		}
	}
	if ins[2].Ref.Name != "gone" {
		t.Error("the input was changed")
	}
	same, _ := PoisonMaps(ins, func(string) (int, bool) { return 0, false })
	if &same[0] != &ins[0] {
		t.Error("copied for nothing")
	}
	ins[1] = asm.Instruction{Op: asm.OpCall, Ref: asm.Ref{Kind: asm.RefMap, Name: "gone"}}
	if _, err := PoisonMaps(ins, func(string) (int, bool) { return 0, true }); err == nil {
		t.Error("a call of a map passes")
	}
}

package relo

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
)

func noted(in asm.Instruction, n asm.NoteID) asm.Instruction {
	in.Note = n
	return in
}

var errNoType = errors.New("no such type")

// coreNotes: 1 gives 40, 2 cannot be had, 3 is an error, 4 has another size, 5
// is only a line.
var coreNotes = []btf.Note{
	{CORE: &btf.CORERelo{Access: "ok"}}, {CORE: &btf.CORERelo{Access: "poison"}},
	{CORE: &btf.CORERelo{Access: "error"}}, {CORE: &btf.CORERelo{Access: "size"}}, {HasLine: true},
}

func resolveTest(r *btf.CORERelo) (btf.Fixup, error) {
	switch r.Access {
	case "ok":
		return btf.Fixup{New: 40}, nil
	case "poison":
		return btf.Fixup{Poison: true, Why: "no member"}, nil
	case "size":
		return btf.Fixup{BadSize: true, OldSize: 4, NewSize: 8}, nil
	}
	return btf.Fixup{}, errNoType
}

func TestApplyCORE(t *testing.T) {
	load := asm.LoadMem(1, 2, 8, asm.SizeW)
	ins := asm.Instructions{
		noted(load, 1), noted(load, 2), noted(asm.LoadImm64(1, 8), 2), noted(asm.LoadImm64(1, 8), 1),
		noted(load, 4), noted(load, 5), noted(asm.Mov(1, 8), 1), asm.Exit(),
	}
	before := append(asm.Instructions{}, ins...)
	out, bad, err := ApplyCORE(ins, coreNotes, resolveTest)
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	for _, in := range out {
		text = append(text, in.String())
	}
	want := []string{
		"w1 = *(u32 *)(r2 + 0x28)", "call 0xbad2310", "call 0xbad2310", "call 0xbad2310", "r1 = 0x28 ll",
		"call 0xbad2310", "w1 = *(u32 *)(r2 + 0x8)", "r1 = 0x28", "exit",
	}
	if diff := cmp.Diff(want, text); diff != "" {
		t.Error(diff)
	}
	unresolved := []Unresolved{{1, "no member", coreNotes[1].CORE}, {2, "no member", coreNotes[1].CORE}, {6,
		"the field has 4 bytes here and 8 in the kernel, and is no unsigned integer", coreNotes[3].CORE}}
	if diff := cmp.Diff(unresolved, bad); diff != "" {
		t.Error(diff)
	}
	if out.Slots() != ins.Slots() {
		t.Errorf("%d slots, want %d", out.Slots(), ins.Slots())
	}
	if out[2].Note != 2 || out[3].Note != 0 {
		t.Errorf("notes %d, %d of a poisoned wide load, want 2, 0", out[2].Note, out[3].Note)
	}
	if diff := cmp.Diff(before, ins); diff != "" {
		t.Errorf("the input changed: %s", diff)
	}
}

func TestApplyCOREErrors(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   asm.Instruction
		want string
	}{
		{"no answer", noted(asm.Mov(1, 8), 3), "insn 2: no such type"},
		{"not relocatable", noted(asm.Exit(), 1), "insn 2: apply CO-RE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, bad, err := ApplyCORE(asm.Instructions{asm.LoadImm64(1, 1), tt.in}, coreNotes, resolveTest)
			if out != nil || bad != nil || err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v, %v, %v", out, bad, err)
			}
		})
	}
}

func TestApplyCOREIsLinear(t *testing.T) {
	ins := make(asm.Instructions, 200_000)
	for i := range ins {
		ins[i] = noted(asm.LoadImm64(1, 8), 2)
	}
	begin := time.Now()
	out, bad, err := ApplyCORE(ins, coreNotes, resolveTest)
	if err != nil || len(out) != 2*len(ins) || len(bad) != len(ins) {
		t.Fatal(len(out), len(bad), err)
	}
	if d := time.Since(begin); d > 20*time.Second {
		t.Errorf("poisoning %d loads took %v", len(ins), d)
	}
}

func TestLinkSecondCallHasNoLine(t *testing.T) {
	notes := []btf.Note{{HasLine: true, CORE: &btf.CORERelo{Access: "poison"}}}
	ins, _, err := ApplyCORE(asm.Instructions{noted(asm.LoadImm64(1, 8), 1), asm.Exit()}, notes, resolveTest)
	if err != nil {
		t.Fatal(err)
	}
	root, lookup := funcs(&Func{Name: "main", Type: 1, Insns: ins})
	l, err := Link(root, lookup, notes)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]btf.LineInfo{{}}, l.Lines); diff != "" {
		t.Error(diff)
	}
}

func TestLinkLocalFunctions(t *testing.T) {
	local, err := asm.Assemble(asm.CallLabel("sub"), asm.Exit(), asm.Label("sub"), asm.Exit())
	if err != nil {
		t.Fatal(err)
	}
	root, lookup := funcs(
		&Func{Name: "main", Type: 1, Insns: asm.Instructions{call("a"), asm.Exit()}},
		&Func{Name: "a", Type: 2, Insns: local},
	)
	l, err := Link(root, lookup, nil)
	if err != nil {
		t.Fatal(err)
	}
	if l.Funcs != nil || l.Lines != nil || !strings.Contains(l.NoInfo, "function a has a part") {
		t.Errorf("got %v, %v, %q", l.Funcs, l.Lines, l.NoInfo)
	}
	if l.Insns[2].Imm != 1 {
		t.Errorf("the local call is %v", l.Insns[2])
	}
}

func TestLinkSaysWhyThereIsNoInfo(t *testing.T) {
	one := []btf.Note{{HasLine: true}}
	for _, tt := range []struct {
		name string
		a    *Func
		want string
	}{
		{"no type", &Func{Name: "a", Insns: asm.Instructions{noted(asm.Exit(), 1)}}, "function a has no type"},
		{"no lines", &Func{Name: "a", Type: 2, Insns: asm.Instructions{asm.Exit()}}, "function a has no source lines"},
		{"complete", &Func{Name: "a", Type: 2, Insns: asm.Instructions{noted(asm.Exit(), 1)}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root, lookup := funcs(&Func{Name: "main", Type: 1, Insns: asm.Instructions{noted(call("a"), 1), asm.Exit()}}, tt.a)
			l, err := Link(root, lookup, one)
			if err != nil || l.NoInfo != tt.want || (l.Lines == nil) != (tt.want != "") {
				t.Errorf("got %q, %v, %v", l.NoInfo, l.Lines, err)
			}
		})
	}
}

// TestLinkCycleThroughAlias: a lookup may answer with a function of another
// name; what is placed is known by the name that was asked for.
func TestLinkCycleThroughAlias(t *testing.T) {
	a := &Func{Name: "a·1", Insns: asm.Instructions{call("a"), asm.Exit()}}
	root := &Func{Name: "main", Insns: asm.Instructions{call("a"), asm.Exit()}}
	l, err := Link(root, func(string) (*Func, bool) { return a, true }, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"main", "a·1"}, l.Names()); diff != "" {
		t.Error(diff)
	}
	if l.Insns[2].Imm != -1 {
		t.Errorf("recursion is %v", l.Insns[2])
	}
}

func TestLinkCallbackComesLast(t *testing.T) {
	root, lookup := funcs(
		&Func{Name: "main", Insns: asm.Instructions{call("a"), asm.Exit()}, Callbacks: []string{"cb", "a"}},
		&Func{Name: "cb", Insns: asm.Instructions{call("b"), asm.Exit()}},
		&Func{Name: "a", Insns: asm.Instructions{asm.Exit()}},
		&Func{Name: "b", Insns: asm.Instructions{asm.Exit()}},
	)
	l, err := Link(root, lookup, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"main", "a", "cb", "b"}, l.Names()); diff != "" {
		t.Error(diff)
	}
}

func TestPoisonedKfunc(t *testing.T) {
	if got := PoisonedKfunc(3, 9); got.String() != "call 0x77541883" || got.Note != 9 || got.Imm != 2002000003 {
		t.Errorf("got %+v", got)
	}
}

func TestLinesOfDroppedCode(t *testing.T) {
	line := func(n uint32) btf.Line { return btf.Line{LineCol: n << 10} }
	notes := []btf.Note{
		{HasLine: true, Line: line(1)}, {HasLine: true, Line: line(2)}, {CORE: &btf.CORERelo{}},
		{CORE: &btf.CORERelo{}}, {HasLine: true, Line: line(5)},
	}
	ins := asm.Instructions{
		noted(nop, 1), noted(nop, 2), noted(nop, 3), noted(nop, 4), noted(nop, 5), noted(asm.Exit(), 0),
	}
	for _, tt := range []struct {
		name  string
		at, n int
		want  []btf.LineInfo
	}{
		{"a line beside a record", 1, 1, []btf.LineInfo{{Off: 0, Line: line(1)}, {Off: 1, Line: line(2)}, {Off: 3, Line: line(5)}}},
		{"a line and a record", 1, 2, []btf.LineInfo{{Off: 0, Line: line(1)}, {Off: 1, Line: line(2)}, {Off: 2, Line: line(5)}}},
		{"a line of its own is kept", 1, 3, []btf.LineInfo{{Off: 0, Line: line(1)}, {Off: 1, Line: line(5)}}},
		{"the first", 0, 1, []btf.LineInfo{{Off: 0, Line: line(2)}, {Off: 3, Line: line(5)}}},
		{"the last", 4, 1, []btf.LineInfo{{Off: 0, Line: line(1)}, {Off: 1, Line: line(2)}, {Off: 4, Line: line(5)}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			edited, err := asm.Delete(ins, tt.at, tt.n)
			if err != nil {
				t.Fatal(err)
			}
			root, lookup := funcs(&Func{Name: "main", Type: 1, Insns: edited})
			l, err := Link(root, lookup, notes)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, l.Lines); diff != "" {
				t.Error(diff)
			}
		})
	}
}

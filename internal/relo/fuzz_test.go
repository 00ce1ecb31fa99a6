package relo

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/fuzztest"
)

// madeFuncs cuts code into functions and has the script make some of their
// instructions refer to functions: to one of them, or to none.
func madeFuncs(code, script []byte) []*Func {
	ins, err := asm.Decode(code, binary.LittleEndian)
	if err != nil {
		return nil
	}
	var list []*Func
	for len(ins) > 0 {
		n := len(ins)
		if len(list) < 5 && len(script) > len(list) {
			n = min(n, 1+int(script[len(list)]%16))
		}
		list = append(list, &Func{Name: fmt.Sprint("f", len(list)), Type: btf.ID(len(list)), Insns: ins[:n:n]})
		ins = ins[n:]
	}
	at := 0
	for _, f := range list {
		for i := range f.Insns {
			in := &f.Insns[i]
			in.Note = asm.NoteID(at % 7)
			if at < len(script) && script[at]%4 == 0 && (in.Op == asm.OpCall || in.Wide()) {
				in.Ref = asm.Ref{Kind: asm.RefFunc, Name: fmt.Sprint("f", int(script[at]/4)%(len(list)+1))}
			}
			at++
		}
	}
	if len(list) > 1 && len(script) > 0 {
		list[0].Callbacks = []string{list[int(script[0])%len(list)].Name}
	}
	return list
}

func addCode(f *testing.F, more ...any) {
	for _, code := range []asm.Instructions{
		{call("x"), nop, asm.Exit(), asm.LoadFunc(1, "x"), asm.Exit(), call("x"), asm.Exit()},
		{asm.LoadImm64(1, 1), asm.Exit()},
		{call("x"), call("x"), call("x"), call("x"), asm.Exit()},
	} {
		for i := range code {
			code[i].Ref = asm.Ref{}
		}
		b, err := code.AppendEncode(nil, binary.LittleEndian)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(append([]any{b, []byte{2, 1, 4, 8, 12, 0}}, more...)...)
	}
}

// FuzzLink: each function is placed once, no reference to a function is left,
// and where an instruction comes from is told right.
func FuzzLink(f *testing.F) {
	addCode(f)
	notes := []btf.Note{{HasLine: true}, {}, {HasLine: true}, {CORE: &btf.CORERelo{}}}
	f.Fuzz(func(t *testing.T, code, script []byte) {
		list := madeFuncs(code, script)
		if len(list) == 0 {
			return
		}
		root, lookup := funcs(list...)
		var l *Linked
		var err error
		fuzztest.Check(t, 2*len(code), func() { l, err = Link(root, lookup, notes) })
		if (err == nil) == (l == nil) {
			t.Fatal("error and value")
		}
		if err != nil {
			return
		}
		slot, placed := 0, map[string]bool{}
		for _, name := range l.Names() {
			fn, ok := lookup(name)
			if !ok || placed[name] {
				t.Fatalf("function %s: there %v, twice %v", name, ok, placed[name])
			}
			placed[name] = true
			for in := range fn.Insns.Slots() {
				if from, at, ok := l.Origin(slot); !ok || from != name || at != in {
					t.Fatalf("slot %d is %s+%d, want %s+%d", slot, from, at, name, in)
				}
				slot++
			}
		}
		if _, _, ok := l.Origin(slot); ok || slot != l.Insns.Slots() {
			t.Fatalf("%d slots in functions of %d", l.Insns.Slots(), slot)
		}
		for i := range l.Insns {
			if l.Insns[i].Ref.Kind == asm.RefFunc {
				t.Fatalf("instruction %d: %v is left", i, l.Insns[i].Ref)
			}
		}
		checkInfo(t, l)
	})
}

func checkInfo(t *testing.T, l *Linked) {
	for i := range l.Lines {
		if int(l.Lines[i].Off) >= l.Insns.Slots() || i > 0 && l.Lines[i].Off <= l.Lines[i-1].Off {
			t.Fatalf("line %d of %d is at %d", i, len(l.Lines), l.Lines[i].Off)
		}
	}
	for i := range l.Funcs {
		if int(l.Funcs[i].Off) >= l.Insns.Slots() || i > 0 && l.Funcs[i].Off <= l.Funcs[i-1].Off {
			t.Fatalf("function %d of %d is at %d", i, len(l.Funcs), l.Funcs[i].Off)
		}
	}
}

// FuzzApply applies fixups of any contents to any instructions, and poisons
// maps: jumps stay right since no slot moves.
func FuzzApply(f *testing.F) {
	addCode(f, uint64(1), uint64(1)<<40, uint8(1))
	addCode(f, uint64(0), uint64(8), uint8(2))
	f.Fuzz(func(t *testing.T, code, script []byte, old, now uint64, bits uint8) {
		ins, err := asm.Decode(code, binary.LittleEndian)
		if err != nil {
			return
		}
		fix := btf.Fixup{
			Poison: bits&1 != 0, Validate: bits&2 != 0, BadSize: bits&4 != 0, Old: old, New: now,
			OldSize: uint32(bits >> 4 & 3), NewSize: uint32(bits >> 6),
		}
		notes := []btf.Note{{CORE: &btf.CORERelo{}}}
		for i := range ins {
			if i < len(script) && script[i]&1 != 0 {
				ins[i].Note = asm.NoteID(script[i] >> 1)
			}
			if i < len(script) && script[i]&6 == 2 && ins[i].Wide() {
				ins[i].Ref = asm.Ref{Kind: asm.RefMap, Name: "m"}
			}
		}
		before := fmt.Sprint(ins)
		var out asm.Instructions
		var bad []Unresolved
		fuzztest.Check(t, 2*len(code), func() {
			out, bad, err = ApplyCORE(ins, notes, func(*btf.CORERelo) (btf.Fixup, error) { return fix, nil })
		})
		if fmt.Sprint(ins) != before {
			t.Fatal("the instructions given changed")
		}
		if err == nil && out.Slots() != ins.Slots() {
			t.Fatalf("%d slots became %d", ins.Slots(), out.Slots())
		}
		for _, u := range bad {
			if u.Slot < 0 || u.Slot >= ins.Slots() {
				t.Fatalf("unresolved slot %d of %d", u.Slot, ins.Slots())
			}
		}
		poisoned, err := PoisonMaps(ins, func(string) (int, bool) { return 3, true })
		if err != nil || poisoned.Slots() != ins.Slots() {
			t.Fatalf("%d slots became %d, %v", ins.Slots(), poisoned.Slots(), err)
		}
	})
}

package btf

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// changed gives the lines of the dump that differ.
func changed(before, after *Spec) []string {
	old := dump(before)
	var out []string
	for i, l := range dump(after) {
		if i >= len(old) || old[i] != l {
			out = append(out, l)
		}
	}
	return out
}

func TestEdit(t *testing.T) {
	for _, order := range orders {
		for _, layout := range [][]byte{nil, make([]byte, 4*int(kindCount))} {
			s, err := Parse(everyKind(order).blob(nil, layout))
			if err != nil {
				t.Fatal(err)
			}
			before := bytes.Clone(s.Bytes())
			e := s.Edit()
			i := e.AddInt("u8", 1, 0)
			v := e.AddVar("dummy", i, LinkageGlobal)
			p := e.AddPtr(i)
			d := e.AddDatasec(".x", 8, []SecVar{{v, 4, 4}, {15, 0, 4}})
			e.SortSecVars(d)
			e.SetSecVar(16, 0, SecVar{v, 0, 1})
			e.SetSize(16, 32)
			e.SetLinkage(14, LinkageStatic)
			e.SetLinkage(15, LinkageExtern)
			e.SetParamName(13, 0, "renamed")
			e.SetName(9, "t2")
			e.SetTarget(15, i)
			e.SetMember(5, 2, Member{"c", i, 130, 5})
			got, err := e.Spec()
			if err != nil {
				t.Fatal(err)
			}
			want := []string{
				`[5] struct "s" size=24 to=0 flag=true: struct s {a 1 0 0} {p 3 64 0} {c 22 130 5}`,
				`[9] typedef "t2" size=0 to=5 flag=false: t2`,
				`[10] const "" size=0 to=9 flag=false: const t2`,
				`[11] volatile "" size=0 to=10 flag=false: volatile const t2`,
				`[13] func_proto "" size=0 to=1 flag=false: int (int *, ...) {renamed 3} { 0}`,
				`[14] func "fn" size=0 to=13 flag=false: int fn(int *, ...) linkage=0`,
				`[15] var "v" size=0 to=22 flag=false: u8 v linkage=2`,
				`[16] datasec "?.data" size=32 to=0 flag=false: section ?.data {23 0 1}`,
				`[22] int "u8" size=1 to=0 flag=false: u8 0/8/0`,
				`[23] var "dummy" size=0 to=22 flag=false: u8 dummy linkage=1`,
				`[24] ptr "" size=0 to=22 flag=false: u8 *`,
				`[25] datasec ".x" size=8 to=0 flag=false: section .x {15 0 4} {23 4 4}`,
			}
			if diff := cmp.Diff(want, changed(s, got)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if p != 24 || !bytes.Equal(before, s.Bytes()) {
				t.Error("the edited Spec itself changed")
			}
		}
	}
}

func TestEditNothing(t *testing.T) {
	s := everyKind(binary.LittleEndian).spec(t)
	e := s.Edit()
	e.SetSize(16, 16)
	e.SetName(5, "s")
	if got, err := e.Spec(); got != s || err != nil {
		t.Errorf("got another Spec, %v", err)
	}
}

func TestEditRefuses(t *testing.T) {
	s := everyKind(binary.LittleEndian).spec(t)
	for name, f := range map[string]func(*Editor){
		"void":             func(e *Editor) { e.SetSize(0, 1) },
		"no such type":     func(e *Editor) { e.SetName(99, "x") },
		"size of a ptr":    func(e *Editor) { e.SetSize(3, 1) },
		"target of an int": func(e *Editor) { e.SetTarget(1, 3) },
		"linkage":          func(e *Editor) { e.SetLinkage(1, 0) },
		"variable":         func(e *Editor) { e.SetSecVar(16, 1, SecVar{}) },
		"negative":         func(e *Editor) { e.SetSecVar(16, -1, SecVar{}) },
		"parameter":        func(e *Editor) { e.SetParamName(13, 2, "x") },
		"bitfield":         func(e *Editor) { e.SetMember(6, 0, Member{"x", 1, 0, 3}) },
		"zero byte":        func(e *Editor) { e.AddString("a\x00b") },
		"loop":             func(e *Editor) { e.SetTarget(9, 9) },
		"bad id":           func(e *Editor) { e.SetTarget(9, 1000) },
	} {
		e := s.Edit()
		f(e)
		e.AddInt("later", 4, 0)
		if got, err := e.Spec(); err == nil || got != nil || !strings.HasPrefix(err.Error(), "edit BTF: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

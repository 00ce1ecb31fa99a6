package btf

import (
	"bytes"
	"testing"

	"github.com/skepbpf/skep/internal/fuzztest"
)

// FuzzEditor runs a script of edits. The original stays as it is; the result
// is sound also where the Editor takes a short cut and does not check it.
func FuzzEditor(f *testing.F) {
	seeds(f, func(b []byte) {
		f.Add(b, []byte("\x00\x05\x08\x01\x05\x02\x02\x06\x00\x03\x0e\x01"))
		f.Add(b, []byte("\x04\x10\x01\x05\x10\x00\x06\x0d\x01\x07\x05\x02\x08\x01\x02\x09\x01\x04"))
	})
	f.Fuzz(func(t *testing.T, b, script []byte) {
		from, err := Parse(b)
		if err != nil || len(script) > 3*200 {
			return
		}
		before := bytes.Clone(b)
		// Each edit may add a type, and a string, for which the strings that
		// are there are copied at most as often as they double.
		var got *Spec
		fuzztest.Check(t, 4*len(b)+64*len(script), func() { got, err = runEdits(from, script) })
		if !bytes.Equal(before, b) {
			t.Fatal("the original changed")
		}
		if (err == nil) == (got == nil) {
			t.Fatal("error and value")
		}
		if err != nil {
			return
		}
		again, err := Parse(got.Bytes())
		if err != nil {
			t.Fatalf("what was edited does not parse: %v", err)
		}
		if a, b := dump(got), dump(again); len(a) != len(b) || !equalLines(a, b) {
			t.Fatal("what was edited parses as something else")
		}
	})
}

// runEdits takes three bytes an edit: what, of which type, and a number.
func runEdits(s *Spec, script []byte) (*Spec, error) {
	names := []string{"", "a", "int", "name that is new", "x"}
	e := s.Edit()
	for ; len(script) >= 3; script = script[3:] {
		id, n := ID(script[1]), uint32(script[2])
		name := names[int(n)%len(names)]
		switch script[0] % 13 {
		case 0:
			e.SetSize(id, n)
		case 1:
			e.SetTarget(id, ID(n))
		case 2:
			e.SetName(id, name)
		case 3:
			e.SetLinkage(id, Linkage(n))
		case 4:
			e.SetSecVar(id, 0, SecVar{Type: ID(n % 32), Offset: n, Size: n})
		case 5:
			e.SortSecVars(id)
		case 6:
			e.SetParamName(id, int(n), name)
		case 7:
			e.SetMember(id, int(n>>4), Member{Name: name, Type: ID(n % 16), Offset: n, BitSize: n % 3})
		case 8:
			e.AddInt(name, n, n)
		case 9:
			e.AddPtr(ID(n))
		case 10:
			e.AddVar(name, ID(n), Linkage(n))
		case 11:
			e.AddDatasec(name, n, []SecVar{{Type: id, Offset: 0, Size: n}})
		case 12:
			e.AddString(name)
		}
	}
	return e.Spec()
}

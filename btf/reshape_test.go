package btf

import "testing"

// TestEditFindsLoops: edits that cannot make a type contain itself skip the
// search for loops; those that can must not.
func TestEditFindsLoops(t *testing.T) {
	base := func() (*Editor, ID, ID) {
		e := newEditorForTest(t)
		n := e.AddInt("int", 4, 0)
		v := e.AddVar("v", n, LinkageGlobal)
		d := e.AddDatasec(".data", 4, []SecVar{{Type: v, Size: 4}})
		s, err := e.Spec()
		if err != nil {
			t.Fatal(err)
		}
		return s.Edit(), v, d
	}
	e, v, d := base()
	e.SetTarget(v, d) // v is in d, and d would be in v
	if _, err := e.Spec(); err == nil {
		t.Error("a variable of its own section's type passes")
	}
	e, _, d = base()
	w := e.AddVar("w", d, LinkageGlobal)
	e.SetSecVar(d, 0, SecVar{Type: w, Size: 4})
	if _, err := e.Spec(); err == nil {
		t.Error("a section that holds a variable of its own type passes")
	}
	e, _, _ = base()
	e.AddDatasec(".x", 4, []SecVar{{Type: ID(e.s.Len()), Size: 4}})
	if _, err := e.Spec(); err == nil {
		t.Error("a section that holds itself passes")
	}
	e, v, d = base()
	e.SetSecVar(d, 0, SecVar{Type: v, Offset: 8, Size: 4})
	e.SetSize(d, 12)
	e.SortSecVars(d)
	if e.reshaped {
		t.Error("moving variables counts as a new shape")
	}
	if _, err := e.Spec(); err != nil {
		t.Error(err)
	}
}

func newEditorForTest(t *testing.T) *Editor {
	t.Helper()
	s, err := Parse([]byte{0x9f, 0xeb, 1, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0})
	if err != nil {
		t.Fatal(err)
	}
	return s.Edit()
}

package btf

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// relosOf reads what Minimize wants of an object.
func relosOf(t testing.TB, types, ext []byte) COREObject {
	t.Helper()
	s, err := Parse(types)
	if err != nil {
		t.Fatal(err)
	}
	e, err := ParseExt(ext, s)
	if err != nil {
		t.Fatal(err)
	}
	out := COREObject{Types: s}
	for i := range e.Sections {
		for j := range e.Sections[i].CORE {
			out.Relos = append(out.Relos, &e.Sections[i].CORE[j].CORERelo)
		}
	}
	return out
}

// outcomeOf is all of a Fixup that instructions depend on.
func outcomeOf(f Fixup) Fixup {
	f.Module, f.Target, f.Why = "", 0, ""
	return f
}

// sameOutcomes relocates an object against two kernels.
func sameOutcomes(t *testing.T, name string, o COREObject, whole, little *Spec) (n int) {
	t.Helper()
	a, b := NewRelocatorFor(o.Types, whole), NewRelocatorFor(o.Types, little)
	for _, relo := range o.Relos {
		fa, errA := a.Resolve(relo)
		fb, errB := b.Resolve(relo)
		if relo.Kind == CORETypeIDTarget {
			fa.New, fb.New = 0, 0
		}
		if outcomeOf(fa) != outcomeOf(fb) || (errA == nil) != (errB == nil) {
			t.Errorf("%s: %s: %+v (%v), of the little %+v (%v)", name, relo.Describe(o.Types), fa, errA, fb, errB)
		}
		n++
	}
	return n
}

// TestMinimizeKinds asks, of layouts as a later kernel has them, for every kind
// of relocation, and looks at what is left.
func TestMinimizeKinds(t *testing.T) {
	local, kernel := layouts(t, ".el"), layouts(t, "-later.el")
	id := func(name string, k Kind) ID {
		typ, ok := local.ByName(name, k)
		if !ok {
			t.Fatalf("no %s", name)
		}
		return typ.ID()
	}
	var left strings.Builder
	for _, tc := range []struct {
		name string
		relo CORERelo
	}{
		{"a member", CORERelo{COREFieldByteOffset, id("later", KindStruct), "0:9"}},
		{"in an anonymous struct", CORERelo{COREFieldExists, id("nested", KindStruct), "0:1:1:1"}},
		{"an element", CORERelo{COREFieldByteOffset, id("nested", KindStruct), "0:2:1:0"}},
		{"a bitfield", CORERelo{COREFieldLShiftU64, id("bits", KindStruct), "0:3"}},
		{"its sign", CORERelo{COREFieldSigned, id("bits", KindStruct), "0:4"}},
		{"a size", CORERelo{COREFieldByteSize, id("later", KindStruct), "0:0:13"}},
		{"not there", CORERelo{COREFieldExists, id("later", KindStruct), "0:11"}},
		{"a type", CORERelo{CORETypeExists, id("later", KindStruct), "0"}},
		{"a typedef of a function", CORERelo{CORETypeExists, id("callback", KindTypedef), "0"}},
		{"a type that is gone", CORERelo{CORETypeExists, id("removed", KindStruct), "0"}},
		{"a type's size", CORERelo{CORETypeSize, id("point", KindTypedef), "0"}},
		{"a layout", CORERelo{CORETypeMatches, id("nested", KindStruct), "0"}},
		{"another layout", CORERelo{CORETypeMatches, id("later", KindStruct), "0"}},
		{"an enum value", CORERelo{COREEnumvalValue, id("color", KindEnum), "1"}},
		{"whether it exists", CORERelo{COREEnumvalExists, id("wide", KindEnum64), "0"}},
		{"a type's id", CORERelo{CORETypeIDTarget, id("bytes", KindStruct), "0"}},
		{"of the object", CORERelo{CORETypeIDLocal, id("bytes", KindStruct), "0"}},
	} {
		o := COREObject{local, []*CORERelo{&tc.relo}}
		little, err := Minimize([]*Spec{kernel}, o)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		sameOutcomes(t, tc.name, o, kernel, little)
		left.WriteString("/* " + tc.name + " */\n\n" + cText(t, little, &COptions{NoAccessIndex: true, Guard: "LEFT"}) + "\n")
		if again, err := Minimize([]*Spec{little}, o); err != nil || !bytes.Equal(again.Bytes(), little.Bytes()) {
			t.Errorf("%s: not the least: %v", tc.name, err)
		}
	}
	golden(t, "minimize.txt", left.String())
}

// TestMinimizeModule: what only a module has becomes part of the one result,
// in either byte order.
func TestMinimizeModule(t *testing.T) {
	for _, o := range orders {
		b := newBuilder(o)
		i := b.int("int", 4, IntSigned)
		b.strct("both", 4, fld{"a", i, 0, 0})
		base, err := Parse(b.bytes())
		if err != nil {
			t.Fatal(err)
		}
		e := NewBuilder(&BuilderOptions{Base: base})
		e.AddStruct("both", 8, []Member{{Name: "a", Type: i, Offset: 32}})
		e.AddStruct("only", 8, []Member{{Name: "pad", Type: i}, {Name: "x", Type: i, Offset: 32}})
		mod, err := e.Spec()
		if err != nil {
			t.Fatal(err)
		}
		l := newBuilder(o)
		li := l.int("int", 4, IntSigned)
		both, only := l.strct("both", 4, fld{"a", li, 0, 0}), l.strct("only", 4, fld{"x", li, 0, 0})
		local, err := Parse(l.bytes())
		if err != nil {
			t.Fatal(err)
		}
		object := COREObject{local, []*CORERelo{{COREFieldByteOffset, both, "0:0"}, {COREFieldByteOffset, only, "0:0"}}}
		little, err := Minimize([]*Spec{base, mod}, object)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for typ := range little.All() {
			names = append(names, typ.String())
		}
		if diff := cmp.Diff([]string{"int", "struct both", "struct only"}, names); diff != "" || little.Base() != nil || little.Order() != base.Order() {
			t.Error(diff)
		}
		for i, want := range []uint64{0, 4} {
			if f, err := NewRelocatorFor(local, little).Resolve(object.Relos[i]); err != nil || f.New != want {
				t.Errorf("relocation %d: %+v, %v", i, f, err)
			}
		}
	}
	if _, err := Minimize(nil); !errors.Is(err, ErrNoBTF) {
		t.Error(err)
	}
}

// TestMinimizeObjects: the relocations of the tree's own objects, against the
// made-up kernel.
func TestMinimizeObjects(t *testing.T) {
	b, err := os.ReadFile("../testdata/kernel/vmlinux.btf")
	if err != nil {
		t.Fatal(err)
	}
	kernel, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, parts := range objectSections(t, ".BTF", ".BTF.ext") {
		o := relosOf(t, parts[0], parts[1])
		little, err := Minimize([]*Spec{kernel}, o)
		if err != nil {
			t.Fatal(err)
		}
		n += sameOutcomes(t, "object", o, kernel, little)
	}
	if n < 50 {
		t.Errorf("only %d relocations", n)
	}
}

package btf

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzAccept: what accept takes is what the exact checks take, with the same
// index.
func FuzzAccept(f *testing.F) {
	seeds(f, func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, b []byte) {
		quick, err := newSpec(b, nil)
		if err != nil || !quick.accept() {
			return
		}
		exact, _ := newSpec(b, nil)
		if exact.index, err = exact.scan(0, nil); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(exact.index, quick.index, cmp.AllowUnexported(index{})); d != "" {
			t.Fatal(d)
		}
		w := exact.newWalk()
		if err := exact.validate(w); err != nil {
			t.Fatal(err)
		}
		if err := w.checkLoops(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestAccept: every sound blob of this package's objects is taken at once.
func TestAccept(t *testing.T) {
	taken := 0
	for _, o := range objectSections(t, ".BTF") {
		s, err := newSpec(o[0], nil)
		if err != nil {
			t.Fatal(err)
		}
		if s.hdr.big {
			continue
		}
		if taken++; !s.accept() {
			t.Errorf("object %d: not accepted", taken)
		}
	}
	if taken == 0 {
		t.Error("no little-endian object")
	}
}

// TestOfKind compares with a look at all.
func TestOfKind(t *testing.T) {
	for _, o := range objectSections(t, ".BTF") {
		s, err := Parse(o[0])
		if err != nil {
			t.Fatal(err)
		}
		var want, got []ID
		for typ := range s.All() {
			if k := typ.Kind(); k == KindVar || k == KindStruct {
				want = append(want, typ.ID())
			}
		}
		for typ := range s.OfKind(KindVar, KindStruct, kindCount) {
			got = append(got, typ.ID())
		}
		if d := cmp.Diff(want, got); d != "" || len(want) == 0 {
			t.Errorf("-want +got:\n%s", d)
		}
	}
}

package btf

import (
	"bytes"
	"testing"

	"github.com/skepbpf/skep/internal/fuzztest"
)

// FuzzDedup: every type becomes one that says the same, nothing is added, and
// to do it again changes nothing more.
func FuzzDedup(f *testing.F) {
	seeds(f, func(b []byte) { f.Add(b, false); f.Add(b, true) })
	f.Fuzz(func(t *testing.T, blob []byte, twice bool) {
		s, err := Parse(blob)
		if err != nil {
			return
		}
		if twice {
			b := NewBuilder(nil)
			b.AddSpec(s)
			b.AddSpec(s)
			if s, err = b.Spec(); err != nil {
				return
			}
		}
		var d *Rewritten
		fuzztest.Check(t, 2*len(s.Bytes()), func() { d, err = Dedup(s, nil) })
		if (err == nil) == (d == nil) {
			t.Fatal("error and value")
		}
		if err != nil {
			return
		}
		checkDedup(t, s, d)
		again, err := Dedup(d.Types, nil)
		if err != nil {
			t.Fatal(err)
		}
		checkDedup(t, d.Types, again)
		// Strings may come in another order: a name may have stood first where a
		// declaration was that is gone.
		if again.Types.Len() != d.Types.Len() || !equalLines(dump(again.Types), dump(d.Types)) {
			t.Fatalf("%d types, then %d, then %d", s.Len(), d.Types.Len(), again.Types.Len())
		}
	})
}

func checkDedup(t *testing.T, s *Spec, d *Rewritten) {
	t.Helper()
	if d.Types.Len() > s.Len() {
		t.Fatalf("%d types became %d", s.Len(), d.Types.Len())
	}
	for id := range ID(s.Len()) {
		was, _ := s.Type(id)
		now, ok := d.Types.Type(d.ID(id))
		if !ok || was.Name() != now.Name() || was.Kind() != now.Kind() && was.Kind() != KindFwd && !enumKinds.has(was.Kind()) {
			t.Fatalf("type %d, %s, became %d, %s", id, was, d.ID(id), now)
		}
		if was.Vlen() != now.Vlen() && was.Vlen() != 0 || was.Size() != now.Size() && was.Size() != 0 && was.Vlen() != 0 {
			t.Fatalf("type %d, %s, has another shape", id, was)
		}
	}
}

// FuzzDistill: what is distilled and relocated onto where it came from is what
// it was, with types of the base that came along.
func FuzzDistill(f *testing.F) {
	splitSeeds(f, func(base, split []byte) { f.Add(base, split, base) })
	f.Fuzz(func(t *testing.T, bb, sb, tb []byte) {
		base, err := Parse(bb)
		if err != nil {
			return
		}
		s, err := ParseSplit(sb, base)
		if err != nil {
			return
		}
		var small, rest *Spec
		fuzztest.Check(t, 2*(len(bb)+len(sb)), func() { small, rest, err = Distill(s) })
		if (err == nil) == (small == nil || rest == nil) {
			t.Fatal("error and value")
		}
		if err != nil {
			return
		}
		if rest.Base() != small || small.Len() > base.Len() {
			t.Fatalf("a base of %d types of %d", small.Len(), base.Len())
		}
		if back, err := Relocate(rest, base); err == nil {
			checkMoved(t, rest, back)
		}
		to, err := Parse(tb)
		if err != nil {
			return
		}
		var moved *Rewritten
		fuzztest.Check(t, 2*(len(tb)+len(rest.Bytes())+len(small.Bytes())), func() { moved, err = Relocate(rest, to) })
		if (err == nil) == (moved == nil) {
			t.Fatal("error and value")
		}
		if err == nil {
			checkMoved(t, rest, moved)
		}
		// A split that nobody distilled may be relocated all the same.
		if got, err := Relocate(s, to); err == nil {
			checkMoved(t, s, got)
		}
	})
}

func checkMoved(t *testing.T, s *Spec, r *Rewritten) {
	t.Helper()
	for id := range ID(s.Len()) {
		was, _ := s.Type(id)
		now, ok := r.Types.Type(r.ID(id))
		if !ok || was.Name() != now.Name() || was.Kind() != now.Kind() && id >= ID(s.Base().Len()) {
			t.Fatalf("type %d, %s, became %d, %s", id, was, r.ID(id), now)
		}
	}
}

// FuzzExtWords: byte order there and back, and written anew, .BTF.ext is the
// same.
func FuzzExtWords(f *testing.F) {
	for _, p := range treeObjects(f) {
		if p.ext != nil {
			f.Add(p.btf, p.ext)
		}
	}
	f.Fuzz(func(t *testing.T, blob, ext []byte) {
		for i, o := range orders {
			there, err := ExtInOrder(ext, o)
			if err != nil {
				break
			}
			back, err := ExtInOrder(there, orders[1-i])
			if err != nil {
				t.Fatal(err)
			}
			if again, err := ExtInOrder(back, o); err != nil || !bytes.Equal(there, again) {
				t.Fatalf("byte order there and back: %v", err)
			}
		}
		s, err := Parse(blob)
		if err != nil {
			return
		}
		e, err := ParseExt(ext, s)
		if err != nil {
			return
		}
		b := NewBuilder(&BuilderOptions{Order: s.Order()})
		b.AddSpec(s)
		var out []byte
		fuzztest.Check(t, 2*(len(blob)+len(ext)), func() { out, err = b.Ext(e) })
		if err != nil {
			return // a kind that is not known
		}
		types, err := b.Spec()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseExt(out, types)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := describe(e, s, func(id ID) ID { return id }), describe(again, types, func(id ID) ID { return id }); len(a) != len(b) || !equalLines(a, b) {
			t.Fatal("written anew, it says something else")
		}
	})
}

package btf

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/skepbpf/skep/internal/fuzztest"
)

// FuzzBuilder: built again in any way, types are the same; so they are after
// the byte order was changed there and back.
func FuzzBuilder(f *testing.F) {
	seeds(f, func(b []byte) { f.Add(b, false); f.Add(b, true) })
	f.Fuzz(func(t *testing.T, blob []byte, big bool) {
		s, err := Parse(blob)
		if err != nil {
			return
		}
		order := binary.ByteOrder(binary.LittleEndian)
		if big {
			order = binary.BigEndian
		}
		var whole, single *Builder
		fuzztest.Check(t, 2*len(blob), func() {
			whole = NewBuilder(&BuilderOptions{Order: order})
			whole.AddSpec(s)
		})
		fuzztest.Check(t, 2*len(blob), func() {
			single = NewBuilder(&BuilderOptions{Order: order, Layout: true})
			for typ := range s.All() {
				single.AddType(typ)
			}
		})
		for _, b := range []*Builder{whole, single} {
			if b.Err() != nil {
				continue // a kind that is not known
			}
			got, err := b.Spec()
			if err != nil {
				t.Fatal(err)
			}
			if !equalLines(dump(s), dump(got)) || s.Len() != got.Len() {
				t.Fatal("built again, it has other types")
			}
		}
		checkFields(t, s)
		there, err := s.InOrder(order)
		if err != nil {
			t.Fatal(err)
		}
		if !equalLines(dump(s), dump(there)) {
			t.Fatal("in the other byte order it has other types")
		}
		if back, err := there.InOrder(s.Order()); err != nil || !bytes.Equal(back.Bytes(), blob) {
			t.Fatalf("byte order there and back: %v", err)
		}
	})
}

// checkFields: what the Builder accepts field by field, it writes as it was.
func checkFields(t *testing.T, s *Spec) {
	b := NewBuilder(nil)
	for typ := range s.All() {
		n := b.Len()
		if addFields(b, typ); b.Err() != nil {
			return
		}
		if b.Len() != n+1 {
			return // a kind that is not known
		}
	}
	got, err := b.Spec()
	if err != nil {
		t.Fatal(err)
	}
	for id := ID(1); int(id) < s.Len(); id++ {
		was, _ := s.Type(id)
		now, _ := got.Type(id)
		// Names of kinds that have none by right are not taken over.
		if was.Kind() != now.Kind() || now.Name() != "" && was.Name() != now.Name() || was.Vlen() != now.Vlen() || was.Target() != now.Target() || was.Size() != now.Size() {
			t.Fatalf("type %d, %s, became %s", id, was, now)
		}
		for i := range was.Vlen() {
			if was.Member(i) != now.Member(i) || was.EnumValue(i) != now.EnumValue(i) || was.Param(i) != now.Param(i) || was.SecVar(i) != now.SecVar(i) {
				t.Fatalf("type %d, %s: element %d is another", id, was, i)
			}
		}
	}
}

// FuzzImport: what comes with a type is the same type, and comes once.
func FuzzImport(f *testing.F) {
	seeds(f, func(b []byte) { f.Add(b, uint32(1)); f.Add(b, uint32(5)) })
	f.Fuzz(func(t *testing.T, blob []byte, root uint32) {
		s, err := Parse(blob)
		if err != nil || int(root) >= s.Len() {
			return
		}
		b := NewBuilder(nil)
		im := b.Importer(s)
		fuzztest.Check(t, 4*len(blob), func() {
			b = NewBuilder(nil)
			im = b.Importer(s)
			im.Add(ID(root))
		})
		if b.Err() != nil {
			return
		}
		n := b.Len()
		if im.Add(ID(root)); b.Len() != n || n > s.Len() {
			t.Fatalf("%d types of %d, then %d", n, s.Len(), b.Len())
		}
		got, err := b.Spec()
		if err != nil {
			t.Fatal(err)
		}
		for id := range ID(s.Len()) {
			to, ok := im.ID(id)
			if !ok {
				continue
			}
			was, _ := s.Type(id)
			now, ok := got.Type(to)
			if ref, _ := im.ID(was.Target()); !ok || was.Kind() != now.Kind() || was.Name() != now.Name() || ref != now.Target() {
				t.Fatalf("type %d, %s, became %d, %s", id, was, to, now)
			}
		}
	})
}

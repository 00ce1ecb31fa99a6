package btf

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/format"
	"io"
	"testing"

	"github.com/skepbpf/skep/internal/fuzztest"
)

// readBoth reads b as an object's blob, or, unchecked, as the kernel's.
func readBoth(b []byte, kernel bool) *Spec {
	if !kernel {
		s, err := Parse(bytes.Clone(b))
		if err != nil {
			return nil
		}
		return s
	}
	s, err := newSpec(bytes.Clone(b), nil)
	if err != nil {
		return nil
	}
	if s.index, err = s.scan(sampleShift, nil); err != nil {
		return nil
	}
	return s
}

// printLimit is what a printer may allocate for n bytes of types: its text,
// which grows by doubling, and what it knows of names.
func printLimit(n int) uint64 { return 12*textBase + (12*textPerByte+256)*uint64(n) }

func FuzzWriteC(f *testing.F) {
	seeds(f, func(b []byte) { f.Add(b, false) })
	for _, o := range orders {
		f.Add(clashes(o).bytes(), true)
	}
	f.Add(layouts(f, ".el").Bytes(), true)
	f.Fuzz(func(t *testing.T, b []byte, kernel bool) {
		s := readBoth(b, kernel)
		if s == nil {
			return
		}
		var out bytes.Buffer
		var err error
		fuzztest.Within(t, len(b), printLimit(len(b)), func() {
			out.Reset()
			err = WriteC(&out, s, nil)
		})
		if most := textBase + textPerByte*len(b); out.Len() > most {
			t.Fatalf("%d bytes of text of %d", out.Len(), len(b))
		}
		var again bytes.Buffer
		if err2 := WriteC(&again, s, nil); (err == nil) != (err2 == nil) || !bytes.Equal(out.Bytes(), again.Bytes()) {
			t.Fatal("printed twice, another text")
		}
	})
}

func FuzzValue(f *testing.F) {
	seeds(f, func(b []byte) { f.Add(b, false, uint32(3), []byte("some bytes of data"), uint8(0)) })
	s := layouts(f, ".eb")
	for id := range uint32(s.Len()) {
		f.Add(s.Bytes(), true, id, bytes.Repeat([]byte{1, 0, 0xfe}, 50), uint8(id))
	}
	f.Fuzz(func(t *testing.T, b []byte, kernel bool, id uint32, data []byte, how uint8) {
		s := readBoth(b, kernel)
		if s == nil {
			return
		}
		typ, ok := s.Type(ID(id % uint32(s.Len())))
		if !ok {
			t.Fatal("no type")
		}
		o := ValueOptions{JSON: how&1 != 0, SkipNames: how&2 != 0, SkipZeroes: how&4 != 0}
		if how&8 != 0 {
			o.Indent = " "
		}
		var text []byte
		var err error
		fuzztest.Within(t, len(b)+len(data), 8*(valueBase+valuePerByte*uint64(len(data)))+16*uint64(len(b)), func() {
			text, err = AppendValue(nil, typ, data, &o)
		})
		if len(text) > valueBase+valuePerByte*len(data) {
			t.Fatalf("%d bytes of text of %d", len(text), len(data))
		}
		if o.JSON && (err == nil || errors.Is(err, io.ErrUnexpectedEOF)) && !json.Valid(text) {
			t.Fatalf("no JSON: %s", text)
		}
	})
}

func FuzzWriteGo(f *testing.F) {
	seeds(f, func(b []byte) { f.Add(b, false) })
	f.Add(clashes(orders[0]).bytes(), true)
	f.Add(layouts(f, ".eb").Bytes(), true)
	f.Fuzz(func(t *testing.T, b []byte, kernel bool) {
		s := readBoth(b, kernel)
		if s == nil {
			return
		}
		var out bytes.Buffer
		var err error
		fuzztest.Within(t, len(b), printLimit(len(b)), func() {
			out.Reset()
			err = WriteGo(&out, s, nil)
		})
		if most := textBase + textPerByte*len(b); out.Len() > most {
			t.Fatalf("%d bytes of text of %d", out.Len(), len(b))
		}
		if err != nil {
			return
		}
		if text, err := format.Source(out.Bytes()); err != nil || !bytes.Equal(text, out.Bytes()) {
			t.Fatalf("not Go, or not as gofmt has it: %v\n%s", err, out.Bytes())
		}
	})
}

// FuzzMinimize: a relocation comes out against the little as it does against
// the whole.
func FuzzMinimize(f *testing.F) {
	var all [][]byte
	handmade(func(b []byte) { all = append(all, b) })
	for _, name := range []string{".el", "-later.el", ".eb"} {
		all = append(all, layouts(f, name).Bytes())
	}
	for i, a := range all {
		for _, b := range all[:i+1] {
			for kind := range uint32(coreKindCount) {
				f.Add(a, b, 4+uint32(i), kind, "0:1", uint32(i))
			}
		}
	}
	f.Fuzz(func(t *testing.T, lb, tb []byte, root, kind uint32, access string, second uint32) {
		local, err := Parse(lb)
		if err != nil {
			return
		}
		target, err := Parse(tb)
		if err != nil {
			return
		}
		relos := []*CORERelo{
			{COREKind(kind % uint32(coreKindCount)), ID(root), access},
			{COREKind(second % uint32(coreKindCount)), ID(root), access},
		}
		o := COREObject{local, relos}
		var little *Spec
		n := len(lb) + len(tb) + len(access)
		fuzztest.Within(t, n, 64*uint64(n)+256<<10, func() { little, err = Minimize([]*Spec{target}, o) })
		if err != nil {
			if !errors.Is(err, errNested) && !errors.Is(err, errPair) {
				t.Fatal(err)
			}
			return
		}
		a, b := NewRelocatorFor(local, target), NewRelocatorFor(local, little)
		for _, relo := range relos {
			fa, errA := a.Resolve(relo)
			fb, errB := b.Resolve(relo)
			if relo.Kind == CORETypeIDTarget {
				fa.New, fb.New = 0, 0
			}
			if errA == nil && (errB != nil || outcomeOf(fa) != outcomeOf(fb)) {
				t.Fatalf("%s: %+v, of the little %+v (%v)", relo.Describe(local), fa, fb, errB)
			}
		}
	})
}

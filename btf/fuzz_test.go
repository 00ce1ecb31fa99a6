package btf

import (
	"bytes"
	"encoding/binary"
	"runtime/debug"
	"testing"

	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/fuzztest"
)

func seeds(f *testing.F, add func(b []byte)) {
	for _, o := range orders {
		b := everyKind(o)
		add(b.bytes())
		add(b.blob([]byte{9, 9, 9, 9}, make([]byte, 4*int(kindCount))))
		c := newBuilder(o)
		localS(c)
		add(c.bytes())
		m := newBuilder(o)
		movedS(m)
		add(m.bytes())
	}
}

func FuzzParse(f *testing.F) {
	seeds(f, func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, b []byte) {
		var s *Spec
		var err error
		fuzztest.Check(t, len(b), func() { s, err = Parse(b) })
		if (err == nil) == (s == nil) {
			t.Fatal("error and value")
		}
		if err != nil {
			return
		}
		for _, l := range dump(s) {
			_ = l
		}
		for id := range ID(s.Len()) {
			s.Sizeof(id)
			s.Strip(id)
		}
		e := s.Edit()
		e.dirty = true
		again, err := e.Spec()
		if err != nil {
			t.Fatalf("parse, encode, parse: %v", err)
		}
		if a, b := dump(s), dump(again); len(a) != len(b) || !equalLines(a, b) {
			t.Fatal("parse, encode, parse gives other types")
		}
	})
}

func equalLines(a, b []string) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// FuzzKernel reads a blob as the kernel's: unchecked but for its records.
func FuzzKernel(f *testing.F) {
	seeds(f, func(b []byte) { f.Add(b, "s") })
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		s, err := newSpec(bytes.Clone(b), nil)
		if err != nil {
			return
		}
		finder := newFinder([]sought{{name: essential(name), kinds: anyKind}})
		if s.index, err = s.scan(sampleShift, finder); err != nil {
			return
		}
		for i, id := range finder.queries[0].ids {
			if typ, ok := s.typ(id); !ok || string(essential(typ.nameBytes())) != finder.queries[0].name {
				t.Fatalf("find %d: type %d is %q", i, id, typ.Name())
			}
		}
		_, _ = s.PointerSize(), dump(s)
		for id := range ID(s.Len()) {
			s.Sizeof(id)
			s.Strip(id)
		}
	})
}

func FuzzExt(f *testing.F) {
	for _, o := range orders {
		s, sec, file, access := extFixture(f, o)
		f.Add(extBlob(o, 32, table(o, 8, []uint32{sec, 1, 0, 14}), table(o, 16, []uint32{sec, 1, 0, file, file, 1}), table(o, 16, []uint32{sec, 1, 0, 5, access, 0})), o == binary.BigEndian)
		_ = s
	}
	le, _, _, _ := extFixture(f, binary.LittleEndian)
	be, _, _, _ := extFixture(f, binary.BigEndian)
	f.Fuzz(func(t *testing.T, b []byte, big bool) {
		s := le
		if big {
			s = be
		}
		var e *Ext
		var err error
		fuzztest.Check(t, len(b), func() { e, err = ParseExt(b, s) })
		if (err == nil) == (e == nil) {
			t.Fatal("error and value")
		}
	})
}

func FuzzCORE(f *testing.F) {
	var all [][]byte
	seeds(f, func(b []byte) { all = append(all, b) })
	for i, a := range all {
		for _, b := range all[:i+1] {
			f.Add(a, b, uint32(4), uint32(i), "0:1")
		}
	}
	f.Fuzz(func(t *testing.T, lb, tb []byte, root, kind uint32, access string) {
		local, err := Parse(lb)
		if err != nil {
			return
		}
		target, err := Parse(tb)
		if err != nil {
			return
		}
		r := NewRelocatorFor(local, target)
		relo := &CORERelo{COREKind(kind % uint32(coreKindCount+1)), ID(root), access}
		fix, err := r.Resolve(relo)
		if err != nil && fix != (Fixup{}) {
			t.Fatal("error and value")
		}
		if fix.Poison && fix.Why == "" && err == nil && fix.Target == 0 {
			t.Fatal("poison without a reason")
		}
		if again, err2 := r.Resolve(relo); again != fix || (err == nil) != (err2 == nil) {
			t.Fatal("asked again, another answer")
		}
	})
}

func FuzzSanitize(f *testing.F) {
	seeds(f, func(b []byte) { f.Add(b, uint32(1<<32-1)) })
	f.Fuzz(func(t *testing.T, b []byte, missing uint32) {
		s, err := Parse(b)
		if err != nil {
			return
		}
		var set feature.Set
		for id := range feature.Count {
			if missing>>id&1 != 0 {
				set.Learn(id, feature.No)
			}
		}
		before := bytes.Clone(s.Bytes())
		got := Sanitize(s, &set)
		if !bytes.Equal(before, s.Bytes()) {
			t.Fatal("the input changed")
		}
		if got.Len() < s.Len() || got.Len() > s.Len()+1 {
			t.Fatalf("%d types became %d", s.Len(), got.Len())
		}
		if again := Sanitize(got, &set); again != got && !bytes.Equal(again.Bytes(), got.Bytes()) {
			t.Fatal("sanitizing twice changes more")
		}
	})
}

// TestMemory checks the ceiling where growth would show: many small types.
func TestMemory(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	b := newBuilder(binary.LittleEndian)
	b.int("int", 4, 0)
	for range 50000 {
		b.ref(KindTypedef, "", 1)
	}
	chain := newBuilder(binary.LittleEndian)
	chain.int("int", 4, 0)
	for i := range 50000 {
		chain.ref(KindTypedef, "", ID(min(i+3, 50001)%50001+1))
	}
	strs := newBuilder(binary.LittleEndian)
	strs.int(string(bytes.Repeat([]byte{'x'}, 1<<20)), 4, 0)
	for name, blob := range map[string][]byte{"types": b.bytes(), "chain": chain.bytes(), "strings": strs.bytes()} {
		n := fuzztest.Allocated(func() { Parse(blob) })
		t.Logf("%s: %d bytes of input, %d allocated (%.1f)", name, len(blob), n, float64(n)/float64(len(blob)))
		if n > fuzztest.Ceiling(len(blob)) {
			t.Errorf("%s: %d bytes of input: %d bytes allocated", name, len(blob), n)
		}
	}
}

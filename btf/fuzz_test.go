package btf

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/elffile"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/fuzztest"
)

func seeds(f *testing.F, add func(b []byte)) {
	handmade(add)
	for _, b := range craftedBlobs() {
		add(b)
	}
	for _, o := range objectSections(f, ".BTF") {
		add(o[0])
	}
}

// handmade are small sound blobs.
func handmade(add func(b []byte)) {
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

// objectSections are the contents of these sections in test objects of both
// byte orders that have them all.
func objectSections(t testing.TB, names ...string) [][][]byte {
	paths, err := filepath.Glob("../testdata/*.o")
	if err != nil || len(paths) == 0 {
		t.Fatal("no test objects", err)
	}
	var all [][][]byte
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := elffile.OpenBytes(b)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		var parts [][]byte
		for _, name := range names {
			if i, ok := f.Section(name); ok {
				data, err := f.Data(i)
				if err != nil {
					t.Fatalf("%s: %s: %v", path, name, err)
				}
				parts = append(parts, bytes.Clone(data))
			}
		}
		if len(parts) == len(names) {
			all = append(all, parts)
		}
	}
	return all
}

func FuzzParse(f *testing.F) {
	seeds(f, func(b []byte) { f.Add(b) })
	f.Fuzz(checkParse)
}

// checkParse: what parses can be read to the end, its names find it, and it
// encodes to what parses the same.
func checkParse(t *testing.T, b []byte) {
	var s *Spec
	var err error
	fuzztest.Check(t, len(b), func() { s, err = Parse(b) })
	if (err == nil) == (s == nil) {
		t.Fatal("error and value")
	}
	if err != nil {
		return
	}
	checkTypes(t, s)
	e := s.Edit()
	e.dirty = true
	again, err := e.Spec()
	if err != nil {
		t.Fatalf("parse, encode, parse: %v", err)
	}
	if a, b := dump(s), dump(again); len(a) != len(b) || !equalLines(a, b) {
		t.Fatal("parse, encode, parse gives other types")
	}
}

// checkTypes asks for everything that is known of the types of a sound Spec.
func checkTypes(t *testing.T, s *Spec) {
	t.Helper()
	left := 50 // searches by name: each goes through all types
	for id := range ID(s.Len()) {
		typ, ok := s.Type(id)
		if !ok {
			t.Fatalf("no type %d of %d", id, s.Len())
		}
		s.Sizeof(id)
		if st, ok := s.Strip(id); ok && (st.Kind() == KindTypedef || st.Kind() == KindConst) {
			t.Fatalf("type %d is %s when stripped", id, st.Kind())
		}
		if left--; left < 0 {
			continue
		}
		checkLayout(t, typ)
		if typ.Name() == "" {
			continue
		}
		if found, ok := s.ByName(typ.Name(), typ.Kind()); !ok || found.Name() != typ.Name() || found.Kind() != typ.Kind() {
			t.Fatalf("type %d: %s %q is not found by its name", id, typ.Kind(), typ.Name())
		}
	}
}

// checkLayout asks where things are in a type.
func checkLayout(t *testing.T, typ Type) {
	t.Helper()
	s := typ.Spec()
	if n, err := s.Alignof(typ.ID()); (err == nil) != (n > 0) || n > 16 {
		t.Fatalf("type %d: %d bytes of alignment, %v", typ.ID(), n, err)
	}
	if p, ok := typ.Proto(); ok && p.Kind() != KindFuncProto {
		t.Fatalf("type %d leads to a %s", typ.ID(), p.Kind())
	}
	typ.Elem()
	for i := range min(typ.Vlen(), 3) {
		m := typ.Member(i)
		if at, ok := typ.MemberAt(m.Offset); ok && at.Offset > m.Offset {
			t.Fatalf("type %d: %+v at bit %d", typ.ID(), at, m.Offset)
		}
		if m.Name == "" {
			continue
		}
		first, ok := typ.MemberByName(m.Name)
		if ok && (first.Name != m.Name || i == 0 && first != m) {
			t.Fatalf("type %d: %+v for %+v", typ.ID(), first, m)
		}
		if at, err := typ.Offsetof(m.Name); err == nil && at != first && !strings.ContainsAny(m.Name, ".[") {
			t.Fatalf("type %d: %+v, by its path %+v", typ.ID(), first, at)
		}
		typ.Offsetof(m.Name + "[1]." + m.Name)
	}
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

func FuzzCORE(f *testing.F) {
	var all [][]byte
	handmade(func(b []byte) { all = append(all, b) })
	for _, b := range objectSections(f, ".BTF") {
		f.Add(b[0], b[0], uint32(4), uint32(0), "0:1")
	}
	for name, b := range craftedBlobs() { // all kinds of all: TestCraftedCORE
		if strings.HasPrefix(name, "d") { // deep, doubling
			f.Add(b, b, uint32(40), uint32(len(name))%uint32(coreKindCount), "0:0:0:0")
		}
	}
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
		var fix Fixup
		fuzztest.Check(t, len(lb)+len(tb)+len(access), func() {
			r = NewRelocatorFor(local, target)
			fix, err = r.Resolve(relo)
		})
		if err != nil && fix != (Fixup{}) {
			t.Fatal("error and value")
		}
		if fix.Poison && fix.Why == "" && err == nil && fix.Target == 0 {
			t.Fatal("poison without a reason")
		}
		if again, err2 := r.Resolve(relo); again != fix || (err == nil) != (err2 == nil) {
			t.Fatal("asked again, another answer")
		}
		slow := NewRelocatorFor(local, target)
		slow.slow = true
		if other, err2 := slow.Resolve(relo); other != fix || (err == nil) != (err2 == nil) {
			t.Fatalf("resolved step by step: %+v, %v, and at once %+v, %v", other, err2, fix, err)
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
		var got *Spec
		fuzztest.Check(t, 2*len(b), func() { got = Sanitize(s, &set) })
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

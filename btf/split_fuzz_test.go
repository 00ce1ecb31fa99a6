package btf

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/skepbpf/skep/internal/fuzztest"
)

// splitSeeds adds pairs of a base and what continues it.
func splitSeeds(f *testing.F, add func(base, split []byte)) {
	fsys := fakeKernel(f)
	for _, name := range []string{"nfs", "ext4", "broken"} {
		add(fsys["sys/kernel/btf/vmlinux"].Data, fsys["sys/kernel/btf/"+name].Data)
	}
	for _, o := range orders {
		base := everyKind(o)
		split := newBuilder(o)
		split.strs = nil
		split.words(1, uint32(KindTypedef)<<24, 1)         // named by the base
		split.words(0, uint32(KindPtr)<<24, base.n)        // to the one before it
		split.words(0, uint32(KindConst)<<24, base.n+2)    // to itself
		split.words(1<<20, uint32(KindTypedef)<<24, 1<<30) // to nothing
		add(base.bytes(), split.bytes())
		add(base.bytes(), base.bytes())
	}
}

// FuzzParseSplit: types that continue a base leave the base as it is, can be
// read to the end, and encode to what parses the same.
func FuzzParseSplit(f *testing.F) {
	splitSeeds(f, func(base, split []byte) { f.Add(base, split) })
	f.Fuzz(func(t *testing.T, bb, sb []byte) {
		base, err := Parse(bb)
		if err != nil {
			return
		}
		var s *Spec
		fuzztest.Check(t, len(bb)+len(sb), func() { s, err = ParseSplit(sb, base) })
		if (err == nil) == (s == nil) {
			t.Fatal("error and value")
		}
		if err != nil {
			return
		}
		if s.Base() != base || s.Len() < base.Len() {
			t.Fatalf("%d types on a base of %d", s.Len(), base.Len())
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
	})
}

// FuzzModules searches a kernel of vmlinux and a module, either of which may
// be anything. What is found has the name, and is found again by another way.
func FuzzModules(f *testing.F) {
	splitSeeds(f, func(base, split []byte) { f.Add(base, split, "shared"); f.Add(base, split, "bio") })
	f.Fuzz(func(t *testing.T, vmlinux, module []byte, name string) {
		kernel := func() *Kernel {
			return NewKernel(fstest.MapFS{"sys/kernel/btf/vmlinux": {Data: vmlinux}, "sys/kernel/btf/m": {Data: module}})
		}
		k := kernel()
		defer k.Close()
		where, typ, err := k.FindType(name, KindVoid)
		if err == nil && essential(typ.Name()) != name {
			t.Fatalf("%q found for %q", typ.Name(), name)
		}
		// Asked for among others beforehand, it must be the same.
		ahead := kernel()
		defer ahead.Close()
		_ = ahead.Find(Query{Name: "other"}, Query{Name: name}, Query{Name: name, Kind: KindStruct})
		where2, typ2, err2 := ahead.FindType(name, KindVoid)
		if where != where2 || typ.ID() != typ2.ID() || (err == nil) != (err2 == nil) {
			t.Fatalf("%s type %d, %v; looked for ahead: %s type %d, %v", where, typ.ID(), err, where2, typ2.ID(), err2)
		}
	})
}

// FuzzImage reads the BTF of a kernel image: of its own size at most.
func FuzzImage(f *testing.F) {
	f.Add(everyKind(orders[0]).bytes())
	paths, err := filepath.Glob("../testdata/*.o")
	if err != nil || len(paths) == 0 {
		f.Fatal("no test objects", err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, o := range orders {
		b := everyKind(o).bytes()
		f.Add(elfOf(1, o, map[string][]byte{".BTF": b, ".BTF.base": b, ".BTF.ext": b}))
	}
	f.Add([]byte("\x7fELF"))
	f.Add(append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 57)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		fuzztest.Check(t, len(b), func() {
			got, err := fileBTF(bytes.NewReader(b), int64(len(b)))
			if err != nil && got != nil || len(got) > len(b) {
				t.Errorf("%d bytes of %d, %v", len(got), len(b), err)
			}
		})
		fuzztest.Check(t, 2*len(b), func() {
			file, err := ReadFile(bytes.NewReader(b), int64(len(b)), nil)
			if (err == nil) == (file == nil) || file != nil && file.Types == nil {
				t.Errorf("error and value: %v", err)
			}
		})
	})
}

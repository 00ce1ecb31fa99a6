package btf

import (
	"testing"

	"github.com/skepbpf/skep/internal/fuzztest"
)

// FuzzExt: the records of .BTF.ext come sorted, without two for one place, and
// refer to what the types have.
func FuzzExt(f *testing.F) {
	for _, o := range orders {
		s, sec, file, access := extFixture(f, o)
		funcs, lines := table(o, 8, []uint32{sec, 1, 0, 14}), table(o, 16, []uint32{sec, 1, 0, file, file, 1})
		f.Add(s.Bytes(), extBlob(o, 32, funcs, lines, table(o, 16, []uint32{sec, 1, 0, 5, access, 0})))
		f.Add(s.Bytes(), extBlob(o, 24, funcs, lines))
		f.Add(s.Bytes(), extBlob(o, 64, funcs, lines))
		// Lines out of order, more records than bytes, the largest record, the
		// same section many times.
		f.Add(s.Bytes(), extBlob(o, 32, funcs, table(o, 16, []uint32{sec, 2, 16, file, file, 1, 8, file, file, 1})))
		f.Add(s.Bytes(), extBlob(o, 32, funcs, table(o, 16, []uint32{sec, 1 << 31, 16, file, file, 1})))
		f.Add(s.Bytes(), extBlob(o, 32, table(o, 1<<31, []uint32{sec, 2, 0, 14})))
		var many []uint32
		for i := range uint32(200) {
			many = append(many, sec, 1, 8*(200-i), 14)
		}
		f.Add(s.Bytes(), extBlob(o, 32, table(o, 8, many)))
	}
	for _, o := range objectSections(f, ".BTF", ".BTF.ext") {
		f.Add(o[0], o[1])
	}
	f.Fuzz(func(t *testing.T, types, b []byte) {
		s, err := Parse(types)
		if err != nil {
			return
		}
		var e *Ext
		fuzztest.Check(t, len(b), func() { e, err = ParseExt(b, s) })
		if (err == nil) == (e == nil) {
			t.Fatal("error and value")
		}
		if err != nil {
			return
		}
		for i := range e.Sections {
			checkExtSection(t, s, &e.Sections[i])
			if e.Section(e.Sections[i].Name) != &e.Sections[i] {
				t.Fatalf("section %q is there twice", e.Sections[i].Name)
			}
		}
	})
}

func checkExtSection(t *testing.T, s *Spec, sec *ExtSection) {
	for i, r := range sec.Funcs {
		if typ, ok := s.Type(r.Type); !ok || typ.Kind() != KindFunc || i > 0 && r.Off <= sec.Funcs[i-1].Off {
			t.Fatalf("func_info %d: %+v", i, r)
		}
	}
	for i, r := range sec.Lines {
		_, file := s.String(r.File)
		_, text := s.String(r.Text)
		if !file || !text || i > 0 && r.Off <= sec.Lines[i-1].Off {
			t.Fatalf("line_info %d: %+v", i, r)
		}
	}
	for i, r := range sec.CORE {
		if _, ok := s.Type(r.Root); !ok || i > 0 && r.Off <= sec.CORE[i-1].Off {
			t.Fatalf("core_relo %d: %+v", i, r)
		}
		_ = r.Describe(s)
	}
}

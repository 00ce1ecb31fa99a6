package elffile

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// eachByAt is EachDefined by means of At and Name.
func eachByAt(t *Symbols, typ uint8) (found []string, at []int, err error) {
	for i := 1; i < t.Len(); i++ {
		s, err := t.At(i)
		if err != nil {
			return found, at, err
		}
		if s.Type() != typ || !s.Defined() {
			continue
		}
		name, err := t.Name(s)
		if err != nil {
			return found, at, err
		}
		found, at = append(found, name), append(at, i)
	}
	return found, at, nil
}

// checkEach compares the two.
func checkEach(t *testing.T, s *Symbols) {
	t.Helper()
	for _, typ := range []uint8{SymNoType, SymObject, SymFunc} {
		want, wantAt, wantErr := eachByAt(s, typ)
		var got []string
		var at []int
		err := s.EachDefined(typ, func(i int, name string) bool {
			got, at = append(got, name), append(at, i)
			return true
		})
		if d := cmp.Diff(want, got) + cmp.Diff(wantAt, at); d != "" {
			t.Errorf("type %d: %s", typ, d)
		}
		if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Errorf("type %d: error %v, want %v", typ, err, wantErr)
		}
	}
}

func TestEachDefined(t *testing.T) {
	for _, class := range []Class{Class32, Class64} {
		files := [][]byte{sample(class, binary.LittleEndian).bytes(), sample(class, binary.BigEndian).bytes()}
		for _, b := range append(files, crafted(class)...) {
			f, err := OpenBytes(b)
			if err != nil {
				continue
			}
			if s, err := f.Symbols(); err == nil {
				checkEach(t, s)
			}
		}
	}
	f, err := OpenBytes(sample(Class64, binary.BigEndian).bytes())
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, typ := range []uint8{SymNoType, SymObject, SymFunc} {
		if err := s.EachDefined(typ, func(int, string) bool { n++; return true }); err != nil {
			t.Error(err)
		}
	}
	if n == 0 {
		t.Error("no symbol")
	}
}

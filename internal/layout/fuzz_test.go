package layout

import (
	"errors"
	"reflect"
	"testing"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/fuzztest"
)

// goTypes are what FuzzCheck compares C types with.
var goTypes = []any{
	uint8(0), int32(0), uint64(0), false, float64(0), [8]byte{}, [16]uint32{}, [2][2]uint16{}, struct{}{},
	struct{ A, B uint32 }{}, struct {
		A uint8
		_ [7]byte
		B struct{ C, D uint16 }
		E [3]struct{ F uint8 }
	}{}, struct{ _ [64]byte }{}, struct{ P *int }{}, [1 << 20]uint64{},
}

// FuzzCheck: a Go type that may stand for a C type has its size.
func FuzzCheck(f *testing.F) {
	for _, b := range [][]byte{doubling(btf.KindUnion), doubling(btf.KindStruct), sample(f).Bytes()} {
		for i := range goTypes {
			for _, id := range []uint32{1, 3, 30, 41} {
				f.Add(b, id, uint8(i))
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, id uint32, typ uint8) {
		s, err := btf.Parse(b)
		if err != nil {
			return
		}
		g := reflect.TypeOf(goTypes[int(typ)%len(goTypes)])
		// Each visit may leave an error behind that nobody sees.
		fuzztest.Within(t, len(b), fuzztest.Ceiling(len(b))+256*maxVisits, func() { err = Check(g, s, btf.ID(id)) })
		var le *Error
		if err != nil && !errors.As(err, &le) {
			t.Fatalf("error %v", err)
		}
		if size, sizeErr := s.Sizeof(btf.ID(id)); err == nil && (sizeErr != nil || uint64(size) != uint64(g.Size())) {
			t.Fatalf("%v of %d bytes stands for %d bytes, %v", g, g.Size(), size, sizeErr)
		}
	})
}

// doubling is a chain of anonymous unions or structs, each of which holds the
// one before it twice: a walk that visits all members never ends.
func doubling(kind btf.Kind) []byte {
	b := newTypes()
	id := b.add("u32", btf.KindInt, 0, 4, 32)
	for range 40 {
		id = b.compound("", kind, 8, mem{"", id, 0, 0}, mem{"", id, 0, 0})
	}
	return b.bytes()
}

// sample has a struct of everything.
func sample(t testing.TB) *btf.Spec {
	b := newTypes()
	u8, u32 := b.add("u8", btf.KindInt, 0, 1, 8), b.add("u32", btf.KindInt, 0, 4, 32)
	comm := b.add("", btf.KindArray, 0, 0, u8, u32, 16)
	point := b.compound("point", btf.KindStruct, 8, mem{"x", u32, 0, 0}, mem{"y", u32, 32, 0})
	union := b.compound("", btf.KindUnion, 8, mem{"p", point, 0, 0}, mem{"b", u8, 0, 0})
	b.compound("event", btf.KindStruct, 40, mem{"pid", u32, 0, 0}, mem{"", union, 64, 0}, mem{"comm", comm, 128, 0}, mem{"at", point, 256, 0})
	b.compound("bits", btf.KindStruct, 8, mem{"a", u32, 0, 3}, mem{"b", u32, 3, 29}, mem{"c", u32, 32, 0})
	return b.spec(t)
}

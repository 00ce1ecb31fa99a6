package layout

import (
	"encoding/binary"
	"errors"
	"reflect"
	"testing"

	"github.com/skepbpf/skep/btf"
)

// types writes BTF by hand: what a compiler writes is tested by those who load
// objects.
type types struct {
	types, strs []byte
	n           uint32
}

func newTypes() *types { return &types{strs: []byte{0}} }

func (b *types) str(s string) uint32 {
	if s == "" {
		return 0
	}
	at := uint32(len(b.strs))
	b.strs = append(append(b.strs, s...), 0)
	return at
}

func (b *types) add(name string, k btf.Kind, vlen, size uint32, words ...uint32) uint32 {
	for _, w := range append([]uint32{b.str(name), uint32(k)<<24 | vlen, size}, words...) {
		b.types = binary.LittleEndian.AppendUint32(b.types, w)
	}
	b.n++
	return b.n
}

type mem struct {
	name           string
	typ, off, bits uint32 // off in bits
}

// compound adds a struct or union.
func (b *types) compound(name string, k btf.Kind, size uint32, ms ...mem) uint32 {
	var words []uint32
	flag := uint32(0)
	for _, m := range ms {
		if m.bits != 0 {
			flag = 1 << 31
		}
	}
	for _, m := range ms {
		off := m.off
		if flag != 0 {
			off |= m.bits << 24
		}
		words = append(words, b.str(m.name), m.typ, off)
	}
	return b.add(name, k, uint32(len(ms))|flag, size, words...)
}

// bytes is the blob.
func (b *types) bytes() []byte {
	o := binary.LittleEndian
	raw := append(o.AppendUint16(nil, 0xeb9f), 1, 0)
	for _, w := range []uint32{24, 0, uint32(len(b.types)), uint32(len(b.types)), uint32(len(b.strs))} {
		raw = o.AppendUint32(raw, w)
	}
	return append(append(raw, b.types...), b.strs...)
}

func (b *types) spec(t testing.TB) *btf.Spec {
	t.Helper()
	s, err := btf.Parse(b.bytes())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type bytes8 [8]byte

func TestCheck(t *testing.T) {
	b := newTypes()
	u8 := b.add("u8", btf.KindInt, 0, 1, 8)
	u32 := b.add("u32", btf.KindInt, 0, 4, 32)
	u64 := b.add("u64", btf.KindInt, 0, 8, 64)
	u128 := b.add("u128", btf.KindInt, 0, 16, 128)
	boolean := b.add("_Bool", btf.KindInt, 0, 1, 4<<24|8)
	f64 := b.add("double", btf.KindFloat, 0, 8)
	enum := b.add("color", btf.KindEnum, 0, 4)
	enum64 := b.add("wide", btf.KindEnum64, 0, 8)
	ptr := b.add("", btf.KindPtr, 0, u32)
	typedef := b.add("u32_t", btf.KindTypedef, 0, u32)
	konst := b.add("", btf.KindConst, 0, typedef)
	comm := b.add("", btf.KindArray, 0, 0, u8, u32, 16)
	none := b.add("", btf.KindArray, 0, 0, u8, u32, 0)
	point := b.compound("point", btf.KindStruct, 8, mem{"x", u32, 0, 0}, mem{"y", u32, 32, 0})
	points := b.add("", btf.KindArray, 0, 0, point, u32, 2)
	union := b.compound("u", btf.KindUnion, 8, mem{"p", point, 0, 0}, mem{"n", u64, 0, 0}, mem{"b", u8, 0, 0})
	event := b.compound("event", btf.KindStruct, 40, mem{"pid", u32, 0, 0}, mem{"ts", u64, 64, 0},
		mem{"comm", comm, 128, 0}, mem{"at", point, 256, 0}, mem{"more", none, 320, 0})
	anonS := b.compound("", btf.KindStruct, 8, mem{"a", u32, 0, 0}, mem{"b", u32, 32, 0})
	anonU := b.compound("", btf.KindUnion, 8, mem{"q", u64, 0, 0}, mem{"r", u32, 0, 0})
	anon := b.compound("anon", btf.KindStruct, 24, mem{"n", u64, 0, 0}, mem{"", anonS, 64, 0}, mem{"", anonU, 128, 0})
	bits := b.compound("bits", btf.KindStruct, 8, mem{"a", u32, 0, 3}, mem{"b", u32, 3, 29}, mem{"c", u32, 32, 0})
	fn := b.add("", btf.KindFuncProto, 0, 0)
	s := b.spec(t)

	type pt struct{ X, Y uint32 }
	for _, tt := range []struct {
		name string
		v    any
		id   uint32
		want string
	}{
		{"int", uint32(0), u32, ""},
		{"signedness", int32(0), u32, ""},
		{"through const and typedef", uint32(0), konst, ""},
		{"int size", uint64(0), u32, "type: 8 bytes in Go, 4 in C (Go uint64 at offset 0, C u32 at offset 0)"},
		{"machine's int", int(0), u64, "type: int has no fixed size (Go int at offset 0, C u64 at offset 0)"},
		{"float for int", float64(0), u64, "type: not an integer (Go float64 at offset 0, C u64 at offset 0)"},
		{"bool", false, boolean, ""},
		{"bool as byte", uint8(0), boolean, ""},
		{"bool for u32", false, u32, "type: not an integer (Go bool at offset 0, C u32 at offset 0)"},
		{"128 bits", [2]uint64{}, u128, ""},
		{"128 bits as bytes", [16]byte{}, u128, ""},
		{"128 bits short", [8]byte{}, u128, "type: 8 bytes in Go, 16 in C (Go [8]uint8 at offset 0, C u128 at offset 0)"},
		{"float", float64(0), f64, ""},
		{"float size", float32(0), f64, "type: 4 bytes in Go, 8 in C (Go float32 at offset 0, C double at offset 0)"},
		{"int for float", uint64(0), f64, "type: not a float (Go uint64 at offset 0, C double at offset 0)"},
		{"enum", uint32(0), enum, ""},
		{"enum64", int64(0), enum64, ""},
		{"pointer", uint64(0), ptr, ""},
		{"Go pointer", new(uint32), ptr, "type: a kernel pointer is a uint64 (Go *uint32 at offset 0, C pointer at offset 0)"},
		{"array", [16]int8{}, comm, ""},
		{"array length", [15]int8{}, comm, "type: 15 elements in Go, 16 in C (Go [15]int8 at offset 0, C u8[16] at offset 0)"},
		{"no array", uint64(0), comm, "type: not an array (Go uint64 at offset 0, C u8[16] at offset 0)"},
		{"array of structs", [2]pt{}, points, ""},
		{"element", [2]struct{ X, Y float32 }{}, points, "field [].X: not an integer (Go float32 at offset 0, C u32 at offset 0)"},
		{"opaque struct", [8]byte{}, point, ""},
		{"named bytes", bytes8{}, point, ""},
		{"union as bytes", [8]byte{}, union, ""},
		{"union by member", uint64(0), union, ""},
		{"union by struct", pt{}, union, ""},
		{"union, other", float64(0), union, "type: no member of the union is like this; [8]byte would do (Go float64 at offset 0, C union u at offset 0)"},
		{"union size", uint8(0), union, "type: 1 bytes in Go, 8 in C (Go uint8 at offset 0, C union u at offset 0)"},
		{"function", uint64(0), fn, "type: the C type has no size (Go uint64 at offset 0, C func_proto at offset 0)"},
		{"missing", uint64(0), 999, "type: no such C type (Go uint64 at offset 0, C type 999 at offset 0)"},

		{"struct", struct {
			PID  uint32
			_    [4]byte
			TS   uint64
			Comm [16]byte
			At   pt
		}{}, event, ""},
		{"blank over members", struct {
			PID uint32
			_   [28]byte
			At  pt
		}{}, event, ""},
		{"order", struct {
			TS   uint64
			PID  uint32
			_    [4]byte
			Comm [16]byte
			At   pt
		}{}, event, "field TS: 8 bytes in Go, 4 in C (Go uint64 at offset 0, C u32 at offset 0)"},
		{"packed in C only", struct {
			PID  uint32
			More uint32
			TS   uint64
		}{}, event, "field More: offset 4 in Go, 8 in C (member ts) (Go uint32 at offset 4, C u64 at offset 8)"},
		{"deep", struct {
			PID  uint32
			_    [4]byte
			TS   uint64
			Comm [16]byte
			At   struct{ X, Y int16 }
		}{}, event, "field At.X: 2 bytes in Go, 4 in C (Go int16 at offset 32, C u32 at offset 32)"},
		{"field missing", struct {
			PID uint32
			_   [4]byte
			TS  uint64
		}{}, event, "field comm: C member comm has no Go field (Go nothing at offset 16, C u8[16] at offset 16)"},
		{"field too many", struct{ X, Y, Z uint32 }{}, point, "field Z: no C member is left for it (Go uint32 at offset 8, C nothing)"},
		{"tail too long", struct {
			X, Y uint32
			_    [8]byte
		}{}, point, "type: 16 bytes in Go, 8 in C (Go struct { X uint32; Y uint32; _ [8]uint8 } at offset 0, C struct point at offset 0)"},
		{"no struct", uint64(0), point, "type: not a struct (Go uint64 at offset 0, C struct point at offset 0)"},

		{"anonymous, flat", struct {
			N    uint64
			A, B uint32
			U    uint64
		}{}, anon, ""},
		{"anonymous, nested", struct {
			N uint64
			S struct{ A, B uint32 }
			U [8]byte
		}{}, anon, ""},
		{"bitfields", struct {
			AB uint32
			C  uint32
		}{}, bits, ""},
		{"bitfields too narrow", struct {
			A uint16
			B uint16
			C uint32
		}{}, bits, "field B: bitfield b needs an integer that covers it (Go uint16 at offset 2, C u32 at offset 0)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := Check(reflect.TypeOf(tt.v), s, btf.ID(tt.id))
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var le *Error
			if !errors.As(err, &le) || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
	if err := Check(nil, s, btf.ID(u32)); err == nil {
		t.Error("no Go type")
	}
}

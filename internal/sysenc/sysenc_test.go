package sysenc

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type inner struct {
	A uint8
	B uint16
}
type padded struct {
	A uint32
	_ [4]byte
	B uint64
	C uint8
	D [2]inner
}

func TestLayoutOf(t *testing.T) {
	for _, tt := range []struct {
		name string
		v    any
		gaps []gap
		err  string
	}{
		{name: "int", v: uint32(0)},
		{name: "array", v: [3]uint16{}},
		{name: "tight", v: struct{ A, B uint32 }{}},
		{name: "hole", v: struct {
			A uint8
			B uint32
		}{}, gaps: []gap{{1, 3}}},
		{name: "tail", v: struct {
			B uint32
			A uint8
		}{}, gaps: []gap{{5, 3}}},
		{name: "nested", v: padded{}, gaps: []gap{{4, 4}, {17, 1}, {19, 1}, {23, 1}, {26, 6}}},
		{name: "big", v: [1 << 20]uint64{}},
		{name: "pointer", v: struct{ A struct{ P *int } }{}, err: "field A.P: *int holds a pointer"},
		{name: "blank pointer", v: struct{ _ *int }{}, err: "field _: *int holds a pointer"},
		{name: "string", v: "", err: "type string: string holds a pointer"},
		{name: "int", v: [2]int{}, err: "field []: int has no fixed size"},
		{name: "nil", v: nil, err: "nil has no size"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := LayoutOf(reflect.TypeOf(tt.v))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.gaps, l.gaps, cmp.AllowUnexported(gap{})); d != "" && reflect.TypeOf(uintptr(0)).Size() == 8 {
				t.Error(d)
			}
		})
	}
}

func TestPaddingIsCleared(t *testing.T) {
	l, err := LayoutOf(reflect.TypeFor[padded]())
	if err != nil {
		t.Fatal(err)
	}
	vs := make([]padded, 2)
	b := SliceBytes(vs)
	for i := range b {
		b[i] = 0xff
	}
	l.Clear(b)
	want := padded{A: 1<<32 - 1, B: 1<<64 - 1, C: 255, D: [2]inner{{255, 65535}, {255, 65535}}}
	if vs[0].A != want.A || vs[1].B != want.B || vs[1].C != want.C || vs[0].D != want.D {
		t.Errorf("a field was cleared: %+v", vs)
	}
	for i := range vs {
		enc, err := Encode(want, l.Size)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(enc, b[i*l.Size:][:l.Size]) {
			t.Errorf("value %d: % x\nwant % x", i, b[i*l.Size:][:l.Size], enc)
		}
	}
}

func TestEncode(t *testing.T) {
	u64 := func(n uint64) []byte { return binary.NativeEndian.AppendUint64(nil, n) }
	u32 := func(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }
	var nilp *uint32
	type pair struct{ A, B uint32 }
	for _, tt := range []struct {
		name string
		v    any
		size int
		want []byte
		err  string
	}{
		{"bytes", []byte{1, 2, 3}, 3, []byte{1, 2, 3}, ""},
		{"bytes size", []byte{1, 2}, 3, nil, "[]uint8 has 2 bytes, the kernel's size is 3"},
		{"u8", uint8(7), 1, []byte{7}, ""},
		{"i16", int16(-1), 2, []byte{255, 255}, ""},
		{"u32", uint32(7), 4, u32(7), ""},
		{"u32 size", uint32(7), 8, nil, "uint32 has 4 bytes"},
		{"i64", int64(-2), 8, u64(1<<64 - 2), ""},
		{"int as u32", 7, 4, u32(7), ""},
		{"negative int", -1, 4, u32(1<<32 - 1), ""},
		{"int too big", 1 << 8, 1, nil, "256 does not fit in 1 bytes"},
		{"int too small", -129, 1, nil, "-129 does not fit"},
		{"uint as u64", uint(9), 8, u64(9), ""},
		{"int odd size", 9, 3, nil, "int cannot stand for 3 bytes"},
		{"struct", pair{1, 2}, 8, append(u32(1), u32(2)...), ""},
		{"pointer", &pair{1, 2}, 8, append(u32(1), u32(2)...), ""},
		{"named", time(5), 8, u64(5), ""},
		{"nil pointer", nilp, 4, nil, "nil *uint32 has no bytes"},
		{"nil", nil, 4, nil, "nil has no bytes"},
		{"nothing", nil, 0, nil, ""},
		{"string", "abc", 3, nil, "holds a pointer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Encode(tt.v, tt.size)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil || !bytes.Equal(got, tt.want) {
				t.Fatalf("got % x, %v; want % x", got, err, tt.want)
			}
			if tt.v == nil {
				return
			}
			if p := reflect.New(reflect.TypeOf(tt.v)); p.Elem().Kind() != reflect.Pointer && p.Elem().Kind() != reflect.Int && p.Elem().Kind() != reflect.Uint {
				if err := Decode(got, p.Interface()); err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(tt.v, p.Elem().Interface()); d != "" {
					t.Errorf("decoded: %s", d)
				}
			}
		})
	}
}

type time int64

func TestDecodeErrors(t *testing.T) {
	var n uint32
	var s string
	for _, v := range []any{n, nil, (*uint64)(nil), &s, &struct{ A uint64 }{}} {
		if err := Decode([]byte{1, 2}, v); err == nil {
			t.Errorf("%T: no error", v)
		}
	}
}

func TestView(t *testing.T) {
	b := SliceBytes(make([]uint64, 2))
	if View[uint64](b) == nil || View[[2]uint64](b) == nil || View[struct{}](nil) == nil {
		t.Error("no view")
	}
	if View[uint64](b[:7]) != nil || View[uint32](b[1:]) != nil || View[uint16](nil) != nil {
		t.Error("view of bytes that do not fit")
	}
	if n := len(ViewSlice[uint32](b[:15])); n != 3 {
		t.Errorf("%d in 15 bytes", n)
	}
	if ViewSlice[uint32](b[2:]) != nil || ViewSlice[struct{}](b) != nil || ViewSlice[uint64](nil) != nil {
		t.Error("slice of bytes that do not fit")
	}
	*View[uint64](b[8:]) = 5
	if binary.NativeEndian.Uint64(b[8:]) != 5 {
		t.Error("a copy")
	}
}

package btf

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

// TestOffsetof asks for members of a struct with all that a path can lead
// through.
func TestOffsetof(t *testing.T) {
	for _, o := range orders {
		b := newBuilder(o)
		i := b.int("int", 4, IntSigned)
		inner := b.strct("inner", 8, fld{"a", i, 0, 0}, fld{"b", i, 32, 0})
		list := b.array(b.ref(KindTypedef, "inner_t", inner), 3)
		anon := b.compound(KindUnion, "", 8, fld{"x", i, 0, 0}, fld{"y", inner, 0, 0})
		flexible := b.array(i, 0)
		outer := b.strct("outer", 48, fld{"bits", i, 3, 5}, fld{"list", list, 64, 0}, fld{"", b.ref(KindConst, "", anon), 256, 0},
			fld{"p", b.ptr(inner), 320, 0}, fld{"tail", flexible, 384, 0})
		s := b.spec(t)
		typ, _ := s.Type(outer)
		for path, want := range map[string]Member{
			"bits": {"bits", i, 3, 5}, "list": {"list", list, 64, 0}, "list[2].b": {"b", i, 64 + 128 + 32, 0}, "list[1]": {"list", 0, 128, 0},
			"x": {"x", i, 256, 0}, "y.b": {"b", i, 288, 0}, "p": {"p", 0, 320, 0}, "tail[4]": {"tail", i, 384 + 128, 0},
		} {
			got, err := typ.Offsetof(path)
			if want.Type == 0 {
				want.Type = got.Type
			}
			if err != nil || got != want {
				t.Errorf("%s: %+v, %v; want %+v", path, got, err, want)
			}
		}
		for path, want := range map[string]string{
			"": "no member", "z": "outer has no member z", "y.z": "inner has no member z", "p.a": "has no member a", "list.a": "has no member", "list[3]": "index 3 of",
			"list[x]": "[x]", "list[1": "[1", "bits[0]": "[0]", "list[-1]": "[-1]", "x.": "has no member", ".x": "has no member", "list[0]b": "",
			"list[2147483647].a": "index 2147483647", "tail[2147483647]": "bits",
		} {
			m, err := typ.Offsetof(path)
			if err == nil || !strings.Contains(err.Error(), want) || m != (Member{}) {
				t.Errorf("%s: %+v, %v; want %q", path, m, err, want)
			}
		}
		if _, err := typ.Offsetof("y.z"); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		if _, err := (Type{}).Offsetof("x"); err == nil {
			t.Error("a member of void")
		}
		for bit, want := range map[uint32]string{3: "bits", 7: "bits", 64: "list", 255: "list", 256: "x", 287: "x", 288: "y", 319: "y", 320: "p"} {
			if m, ok := typ.MemberAt(bit); !ok || m.Name != want {
				t.Errorf("bit %d: %+v, want %s", bit, m, want)
			}
		}
		for _, bit := range []uint32{0, 2, 8, 63, 384, 1 << 31} {
			if m, ok := typ.MemberAt(bit); ok {
				t.Errorf("bit %d: %+v", bit, m)
			}
		}
	}
}

func TestElemAndProto(t *testing.T) {
	s := everyKind(binary.LittleEndian).spec(t)
	for name, want := range map[string]ID{"fn": 13} {
		typ, _ := s.ByName(name, KindVoid)
		if p, ok := typ.Proto(); !ok || p.ID() != want || p != typ.Elem() {
			t.Errorf("%s: %v %v", name, p, ok)
		}
	}
	b := newBuilder(orders[1])
	fn := b.ref(KindTypedef, "btf_trace_x", b.ref(KindConst, "", b.ptr(b.proto(0))))
	b.ref(KindConst, "", fn+1)
	k, err := newSpec(b.bytes(), nil) // a loop, as only a kernel's blob may have
	if err != nil {
		t.Fatal(err)
	}
	if k.index, err = k.scan(0, nil); err != nil {
		t.Fatal(err)
	}
	typ, _ := k.Type(fn)
	if p, ok := typ.Proto(); !ok || p.Kind() != KindFuncProto {
		t.Errorf("%v %v", p, ok)
	}
	if loop, _ := k.Type(fn + 1); loop.Kind() == KindConst {
		if _, ok := loop.Proto(); ok {
			t.Error("a loop leads to a function")
		}
	}
	if (Type{}).Elem() != (Type{}) {
		t.Error("void is of something")
	}
	if v, _ := s.ByName("s", KindStruct); v.Elem().Kind() != KindVoid {
		t.Errorf("a struct is of %v", v.Elem())
	}
}

func TestAlignof(t *testing.T) {
	b := newBuilder(orders[0])
	i := b.int("int", 4, IntSigned)
	l := b.int("long", 8, IntSigned)
	wide := b.int("__int128", 16, IntSigned)
	fn := b.proto(0)
	for _, tc := range []struct {
		id   ID
		want uint32 // 0: an error
	}{
		{i, 4}, {l, 8}, {wide, 16}, {b.ptr(0), 8}, {b.array(i, 3), 4}, {b.ref(KindTypedef, "t", l), 8}, {fn, 0}, {0, 0}, {999, 0},
		{b.add(KindFwd, "f", 0, 0), 0}, {b.add(KindFloat, "double", 0, 8), 8}, {b.enum("e", false), 4},
		{b.strct("s", 16, fld{"a", i, 0, 0}, fld{"b", l, 64, 0}), 8},
		{b.strct("packed", 12, fld{"a", i, 0, 0}, fld{"b", l, 32, 0}), 1},
		{b.strct("short", 12, fld{"a", l, 0, 0}, fld{"b", i, 64, 0}), 1},
		{b.strct("bits", 4, fld{"a", i, 0, 3}, fld{"b", i, 3, 7}), 4},
		{b.strct("of_packed", 16, fld{"a", 14, 8, 0}), 1},
		{b.compound(KindUnion, "u", 8, fld{"a", i, 0, 0}, fld{"b", l, 0, 0}), 8},
		{b.strct("empty", 0), 1},
	} {
		s := b.spec(t)
		got, err := s.Alignof(tc.id)
		if got != tc.want || (err == nil) != (tc.want != 0) {
			typ, _ := s.Type(tc.id)
			t.Errorf("[%d] %s: %d, %v; want %d", tc.id, typ, got, err, tc.want)
		}
	}
	s := b.spec(t)
	for typ := range s.All() { // as it is printed
		p := newCPrinter(nil, s)
		if n, err := s.Alignof(typ.ID()); err == nil && n != p.alignOf(typ.ID()) {
			t.Errorf("%s: %d bytes, printed with %d", typ, n, p.alignOf(typ.ID()))
		}
	}
}

// TestQualifiers: that of an array is one of its elements, and is there once.
func TestQualifiers(t *testing.T) {
	b := newBuilder(orders[0])
	c := b.int("char", 1, IntChar)
	cc := b.ref(KindConst, "", c)
	p := b.ptr(cc)
	for want, id := range map[string]ID{
		"const char x[3]":                b.ref(KindConst, "", b.array(cc, 3)),
		"const char *const x[3][2]":      b.ref(KindConst, "", b.array(b.array(p, 2), 3)),
		"const volatile char x":          b.ref(KindConst, "", b.ref(KindVolatile, "", c)),
		"void (*x)(const char **, char)": b.ptr(b.proto(0, fld{"", b.ptr(p), 0, 0}, fld{"", c, 0, 0})),
		"char (*x)(char (*)(char))":      b.ptr(b.proto(c, fld{"", b.ptr(b.proto(c, fld{"", c, 0, 0})), 0, 0})),
	} {
		if got := b.spec(t).Declare(id, "x"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

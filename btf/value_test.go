package btf

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// bitWriter builds values: put writes n bits at bit at, in the order that a
// compiler uses for bitfields and integers.
type bitWriter struct {
	b   []byte
	big bool
}

func (w *bitWriter) put(at, n uint64, v uint64) {
	for i := range n {
		set := v>>i&1 != 0
		if !set {
			continue
		}
		if w.big {
			bit := at + n - 1 - i
			w.b[bit/8] |= 0x80 >> (bit % 8)
		} else {
			w.b[(at+i)/8] |= 1 << ((at + i) % 8)
		}
	}
}

// filled is a value of a named struct with numbers in it: each number is the
// one before and three more, but for those that values has by name.
func filled(t *testing.T, s *Spec, typ Type, values map[string]uint64) []byte {
	t.Helper()
	size, err := s.Sizeof(typ.ID())
	if err != nil {
		t.Fatal(err)
	}
	w := &bitWriter{make([]byte, size), s.hdr.big}
	next := uint64(0)
	var fill func(name string, id ID, at uint64, bits uint32)
	fill = func(name string, id ID, at uint64, bits uint32) {
		to, _ := s.Strip(id)
		switch to.Kind() {
		case KindStruct, KindUnion:
			for i := range to.Vlen() {
				m := to.Member(i)
				fill(m.Name, m.Type, at+uint64(m.Offset), m.BitSize)
			}
		case KindArray:
			elem, _, n := to.Array()
			step, _ := s.Sizeof(elem)
			for i := range uint64(n) {
				fill(name, elem, at+8*i*uint64(step), 0)
			}
		default:
			if next += 3; bits == 0 {
				n, _ := s.Sizeof(to.ID())
				bits = 8 * n
			}
			v, ok := values[name]
			if !ok {
				v = next
			}
			if bits > 64 {
				if w.big {
					at += uint64(bits) - 64
				}
				bits = 64
			}
			w.put(at, uint64(bits), v&(1<<bits-1))
		}
	}
	fill("", typ.ID(), 0, 0)
	return w.b
}

func TestValueGolden(t *testing.T) {
	values := map[string]uint64{
		"real": 0x3ff8000000000000, "third": 0x40490fdb, "c": 1<<64 - 2, "sign": 3, "color": 5, "wide": 1 << 40, "flag": 1,
		"call": 0xffffffff81000000, "deep": 1<<64 - 1<<62, "gone": 0xfffffffe, "name": 'x', "text": 0,
	}
	plain := make(map[string]string) // without unions, the order makes no difference
	for _, order := range []string{".el", ".eb"} {
		s := layouts(t, order)
		var b bytes.Buffer
		for _, name := range []string{"bits", "packed_bits", "packed", "half_packed", "nested", "later", "empty", "bytes"} {
			typ, ok := s.ByName(name, KindStruct)
			if !ok {
				t.Fatal(name)
			}
			data := filled(t, s, typ, values)
			from := b.Len()
			for _, o := range []ValueOptions{{}, {Indent: "\t"}, {SkipNames: true, SkipZeroes: true}, {JSON: true}, {JSON: true, Indent: "  "}} {
				text, err := AppendValue([]byte(name+" = "), typ, data, &o)
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				b.Write(append(text, '\n'))
				if o.JSON && !json.Valid(text[len(name)+3:]) {
					t.Errorf("no JSON: %s", text)
				}
			}
			text := b.String()[from:]
			if name == "nested" {
				continue
			}
			if first, ok := plain[name]; ok && first != text {
				t.Errorf("another text of big-endian types: %s", cmp.Diff(first, text))
			}
			plain[name] = text
		}
		golden(t, "values"+order+".txt", b.String())
	}
}

func TestValues(t *testing.T) {
	b := newBuilder(orders[0])
	int32 := b.int("int", 4, IntSigned)
	char := b.int("char", 1, IntSigned)
	u8 := b.ref(KindTypedef, "u8", b.int("unsigned char", 1, 0))
	text := b.array(char, 4)
	bytes4 := b.array(u8, 4)
	ptr := b.ptr(0)
	boolean := b.int("_Bool", 1, IntBool)
	enum := b.enum("e", true, enumv{"NONE", 0}, enumv{"MINUS", -1})
	big := b.int("__int128", 16, 0)
	float := b.add(KindFloat, "float", 0, 4)
	old := b.add(KindInt, "old", 0, 4, 3<<16|5) // 5 bits from bit 3 on
	holder := b.strct("holder", 4, fld{"field", old, 0, 0})
	fn := b.add(KindFuncProto, "", 0, 0)
	none := b.array(b.strct("", 0), 1<<31)
	v := b.add(KindVar, "v", 0, uint32(int32), 1)
	sec := b.add(KindDatasec, ".data", 1, 8, uint32(v), 4, 4)
	s, err := Parse(b.bytes())
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		id      ID
		data    string
		c, json string
	}{
		{int32, "\xff\xff\xff\xff", "-1", "-1"},
		{char, "A", "65", "65"},
		{text, "ab\x00c", `"ab"`, `"ab"`},
		{text, "abcd", "{97, 98, 99, 100}", "[97,98,99,100]"},
		{text, "a\"\\\x00", `"a\"\\"`, `"a\"\\"`},
		{text, "\x01\x00\x00\x00", "{1, 0, 0, 0}", "[1,0,0,0]"},
		{bytes4, "ab\x00c", "{97, 98, 0, 99}", "[97,98,0,99]"},
		{ptr, "\x00\x00\x00\x81\xff\xff\xff\xff", "0xffffffff81000000", "18446744071578845184"},
		{boolean, "\x01", "true", "true"},
		{boolean, "\x02", "2", "true"},
		{enum, "\xff\xff\xff\xff", "MINUS", `"MINUS"`},
		{enum, "\xfe\xff\xff\xff", "-2", "-2"},
		{big, "\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00", "0x20000000000000001", `"0x20000000000000001"`},
		{big, strings.Repeat("\x00", 16), "0x0", `"0x0"`},
		{float, "\x00\x00\xc0\x7f", "NaN", `"NaN"`},
		{float, "\x00\x00\xc0\x3f", "1.5", "1.5"},
		{holder, "\xf8\x00\x00\x00", "{.field = 31}", `{"field":31}`},
		{fn, "", "{}", "null"},
		{none, "", "{}", "[]"},
		{sec, "\x00\x00\x00\x00\x07\x00\x00\x00", "{.v = 7}", `{"v":7}`},
	} {
		typ, _ := s.Type(tc.id)
		c, err1 := AppendValue(nil, typ, []byte(tc.data), nil)
		j, err2 := AppendValue(nil, typ, []byte(tc.data), &ValueOptions{JSON: true})
		if err1 != nil || err2 != nil || string(c) != tc.c || string(j) != tc.json {
			t.Errorf("%s of %q: %s (%v), want %s; %s (%v), want %s", typ, tc.data, c, err1, tc.c, j, err2, tc.json)
		}
	}
}

// TestValueShort: every prefix of a value gives text and an error.
func TestValueShort(t *testing.T) {
	s := layouts(t, ".el")
	for typ := range s.All() {
		size, err := s.Sizeof(typ.ID())
		if err != nil || size > 1000 || typ.Kind() == KindDatasec {
			continue
		}
		full := bytes.Repeat([]byte{0x41}, int(size))
		for n := range len(full) {
			for _, o := range []ValueOptions{{}, {JSON: true, SkipZeroes: true}} {
				text, err := AppendValue(nil, typ, full[:n], &o)
				if o.JSON && !json.Valid(text) {
					t.Fatalf("%s, %d of %d bytes: no JSON: %s", typ, n, size, text)
				}
				// Padding at the end is nobody's.
				if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) || err == nil && bytes.Contains(text, []byte("...")) {
					t.Fatalf("%s, %d of %d bytes: %s, %v", typ, n, size, text, err)
				}
			}
		}
		if _, err := AppendValue(nil, typ, full, nil); err != nil {
			t.Errorf("%s: %v", typ, err)
		}
	}
}

package btf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/skepbpf/skep/internal/bin"
)

var orders = []byteOrders{binary.LittleEndian, binary.BigEndian}

// dump writes everything that the accessors say about a Spec.
func dump(s *Spec) []string {
	var out []string
	for t := range s.All() {
		l := fmt.Sprintf("[%d] %s %q size=%d to=%d flag=%v: %s", t.ID(), t.Kind(), t.Name(), t.Size(), t.Target(), t.KindFlag(), t)
		for i := range t.Vlen() {
			switch t.Kind() {
			case KindStruct, KindUnion:
				l += fmt.Sprintf(" %v", t.Member(i))
			case KindEnum, KindEnum64:
				e := t.EnumValue(i)
				l += fmt.Sprintf(" %s=%d", e.Name, int64(e.Value))
			case KindFuncProto:
				l += fmt.Sprintf(" %v", t.Param(i))
			case KindDatasec:
				l += fmt.Sprintf(" %v", t.SecVar(i))
			}
		}
		switch t.Kind() {
		case KindInt:
			e, b, o := t.Int()
			l += fmt.Sprintf(" %d/%d/%d", e, b, o)
		case KindArray:
			e, x, n := t.Array()
			l += fmt.Sprintf(" %d[%d]%d", e, x, n)
		case KindFunc, KindVar:
			l += fmt.Sprintf(" linkage=%d", t.Linkage())
		case KindDeclTag:
			l += fmt.Sprintf(" component=%d", t.ComponentIndex())
		}
		out = append(out, l)
	}
	return out
}

var everyKindDump = []string{
	`[1] int "int" size=4 to=0 flag=false: int 1/32/0`,
	`[2] int "long unsigned int" size=8 to=0 flag=false: long unsigned int 0/64/0`,
	`[3] ptr "" size=0 to=1 flag=false: int *`,
	`[4] array "" size=0 to=1 flag=false: int[4] 1[1]4`,
	`[5] struct "s" size=24 to=0 flag=true: struct s {a 1 0 0} {p 3 64 0} {b 1 128 3}`,
	`[6] union "u" size=16 to=0 flag=false: union u {x 1 0 0} {y 4 0 0}`,
	`[7] enum "e" size=4 to=0 flag=true: enum e NEG=-1 POS=7`,
	`[8] fwd "f" size=0 to=0 flag=true: union f`,
	`[9] typedef "t" size=0 to=5 flag=false: t`,
	`[10] const "" size=0 to=9 flag=false: const t`,
	`[11] volatile "" size=0 to=10 flag=false: volatile const t`,
	`[12] restrict "" size=0 to=3 flag=false: int *restrict`,
	`[13] func_proto "" size=0 to=1 flag=false: int (int *, ...) {ctx 3} { 0}`,
	`[14] func "fn" size=0 to=13 flag=false: int fn(int *, ...) linkage=1`,
	`[15] var "v" size=0 to=1 flag=false: int v linkage=0`,
	`[16] datasec "?.data" size=16 to=0 flag=false: section ?.data {15 8 4}`,
	`[17] float "double" size=8 to=0 flag=false: double`,
	`[18] decl_tag "tag" size=0 to=14 flag=false: tag tag component=-1`,
	`[19] type_tag "rcu" size=0 to=1 flag=false: int`,
	`[20] enum64 "e64" size=8 to=0 flag=true: enum e64 BIG=1099511627776 LOW=-2`,
	`[21] enum64 "u64e" size=8 to=0 flag=false: enum u64e MAX=-1`,
}

func TestParseEveryKind(t *testing.T) {
	for _, order := range orders {
		b := everyKind(order)
		for name, blob := range map[string][]byte{
			"short header": b.bytes(),
			"layout":       b.blob(nil, make([]byte, 4*int(kindCount))),
			"long header":  b.blob([]byte{1, 2, 3, 4}, make([]byte, 4*int(kindCount))),
		} {
			s, err := Parse(blob)
			if err != nil {
				t.Fatalf("%v %s: %v", order, name, err)
			}
			if diff := cmp.Diff(everyKindDump, dump(s)); diff != "" {
				t.Errorf("%v %s: (-want +got)\n%s", order, name, diff)
			}
			if s.Order() != order || s.Len() != 22 || !bytes.Equal(s.Bytes(), blob) {
				t.Errorf("%v %s: order %v, len %d", order, name, s.Order(), s.Len())
			}
		}
	}
}

func TestUnknownKindIsSteppedOver(t *testing.T) {
	b := newBuilder(binary.LittleEndian)
	b.int("int", 4, 0)
	b.add(90, "new", 2, 0, 1, 2, 3, 4, 5) // 4 bytes of info, 2 elements of 8
	last := b.int("char", 1, IntChar)
	layout := make([]byte, 4*91)
	layout[4*90], layout[4*90+1] = 4, 8
	s, err := Parse(b.blob(nil, layout))
	if err != nil {
		t.Fatal(err)
	}
	typ, ok := s.Type(last)
	if !ok || typ.Name() != "char" {
		t.Errorf("after the unknown type: %v", typ)
	}
	if typ, _ := s.Type(2); typ.Kind().String() != "kind 90" || typ.Vlen() != 0 || typ.Target() != 0 {
		t.Errorf("unknown type: %v", typ.Kind())
	}
	if _, err := Parse(b.blob(nil, layout[:4*90])); err == nil {
		t.Error("unknown kind without a layout was taken")
	}
}

func TestWideVlen(t *testing.T) {
	b := newBuilder(binary.LittleEndian)
	vals := make([]enumv, 70000)
	for i := range vals {
		vals[i] = enumv{"x", int64(i)}
	}
	b.enum("big", false, vals...)
	s := b.spec(t)
	if typ, _ := s.Type(1); typ.Vlen() != 70000 || typ.EnumValue(69999).Value != 69999 {
		t.Errorf("vlen %d", typ.Vlen())
	}
}

func TestParseSplit(t *testing.T) {
	base := everyKind(binary.LittleEndian).spec(t)
	b := newBuilder(binary.LittleEndian)
	b.strs = nil
	off := func(s string) uint32 { b.str(s); return base.strEnd() + uint32(len(b.strs)-len(s)-1) }
	b.words(off("mod_s"), uint32(KindStruct)<<24|1, 24, off("inner"), 5, 0) // struct s inner
	b.words(2, uint32(KindPtr)<<24, 22)                                     // a base string as name
	s, err := ParseSplit(b.bytes(), base)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`[22] struct "mod_s" size=24 to=0 flag=false: struct mod_s {inner 5 0 0}`,
		`[23] ptr "nt" size=0 to=22 flag=false: struct mod_s *`,
	}
	if diff := cmp.Diff(want, dump(s)); diff != "" {
		t.Error(diff)
	}
	if typ, ok := s.ByName("s", KindStruct); !ok || typ.ID() != 5 || typ.Spec() != base {
		t.Errorf("type of the base: %v", typ)
	}
	if typ, ok := s.ByName("mod_s", KindVoid); !ok || typ.ID() != 22 {
		t.Errorf("own type: %v", typ)
	}
	if n, err := s.Sizeof(23); n != 8 || err != nil {
		t.Errorf("size %d, %v", n, err)
	}
}

func TestParseRefuses(t *testing.T) {
	le := binary.LittleEndian
	one := func(f func(*builder)) []byte { b := newBuilder(le); f(b); return b.bytes() }
	patch := func(at int, v uint32) []byte {
		b := everyKind(le).bytes()
		le.PutUint32(b[at:], v)
		return b
	}
	for _, tt := range []struct {
		name string
		b    []byte
		want string
	}{
		{"empty", nil, "too few"},
		{"magic", make([]byte, 64), "magic"},
		{"header length", patch(4, 1<<30), "header of"},
		{"short header", patch(4, 20), "header of"},
		{"types beyond the end", patch(12, 0xfffffff0), "overlap"},
		{"strings beyond the end", patch(20, 0xfffffff0), "beyond the end"},
		{"unaligned types", patch(8, 2), "overlap"},
		{"no strings", patch(20, 0), "no string section"},
		{"unended string", one(func(b *builder) { b.int("int", 4, 0); b.strs = b.strs[:4] }), "does not end"},
		{"strings of a split blob", one(func(b *builder) { b.strs = []byte("x\x00") }), "base BTF needed"},
		{"vlen runs past the end", one(func(b *builder) { b.add(KindStruct, "s", 1000, 4) }), "runs past"},
		{"cut record", one(func(b *builder) { b.words(0, 0) }), "bytes left"},
		{"kind 0", one(func(b *builder) { b.add(0, "", 0, 0) }), "unknown kind 0"},
		{"kind 77", one(func(b *builder) { b.add(77, "", 0, 0) }), "unknown kind 77"},
		{"target out of range", one(func(b *builder) { b.ptr(2) }), "target is type 2 of 2"},
		{"member out of range", one(func(b *builder) { b.strct("s", 4, fld{"a", 9, 0, 0}) }), "member is type 9"},
		{"name out of range", one(func(b *builder) { b.words(99, uint32(KindFloat)<<24, 4) }), "string offset 0x63"},
		{"func of no proto", one(func(b *builder) { b.int("int", 4, 0); b.ref(KindFunc, "f", 1) }), "no func_proto"},
		{"typedef of itself", one(func(b *builder) { b.ref(KindTypedef, "t", 1) }), "contains itself"},
		{"typedef loop", one(func(b *builder) { b.ref(KindTypedef, "t", 2); b.ref(KindConst, "", 1) }), "contains itself"},
		{"struct in itself", one(func(b *builder) { b.strct("s", 4, fld{"a", 1, 0, 0}) }), "contains itself"},
		{"struct in itself by array", one(func(b *builder) { b.strct("s", 4, fld{"a", 2, 0, 0}); b.array(1, 1) }), "contains itself"},
		{"array too large", one(func(b *builder) { b.int("int", 4, 0); b.array(1, 1<<31) }), "too large"},
		{"array of arrays too large", one(func(b *builder) { b.int("int", 4, 0); b.array(1, 1<<16); b.array(2, 1<<16) }), "too large"},
	} {
		s, err := Parse(tt.b)
		var fe *bin.FormatError
		if err == nil || s != nil || !errors.As(err, &fe) || fe.Section != ".BTF" || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
	ok := one(func(b *builder) { b.strct("list", 8, fld{"next", 2, 0, 0}); b.ptr(1) })
	if _, err := Parse(ok); err != nil {
		t.Errorf("a list: %v", err)
	}
}

func TestSizeof(t *testing.T) {
	s := everyKind(binary.BigEndian).spec(t)
	for id, want := range map[ID]uint32{1: 4, 3: 8, 4: 16, 5: 24, 11: 24, 15: 4, 16: 16, 17: 8, 20: 8} {
		if got, err := s.Sizeof(id); got != want || err != nil {
			t.Errorf("size of %d: %d, %v, want %d", id, got, err, want)
		}
	}
	for _, id := range []ID{0, 8, 13, 14, 99} {
		if n, err := s.Sizeof(id); err == nil {
			t.Errorf("size of %d: %d", id, n)
		}
	}
	if typ, ok := s.Strip(11); !ok || typ.ID() != 5 {
		t.Errorf("strip: %v", typ)
	}
}

func TestZeroTypeIsHarmless(t *testing.T) {
	var typ Type
	_, _, _ = typ.Name(), typ.Member(0), typ.Param(3)
	_, _, _ = typ.EnumValue(1), typ.SecVar(0), typ.ComponentIndex()
	if typ.String() != "void" || typ.Kind() != KindVoid || typ.Vlen() != 0 {
		t.Error("zero Type is not void")
	}
	s := everyKind(binary.LittleEndian).spec(t)
	for typ := range s.All() {
		_, _, _, _ = typ.Member(-1), typ.Param(1<<20), typ.EnumValue(1<<30), typ.SecVar(-5)
	}
}

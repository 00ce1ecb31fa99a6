package btf

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rebuild adds every type of s field by field.
func rebuild(b *Builder, s *Spec) {
	for t := range s.All() {
		addFields(b, t)
	}
}

func list[T any](t Type, at func(int) T) []T {
	out := make([]T, t.Vlen())
	for i := range out {
		out[i] = at(i)
	}
	return out
}

func addFields(b *Builder, t Type) ID {
	name, to := t.Name(), t.Target()
	switch t.Kind() {
	case KindInt:
		enc, bits, off := t.Int()
		return b.AddBitInt(name, t.Size(), enc, off, bits)
	case KindPtr:
		return b.AddPtr(to)
	case KindArray:
		return b.AddArray(t.Array())
	case KindStruct:
		return b.AddStruct(name, t.Size(), list(t, t.Member))
	case KindUnion:
		return b.AddUnion(name, t.Size(), list(t, t.Member))
	case KindEnum:
		return b.AddEnum(name, t.Size(), t.KindFlag(), list(t, t.EnumValue))
	case KindEnum64:
		return b.AddEnum64(name, t.Size(), t.KindFlag(), list(t, t.EnumValue))
	case KindFwd:
		if t.KindFlag() {
			return b.AddFwd(name, KindUnion)
		}
		return b.AddFwd(name, KindStruct)
	case KindTypedef:
		return b.AddTypedef(name, to)
	case KindVolatile:
		return b.AddVolatile(to)
	case KindConst:
		return b.AddConst(to)
	case KindRestrict:
		return b.AddRestrict(to)
	case KindFunc:
		return b.AddFunc(name, to, t.Linkage())
	case KindFuncProto:
		return b.AddFuncProto(to, list(t, t.Param))
	case KindVar:
		return b.AddVar(name, to, t.Linkage())
	case KindDatasec:
		return b.AddDatasec(name, t.Size(), list(t, t.SecVar))
	case KindFloat:
		return b.AddFloat(name, t.Size())
	case KindDeclTag:
		if t.KindFlag() {
			return b.AddDeclAttr(name, to, t.ComponentIndex())
		}
		return b.AddDeclTag(name, to, t.ComponentIndex())
	case KindTypeTag:
		if t.KindFlag() {
			return b.AddTypeAttr(name, to)
		}
		return b.AddTypeTag(name, to)
	}
	return 0
}

func TestBuilderKinds(t *testing.T) {
	for _, order := range orders {
		want := everyKind(order)
		want.add(KindTypeTag, "address_space(1)", flag, 1)
		want.add(KindDeclTag, "aligned(8)", flag, 5, 0)
		s := want.spec(t)
		b := NewBuilder(&BuilderOptions{Order: order})
		rebuild(b, s)
		got, err := b.Spec()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(dump(s), dump(got)); diff != "" {
			t.Error(order, diff)
		}
		if n, uniq := strings.Count(string(got.strs), "\x00"), len(got.strs); n == 0 || uniq > len(s.strs) {
			t.Errorf("%d strings in %d bytes, the source has %d", n, uniq, len(s.strs))
		}
	}
}

func TestBuilderRefuses(t *testing.T) {
	for name, add := range map[string]func(b *Builder){
		"int without a name":         func(b *Builder) { b.AddInt("", 4, 0) },
		"int of 3 bytes":             func(b *Builder) { b.AddInt("x", 3, 0) },
		"int of two encodings":       func(b *Builder) { b.AddInt("x", 4, IntSigned|IntBool) },
		"int of too many bits":       func(b *Builder) { b.AddBitInt("x", 4, 0, 8, 25) },
		"float of 3 bytes":           func(b *Builder) { b.AddFloat("f", 3) },
		"typedef without a name":     func(b *Builder) { b.AddTypedef("", 0) },
		"fwd of an enum":             func(b *Builder) { b.AddFwd("e", KindEnum) },
		"member beyond the struct":   func(b *Builder) { b.AddStruct("s", 4, []Member{{"a", 0, 32, 1}}) },
		"bitfield too wide":          func(b *Builder) { b.AddStruct("s", 64, []Member{{"a", 0, 0, 256}}) },
		"bitfield too far":           func(b *Builder) { b.AddStruct("s", 1<<28, []Member{{"a", 0, 1 << 24, 1}}) },
		"union member at an offset":  func(b *Builder) { b.AddUnion("u", 8, []Member{{"a", 0, 8, 0}}) },
		"enum value of 33 bits":      func(b *Builder) { b.AddEnum("e", 8, false, []EnumValue{{"A", 1 << 32}}) },
		"signed enum value":          func(b *Builder) { b.AddEnum("e", 4, true, []EnumValue{{"A", 1 << 31}}) },
		"enum of 16 bytes":           func(b *Builder) { b.AddEnum64("e", 16, true, nil) },
		"parameter without a type":   func(b *Builder) { b.AddFuncProto(0, []Param{{}, {"x", 0}}) },
		"too many parameters":        func(b *Builder) { b.start(KindFuncProto, "", false, maxVlen+1, 0) },
		"linkage":                    func(b *Builder) { b.AddFunc("f", 1, 3) },
		"component":                  func(b *Builder) { b.AddDeclTag("t", 1, -2) },
		"zero byte in a name":        func(b *Builder) { b.AddTypedef("a\x00b", 0) },
		"type that does not come":    func(b *Builder) { b.AddPtr(7) },
		"pointer size":               func(b *Builder) { *b = *NewBuilder(&BuilderOptions{PointerSize: 3}) },
		"void":                       func(b *Builder) { b.AddType(Type{}) },
		"split on another base":      func(b *Builder) { b.AddSpec(splitOn(t, everyKind(orders[0]).spec(t))) },
		"import of an unknown type":  func(b *Builder) { b.Importer(everyKind(orders[0]).spec(t)).Add(1000) },
		"func of what is no proto":   func(b *Builder) { b.AddFunc("f", b.AddInt("int", 4, 0), 0) },
		"typedef that is itself":     func(b *Builder) { b.AddTypedef("t", b.NextID()) },
		"strings of more than 16 MB": func(b *Builder) { b.AddTypedef(strings.Repeat("x", maxStrings), 0) },
	} {
		b := NewBuilder(nil)
		add(b)
		s, err := b.Spec()
		if err == nil || s != nil || !strings.HasPrefix(err.Error(), "build BTF: ") || len(err.Error()) > 200 {
			t.Errorf("%s: %v", name, err)
		}
		if b.Err() != nil && b.AddInt("int", 4, 0) != 0 {
			t.Errorf("%s: an id after the error", name)
		}
	}
}

// splitOn is a little BTF on a base.
func splitOn(t *testing.T, base *Spec) *Spec {
	t.Helper()
	b := NewBuilder(&BuilderOptions{Base: base, Order: base.Order()})
	in := b.AddInt("int", 4, IntSigned)
	b.AddStruct("only here", 8, []Member{{"a", in, 0, 0}, {"tag", 5, 32, 0}})
	s, err := b.Spec()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestBuilderSplit(t *testing.T) {
	for _, order := range orders {
		base := everyKind(order).spec(t)
		s := splitOn(t, base)
		if s.Order() != binary.ByteOrder(order) || s.Base() != base || s.Len() != base.Len()+2 {
			t.Errorf("%v, %d types on a base of %d", s.Order(), s.Len(), base.Len())
		}
		if got := string(s.strs); got != "only here\x00" {
			t.Errorf("strings %q: those of the base are to be used", got)
		}
		b := NewBuilder(&BuilderOptions{Base: base})
		if first := b.AddSpec(s); first != ID(base.Len()) {
			t.Errorf("first type %d", first)
		}
		if got, err := b.Bytes(); err != nil || !bytes.Equal(got, s.Bytes()) {
			t.Errorf("%v: not the same bytes", err)
		}
	}
}

func TestBuilderSpecs(t *testing.T) {
	a, c := everyKind(orders[0]).spec(t), everyKind(orders[1]).spec(t)
	b := NewBuilder(&BuilderOptions{Order: orders[0]})
	b.AddSpec(a)
	if first := b.AddSpec(c); int(first) != a.Len() {
		t.Errorf("the second begins with type %d", first)
	}
	s, err := b.Spec()
	if err != nil {
		t.Fatal(err)
	}
	if s.Len() != 2*a.Len()-1 || len(s.strs) != len(a.strs) {
		t.Errorf("%d types, %d bytes of strings", s.Len(), len(s.strs))
	}
	p, _ := s.Type(ID(a.Len()) + 2) // the pointer of the second
	if p.Kind() != KindPtr || int(p.Target()) != a.Len() {
		t.Errorf("%s to %d", p.Kind(), p.Target())
	}
}

func TestImporter(t *testing.T) {
	s := everyKind(orders[1]).spec(t)
	b := NewBuilder(&BuilderOptions{Order: orders[0], Layout: true})
	im := b.Importer(s)
	fn, _ := s.ByName("fn", KindFunc)
	st, _ := s.ByName("t", KindTypedef)
	if got := im.Add(fn.ID()); got != 1 {
		t.Errorf("type %d", got)
	}
	n := b.Len()
	if im.Add(fn.ID()) != 1 || b.Len() != n {
		t.Error("added twice")
	}
	im.Add(st.ID())
	got, err := b.Spec()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"fn", "", "int", "", "t", "s"}
	var names []string
	for typ := range got.All() {
		names = append(names, typ.Name())
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	if id, ok := im.ID(st.ID()); !ok || id != 5 {
		t.Errorf("the typedef is %d, %v", id, ok)
	}
	if got.hdr.layoutN != uint32(kindCount)*4 || got.hdr.len != fullHeader {
		t.Errorf("layout of %d bytes, header of %d", got.hdr.layoutN, got.hdr.len)
	}
}

func TestBuilderPointerSize(t *testing.T) {
	b := NewBuilder(&BuilderOptions{PointerSize: 4})
	b.AddPtr(0)
	s, err := b.Spec()
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.Sizeof(1); n != 4 || err != nil {
		t.Errorf("a pointer has %d bytes, %v", n, err)
	}
}

// TestOverlappingStrings: strings that are tails of one long one would fill
// memory if each were written out.
func TestOverlappingStrings(t *testing.T) {
	raw := newBuilder(orders[0])
	long := raw.str(strings.Repeat("x", 20000))
	for i := range uint32(1000) {
		raw.words(long+i, uint32(KindFwd)<<24, 0)
		raw.n++
	}
	s := raw.spec(t)
	b := NewBuilder(nil)
	for typ := range s.All() {
		b.AddType(typ)
	}
	if err := b.Err(); err == nil || !strings.Contains(err.Error(), "strings that overlap") {
		t.Error(err)
	}
	if _, err := Dedup(s, nil); err == nil || !strings.Contains(err.Error(), "strings that overlap") {
		t.Error(err)
	}
	whole := NewBuilder(&BuilderOptions{Order: orders[0]})
	whole.AddSpec(s)
	if got, err := whole.Bytes(); err != nil || !bytes.Equal(got, s.Bytes()) {
		t.Errorf("as they are: %v", err)
	}
}

// TestManyValues: more elements than the 16 bits of kernels before 7.2 count.
func TestManyValues(t *testing.T) {
	values := make([]EnumValue, 70000)
	for i := range values {
		values[i] = EnumValue{"V", uint64(i)}
	}
	for _, o := range orders {
		b := NewBuilder(&BuilderOptions{Order: o})
		b.AddEnum("e", 4, false, values)
		b.AddPtr(1)
		s, err := b.Spec()
		if err != nil {
			t.Fatal(err)
		}
		e, _ := s.Type(1)
		if e.Vlen() != len(values) || e.EnumValue(69999).Value != 69999 || e.Kind() != KindEnum {
			t.Errorf("%s of %d values", e.Kind(), e.Vlen())
		}
		if d, err := Dedup(s, nil); err != nil || !bytes.Equal(d.Types.Bytes(), s.Bytes()) {
			t.Error(err)
		}
	}
}

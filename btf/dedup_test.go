package btf

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// names lists own types as "kind name".
func kindNames(s *Spec) []string {
	var out []string
	for t := range s.All() {
		out = append(out, t.Kind().String()+" "+t.Name())
	}
	return out
}

func mustDedup(t *testing.T, s *Spec) *Rewritten {
	t.Helper()
	d, err := Dedup(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestDedup: small cases, each of which shows one rule. What libbpf makes of
// large ones is compared in internal/compat.
func TestDedup(t *testing.T) {
	node := func(b *builder, known bool) {
		i := b.int("int", 4, IntSigned)
		id := ID(b.n)
		other := id + 2
		b.strct("node", 24, fld{"next", id + 1, 0, 0}, fld{"other", id + 3, 64, 0}, fld{"n", i, 128, 0})
		b.ptr(id)
		if known {
			b.strct("other", 4, fld{"x", i, 0, 0})
		} else {
			b.add(KindFwd, "other", 0, 0)
		}
		b.ptr(other)
	}
	for name, c := range map[string]struct {
		build func(b *builder)
		want  []string
	}{
		"twice": {func(b *builder) { node(b, true); node(b, true) },
			[]string{"int int", "struct node", "ptr ", "struct other", "ptr "}},
		"declared first": {func(b *builder) { node(b, false); node(b, true) },
			[]string{"int int", "struct node", "ptr ", "ptr ", "struct other"}},
		"declared last": {func(b *builder) { node(b, true); node(b, false) },
			[]string{"int int", "struct node", "ptr ", "struct other", "ptr "}},
		"declared, the only one": {func(b *builder) {
			b.ptr(b.add(KindFwd, "lone", 0, 0))
			b.ptr(b.strct("lone", 0))
		}, []string{"ptr ", "struct lone"}},
		"declared, not the only one": {func(b *builder) {
			b.ptr(b.add(KindFwd, "lone", 0, 0))
			b.strct("lone", 0)
			b.strct("lone", 8)
		}, []string{"fwd lone", "ptr ", "struct lone", "struct lone"}},
		"declared a union": {func(b *builder) { b.add(KindFwd, "lone", flag, 0); b.strct("lone", 0) },
			[]string{"fwd lone", "struct lone"}},
		"bitfields of other widths": {func(b *builder) {
			i := b.int("int", 4, 0)
			b.strct("s", 4, fld{"a", i, 0, 3}, fld{"b", i, 3, 5})
			b.strct("s", 4, fld{"a", i, 0, 4}, fld{"b", i, 4, 4})
			b.strct("s", 4, fld{"a", i, 0, 3}, fld{"b", i, 3, 5})
		}, []string{"int int", "struct s", "struct s"}},
		"enum declared, and as enum64": {func(b *builder) {
			b.enum("e", false)
			b.enum64("e", false, enumv{"BIG", 1 << 40})
			b.enum("e", false)
		}, []string{"enum64 e"}},
		"variables stay": {func(b *builder) {
			i := b.int("int", 4, 0)
			j := b.int("int", 4, 0)
			for range 2 {
				b.add(KindDatasec, ".data", 1, 4, uint32(b.add(KindVar, "v", 0, uint32(j), 0)), 0, 4)
			}
			b.ref(KindConst, "", i)
		}, []string{"int int", "var v", "datasec .data", "var v", "datasec .data", "const "}},
		"tags of other texts and places": {func(b *builder) {
			s := b.strct("s", 0)
			for _, c := range []uint32{0, 1, 0} {
				b.add(KindDeclTag, "a", 0, uint32(s), c)
			}
			b.add(KindDeclTag, "b", 0, uint32(s), 0)
			b.add(KindDeclTag, "a", flag, uint32(s), 0)
			b.ref(KindTypeTag, "a", s)
			b.add(KindTypeTag, "a", flag, uint32(s))
		}, []string{"struct s", "decl_tag a", "decl_tag a", "decl_tag b", "decl_tag a", "type_tag a", "type_tag a"}},
		"typedefs in a circle": {func(b *builder) {
			for range 2 {
				b.ref(KindTypedef, "loop", ID(b.n+1))
				b.ptr(ID(b.n - 1))
			}
		}, []string{"typedef loop", "ptr "}},
		"strings are dropped": {func(b *builder) { b.str("unused"); b.int("int", 4, 0); b.int("int", 4, 0) },
			[]string{"int int"}},
	} {
		for _, o := range orders {
			b := newBuilder(o)
			c.build(b)
			d := mustDedup(t, b.spec(t))
			if diff := cmp.Diff(c.want, kindNames(d.Types)); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
			if bytes.Contains(d.Types.strs, []byte("unused")) {
				t.Errorf("%s: a string too many", name)
			}
			if again := mustDedup(t, d.Types); !bytes.Equal(again.Types.Bytes(), d.Types.Bytes()) {
				t.Errorf("%s: again, it changes more", name)
			}
		}
	}
}

func TestDedupIDs(t *testing.T) {
	b := newBuilder(orders[0])
	b.int("int", 4, 0)
	b.ptr(b.int("int", 4, 0))
	b.ptr(1)
	d := mustDedup(t, b.spec(t))
	var got []ID
	for id := range ID(6) {
		got = append(got, d.ID(id))
	}
	if diff := cmp.Diff([]ID{0, 1, 1, 2, 2, 0}, got); diff != "" {
		t.Error(diff)
	}
}

func TestDedupSplit(t *testing.T) {
	base := everyKind(orders[0]).spec(t)
	b := NewBuilder(&BuilderOptions{Base: base, Order: orders[0]})
	b.AddSpec(base)
	b.AddStruct("mine", 8, []Member{{"p", b.AddPtr(ID(base.Len())), 0, 0}})
	s, err := b.Spec()
	if err != nil {
		t.Fatal(err)
	}
	d := mustDedup(t, s)
	want := []string{"var v", "datasec ?.data", "struct mine"}
	if diff := cmp.Diff(want, kindNames(d.Types)); diff != "" {
		t.Error(diff)
	}
	mine, _ := d.Types.ByName("mine", KindStruct)
	if p, _ := d.Types.Type(mine.Member(0).Type); p.Kind() != KindPtr || p.ID() >= ID(base.Len()) {
		t.Errorf("its pointer is type %d, a %s", p.ID(), p.Kind())
	}
}

// TestDedupExt: ids and strings of .BTF.ext follow; strings that only it has
// stay.
func TestDedupExt(t *testing.T) {
	for _, p := range treeObjects(t) {
		if p.ext == nil {
			continue
		}
		s, err := Parse(p.btf)
		if err != nil {
			t.Fatal(err)
		}
		was, err := ParseExt(p.ext, s)
		if err != nil {
			t.Fatal(err)
		}
		d, err := Dedup(s, p.ext)
		if err != nil {
			t.Errorf("%s: %v", p.name, err)
			continue
		}
		now, err := ParseExt(d.Ext, d.Types)
		if err != nil {
			t.Errorf("%s: %v", p.name, err)
			continue
		}
		if diff := cmp.Diff(describe(was, s, d.ID), describe(now, d.Types, func(id ID) ID { return id })); diff != "" {
			t.Errorf("%s: %s", p.name, diff)
		}
	}
}

// describe is an Ext without offsets of strings.
func describe(e *Ext, s *Spec, id func(ID) ID) []string {
	var out []string
	for _, sec := range e.Sections {
		for _, f := range sec.Funcs {
			out = append(out, fmt.Sprint(sec.Name, f.Off, id(f.Type)))
		}
		for _, l := range sec.Lines {
			file, _ := s.String(l.File)
			text, _ := s.String(l.Text)
			out = append(out, fmt.Sprint(sec.Name, l.Off, file, text, l.LineCol))
		}
		for _, c := range sec.CORE {
			out = append(out, fmt.Sprint(sec.Name, c.Off, id(c.Root), c.Access, c.Kind))
		}
	}
	return out
}

func TestDedupRefuses(t *testing.T) {
	circle := newBuilder(orders[0])
	circle.ptr(2)
	circle.ref(KindConst, "", 1)
	tag := newBuilder(orders[0])
	for range 2 {
		i := tag.int("int", 4, 0)
		tag.strct("s", 8, fld{"a", tag.add(KindDeclTag, "t", 0, uint32(i), 0), 0, 0})
	}
	// The first of two is held by what it would hold once it is known.
	inside := newBuilder(orders[0])
	inside.strct("x", 8, fld{"y", 2, 0, 0})
	inside.add(KindFwd, "y", 0, 0)
	inside.strct("y", 8, fld{"x", 1, 0, 0})
	for name, c := range map[string]struct {
		b    *builder
		want string
	}{
		"circle":          {circle, "type 1 is part of a circle of references"},
		"member is a tag": {tag, "refers to a decl_tag"},
		"contains itself": {inside, "contains itself"},
	} {
		d, err := Dedup(c.b.spec(t), nil)
		if err == nil || d != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestDedupBounded: structs that are alike to the very end, many of them.
func TestDedupBounded(t *testing.T) {
	b := newBuilder(orders[0])
	b.int("int", 4, 0)
	for i := range 2000 {
		at := ID(b.n)
		for j := range 8 {
			b.strct("same", 8, fld{"next", at + 2*ID(j) + 1, 0, 0})
			b.ptr(at + 2*ID(j) + 2)
		}
		b.strct(fmt.Sprint("end", i), 4)
	}
	if _, err := Dedup(b.spec(t), nil); err == nil || !strings.Contains(err.Error(), "too many types are alike") {
		t.Error(err)
	}
}

// TestDedupDeep: graphs as deep as they are large.
func TestDedupDeep(t *testing.T) {
	b := newBuilder(orders[0])
	const n = 50000
	for range 2 {
		at := ID(b.n)
		for i := range n {
			b.strct(fmt.Sprint("s", i), 8, fld{"next", at + ID(2*i) + 1, 0, 0})
			b.ptr(at + ID(2*i) + 2)
		}
		b.int("int", 4, 0)
	}
	if d := mustDedup(t, b.spec(t)); d.Types.Len() != 2*n+2 {
		t.Errorf("%d types", d.Types.Len())
	}
}

func TestDistill(t *testing.T) {
	for _, o := range orders {
		base := everyKind(o).spec(t)
		s := splitOn(t, base) // refers to int and struct s of the base
		s = mustDedup(t, s).Types
		small, rest, err := Distill(s)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"int int", "struct s"}, kindNames(small)); diff != "" {
			t.Error(diff)
		}
		if st, _ := small.ByName("s", KindStruct); st.Vlen() != 0 || st.Size() != 24 {
			t.Errorf("struct s: %d members, %d bytes", st.Vlen(), st.Size())
		}
		if diff := cmp.Diff([]string{"struct only here"}, kindNames(rest)); diff != "" {
			t.Error(diff)
		}
		back, err := Relocate(rest, base)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(dump(s), dump(back.Types)); diff != "" {
			t.Error(diff)
		}
		if back.ID(1) != 1 || back.ID(2) != 5 || back.ID(3) != ID(base.Len()) {
			t.Errorf("types 1, 2 and 3 went to %d, %d and %d", back.ID(1), back.ID(2), back.ID(3))
		}
		// A struct that the split holds has to have its size.
		e := base.Edit()
		e.SetSize(5, 32)
		other, err := e.Spec()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Relocate(rest, other); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "struct s of 24 bytes") {
			t.Error(err)
		}
		if _, _, err := Distill(base); !errors.Is(err, ErrNotSplit) {
			t.Error(err)
		}
		if _, err := Relocate(base, base); !errors.Is(err, ErrNotSplit) {
			t.Error(err)
		}
		if _, err := Relocate(s, base); err == nil || !strings.Contains(err.Error(), "not of a distilled base") {
			t.Error(err)
		}
	}
}

// distilledPtr is a pointer to a type d that its base only declares, distilled.
func distilledPtr(t *testing.T, k Kind) *Spec {
	t.Helper()
	base := NewBuilder(nil)
	base.AddFwd("d", k)
	from, err := base.Spec()
	if err != nil {
		t.Fatal(err)
	}
	split := NewBuilder(&BuilderOptions{Base: from})
	split.AddPtr(1)
	s, err := split.Spec()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, err := Distill(s)
	if err != nil {
		t.Fatal(err)
	}
	return rest
}

// TestRelocateDeclared: a declaration is found as itself or as what it declares.
func TestRelocateDeclared(t *testing.T) {
	for _, k := range []Kind{KindStruct, KindUnion} {
		rest := distilledPtr(t, k)
		for _, of := range []Kind{KindStruct, KindUnion} {
			to := NewBuilder(nil)
			i := to.AddInt("int", 4, 0)
			bits := []Member{{"a", i, 0, 3}}
			if of == KindStruct {
				to.AddStruct("d", 4, bits)
			} else {
				to.AddUnion("d", 4, bits)
			}
			target, err := to.Spec()
			if err != nil {
				t.Fatal(err)
			}
			got, err := Relocate(rest, target)
			if (err == nil) != (k == of) {
				t.Errorf("a declared %s and a %s: %v", k, of, err)
			}
			if err == nil && got.ID(1) != 2 {
				t.Errorf("it is type %d", got.ID(1))
			}
		}
	}
}

// TestRelocateDeclaredAmongSeveral: where structs of a name are several, what
// is only declared is a declaration; without one it is not found.
func TestRelocateDeclaredAmongSeveral(t *testing.T) {
	rest := distilledPtr(t, KindStruct)
	for _, declared := range []bool{true, false} {
		to := NewBuilder(nil)
		to.AddStruct("d", 8, nil)
		to.AddStruct("d", 16, nil)
		if declared {
			to.AddFwd("d", KindStruct)
		}
		target, err := to.Spec()
		if err != nil {
			t.Fatal(err)
		}
		got, err := Relocate(rest, target)
		if declared && (err != nil || got.ID(1) != 3) || !declared && !errors.Is(err, ErrNotFound) {
			t.Errorf("declared there %v: %v, %v", declared, got, err)
		}
	}
}

package btf

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// side builds one of the two blobs of a CO-RE test.
type side func(b *builder) (root ID)

// resolve relocates against a target built by hand.
func resolve(t *testing.T, order byteOrders, local side, kind COREKind, access string, targets ...side) (Fixup, error) {
	t.Helper()
	lb := newBuilder(order)
	root := local(lb)
	var ts []*Spec
	for _, f := range targets {
		tb := newBuilder(order)
		f(tb)
		ts = append(ts, tb.spec(t))
	}
	return NewRelocatorFor(lb.spec(t), ts...).Resolve(&CORERelo{kind, root, access})
}

// Sides with an int (1), a long (2) and an unsigned (3) first.
func with(f func(b *builder) ID) side {
	return func(b *builder) ID {
		b.int("int", 4, IntSigned)
		b.int("long unsigned int", 8, 0)
		b.int("unsigned int", 4, 0)
		return f(b)
	}
}

func flat(name string, fields ...fld) side {
	return with(func(b *builder) ID { return b.strct(name, 64, fields...) })
}

var (
	localS = flat("s___mine", fld{"a", 1, 0, 0}, fld{"b", 1, 32, 0})
	// b moves into an anonymous union in an anonymous struct.
	movedS = with(func(b *builder) ID {
		u := b.compound(KindUnion, "", 8, fld{"x", 2, 0, 0}, fld{"b", 1, 0, 0})
		s := b.strct("", 16, fld{"pad", 2, 0, 0}, fld{"", u, 64, 0})
		return b.strct("s", 32, fld{"a", 1, 0, 0}, fld{"", s, 64, 0})
	})
	noB = flat("s", fld{"a", 1, 0, 0})
)

type coreCase struct {
	name    string
	local   side
	kind    COREKind
	access  string
	targets []side
	want    Fixup // Why is compared as a part
	err     string
}

func fieldCases() []coreCase {
	off, size, exists := COREFieldByteOffset, COREFieldByteSize, COREFieldExists
	arr := func(n uint32, last bool) side {
		return with(func(b *builder) ID {
			a := b.array(1, n)
			f := []fld{{"arr", a, 64, 0}}
			if !last {
				f = append(f, fld{"end", 1, 512, 0})
			}
			return b.strct("s", 128, f...)
		})
	}
	return []coreCase{
		{"anonymous members are searched", localS, off, "0:1", []side{movedS},
			Fixup{Validate: true, Old: 4, New: 16, OldSize: 4, NewSize: 4}, ""},
		{"size", localS, size, "0:1", []side{flat("s", fld{"b", 2, 64, 0})}, Fixup{Validate: true, Old: 4, New: 8}, ""},
		{"exists", localS, exists, "0:1", []side{movedS}, Fixup{Validate: true, Old: 1, New: 1}, ""},
		{"exists not", localS, exists, "0:1", []side{noB}, Fixup{Validate: true, Old: 1,
			Why: "struct s___mine.b: no such member; candidates: [4] struct s (no member b)"}, ""},
		{"missing field", localS, off, "0:1", []side{noB}, Fixup{Validate: true, Poison: true, Old: 4, OldSize: 4,
			Why: "struct s___mine.b: no such member; candidates: [4] struct s (no member b)"}, ""},
		{"missing type", localS, off, "0:1", []side{flat("other")}, Fixup{Validate: true, Poison: true, Old: 4, OldSize: 4,
			Why: "struct s___mine.b: no such type in the target"}, ""},
		{"incompatible field", localS, off, "0:1", []side{with(func(b *builder) ID {
			return b.strct("s", 8, fld{"b", b.ptr(1), 0, 0})
		})}, Fixup{Validate: true, Poison: true, Old: 4, OldSize: 4,
			Why: "candidates: [5] struct s (member b has another type)"}, ""},
		{"a union does for a struct only as a field", localS, off, "0:0", []side{with(func(b *builder) ID {
			return b.compound(KindUnion, "s", 8, fld{"a", 1, 0, 0})
		})}, Fixup{Validate: true, Poison: true, OldSize: 4, Why: "no such type"}, ""},
		{"array element", arr(8, true), off, "0:0:3", []side{arr(8, false)}, Fixup{Validate: true, Old: 20, New: 20, OldSize: 4, NewSize: 4}, ""},
		{"whole array", arr(8, true), off, "0:0", []side{arr(4, false)}, Fixup{Validate: true, Old: 8, New: 8, OldSize: 4, NewSize: 4}, ""},
		{"array too short", arr(8, true), off, "0:0:7", []side{arr(4, false)}, Fixup{Validate: true, Poison: true, Old: 36, OldSize: 4, Why: "array is shorter: int[4]"}, ""},
		{"flexible array", arr(8, true), off, "0:0:7", []side{arr(0, true)}, Fixup{Validate: true, Old: 36, New: 36, OldSize: 4, NewSize: 4}, ""},
		{"empty array in the middle", arr(8, true), off, "0:0:7", []side{arr(0, false)}, Fixup{Validate: true, Poison: true, Old: 36, OldSize: 4, Why: "shorter"}, ""},
		{"root as array", localS, off, "2:1", []side{movedS}, Fixup{Validate: true, Old: 132, New: 80, OldSize: 4, NewSize: 4}, ""},
		{"signed", localS, COREFieldSigned, "0:1", []side{flat("s", fld{"b", 3, 0, 0})}, Fixup{Validate: true, Old: 1}, ""},
		{"element size", arr(8, true), size, "0:0:3", []side{arr(8, true)}, Fixup{Validate: true, Old: 4, New: 4}, ""},
		{"element shift", arr(8, true), COREFieldLShiftU64, "0:0:3", []side{arr(8, true)}, Fixup{}, "does not apply to an array element"},
		{"lshift", localS, COREFieldLShiftU64, "0:1", []side{movedS}, Fixup{Validate: true, Old: 32, New: 32}, ""},
		{"rshift", localS, COREFieldRShiftU64, "0:1", []side{flat("s", fld{"b", 2, 0, 0})}, Fixup{Validate: true, Old: 32, New: 0}, ""},
	}
}

func memSizeCases() []coreCase {
	one := func(typ func(b *builder) ID) side {
		return with(func(b *builder) ID { return b.strct("s", 8, fld{"f", typ(b), 0, 0}) })
	}
	id := func(n ID) func(*builder) ID { return func(*builder) ID { return n } }
	short := func(enc uint32) func(*builder) ID {
		return func(b *builder) ID { return b.int("short", 2, enc) }
	}
	off := COREFieldByteOffset
	ptr32 := func(b *builder) ID {
		b.int("long", 4, IntSigned)
		return b.strct("s", 4, fld{"f", b.ptr(0), 0, 0})
	}
	ptr := func(b *builder) ID { return b.ptr(0) }
	return []coreCase{
		{"unsigned grows", one(id(3)), off, "0:0", []side{one(id(2))}, Fixup{Validate: true, OldSize: 4, NewSize: 8}, ""},
		{"unsigned shrinks", one(id(3)), off, "0:0", []side{one(short(0))}, Fixup{Validate: true, OldSize: 4, NewSize: 2}, ""},
		{"signed target", one(id(3)), off, "0:0", []side{one(short(IntSigned))}, Fixup{Validate: true, BadSize: true, OldSize: 4, NewSize: 2}, ""},
		{"signed local", one(id(1)), off, "0:0", []side{one(id(2))}, Fixup{Validate: true, BadSize: true, OldSize: 4, NewSize: 8}, ""},
		{"signed of one size", one(id(1)), off, "0:0", []side{one(id(3))}, Fixup{Validate: true, OldSize: 4, NewSize: 4}, ""},
		{"pointer of 32 bits", one(ptr), off, "0:0", []side{ptr32}, Fixup{Validate: true, OldSize: 8, NewSize: 4}, ""},
	}
}

func bitfieldCases() []coreCase {
	bits := func(off, n uint32, typ ID) side { return flat("s", fld{"f", typ, off, n}) }
	l, r, o, z := COREFieldLShiftU64, COREFieldRShiftU64, COREFieldByteOffset, COREFieldByteSize
	return []coreCase{
		{"bitfield offset", bits(37, 3, 3), o, "0:0", []side{bits(70, 3, 3)}, Fixup{Old: 4, New: 8}, ""},
		{"bitfield size", bits(37, 3, 3), z, "0:0", []side{bits(70, 3, 3)}, Fixup{Old: 4, New: 4}, ""},
		{"bitfield window grows", bits(0, 3, 3), z, "0:0", []side{bits(30, 10, 3)}, Fixup{Old: 4, New: 8}, ""},
		{"bitfield too wide", bits(0, 3, 3), z, "0:0", []side{bits(60, 10, 2)}, Fixup{}, "cannot be read with one load"},
		{"bitfield lshift", bits(37, 3, 3), l, "0:0", []side{bits(70, 3, 3)}, Fixup{Old: 56, New: 55}, ""},
		{"bitfield rshift", bits(37, 3, 3), r, "0:0", []side{bits(70, 5, 3)}, Fixup{Validate: true, Old: 61, New: 59}, ""},
		{"bitfield signed", bits(37, 3, 1), COREFieldSigned, "0:0", []side{bits(70, 5, 3)}, Fixup{Validate: true, Old: 1}, ""},
	}
}

func typeCases() []coreCase {
	fwd := with(func(b *builder) ID { return b.add(KindFwd, "s", 0, 0) })
	fn := func(ret ID, params ...fld) side {
		return with(func(b *builder) ID { return b.ref(KindTypedef, "fn_t", b.ptr(b.proto(ret, params...))) })
	}
	one := []fld{{"x", 1, 0, 0}}
	two := []fld{{"x", 1, 0, 0}, {"y", 1, 0, 0}}
	return []coreCase{
		{"type exists", localS, CORETypeExists, "0", []side{noB}, Fixup{Validate: true, Old: 1, New: 1}, ""},
		{"type does not", localS, CORETypeExists, "0", []side{flat("z")}, Fixup{Validate: true, Old: 1, Why: "no such type"}, ""},
		{"declaration is no definition", localS, CORETypeExists, "0", []side{fwd}, Fixup{Validate: true, Old: 1, Why: "no such type"}, ""},
		{"type size", localS, CORETypeSize, "0", []side{movedS}, Fixup{Validate: true, Old: 64, New: 32}, ""},
		{"type size of none", localS, CORETypeSize, "0", []side{flat("z")}, Fixup{Validate: true, Old: 64, Why: "no such type"}, ""},
		{"target id", localS, CORETypeIDTarget, "0", []side{movedS}, Fixup{Old: 4, New: 6}, ""},
		{"local id", localS, CORETypeIDLocal, "0", nil, Fixup{Old: 4, New: 4}, ""},
		{"type with access", localS, CORETypeExists, "0:1", []side{noB}, Fixup{}, "malformed access"},
		{"function", fn(1, one...), CORETypeExists, "0", []side{fn(1, one...)}, Fixup{Validate: true, Old: 1, New: 1}, ""},
		{"function of more", fn(1, one...), CORETypeExists, "0", []side{fn(1, two...)}, Fixup{Validate: true, Old: 1, Why: "another sort"}, ""},
		{"function of other result", fn(1, one...), CORETypeExists, "0", []side{fn(0, one...)}, Fixup{Validate: true, Old: 1, Why: "another sort"}, ""},
	}
}

func matchCases() []coreCase {
	m := CORETypeMatches
	yes, no := Fixup{Validate: true, Old: 1, New: 1}, Fixup{Validate: true, Old: 1, Why: "its layout differs"}
	in := func(inner func(b *builder) ID) side {
		return with(func(b *builder) ID { return b.strct("s", 64, fld{"f", inner(b), 0, 0}) })
	}
	st := func(name, member string) func(*builder) ID {
		return func(b *builder) ID { return b.strct(name, 4, fld{member, 1, 0, 0}) }
	}
	ptrTo := func(f func(*builder) ID) func(*builder) ID {
		return func(b *builder) ID { return b.ptr(f(b)) }
	}
	fwd := func(f uint32) func(*builder) ID {
		return func(b *builder) ID { return b.add(KindFwd, "t", f, 0) }
	}
	arr := func(n uint32) func(*builder) ID { return func(b *builder) ID { return b.array(1, n) } }
	enum := func(names ...string) func(*builder) ID {
		return func(b *builder) ID {
			var v []enumv
			for i, n := range names {
				v = append(v, enumv{n, int64(i)})
			}
			return b.enum("e", false, v...)
		}
	}
	return []coreCase{
		{"matches: more and moved members", flat("s", fld{"a", 1, 0, 0}), m, "0", []side{flat("s", fld{"z", 2, 0, 0}, fld{"a", 1, 64, 0})}, yes, ""},
		{"matches: missing member", localS, m, "0", []side{noB}, no, ""},
		{"matches: int size", flat("s", fld{"a", 1, 0, 0}), m, "0", []side{flat("s", fld{"a", 2, 0, 0})}, no, ""},
		{"matches: struct inside", in(st("t", "x")), m, "0", []side{in(st("t", "x"))}, yes, ""},
		{"matches: other struct inside", in(st("t", "x")), m, "0", []side{in(st("t", "y"))}, no, ""},
		{"matches: behind a pointer the name does", in(ptrTo(st("t", "x"))), m, "0", []side{in(ptrTo(st("t", "y")))}, yes, ""},
		{"matches: other name behind a pointer", in(ptrTo(st("t", "x"))), m, "0", []side{in(ptrTo(st("u", "x")))}, no, ""},
		{"matches: declaration behind a pointer", in(ptrTo(st("t", "x"))), m, "0", []side{in(ptrTo(fwd(0)))}, yes, ""},
		{"matches: declaration of a union", in(ptrTo(st("t", "x"))), m, "0", []side{in(ptrTo(fwd(flag)))}, no, ""},
		{"matches: local declaration", in(ptrTo(fwd(0))), m, "0", []side{in(ptrTo(st("t", "x")))}, yes, ""},
		{"matches: array", in(arr(3)), m, "0", []side{in(arr(3))}, yes, ""},
		{"matches: array length", in(arr(3)), m, "0", []side{in(arr(4))}, no, ""},
		{"matches: enum by names", in(enum("A", "B")), m, "0", []side{in(enum("Z", "B", "A"))}, yes, ""},
		{"matches: enum lacks one", in(enum("A", "B")), m, "0", []side{in(enum("Z", "A"))}, no, ""},
	}
}

func enumCases() []coreCase {
	v, e := COREEnumvalValue, COREEnumvalExists
	small := func(val int64) side {
		return func(b *builder) ID { return b.enum("e", val < 0, enumv{"Z", 9}, enumv{"A", val}) }
	}
	wide := func(b *builder) ID { return b.enum64("e", false, enumv{"A", 1 << 40}) }
	flavour := func(b *builder) ID { return b.enum("e___x", false, enumv{"A___v2", 3}) }
	none := func(b *builder) ID { return b.enum("e", false, enumv{"B", 3}) }
	return []coreCase{
		{"value", small(1), v, "1", []side{small(7)}, Fixup{Validate: true, Old: 1, New: 7}, ""},
		{"negative value", small(1), v, "1", []side{small(-2)}, Fixup{Validate: true, Old: 1, New: 1<<64 - 2}, ""},
		{"64-bit value", small(1), v, "1", []side{wide}, Fixup{Validate: true, Old: 1, New: 1 << 40}, ""},
		{"value by essential name", flavour, v, "0", []side{small(7)}, Fixup{Validate: true, Old: 3, New: 7}, ""},
		{"missing value", small(1), v, "1", []side{none}, Fixup{Validate: true, Poison: true, Old: 1,
			Why: "enum e::A: no such value; candidates: [1] enum e (no value A)"}, ""},
		{"value exists", small(1), e, "1", []side{wide}, Fixup{Validate: true, Old: 1, New: 1}, ""},
		{"value does not exist", small(1), e, "1", []side{none}, Fixup{Validate: true, Old: 1, Why: "no such value"}, ""},
		{"value out of range", small(1), v, "5", []side{none}, Fixup{}, "malformed access"},
		{"value with a path", small(1), v, "0:1", []side{none}, Fixup{}, "malformed access"},
	}
}

func badCases() []coreCase {
	off := COREFieldByteOffset
	bad := func(name, access, err string) coreCase {
		return coreCase{name, localS, off, access, []side{noB}, Fixup{}, err}
	}
	return []coreCase{
		bad("empty access", "", "malformed access"),
		bad("colon first", ":0", "malformed access"),
		bad("colon last", "0:", "malformed access"),
		bad("negative", "0:-1", "malformed access"),
		bad("letters", "0:x", "malformed access"),
		bad("member out of range", "0:9", "has no member 9"),
		bad("into an int", "0:1:0", "has no parts"),
		bad("too deep", "0"+strings.Repeat(":0", 70), "malformed access"),
		bad("index too large", "2147483647:1", "bits"),
		{"anonymous root", flat("", fld{"a", 1, 0, 0}), off, "0:0", []side{noB}, Fixup{}, "without a name"},
		{"unknown kind", localS, 99, "0:0", []side{noB}, Fixup{}, "unknown relocation kind 99"},
	}
}

func TestResolve(t *testing.T) {
	var all []coreCase
	for _, f := range []func() []coreCase{fieldCases, memSizeCases, bitfieldCases, typeCases, matchCases, enumCases, badCases} {
		all = append(all, f()...)
	}
	for _, tt := range all {
		got, err := resolve(t, binary.LittleEndian, tt.local, tt.kind, tt.access, tt.targets...)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: error %v, want %q", tt.name, err, tt.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if !strings.Contains(got.Why, tt.want.Why) || (tt.want.Why == "") != (got.Why == "") {
			t.Errorf("%s: why %q, want %q", tt.name, got.Why, tt.want.Why)
		}
		tt.want.Why, tt.want.Kind, tt.want.Target = got.Why, tt.kind, got.Target
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", tt.name, diff)
		}
	}
}

func TestShiftsOfBigEndian(t *testing.T) {
	bits := func(off, n uint32) side { return flat("s", fld{"f", 3, off, n}) }
	got, err := resolve(t, binary.BigEndian, bits(37, 3), COREFieldLShiftU64, "0:0", bits(70, 3))
	want := Fixup{Kind: COREFieldLShiftU64, Old: 32 + 5, New: 32 + 6, Target: 4}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

// pairOf has two structs of one essential name.
func pairOf(off1, off2 uint32) side {
	return with(func(b *builder) ID {
		b.strct("s", 64, fld{"a", 1, 0, 0}, fld{"b", 1, off1, 0})
		return b.strct("s___2", 64, fld{"b", 1, off2, 0})
	})
}

func TestAmbiguity(t *testing.T) {
	got, err := resolve(t, binary.LittleEndian, localS, COREFieldByteOffset, "0:1", pairOf(64, 64))
	if err != nil || got.New != 8 || got.Target != 4 {
		t.Errorf("candidates that agree: %+v, %v", got, err)
	}
	_, err = resolve(t, binary.LittleEndian, localS, COREFieldByteOffset, "0:1", pairOf(64, 96))
	var amb *AmbiguousError
	if !errors.As(err, &amb) {
		t.Fatalf("candidates that differ: %v", err)
	}
	want := "CO-RE byte_off of struct s___mine.b: ambiguous: [4] struct s gives 8 (at bit 64), [5] struct s___2 gives 12 (at bit 96)"
	if amb.Error() != want {
		t.Errorf("got  %s\nwant %s", amb, want)
	}
}

// libbpf forgets candidates that an earlier relocation of the type ruled out.
func TestCandidatesArePruned(t *testing.T) {
	lb, tb := newBuilder(binary.LittleEndian), newBuilder(binary.LittleEndian)
	root := localS(lb)
	pairOf(64, 96)(tb)
	a := &CORERelo{COREFieldByteOffset, root, "0:0"}
	b := &CORERelo{COREFieldByteOffset, root, "0:1"}
	r := NewRelocatorFor(lb.spec(t), tb.spec(t))
	if err := r.Prepare([]*CORERelo{a, b}); err != nil {
		t.Fatal(err)
	}
	if fix, err := r.Resolve(b); err != nil || fix.New != 8 {
		t.Errorf("got %+v, %v", fix, err)
	}
}

func TestLaterTargetsOnlyForAbsentTypes(t *testing.T) {
	mod := flat("s", fld{"b", 1, 320, 0})
	got, err := resolve(t, binary.LittleEndian, localS, COREFieldByteOffset, "0:1", movedS, mod)
	if err != nil || got.New != 16 {
		t.Errorf("first target: %+v, %v", got, err)
	}
	got, err = resolve(t, binary.LittleEndian, localS, COREFieldByteOffset, "0:1", flat("x"), mod)
	if err != nil || got.New != 40 {
		t.Errorf("second target: %+v, %v", got, err)
	}
}

func TestEssential(t *testing.T) {
	for in, want := range map[string]string{
		"a": "a", "task_struct": "task_struct", "s___x": "s", "s___x___y": "s___x", "s____x": "s____x", "___x": "___x",
		"s___": "s___", "s__x": "s__x", "": "",
	} {
		if got := essential(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// A struct whose anonymous members fan out: the search must end early.
func TestMatchingIsBounded(t *testing.T) {
	fan := with(func(b *builder) ID {
		id := b.strct("", 4, fld{"x", 1, 0, 0})
		for range 40 {
			id = b.strct("", 4, fld{"", id, 0, 0}, fld{"", id, 0, 0}, fld{"", id, 0, 0}, fld{"", id, 0, 0})
		}
		return b.strct("s", 4, fld{"", id, 0, 0})
	})
	_, err := resolve(t, binary.LittleEndian, localS, COREFieldByteOffset, "0:1", fan)
	if !errors.Is(err, errBudget) {
		t.Errorf("got %v", err)
	}
}

package btf

import (
	"bytes"
	"errors"
	stdflag "flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = stdflag.Bool("update", false, "rewrite golden files")

// golden compares text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// layouts reads types that layouts.c has: "el", "eb" or "later.el".
func layouts(t testing.TB, name string) *Spec {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "layouts"+name+".btf"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func cText(t testing.TB, s *Spec, o *COptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteC(&b, s, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestCGolden(t *testing.T) {
	for _, order := range []string{".el", ".eb"} {
		golden(t, "layouts.h", cText(t, layouts(t, order), nil))
	}
	s := layouts(t, ".el")
	node, _ := s.ByName("node", KindStruct)
	golden(t, "node.h", cText(t, s, &COptions{Roots: []ID{node.ID()}, Guard: "NODE_H", NoAccessIndex: true}))
}

// clashes are types whose names are one in C, or none.
func clashes(o byteOrders) *builder {
	b := newBuilder(o)
	b.int("int", 4, IntSigned)
	first := b.strct("same", 4, fld{"a", 1, 0, 0})
	second := b.strct("same", 8, fld{"b", 1, 32, 0})
	b.compound(KindUnion, "same", 4, fld{"u", 1, 0, 0})
	b.strct("same___2", 0)
	fwd := b.add(KindFwd, "same", 0, 0)
	ufwd := b.add(KindFwd, "only", flag, 0)
	ufwd2 := b.add(KindFwd, "only", flag, 0)
	onlyEnum := b.enum("only_enum", false, enumv{"VALUE", 1})
	efwd := b.add(KindFwd, "only_enum", 0, 0)
	b.add(KindEnum, "none", 0, 4)
	anon := b.enum("", false, enumv{"VALUE", 2})
	word := b.ref(KindTypedef, "word", 1)
	other := b.ref(KindTypedef, "word", second)
	clash := b.enum("", false, enumv{"word", 3})
	rust := b.strct("core::Option<&str>", 4, fld{"0", 1, 0, 0})
	usize := b.int("usize", 8, 0)
	inner := b.strct("named", 4, fld{"n", 1, 0, 0})
	b.strct("user", 96,
		fld{"first", b.ptr(first), 0, 0}, fld{"fwd", b.ptr(fwd), 64, 0},
		fld{"ufwd", b.ptr(ufwd), 128, 0}, fld{"ufwd2", b.ptr(ufwd2), 192, 0},
		fld{"e", onlyEnum, 256, 0}, fld{"anon", anon, 288, 0}, fld{"again", anon, 320, 0},
		fld{"word", word, 352, 0}, fld{"other", other, 384, 0}, fld{"clash", clash, 448, 0},
		fld{"rust", rust, 480, 0}, fld{"usize", usize, 512, 0}, fld{"", inner, 576, 0},
		fld{"efwd", b.ptr(efwd), 640, 0}, fld{"", 1, 704, 0},
	)
	b.ref(KindTypedef, "bool", b.int("_Bool", 1, IntBool))
	b.enum("", false, enumv{"false", 0}, enumv{"true", 1})
	b.ref(KindTypedef, "__gnuc_va_list", 0)
	return b
}

func TestCNames(t *testing.T) {
	for _, o := range orders {
		s, err := Parse(clashes(o).bytes())
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "clashes.h", cText(t, s, &COptions{NoAccessIndex: true}))
	}
}

// TestCSplit: a module's header has what it needs of the kernel.
func TestCSplit(t *testing.T) {
	base, err := Parse(clashes(orders[0]).bytes())
	if err != nil {
		t.Fatal(err)
	}
	user, _ := base.ByName("user", KindStruct)
	b := newBuilder(orders[0])
	b.words(1, uint32(KindTypedef)<<24, uint32(user.ID()))
	b.strs = []byte("mod_user\x00")
	raw := b.bytes()
	orders[0].PutUint32(raw[24:], base.strEnd())
	s, err := ParseSplit(raw, base)
	if err != nil {
		t.Fatal(err)
	}
	got := cText(t, s, nil)
	if !strings.Contains(got, "typedef struct user mod_user;") || !strings.Contains(got, "struct user;") || strings.Contains(got, "struct named {") {
		t.Error(got)
	}
}

// TestCRefuses: types that double with each level, and never end, are errors,
// whatever was written before.
func TestCRefuses(t *testing.T) {
	double := newBuilder(orders[0])
	last := double.int("int", 4, IntSigned)
	for range 28 {
		last = double.strct("", 0, fld{"a", last, 0, 0}, fld{"b", last, 0, 0})
	}
	double.strct("top", 0, fld{"x", last, 0, 0})

	deep := newBuilder(orders[0])
	last = deep.int("int", 4, IntSigned)
	for i := range 4 * maxNest { // the first by name is the last
		last = deep.ref(KindTypedef, fmt.Sprint("t", 9999-i), deep.ptr(last))
	}

	args := newBuilder(orders[0])
	last = args.int("int", 4, IntSigned)
	for range 40 {
		last = args.ptr(args.add(KindFuncProto, "", 2, uint32(last), 0, uint32(last), 0, uint32(last)))
	}
	args.ref(KindTypedef, "fn", last)

	for name, tc := range map[string]struct {
		b    *builder
		want error
	}{"doubling": {double, errTooMuch}, "chain": {deep, errNested}, "arguments": {args, errTooMuch}} {
		s, err := Parse(tc.b.bytes())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var out bytes.Buffer
		if err := WriteC(&out, s, nil); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
}

// failing is a writer that gives up.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestCWriter(t *testing.T) {
	if err := WriteC(failing{}, layouts(t, ".el"), nil); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}

package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// theSkipRoom is the only package that skips tests, by rules that no error's
// value can bend, and that reads the variables which bend those.
const theSkipRoom = "internal/testutil"

// maySkip lists files that skip by themselves, each with the reason. Nothing
// else may, and an entry that is not needed any more is a violation too.
var maySkip = map[string]string{}

// skips are the methods of testing.TB that only theSkipRoom calls; no other
// type that tests use has them.
var skips = []string{"Skip", "Skipf", "SkipNow"}

// skipVariables are read by theSkipRoom alone.
var skipVariables = []string{"SKEP_REQUIRE", "SKEP_STOCK"}

// TestSkipsGoThroughTestutil holds every test of the module to it.
func TestSkipsGoThroughTestutil(t *testing.T) {
	got, err := checkSkips(os.DirFS("../.."), maySkip)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range got {
		t.Error(v)
	}
}

// checkSkips returns where tests below fsys skip past theSkipRoom, and the
// exceptions that do not.
func checkSkips(fsys fs.FS, exceptions map[string]string) ([]string, error) {
	var out []string
	used := map[string]bool{}
	err := walkGo(fsys, func(p string, src []byte) error {
		found, err := skipsOf(p, src)
		if err != nil || len(found) == 0 || strings.HasPrefix(p, theSkipRoom+"/") {
			return err
		}
		if _, ok := exceptions[p]; ok {
			used[p] = true
			return nil
		}
		out = append(out, found...)
		return nil
	})
	for p, why := range exceptions {
		if !used[p] {
			out = append(out, fmt.Sprintf("%s: skips nothing by itself: drop the exception (%s)", p, why))
		}
	}
	slices.Sort(out)
	return out, err
}

// skipsOf finds what skips in a file: a use of one of the methods, called or
// not, whatever it is a method of, in files that import testing.
func skipsOf(p string, src []byte) ([]string, error) {
	files := token.NewFileSet()
	syntax, err := parser.ParseFile(files, p, src, parser.SkipObjectResolution)
	if err != nil || !slices.ContainsFunc(syntax.Imports, func(s *ast.ImportSpec) bool { return s.Path.Value == `"testing"` }) {
		return nil, err
	}
	var out []string
	say := func(at token.Pos, text string) {
		out = append(out, fmt.Sprintf("%s:%d: %s", p, files.Position(at).Line, text))
	}
	ast.Inspect(syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if slices.Contains(skips, n.Sel.Name) {
				say(n.Sel.Pos(), n.Sel.Name+": skip by a rule of "+theSkipRoom)
			}
		case *ast.CallExpr:
			if text := readsVariable(n); slices.Contains(skipVariables, text) {
				say(n.Pos(), text+": only "+theSkipRoom+" reads it")
			}
		}
		return true
	})
	return out, nil
}

// readsVariable returns the name that a call such as os.Getenv is given.
func readsVariable(call *ast.CallExpr) string {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || f.Sel.Name != "Getenv" && f.Sel.Name != "LookupEnv" || len(call.Args) != 1 {
		return ""
	}
	name, ok := call.Args[0].(*ast.BasicLit)
	if !ok {
		return ""
	}
	text, _ := strconv.Unquote(name.Value)
	return text
}

// TestSkipLawCatches shows that it fails on trees that break it, and only there.
func TestSkipLawCatches(t *testing.T) {
	test := func(body string) string {
		return "package p\nimport \"testing\"\nfunc TestX(t *testing.T) {\n" + body + "\n}\n"
	}
	for _, tt := range []struct {
		name, file, src string
		exceptions      map[string]string
		want            string // part of the only violation; "" = none
	}{
		{name: "lawful", file: "link/a_test.go", src: test(`t.Log("skip"); skipped(t)`)},
		{name: "Skip", file: "link/a_test.go", src: test(`t.Skip("x")`), want: "link/a_test.go:4: Skip: "},
		{name: "Skipf", file: "a_test.go", src: test(`t.Skipf("x")`), want: "a_test.go:4: Skipf: "},
		{name: "SkipNow", file: "a_test.go", src: test(`t.SkipNow()`), want: "a_test.go:4: SkipNow: "},
		{name: "in a subtest", file: "a_test.go", src: test(`t.Run("x", func(t *testing.T) { t.Skip() })`), want: "Skip"},
		{name: "by another name", file: "a_test.go", src: test(`tb := testing.TB(t); tb.Skip()`), want: "Skip"},
		{name: "of a field", file: "a_test.go", src: test(`p.t.Skip()`), want: "Skip"},
		{name: "as a value", file: "a_test.go", src: test(`f := t.Skip; f()`), want: "Skip"},
		{name: "as an expression", file: "a_test.go", src: test(`(*testing.T).SkipNow(t)`), want: "SkipNow"},
		{name: "a field of that name", file: "a_test.go", src: test(`use(options{Skip: 1})`)},
		{name: "in a helper package", file: "internal/sys/systest/a.go", src: test(`t.Skip()`), want: "systest/a.go:4"},
		{name: "in the library", file: "btf/a.go", src: "package p\nfunc f(c cursor) { c.Skip(4) }\n"},
		{name: "in its place", file: "internal/testutil/a.go", src: test(`t.Skip()`)},
		{name: "variable", file: "a_test.go", src: test(`_ = os.Getenv("SKEP_REQUIRE")`), want: "only internal/testutil"},
		{name: "variable looked up", file: "a_test.go", src: test(`_, ok := os.LookupEnv("SKEP_STOCK")`), want: "only internal/testutil"},
		{name: "variable set", file: "a_test.go", src: test(`t.Setenv("SKEP_REQUIRE", "")`)},
		{name: "exception", file: "a_test.go", src: test(`t.Skip()`), exceptions: map[string]string{"a_test.go": "why"}},
		{name: "idle exception", file: "a_test.go", src: test(``), exceptions: map[string]string{"a_test.go": "why"}, want: "drop the exception (why)"},
		{name: "exception of a file that is gone", file: "a_test.go", src: test(``), exceptions: map[string]string{"b_test.go": "why"}, want: "b_test.go: skips nothing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := checkSkips(fstest.MapFS{tt.file: {Data: []byte(tt.src)}}, tt.exceptions)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == "" && len(got) != 0 || tt.want != "" && (len(got) != 1 || !strings.Contains(got[0], tt.want)) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

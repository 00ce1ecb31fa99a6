package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// formats are the functions of internal/mkerr that take arguments of fixed
// types, which go vet does not know: the verbs that each is for, in order.
var formats = map[string]*regexp.Regexp{
	"Wrap":      regexp.MustCompile(`^%w$`),
	"WrapNamed": regexp.MustCompile(`^%[sq]%w$`),
	"Named":     regexp.MustCompile(`^%[sq]$`),
}

var verbs = regexp.MustCompile(`%[^a-zA-Z%]*[a-zA-Z%]`)

// TestFormats holds the formats of errors against their arguments.
func TestFormats(t *testing.T) {
	got, err := checkFormats(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range got {
		t.Error(v)
	}
}

// checkFormats returns the calls below fsys whose format is not what the
// function is for.
func checkFormats(fsys fs.FS) (out []string, err error) {
	err = walkGo(fsys, func(p string, src []byte) error {
		files := token.NewFileSet()
		syntax, err := parser.ParseFile(files, p, src, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(syntax, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			fn, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if pkg, ok := fn.X.(*ast.Ident); !ok || pkg.Name != "mkerr" || formats[fn.Sel.Name] == nil {
				return true
			}
			format := ""
			if lit, ok := call.Args[0].(*ast.BasicLit); ok {
				format, _ = strconv.Unquote(lit.Value)
			}
			have := ""
			for _, v := range verbs.FindAllString(format, -1) {
				if v != "%%" {
					have += v
				}
			}
			if !formats[fn.Sel.Name].MatchString(have) {
				out = append(out, fmt.Sprintf("%s:%d: mkerr.%s of %q", p, files.Position(call.Pos()).Line, fn.Sel.Name, format))
			}
			return true
		})
		return nil
	})
	slices.Sort(out)
	return out, err
}

func TestCheckFormats(t *testing.T) {
	const head = "package p\nimport \"github.com/skepbpf/skep/internal/mkerr\"\n"
	got, err := checkFormats(fstest.MapFS{"a.go": {Data: []byte(head + `
func f(err error, how string) []error {
	return []error{
		mkerr.Wrap("read: 100%% of %w", err), mkerr.WrapNamed("map %q: %w", how, err), mkerr.Named("no %s", how), mkerr.Errorf("%d", 1),
		mkerr.Wrap("read: %v", err),
		mkerr.Wrap(how, err),
		mkerr.WrapNamed("%w: map %s", how, err),
		mkerr.Named("no %s of %d", how),
	}
}`)}})
	want := []string{`a.go:10: mkerr.Named of "no %s of %d"`, `a.go:7: mkerr.Wrap of "read: %v"`, `a.go:8: mkerr.Wrap of ""`, `a.go:9: mkerr.WrapNamed of "%w: map %s"`}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

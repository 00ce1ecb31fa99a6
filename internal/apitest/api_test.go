// Package apitest holds the exported API of all public packages against the
// text in api/skep.txt, so that a change of it is seen in review. `make api`
// rewrites the text.
package apitest

import (
	"bytes"
	"flag"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite api/skep.txt")

const (
	root   = "../.."
	golden = root + "/api/skep.txt"
)

func TestAPI(t *testing.T) {
	got := snapshot(t, root)
	if *update {
		if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("the exported API changed; if that is meant: make api\n%s", diff)
	}
}

// snapshot lists every exported declaration of the public packages below dir,
// one a line, sorted.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var lines []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		switch name := d.Name(); {
		case name == "internal", name == "testdata", name == "cmd", name == "examples", name == "bench", name == "tools",
			path != dir && strings.HasPrefix(name, "."):
			return filepath.SkipDir
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		lines = append(lines, declarations(t, path, filepath.ToSlash(rel))...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}

// declarations of one folder, each prefixed with its package's path.
func declarations(t *testing.T, dir, pkg string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	if pkg == "." {
		pkg = "skep"
	}
	var lines []string
	fset := token.NewFileSet()
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if file.Name.Name == "main" || !ast.FileExports(file) {
			continue
		}
		for _, d := range file.Decls {
			for _, text := range render(t, fset, d) {
				lines = append(lines, pkg+": "+text)
			}
		}
	}
	return lines
}

// render gives the text of a declaration without bodies, values of variables
// and comments: a line for each name.
func render(t *testing.T, fset *token.FileSet, d ast.Decl) []string {
	t.Helper()
	switch d := d.(type) {
	case *ast.FuncDecl:
		if !exportedReceiver(d) {
			return nil
		}
		d.Body, d.Doc = nil, nil
		return []string{print(t, fset, d)}
	case *ast.GenDecl:
		var lines []string
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				s.Doc, s.Comment = nil, nil
				lines = append(lines, "type "+print(t, fset, s))
			case *ast.ValueSpec:
				for _, n := range s.Names {
					line := d.Tok.String() + " " + n.Name
					if s.Type != nil {
						line += " " + print(t, fset, s.Type)
					}
					lines = append(lines, line)
				}
			}
		}
		return lines
	}
	return nil
}

// exportedReceiver is true for functions, and for methods of exported types.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	for {
		switch t := typ.(type) {
		case *ast.StarExpr:
			typ = t.X
		case *ast.IndexExpr:
			typ = t.X
		case *ast.IndexListExpr:
			typ = t.X
		case *ast.Ident:
			return t.IsExported()
		default:
			return true
		}
	}
}

// print is source text on one line.
func print(t *testing.T, fset *token.FileSet, node any) string {
	t.Helper()
	ast.Inspect(node.(ast.Node), func(n ast.Node) bool {
		if f, ok := n.(*ast.Field); ok {
			f.Doc, f.Comment = nil, nil
		}
		return true
	})
	var b bytes.Buffer
	if err := (&printer.Config{Mode: printer.RawFormat}).Fprint(&b, fset, node); err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func TestSnapshotSeesChanges(t *testing.T) {
	write := func(src string) string {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "x.go"), []byte(src), 0o644); err != nil {
			t.Fatal(err)
		}
		return snapshot(t, dir)
	}
	base := "package x\n// Doc.\ntype T struct {\n\tA int // a\n\tb int\n}\nfunc (t *T) M(n int) error { return nil }\ntype u int\nfunc (u) String() string { return \"\" }\nfunc f() {}\nconst C, d = 1, 2\n"
	want := "skep: const C\nskep: func (t *T) M(n int) error\nskep: type T struct { A int }\n"
	if got := write(base); !strings.HasPrefix(got, "skep: const C\n") || strings.Contains(got, "b int") || strings.Contains(got, "func f") || strings.Contains(got, "String") {
		t.Errorf("got\n%swant about\n%s", got, want)
	}
	for _, change := range [][2]string{{"A int", "A int64"}, {"n int", "n uint"}, {"const C", "const D"}} {
		if write(base) == write(strings.Replace(base, change[0], change[1], 1)) {
			t.Errorf("%s for %s is not seen", change[1], change[0])
		}
	}
	if write(base) != write(strings.Replace(base, "b int", "b int64", 1)) {
		t.Error("an unexported field is part of the API")
	}
}

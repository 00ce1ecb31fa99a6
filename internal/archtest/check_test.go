package archtest

import (
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// file is what the law wants to know of a Go source file.
type file struct {
	path    string // slash-separated, from the module's root
	pkg     string // its folder; "." is the root
	test    bool
	imports []string
	inits   bool   // declares func init
	tag     string // build constraint, from a comment or the file's name
}

// tree is a module's source: its files, and the imports between its packages.
type tree struct {
	files []file
	prod  map[string]map[string]bool // of files that are no tests
	out   []string
}

// check returns the violations in the module rooted at fsys, sorted.
func check(fsys fs.FS) ([]string, error) {
	t := &tree{prod: map[string]map[string]bool{}}
	err := walkGo(fsys, func(p string, src []byte) error {
		f, err := read(p, src)
		if err == nil {
			t.files = append(t.files, f)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, f := range t.files {
		if !f.test {
			if t.prod[f.pkg] == nil {
				t.prod[f.pkg] = map[string]bool{}
			}
			for _, i := range f.imports {
				if p, ok := own(i); ok {
					t.prod[f.pkg][p] = true
				}
			}
		}
	}
	for _, f := range t.files {
		t.checkFile(f)
	}
	t.checkSealed()
	sort.Strings(t.out)
	return slices.Compact(t.out), nil
}

func (t *tree) fail(format string, a ...any) { t.out = append(t.out, fmt.Sprintf(format, a...)) }

// walkGo gives every Go file outside testdata, hidden folders and nested modules.
func walkGo(fsys fs.FS, visit func(p string, src []byte) error) error {
	return fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if p == "." {
				return nil
			}
			if _, err := fs.Stat(fsys, path.Join(p, "go.mod")); err == nil || d.Name() == "testdata" ||
				strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		src, err := fs.ReadFile(fsys, p)
		if err != nil {
			return err
		}
		return visit(p, src)
	})
}

func read(p string, src []byte) (file, error) {
	f := file{path: p, pkg: path.Dir(p), test: strings.HasSuffix(p, "_test.go")}
	syntax, err := parser.ParseFile(token.NewFileSet(), p, src, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		return f, err
	}
	for _, s := range syntax.Imports {
		i, err := strconv.Unquote(s.Path.Value)
		if err != nil {
			return f, err
		}
		f.imports = append(f.imports, i)
	}
	for _, d := range syntax.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			f.inits = true
		}
	}
	for _, g := range syntax.Comments {
		for _, c := range g.List {
			if c.Pos() < syntax.Package && constraint.IsGoBuild(c.Text) {
				f.tag = c.Text
			}
		}
	}
	base := strings.TrimSuffix(strings.TrimSuffix(path.Base(p), ".go"), "_test")
	for _, part := range strings.Split(base, "_")[1:] {
		if slices.Contains([]string{"linux", "unix", "darwin", "windows", "amd64", "386", "arm", "arm64", "s390x", "riscv64"}, part) {
			f.tag = "_" + part
		}
	}
	return f, nil
}

// own cuts the module's path off an import of one of its packages.
func own(imp string) (string, bool) {
	if imp == module {
		return ".", true
	}
	return strings.CutPrefix(imp, module+"/")
}

// placeOf finds a package's row.
func placeOf(pkg string) (place, bool) {
	if p, ok := exact[pkg]; ok {
		return p, true
	}
	if name, ok := strings.CutPrefix(pkg, "internal/step/"); ok && !steps[name] {
		return place{}, false
	}
	for prefix, p := range prefixes {
		if strings.HasPrefix(pkg, prefix) {
			return p, true
		}
	}
	return place{}, false
}

func (t *tree) checkFile(f file) {
	at, ok := placeOf(f.pkg)
	if !ok {
		t.fail("%s: package %s has no floor; add it to the table", f.path, f.pkg)
		return
	}
	for _, i := range f.imports {
		if p, ok := own(i); ok {
			t.checkOwn(f, at, p)
		} else {
			t.checkForeign(f, at, i)
		}
	}
	if f.test {
		return
	}
	if f.inits {
		t.fail("%s: func init: nothing runs at import time", f.path)
	}
	if f.tag != "" && !at.tool && f.pkg != theSyscallRoom {
		t.fail("%s: build constraint %q: only %s carries them", f.path, f.tag, theSyscallRoom)
	}
}

// checkOwn checks an import of the module's own package dep.
func (t *tree) checkOwn(f file, at place, dep string) {
	to, ok := placeOf(dep)
	if !ok {
		t.fail("%s: imports %s, which has no floor", f.path, dep)
		return
	}
	switch {
	case f.test && !at.sealed:
	case f.test && dep != f.pkg && to.floor > at.floor:
		t.fail("%s: a sealed package's test (floor %d) imports %s (floor %d)", f.path, at.floor, dep, to.floor)
	case !f.test && to.floor >= at.floor:
		t.fail("%s: %s (floor %d) imports %s (floor %d)", f.path, f.pkg, at.floor, dep, to.floor)
	}
	if f.test {
		return
	}
	if testOnly[dep] && !testOnly[f.pkg] && at.floor < 9 {
		t.fail("%s: %s is for tests only", f.path, dep)
	}
	if at.floor == 8 && strings.HasPrefix(dep, "internal/") {
		t.fail("%s: programs import exported packages only, not %s", f.path, dep)
	}
	if f.pkg == "." && strings.HasPrefix(f.path, "plan") && !slices.ContainsFunc(planImports, func(p string) bool {
		return dep == p || strings.HasSuffix(p, "/") && strings.HasPrefix(dep, p)
	}) {
		t.fail("%s: planning is pure and may not import %s", f.path, dep)
	}
}

// checkForeign checks an import of the standard library or of another module.
func (t *tree) checkForeign(f file, at place, imp string) {
	first, _, _ := strings.Cut(imp, "/")
	switch {
	case strings.HasPrefix(imp, "golang.org/x/sys"):
		if f.pkg != theSyscallRoom {
			t.fail("%s: imports %s: only %s may", f.path, imp, theSyscallRoom)
		}
	case imp == "syscall":
		if f.pkg != theSyscallRoom && at.floor < 8 && !at.tool && !f.test {
			t.fail("%s: imports syscall: only %s may", f.path, theSyscallRoom)
		}
	case strings.HasPrefix(imp, "github.com/google/go-cmp"):
		if !f.test && !at.tool {
			t.fail("%s: imports %s: only tests may", f.path, imp)
		}
	case strings.Contains(first, "."):
		t.fail("%s: imports %s: x/sys is the only dependency", f.path, imp)
	default:
		if why, bad := isBanned(imp); bad && !f.test && !at.tool {
			t.fail("%s: imports %s: %s", f.path, imp, why)
		}
	}
}

func isBanned(imp string) (string, bool) {
	if imp == "net/netip" { // addresses as plain values; no resolver behind them
		return "", false
	}
	if why, ok := banned[imp]; ok {
		return why, true
	}
	first, _, sub := strings.Cut(imp, "/")
	why, ok := banned[first+"/"]
	return why, sub && ok
}

// checkSealed follows imports: a sealed package, and its tests, never get to the syscall room.
func (t *tree) checkSealed() {
	for _, f := range t.files {
		at, ok := placeOf(f.pkg)
		if !ok || !at.sealed {
			continue
		}
		for _, i := range f.imports {
			dep, ok := own(i)
			if !ok {
				continue
			}
			if way := t.reach(dep, map[string]bool{}); way != nil {
				t.fail("%s: sealed package reaches %s: %s", f.path, theSyscallRoom, strings.Join(append([]string{f.pkg}, way...), " → "))
			}
		}
	}
}

// reach returns the way from pkg to the syscall room, or nil.
func (t *tree) reach(pkg string, seen map[string]bool) []string {
	if pkg == theSyscallRoom {
		return []string{pkg}
	}
	seen[pkg] = true
	for dep := range t.prod[pkg] {
		if seen[dep] {
			continue
		}
		if way := t.reach(dep, seen); way != nil {
			return append([]string{pkg}, way...)
		}
	}
	return nil
}

package archtest

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

// TestImportLaw reads the tree itself rather than asking the go command: the
// test cache follows files that a test opens, so a violation cannot hide in it.
func TestImportLaw(t *testing.T) {
	got, err := check(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range got {
		t.Error(v)
	}
}

// TestLawCatches shows that each rule fails on a tree that breaks it, and only there.
func TestLawCatches(t *testing.T) {
	const p = module + "/"
	tests := []struct {
		name string
		tree map[string]string // path → imports, separated by spaces; or a whole file
		want string            // part of the violation; "" = none
	}{
		{"lawful", map[string]string{"btf/a.go": p + "asm fmt", "asm/a.go": p + "internal/bin", "cmd/skep/main.go": module + " syscall encoding/json", "skep.go": p + "link",
			"link/l.go": p + "internal/sys net/netip", "internal/sys/a_linux.go": "golang.org/x/sys/unix syscall", "prog/x_test.go": module + " os/exec syscall"}, ""},
		{"unknown package", map[string]string{"newpkg/a.go": "fmt"}, "has no floor"},
		{"unknown step", map[string]string{"internal/step/cook/a.go": "fmt"}, "has no floor"},
		{"import of an unknown package", map[string]string{"skep.go": p + "nowhere"}, "nowhere, which has no floor"},
		{"upward", map[string]string{"asm/a.go": p + "btf"}, "asm (floor 1) imports btf (floor 2)"},
		{"sibling", map[string]string{"maps/a.go": p + "prog"}, "maps (floor 5) imports prog (floor 5)"},
		{"sealed directly", map[string]string{"asm/a.go": p + "internal/sys"}, "asm → internal/sys"},
		{"sealed indirectly", map[string]string{"btf/a.go": p + "internal/kernel", "internal/kernel/a.go": p + "internal/sys"}, "btf → internal/kernel → internal/sys"},
		{"sealed in a test", map[string]string{"elf/a_test.go": p + "internal/kernel", "internal/kernel/a.go": p + "internal/sys"}, "elf → internal/kernel → internal/sys"},
		{"sealed test upward", map[string]string{"asm/a_test.go": p + "elf"}, "test (floor 1) imports elf"},
		{"x/sys", map[string]string{"maps/a.go": "golang.org/x/sys/unix"}, "only internal/sys may"},
		{"x/sys in a test", map[string]string{"maps/a_test.go": "golang.org/x/sys/unix"}, "only internal/sys may"},
		{"syscall", map[string]string{"link/a.go": "syscall"}, "imports syscall"},
		{"net", map[string]string{"link/a.go": "net"}, "imports net"},
		{"net/http", map[string]string{"link/a.go": "net/http"}, "imports net/http"},
		{"json", map[string]string{"skep.go": "encoding/json"}, "imports encoding/json"},
		{"regexp", map[string]string{"skep.go": "regexp"}, "imports regexp"},
		{"exec", map[string]string{"internal/probe/a.go": "os/exec"}, "imports os/exec"},
		{"debug", map[string]string{"elf/a.go": "debug/elf"}, "imports debug/elf"},
		{"runtime/debug is no debug/", map[string]string{"elf/a.go": "runtime/debug"}, ""},
		{"testing", map[string]string{"prog/a.go": "testing"}, "imports testing"},
		{"testing/iotest", map[string]string{"prog/a.go": "testing/fstest"}, "imports testing/fstest"},
		{"cgo", map[string]string{"prog/a.go": "C"}, "pure Go"},
		{"third party", map[string]string{"maps/a_test.go": "example.com/x"}, "only dependency"},
		{"go-cmp in production", map[string]string{"maps/a.go": "github.com/google/go-cmp/cmp"}, "only tests may"},
		{"systest in production", map[string]string{"prog/a.go": p + "internal/sys/systest"}, "for tests only"},
		{"testutil in an example", map[string]string{"examples/x/main.go": p + "internal/testutil"}, "for tests only"},
		{"plan reaches for a syscall", map[string]string{"plan_maps.go": p + "internal/probe"}, "planning is pure"},
		{"plan imports a step", map[string]string{"plan.go": p + "internal/step/kconfig"}, ""},
		{"command with internals", map[string]string{"cmd/skep/main.go": p + "internal/feature"}, "exported packages only"},
		{"init", map[string]string{"asm/a.go": "package p\nfunc init() {}\n"}, "func init"},
		{"method named init", map[string]string{"asm/a.go": "package p\ntype t int\nfunc (t) init() {}\n"}, ""},
		{"build tag", map[string]string{"maps/a.go": "//go:build linux\n\npackage p\n"}, "build constraint"},
		{"build tag by name", map[string]string{"maps/a_linux.go": ""}, "build constraint"},
		{"hidden from the go command", map[string]string{"testdata/a.go": p + "nowhere", ".x/a.go": p + "nowhere", "bench/go.mod": "", "bench/a.go": "example.com/x"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fsys := fstest.MapFS{}
			for name, content := range tt.tree {
				fsys[name] = &fstest.MapFile{Data: []byte(source(name, content))}
			}
			got, err := check(fsys)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == "" {
				if len(got) != 0 {
					t.Errorf("violations in a lawful tree: %q", got)
				}
				return
			}
			if len(got) == 0 || !strings.Contains(strings.Join(got, "\n"), tt.want) {
				t.Errorf("got %q, want one with %q", got, tt.want)
			}
		})
	}
}

// source makes a Go file of a list of imports.
func source(name, content string) string {
	if !strings.HasSuffix(name, ".go") || strings.Contains(content, "package p\n") {
		return content
	}
	var b strings.Builder
	b.WriteString("package p\n")
	for _, i := range strings.Fields(content) {
		b.WriteString("import _ \"" + i + "\"\n")
	}
	return b.String()
}

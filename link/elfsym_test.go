package link

import (
	stdelf "debug/elf"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/elffile"
	"github.com/skepbpf/skep/internal/testutil"
)

// libc is the path of the C library, found as users name it.
func libc(tb testing.TB) string {
	tb.Helper()
	testutil.NeedLinux(tb)
	testutil.NeedFile(tb, "libc.so.6", "/lib*/*/libc.so.6", "/lib*/libc.so.6", "/usr/lib*/*/libc.so.6", "/usr/lib*/libc.so.6")
	path, err := ResolveBinary("libc.so.6")
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// oracleOffsets gives the file offset of each defined dynamic function of a
// library, by name, or name@version, by means of the standard library.
func oracleOffsets(t *testing.T, path string) map[string][]uint64 {
	t.Helper()
	f, err := stdelf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	syms, err := f.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]uint64{}
	for _, s := range syms {
		if stdelf.ST_TYPE(s.Info) != stdelf.STT_FUNC || s.Section == stdelf.SHN_UNDEF {
			continue
		}
		for _, p := range f.Progs {
			if p.Type == stdelf.PT_LOAD && s.Value >= p.Vaddr && s.Value < p.Vaddr+p.Filesz {
				off := s.Value - p.Vaddr + p.Off
				if s.Version != "" {
					out[s.Name+"@"+s.Version] = append(out[s.Name+"@"+s.Version], off)
				}
				if s.VersionIndex.IsHidden() {
					out[s.Name+" (old)"] = append(out[s.Name+" (old)"], off)
				} else {
					out[s.Name] = append(out[s.Name], off)
				}
			}
		}
	}
	return out
}

// elfFunction and functionOffset are of one name.
func elfFunction(e *elffile.File, name string) (uint64, error) {
	return single(elfFunctions(e, []string{name}))
}

func functionOffset(path, name string) (uint64, error) {
	return single(functionOffsets(path, []string{name}))
}

func single(offs []uint64, err error) (uint64, error) {
	if err != nil {
		return 0, err
	}
	return offs[0], nil
}

func TestFunctionOffsetOfLibc(t *testing.T) {
	path := libc(t)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	e, err := elffile.Open(f, st.Size())
	if err != nil {
		t.Fatal(err)
	}
	want := oracleOffsets(t, path)
	n := 0
	var names []string
	var all []uint64
	for name, offs := range want {
		if strings.HasSuffix(name, " (old)") || len(offs) != 1 || n > 400 {
			continue
		}
		n++
		got, err := elfFunction(e, name)
		if err != nil || got != offs[0] {
			t.Errorf("%s: %#x, %v; want %#x", name, got, err, offs[0])
		}
		names, all = append(names, name, name), append(all, got, got)
	}
	together, err := elfFunctions(e, names)
	if d := cmp.Diff(all, together); d != "" || err != nil {
		t.Errorf("together: %v %s", err, d)
	}
	if n < 100 {
		t.Errorf("compared %d names only", n)
	}
}

// Two versions of memcpy: the plain name is the default one, not an ambiguity.
func TestFunctionVersions(t *testing.T) {
	path := libc(t)
	want := oracleOffsets(t, path)
	for name, old := range want {
		plain, isOld := strings.CutSuffix(name, " (old)")
		if now := want[plain]; !isOld || len(now) != 1 || len(old) != 1 || now[0] == old[0] {
			continue
		}
		got, err := functionOffset(path, plain)
		if err != nil || got != want[plain][0] {
			t.Errorf("%s: %#x, %v; want %#x", plain, got, err, want[plain][0])
		}
		return
	}
	t.Error("no function has two versions")
}

func TestFunctionErrors(t *testing.T) {
	path := libc(t)
	for name, is := range map[string]error{
		"no_such_function":    fs.ErrNotExist,
		"malloc@NO_SUCH_VER":  fs.ErrNotExist,
		"mallo":               fs.ErrNotExist,
		"":                    nil,
		"malloc@":             nil,
		"@GLIBC_2.2.5":        nil,
		"environ":             fs.ErrNotExist, // no function
		"malloc@@GLIBC_2.2.5": nil,
	} {
		_, err := functionOffset(path, name)
		switch {
		case name == "malloc@@GLIBC_2.2.5":
			if err != nil && !errors.Is(err, fs.ErrNotExist) { // by architecture
				t.Errorf("%s: %v", name, err)
			}
		case err == nil:
			t.Errorf("%q found", name)
		case is != nil && !errors.Is(err, is):
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestFunctionOfSymbolTable builds a binary, whose symbols are not dynamic.
func TestFunctionOfSymbolTable(t *testing.T) {
	testutil.NeedTime(t) // builds a program
	testutil.NeedTool(t, "go")
	dir := t.TempDir()
	src := filepath.Join(dir, "main.go")
	if err := os.WriteFile(src, []byte("package main\n\ntype T struct{}\n\n//go:noinline\nfunc (*T) Run() { println() }\n\nfunc main() { new(T).Run() }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "bin")
	cmd := exec.Command("go", "build", "-o", bin, src)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=linux", "CGO_ENABLED=0", "GOFLAGS=-mod=mod")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	f, err := stdelf.Open(bin)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	syms, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range syms {
		if s.Name != "main.(*T).Run" {
			continue
		}
		text := f.Sections[s.Section]
		want := s.Value - text.Addr + text.Offset
		if got, err := functionOffset(bin, s.Name); err != nil || got != want {
			t.Errorf("%#x, %v; want %#x", got, err, want)
		}
		if got, err := addressOffset(bin, s.Value); err != nil || got != want {
			t.Errorf("by address: %#x, %v; want %#x", got, err, want)
		}
		return
	}
	t.Fatal("the compiler left the function out")
}

func TestSearchPath(t *testing.T) {
	env := func(k string) string { return map[string]string{"PATH": "/a::/b", "LD_LIBRARY_PATH": "/l"}[k] }
	dirs, perm := searchPath("bash", env)
	if got := strings.Join(dirs, " "); got != "/a /b /usr/bin /usr/sbin" || perm != 0o111 {
		t.Errorf("%s, %o", got, perm)
	}
	for _, lib := range []string{"libc.so.6", "libx.so"} {
		dirs, perm = searchPath(lib, env)
		if dirs[0] != "/l" || dirs[len(dirs)-1] != "/lib" || perm != 0o444 {
			t.Errorf("%s: %v, %o", lib, dirs, perm)
		}
	}
	if p, err := ResolveBinary("./x"); p != "./x" || err != nil {
		t.Errorf("%s, %v", p, err)
	}
	if _, err := ResolveBinary(""); err == nil {
		t.Error("no path found")
	}
}

func BenchmarkFunctionOffset(b *testing.B) {
	path := libc(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := functionOffset(path, "malloc"); err != nil {
			b.Fatal(err)
		}
	}
}

package compat

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/elf"
	"github.com/skepbpf/skep/internal/testutil"
)

// btfOracle builds the program that does with libbpf what package btf does.
func btfOracle(t *testing.T) string {
	t.Helper()
	testutil.NeedTool(t, "gcc")
	testutil.NeedTool(t, "ar")
	testutil.NeedFile(t, "package libelf-dev", "/usr/include/gelf.h")
	testutil.NeedFile(t, "package zlib1g-dev", "/usr/include/zlib.h")
	dir := t.TempDir()
	cmd := exec.Command("oracle/build.sh", dir, "btf", "oracle/btf/btf.c")
	cmd.Env = append(os.Environ(), "PROG_LDFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		testutil.Missing(t, fmt.Sprintf("the source of libbpf, of which the oracle is built (%v: %s),", err, bytes.TrimSpace(out)))
	}
	return filepath.Join(dir, "btf")
}

// save writes a blob for the oracle.
func save(t *testing.T, dir, name string, s *btf.Spec) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, s.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// lines print all own types of s, with all that is known of them.
func lines(s *btf.Spec) []string {
	var out []string
	for t := range s.All() {
		line := fmt.Sprintf("%d %s %q flag %v size %d to %d", t.ID(), t.Kind(), t.Name(), t.KindFlag(), t.Size(), t.Target())
		if t.Kind() == btf.KindArray {
			elem, index, n := t.Array()
			line += fmt.Sprint(" array ", elem, index, n)
		}
		for i := range t.Vlen() {
			line += fmt.Sprint(" ", t.Member(i), t.Param(i), t.EnumValue(i), t.SecVar(i))
		}
		out = append(out, line)
	}
	return out
}

// sameTypes compares what libbpf wrote to path with got, type by type, and
// gives the number of types.
func sameTypes(t *testing.T, name, path string, base, got *btf.Spec) int {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := btf.ParseSplit(b, base)
	if err != nil {
		t.Errorf("%s: what libbpf wrote: %v", name, err)
		return 0
	}
	if want.Len() != got.Len() {
		t.Errorf("%s: %d types, libbpf has %d", name, got.Len(), want.Len())
	}
	w, g := lines(want), lines(got)
	for i := range w {
		if i >= len(g) || w[i] != g[i] {
			t.Errorf("%s: the first difference:\n%s", name, cmp.Diff(w[i:min(i+3, len(w))], g[i:min(i+3, len(g))]))
			break
		}
	}
	// Headers may be of 24 or 32 bytes; all that follows is the same.
	if !bytes.Equal(behindHeader(b, want), behindHeader(got.Bytes(), got)) {
		t.Errorf("%s: not the same bytes", name)
	}
	return got.Len()
}

func behindHeader(b []byte, s *btf.Spec) []byte { return b[s.Order().Uint32(b[4:]):] }

// concatenated is the BTF of many units, one after another.
func concatenated(t *testing.T, base *btf.Spec, units ...*btf.Spec) *btf.Spec {
	t.Helper()
	b := btf.NewBuilder(&btf.BuilderOptions{Base: base, Order: units[0].Order()})
	for _, u := range units {
		b.AddSpec(u)
	}
	s, err := b.Spec()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// objectTypes are the types of objects, one Spec for each.
func objectTypes(t *testing.T, pattern string) []*btf.Spec {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatal("no objects", pattern, err)
	}
	var objects []object
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, object{name: path, data: b})
	}
	return typesOf(t, objects)
}

// typesOf are the types of those objects that have any.
func typesOf(t *testing.T, objects []object) []*btf.Spec {
	t.Helper()
	var out []*btf.Spec
	for _, o := range objects {
		parsed, err := elf.Parse(o.data)
		if err != nil {
			t.Fatalf("%s: %v", o.name, err)
		}
		if parsed.Types != nil {
			out = append(out, parsed.Types)
		}
	}
	return out
}

func kernelTypes(t *testing.T) *btf.Spec {
	t.Helper()
	testutil.NeedFile(t, "BTF of the kernel", "/sys/kernel/btf/vmlinux")
	b, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err != nil {
		t.Fatal(err)
	}
	s, err := btf.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDedupLikeLibbpf: on the same input the same types remain, in the same
// order and with the same ids.
func TestDedupLikeLibbpf(t *testing.T) {
	testutil.NeedTime(t)
	oracle, dir := btfOracle(t), t.TempDir()
	kernel := kernelTypes(t)
	little, big := objectTypes(t, "../../testdata/*.el.o"), objectTypes(t, "../../testdata/*.eb.o")
	units := unitTypes(t, "units/dedup/*.c")
	tools := typesOf(t, toolObjects(t, t.TempDir()))
	for name, in := range map[string]struct{ base, s *btf.Spec }{
		"kernel":                     {nil, kernel},
		"kernel three times":         {nil, concatenated(t, nil, kernel, kernel, kernel)},
		"objects":                    {nil, concatenated(t, nil, little...)},
		"tools":                      {nil, concatenated(t, nil, tools...)},
		"tools on the kernel":        {kernel, concatenated(t, kernel, tools...)},
		"big-endian objects":         {nil, concatenated(t, nil, big...)},
		"kernel and objects":         {nil, concatenated(t, nil, append([]*btf.Spec{kernel}, little...)...)},
		"objects and kernel":         {nil, concatenated(t, nil, append(little[:len(little):len(little)], kernel)...)},
		"units":                      {nil, concatenated(t, nil, units...)},
		"units on the kernel":        {kernel, concatenated(t, kernel, units...)},
		"objects on the kernel":      {kernel, concatenated(t, kernel, little...)},
		"kernel on objects":          {little[0], concatenated(t, little[0], kernel)},
		"units on the first of them": {units[0], concatenated(t, units[0], units...)},
	} {
		path, base, out := save(t, dir, "in", in.s), "-", filepath.Join(dir, "out")
		if in.base != nil {
			base = save(t, dir, "base", in.base)
		}
		if msg, err := exec.Command(oracle, "dedup", path, base, out).CombinedOutput(); err != nil {
			t.Fatalf("%s: libbpf: %v: %s", name, err, msg)
		}
		got, err := btf.Dedup(in.s, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		n := sameTypes(t, name, out, in.base, got.Types)
		t.Logf("%s: %d types became %d", name, in.s.Len(), n)
	}
}

// unitTypes are the types of C files, each compiled alone.
func unitTypes(t *testing.T, pattern string) []*btf.Spec {
	t.Helper()
	clang := testutil.NeedTool(t, "clang-22")
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatal("no sources", pattern, err)
	}
	dir := t.TempDir()
	for _, path := range paths {
		out := filepath.Join(dir, filepath.Base(path)+".o")
		if msg, err := exec.Command(clang, "-g", "-O2", "-target", "bpfel", "-c", path, "-o", out).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", path, err, msg)
		}
	}
	return objectTypes(t, filepath.Join(dir, "*.o"))
}

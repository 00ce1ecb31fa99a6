package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/testutil"
)

const (
	layouts = "../../btf/testdata/layouts.el.btf"
	later   = "../../btf/testdata/layouts-later.el.btf"
	madeUp  = "../../testdata/kernel/vmlinux.btf"
)

func TestBTFGolden(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		code int
	}{
		"dump-raw":  {[]string{"dump", layouts}, exitGood},
		"dump-json": {[]string{"dump", "-format", "json", layouts}, exitGood},
		"dump-c":    {[]string{"dump", "-format", "c", "-root", "struct nested,point", layouts}, exitGood},
		"dump-go":   {[]string{"dump", "-format", "go", "-package", "kernel", "-root", "bits,enum color", layouts}, exitGood},
		"dump-elf":  {[]string{"dump", testdata("xdp")}, exitGood},
		"find":      {[]string{"find", "-in", layouts, "color", "function", "nobody"}, exitRejected},
		"size":      {[]string{"size", "-in", layouts, "bits", "nested", "struct holes", "point", "either", "u64", "packed"}, exitGood},
		"diff":      {[]string{"diff", layouts, later}, exitRejected},
		"brief":     {[]string{"diff", "-brief", layouts, later}, exitRejected},
		"same":      {[]string{"diff", layouts, layouts}, exitGood},
		"only":      {[]string{"diff", "-only", "removed,function", layouts, later}, exitRejected},
		"check":     {[]string{"check", "-all", testdata("core"), madeUp, layouts}, exitRejected},
	} {
		code, out, errs := skepRun(append([]string{"btf"}, tc.args...)...)
		if code != tc.code {
			t.Errorf("%s: exit %d, want %d: %s", name, code, tc.code, errs)
		}
		golden(t, "testdata/btf/"+name+".txt", out)
	}
}

func TestBTFUsage(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	for _, tc := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitUsage, "usage: skep btf VERB"},
		{[]string{"brew"}, exitUsage, `unknown verb "brew"`},
		{[]string{"dump"}, exitUsage, "0 arguments, want 1"},
		{[]string{"dump", "-h"}, exitGood, "-format"},
		{[]string{"dump", "-format", "xml", layouts}, exitUsage, `format "xml"`},
		{[]string{"dump", "-root", "nobody", layouts}, exitUsage, "no type nobody"},
		{[]string{"dump", "no-such-file"}, exitUsage, "no-such-file"},
		{[]string{"dump", "main.go"}, exitUsage, "main.go"},
		{[]string{"dump", "id:x"}, exitUsage, "no number"},
		{[]string{"size", "-in", layouts, "nobody"}, exitRejected, "nobody: no such type"},
		{[]string{"diff", layouts}, exitUsage, "1 arguments, want 2"},
		{[]string{"min", "-in", madeUp, testdata("core")}, exitUsage, "-o FILE"},
		{[]string{"min", "-in", madeUp, "-o", out, "main.go"}, exitUsage, "main.go"},
		{[]string{"dedup", "-o", "/no/such/dir/file", layouts}, exitUsage, "/no/such/dir"},
		{[]string{"pack", "-o", out, "."}, exitUsage, "autosize.go"},
		{[]string{"check", "main.go", layouts}, exitUsage, "main.go"},
	} {
		code, _, errs := skepRun(append([]string{"btf"}, tc.args...)...)
		if code != tc.code || !strings.Contains(errs, tc.want) {
			t.Errorf("skep btf %q: exit %d (want %d), stderr %q (want %q)", tc.args, code, tc.code, errs, tc.want)
		}
	}
}

// TestBTFWrites: what the verbs write is BTF that serves.
func TestBTFWrites(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	run := func(args ...string) {
		t.Helper()
		if code, _, errs := skepRun(append([]string{"btf"}, args...)...); code != exitGood {
			t.Fatalf("%q: exit %d: %s", args, code, errs)
		}
	}
	tree := path("kernels/debian/12/x86_64")
	if err := os.MkdirAll(tree, 0o755); err != nil {
		t.Fatal(err)
	}
	run("min", "-in", madeUp, "-o", filepath.Join(tree, "6.1.0.btf"), testdata("core"))
	whole, err := os.ReadFile(madeUp)
	if err != nil {
		t.Fatal(err)
	}
	little, err := os.ReadFile(filepath.Join(tree, "6.1.0.btf"))
	if err != nil || len(little) >= len(whole) {
		t.Errorf("%d bytes of %d, %v", len(little), len(whole), err)
	}
	run("dedup", "-o", path("once"), layouts)
	run("diff", layouts, path("once"))
	run("pack", "-o", path("archive"), path("kernels"))
	b, err := os.ReadFile(path("archive"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := btf.OpenArchive(b)
	if err != nil {
		t.Fatal(err)
	}
	s, err := btf.For(a, btf.Host{ID: "debian", Version: "12", Arch: "x86_64", Release: "6.1.0"})
	if err != nil || !bytes.Equal(s.Bytes(), little) {
		t.Errorf("from the archive: %v", err)
	}
}

// TestBTFRawEqualsBpftool, line by line.
func TestBTFRawEqualsBpftool(t *testing.T) {
	testutil.NeedTime(t)
	tool := testutil.NeedTool(t, "bpftool")
	for _, file := range []string{"/sys/kernel/btf/vmlinux", layouts, later, madeUp} {
		if strings.HasPrefix(file, "/") {
			testutil.NeedFile(t, "kernel BTF", file)
		}
		want, err := exec.Command(tool, "btf", "dump", "file", file, "format", "raw").Output()
		if err != nil {
			t.Fatal(err)
		}
		code, got, errs := skepRun("btf", "dump", file)
		if code != exitGood {
			t.Fatal(errs)
		}
		if got == string(want) {
			continue
		}
		g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
		for i := range w {
			if i >= len(g) || g[i] != w[i] {
				t.Errorf("%s:%d: %s", file, i+1, cmp.Diff(w[i:min(i+3, len(w))], g[min(i, len(g)):min(i+3, len(g))]))
				break
			}
		}
	}
}

// TestBTFKernel asks the running kernel.
func TestBTFKernel(t *testing.T) {
	testutil.NeedFile(t, "kernel BTF", "/sys/kernel/btf/vmlinux")
	needKernel(t)
	code, out, errs := skepRun("btf", "find", "task_struct")
	if code != exitGood || !strings.Contains(out, "STRUCT 'task_struct'") {
		t.Errorf("find: exit %d: %s%s", code, out, errs)
	}
	code, out, errs = skepRun("btf", "size", "list_head")
	if code != exitGood || !strings.Contains(out, "struct list_head * next;") && !strings.Contains(out, "*next;") {
		t.Errorf("size: exit %d: %s%s", code, out, errs)
	}
	// The kernel's own BTF is the first of the loaded.
	code, out, errs = skepRun("btf", "dump", "-format", "json", "id:1")
	var first struct {
		ID   int
		Kind string
	}
	line, _, _ := strings.Cut(out, "\n")
	if err := json.Unmarshal([]byte(line), &first); err != nil || code != exitGood || first.ID != 1 {
		t.Errorf("dump id:1: exit %d: %s%s (%v)", code, line, errs, err)
	}
}

// TestBTFAttributes: JSON tells attributes from tags of the same text.
func TestBTFAttributes(t *testing.T) {
	b := btf.NewBuilder(nil)
	i := b.AddInt("int", 4, btf.IntSigned)
	b.AddTypeTag("x", i)
	b.AddTypeAttr("x", i)
	b.AddDeclTag("x", b.AddStruct("s", 0, nil), -1)
	b.AddDeclAttr("x", 4, -1)
	blob, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "blob")
	if err := os.WriteFile(path, blob, 0o644); err != nil {
		t.Fatal(err)
	}
	code, out, errs := skepRun("btf", "dump", "-format", "json", path)
	if code != exitGood {
		t.Fatal(errs)
	}
	var got []bool
	for line := range strings.Lines(out) {
		var typ struct {
			KindFlag bool `json:"kind_flag"`
		}
		if err := json.Unmarshal([]byte(line), &typ); err != nil {
			t.Fatal(err)
		}
		got = append(got, typ.KindFlag)
	}
	if diff := cmp.Diff([]bool{false, false, true, false, false, true}, got); diff != "" {
		t.Errorf("%s\n%s", diff, out)
	}
}

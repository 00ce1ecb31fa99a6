package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func testJob(t *testing.T) (*job, *kernel) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"root/link/testdata/x.c": "x", "root/link/link.go": "no", "root/examples/e.o": "o", "root/bench/testdata/b": "no", "root/.git/testdata/g": "no",
		"init": "init", "bin/link.test": "no ELF", "kernel/config": "CONFIG_X=y", "kernel/modules/00-a.ko": "a", "kernel/modules/01-b.ko": "b", "user/bin/bash": "shell",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	j := &job{
		mark: "@m", root: filepath.Join(dir, "root"), init: filepath.Join(dir, "init"), userland: filepath.Join(dir, "user"), env: []string{"A=b c"},
		binaries: []binary{{name: "./link", dir: "link", path: filepath.Join(dir, "bin/link.test"), args: []string{"-test.run=A|B", ""}}},
	}
	return j, &kernel{release: "6.1", dir: filepath.Join(dir, "kernel")}
}

func TestPlan(t *testing.T) {
	j, k := testJob(t)
	mods, err := k.modules()
	if err != nil {
		t.Fatal(err)
	}
	got, err := j.plan(mods)
	if err != nil {
		t.Fatal(err)
	}
	want := "mark\t@m\nmodule\t/modules/00-a.ko\nmodule\t/modules/01-b.ko\nenv\tA=b c\nrun\t./link\t/src/link\t/test/0/link.test\t-test.run=A|B\t\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	j.shell = true
	if got, err := j.plan(nil); err != nil || string(got) != "mark\t@m\nenv\tA=b c\nshell\n" {
		t.Errorf("shell: %q, %v", got, err)
	}
	for _, bad := range []string{"a\tb", "a\nb"} {
		j.env = []string{bad}
		if _, err := j.plan(nil); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestInitramfs(t *testing.T) {
	j, k := testJob(t)
	var b bytes.Buffer
	c := newCPIO(&b)
	if err := j.fill(c, k); err != nil {
		t.Fatal(err)
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	list, err := readCPIO(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	have := "\n" + strings.Join(list, "\n") + "\n"
	for _, want := range []string{
		`100755 init 0,0 "init"`, `100644 boot/config-6.1 0,0 "CONFIG_X=y"`, `100644 modules/00-a.ko 0,0 "a"`, `100755 test/0/link.test 0,0 "no ELF"`,
		`100644 src/link/testdata/x.c 0,0 "x"`, `100644 src/examples/e.o 0,0 "o"`, `20600 dev/console 5,1 ""`, `100755 bin/bash 0,0 "shell"`, `40755 src/link 0,0 ""`,
	} {
		if !strings.Contains(have, "\n"+want+"\n") {
			t.Errorf("lacks %s", want)
		}
	}
	if strings.Contains(have, `"no"`) {
		t.Errorf("has what it should not: %s", have)
	}
}

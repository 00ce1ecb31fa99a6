package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadPlan(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plan")
	for text, want := range map[string]*guest{
		"mark\t@m\nmodule\t/modules/00-a.ko\nenv\tA=b c\nrun\t./link\t/src/link\t/test/0/link.test\t-test.run=A|B\t\n": {
			mark: "@m", modules: []string{"/modules/00-a.ko"}, env: []string{"A=b c"},
			runs: [][]string{{"./link", "/src/link", "/test/0/link.test", "-test.run=A|B", ""}},
		},
		"mark\t@m\nshell\n":   {mark: "@m", shell: true},
		"":                    {},
		"run\t./link\t/src\n": nil,
		"mark\n":              nil,
		"unknown\tx\n":        nil,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readPlan(path)
		if (err != nil) != (want == nil) {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(guest{})); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestFindSplats(t *testing.T) {
	log := "[ 1] fine\n[ 2] WARNING: CPU: 0 PID: 7 at a.c:1 f+0x1/0x2\n[ 2] Call Trace:\n[ 2]  f+0x1\n[ 2] ---[ end trace 0 ]---\n[ 3] fine\n" +
		"[ 4] BUG: x\n"
	want := [][2]string{
		{"splat", "[ 2] WARNING: CPU: 0 PID: 7 at a.c:1 f+0x1/0x2"}, {"trace", "[ 2] Call Trace:"}, {"trace", "[ 2]  f+0x1"},
		{"trace", "[ 2] ---[ end trace 0 ]---"}, {"splat", "[ 4] BUG: x"},
	}
	if diff := cmp.Diff(want, findSplats(log)); diff != "" {
		t.Error(diff)
	}
	if got := findSplats("WARNING: x\n" + strings.Repeat("line\n", 100)); len(got) != 1+traceLines {
		t.Errorf("%d lines of a long trace", len(got))
	}
}

package main

import (
	"os"
	"path/filepath"
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

package elf

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestGolden compares the text of each object with a committed file.
func TestGolden(t *testing.T) {
	for _, path := range testObjects(t) {
		name := strings.TrimSuffix(filepath.Base(path), ".o")
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			o, err := Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			got := dump(o)
			golden := filepath.Join("testdata", "golden", name+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatalf("%v (run with -update after adding an object)", err)
			}
			if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
				t.Errorf("%s (-want +got, -update rewrites):\n%s", golden, d)
			}
		})
	}
}

// testObjects lists the objects of the tree and those of this package.
func testObjects(t testing.TB) []string {
	t.Helper()
	var all []string
	for _, dir := range []string{"../testdata", "testdata"} {
		paths, err := filepath.Glob(filepath.Join(dir, "*.o"))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, paths...)
	}
	if len(all) == 0 {
		t.Fatal("no objects in testdata")
	}
	return all
}

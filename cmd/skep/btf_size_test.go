package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// remark is what pahole says of a type, of its members and of what is between
// them.
var remark = regexp.MustCompile(`/\*.*?\*/`)

// remarks are those of the structs of a text, without what pahole guesses of
// the source: empty bitfields, and alignment that was asked for.
func remarks(text string) map[string][]string {
	all := map[string][]string{}
	name := ""
	for line := range strings.Lines(text) {
		if head, ok := strings.CutSuffix(strings.TrimSuffix(line, "\n"), " {"); ok && !strings.HasPrefix(line, "\t") {
			name = head
		}
		r := strings.Join(strings.Fields(remark.FindString(line)), " ")
		if r == "" || strings.Contains(strings.ToLower(r), "force") || strings.Contains(r, "Bitfield combined") || strings.HasPrefix(name, "union") {
			continue
		}
		all[name] = append(all[name], r)
	}
	return all
}

// TestBTFSizeEqualsPahole: pahole.txt is what `pahole -F btf` (1.24) prints of
// the same types.
func TestBTFSizeEqualsPahole(t *testing.T) {
	b, err := os.ReadFile("testdata/btf/pahole.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := remarks(string(b))
	args := []string{"btf", "size", "-in", layouts}
	for name := range want {
		args = append(args, name)
	}
	code, out, errs := skepRun(args...)
	if code != exitGood {
		t.Fatal(errs)
	}
	if diff := cmp.Diff(want, remarks(out)); diff != "" || len(want) < 10 {
		t.Errorf("%d structs (-pahole +skep):\n%s", len(want), diff)
	}
}

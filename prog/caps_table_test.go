package prog_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/version"
)

var update = flag.Bool("update", false, "rewrite golden files")

const capabilityPage = "../docs/capabilities.md"

// recorded is what TestCapabilities found on a kernel.
type recorded struct {
	release string
	machine string
	actions []string
	needs   map[string]string
}

func readRecorded(t *testing.T, path string) recorded {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	r := recorded{release: strings.TrimSuffix(filepath.Base(path), ".txt"), machine: lines[0], needs: map[string]string{}}
	for _, l := range lines[1:] {
		action, needs, ok := strings.Cut(l, "\t")
		if !ok {
			t.Fatalf("%s: %q", path, l)
		}
		r.actions, r.needs[action] = append(r.actions, action), needs
	}
	return r
}

// TestCapabilityPage makes the page of the documentation from the tables that
// TestCapabilities recorded, newest kernel first.
func TestCapabilityPage(t *testing.T) {
	paths, err := filepath.Glob("testdata/capabilities/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("nothing is recorded: %v", err)
	}
	var tables []recorded
	for _, p := range paths {
		tables = append(tables, readRecorded(t, p))
	}
	slices.SortFunc(tables, func(a, b recorded) int {
		v, _ := version.Parse(a.release)
		w, _ := version.Parse(b.release)
		return w.Compare(v)
	})
	want := page(tables)
	if *update {
		if err := os.WriteFile(capabilityPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat("../go.mod"); err != nil {
		t.Log("not in the tree: there is no page to compare with")
		return
	}
	have, err := os.ReadFile(capabilityPage)
	if diff := cmp.Diff(want, string(have)); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func page(tables []recorded) string {
	var b strings.Builder
	b.WriteString(`# Which capabilities BPF takes

Measured, not looked up: a test does each of these with all 16 combinations of CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN and
CAP_SYS_ADMIN, and the table shows the smallest that were enough. It runs as root, so files' permissions play no part.
What is missing the library's errors name too (package refusal), and the test holds each of them against the table.

To attach means to attach a program that is loaded already. "refused here" is what that one machine forbids in spite of
every capability; the error then says that the cause is unknown.

`)
	b.WriteString("| action |")
	for _, r := range tables {
		b.WriteString(" Linux " + r.release + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(tables)) + "\n")
	seen := map[string]bool{}
	for _, from := range tables {
		for _, action := range from.actions {
			if seen[action] {
				continue
			}
			seen[action] = true
			b.WriteString("| " + action + " |")
			for _, r := range tables {
				needs, ok := r.needs[action]
				if !ok {
					needs = "-"
				}
				b.WriteString(" " + strings.ReplaceAll(needs, "CAP_", "") + " |")
			}
			b.WriteString("\n")
		}
	}
	b.WriteString("\nNames are without their CAP_. A dash: the kernel does not have it. The machines:\n\n")
	for _, r := range tables {
		b.WriteString("- " + r.machine + "\n")
	}
	b.WriteString("\n`go test ./prog -run TestCapabilit -update`, as root, records the kernel that runs and rewrites this page.\n")
	return b.String()
}

package compat

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/skepbpf/skep/internal/testutil"
)

// TestPrograms loads every program of every object alone, with skep and with
// libbpf. What libbpf loads, skep loads, and gives the kernel the same
// instructions; what differs is in the tables of explained_test.go.
func TestPrograms(t *testing.T) {
	testutil.NeedRoot(t)
	objects := append(ownObjects(t), toolObjects(t, t.TempDir())...)
	want := runOracle(t, oraclePath(t), objects)
	got := runSkep(t, objects)

	var rows []row
	for k, g := range got {
		if k.program == "" {
			continue // reported: does not parse
		}
		w, ok := want[k]
		if !ok {
			w = want[key{k.object, ""}] // the whole object was refused
			w.OK = false
		}
		rows = append(rows, judge(t, k, g, w))
	}
	for k, w := range want {
		if _, ok := got[k]; !ok && k.program != "" && w.OK {
			t.Errorf("%s: %s: libbpf loads it, skep does not know it", k.object, k.program)
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(a.object, b.object), cmp.Compare(a.program, b.program)) })
	report(t, rows)
	stale(t, rows)
}

// row is one line of the outcome.
type row struct {
	key
	section, outcome, note string
}

func judge(t *testing.T, k key, got, want verdict) row {
	t.Helper()
	r := row{key: k, section: got.Section}
	switch {
	case got.OK && want.OK && got.Image != nil && want.Image != nil:
		r.outcome = "same"
		if diff := difference(got.Image, want.Image); diff != "" {
			r.outcome, r.note = "differs", diff
			if why, ok := explained(differing, k); ok {
				r.note += ": " + why
			} else {
				t.Errorf("%s: %s: %s", k.object, k.program, diff)
			}
		}
	case got.OK && want.OK:
		r.outcome = "both"
		t.Errorf("%s: %s: loaded, but PROG_LOAD was not seen (skep %v, libbpf %v)", k.object, k.program, got.Image != nil, want.Image != nil)
	case want.OK:
		r.outcome, r.note = "libbpf only", got.Error
		t.Errorf("%s: %s: libbpf loads it, skep does not: %s", k.object, k.program, got.Error)
	case got.OK:
		r.outcome = "skep only"
		why, ok := explained(onlySkep, k)
		if !ok {
			t.Errorf("%s: %s: skep loads it, libbpf does not (%s), and no table says why", k.object, k.program, want.Error)
		}
		r.note = why
		// libbpf may have given up after PROG_LOAD.
		if got.Image != nil && want.Image != nil {
			if diff := difference(got.Image, want.Image); diff != "" {
				t.Errorf("%s: %s: %s", k.object, k.program, diff)
			}
		}
	default:
		r.outcome, r.note = "neither", firstLine(got.Error)
		// The kernel refused both (trampolines, say): it was asked the same.
		if got.Image != nil && want.Image != nil {
			r.outcome = "refused"
			if diff := difference(got.Image, want.Image); diff != "" {
				t.Errorf("%s: %s: refused with %s by both, but %s", k.object, k.program, want.Error, diff)
			}
		}
	}
	return r
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// report logs counts, the rows that are no plain success, and with
// SKEP_COMPAT_TABLE=FILE writes all of them there.
func report(t *testing.T, rows []row) {
	count := map[string]int{}
	var all, short strings.Builder
	wAll, wShort := tabwriter.NewWriter(&all, 0, 8, 2, ' ', 0), tabwriter.NewWriter(&short, 0, 8, 2, ' ', 0)
	for _, r := range rows {
		count[r.outcome]++
		line := fmt.Sprintf("%s\t%s\t%s\t%s\t%s\n", r.object, r.program, r.section, r.outcome, r.note)
		_, _ = wAll.Write([]byte(line))
		if r.outcome == "differs" || strings.HasSuffix(r.outcome, " only") {
			_, _ = wShort.Write([]byte(line))
		}
	}
	if err := wShort.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := wAll.Flush(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d programs: %d same, %d differ, %d only skep, %d only libbpf, %d refused alike, %d neither\n%s", len(rows),
		count["same"], count["differs"], count["skep only"], count["libbpf only"], count["refused"], count["neither"], short.String())
	if file := os.Getenv("SKEP_COMPAT_TABLE"); file != "" {
		if err := os.WriteFile(file, []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

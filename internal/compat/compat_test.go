package compat

import (
	"cmp"
	"fmt"
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
	section       string
	libbpf, skep  string // "ok", or why not, in a word
	outcome, note string
	diff          string // of the instructions, whether they were accepted or not
	seen          bool   // both gave the kernel instructions
	asked         string // who gave the kernel instructions
}

// compare says what two loaders made of a program.
func compare(k key, got, want verdict) row {
	r := row{key: k, section: got.Section, libbpf: want.word(), skep: got.word()}
	if r.seen = got.Image != nil && want.Image != nil; r.seen {
		r.diff = difference(got.Image, want.Image)
	}
	r.asked = map[[2]bool]string{{true, true}: "both", {true, false}: "skep", {false, true}: "libbpf"}[[2]bool{got.Image != nil, want.Image != nil}]
	switch {
	case got.OK && want.OK && r.diff != "":
		r.outcome, r.note = "differs", r.diff
	case got.OK && want.OK && r.seen:
		r.outcome = "same"
	case got.OK && want.OK:
		r.outcome = "both"
	case want.OK:
		r.outcome, r.note = "libbpf only", got.Error
	case got.OK:
		r.outcome, r.note = "skep only", want.Error
	case r.seen: // the kernel refused both (trampolines, say)
		r.outcome, r.note = "refused", r.diff
	default:
		r.outcome, r.note = "neither", got.Error
	}
	r.note = firstLine(r.note)
	return r
}

// judge is compare, with an error for what no table explains.
func judge(t *testing.T, k key, got, want verdict) row {
	t.Helper()
	r := compare(k, got, want)
	switch r.outcome {
	case "both":
		t.Errorf("%s: %s: loaded, but PROG_LOAD was not seen (skep %v, libbpf %v)", k.object, k.program, got.Image != nil, want.Image != nil)
	case "differs":
		why, ok := explained(differing, k)
		if !ok {
			t.Errorf("%s: %s: %s", k.object, k.program, r.diff)
		}
		r.note += ": " + why
	case "libbpf only":
		t.Errorf("%s: %s: libbpf loads it, skep does not: %s", k.object, k.program, got.Error)
	case "skep only":
		why, ok := explained(onlySkep, k)
		if !ok {
			t.Errorf("%s: %s: skep loads it, libbpf does not (%s), and no table says why", k.object, k.program, want.Error)
		}
		r.note = why
		if r.diff != "" { // libbpf may have given up after PROG_LOAD
			t.Errorf("%s: %s: %s", k.object, k.program, r.diff)
		}
	case "refused":
		if r.diff != "" {
			t.Errorf("%s: %s: refused with %s by both, but %s", k.object, k.program, want.Error, r.diff)
		}
	}
	return r
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// report logs counts, and the rows that are no plain success.
func report(t *testing.T, rows []row) {
	count := map[string]int{}
	var short strings.Builder
	w := tabwriter.NewWriter(&short, 0, 8, 2, ' ', 0)
	for _, r := range rows {
		count[r.outcome]++
		if r.outcome == "differs" || strings.HasSuffix(r.outcome, " only") {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.object, r.program, r.section, r.outcome, r.note)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d programs: %d same, %d differ, %d only skep, %d only libbpf, %d refused alike, %d neither\n%s", len(rows),
		count["same"], count["differs"], count["skep only"], count["libbpf only"], count["refused"], count["neither"], short.String())
	openTables(t).add(t, rows)
}

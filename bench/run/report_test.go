package main

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/skepbpf/skep/bench/peer/meter"
)

var update = flag.Bool("update", false, "rewrite golden files")

// madeUp is tasks with samples: one steady row, a noisy one with counted
// instructions, a failed peer and one without the operation.
func madeUp(t *testing.T) []*task {
	t.Helper()
	list := []row{
		{name: "steady", what: "an operation", unit: ms, bars: []bar{share("libbpf", 0.5), share("cilium", 0.1), most(2e6), most(9).of("allocs"), most(9).of("bytes")},
			own: []bar{share("libbpf", 0.5)}, peak: true},
		{name: "loud", what: "another", unit: ns, bars: []bar{share("libbpf", 1), share("libbpf", 0.4), most(50)}},
		{name: "alone", what: "a third", unit: octets, bars: []bar{most(10), share("cilium", 1)}},
	}
	samples := []map[string][]int64{
		{"skep": {1_000_000, 1_010_000, 990_000}, "libbpf": {2_500_000, 2_500_000, 2_490_000}, "cilium": {9_000_000, 9_000_000, 9_100_000}},
		{"skep": {40, 60, 90}, "libbpf": {50, 50, 50}},
		{"skep": {3, 3, 3}, "cilium": nil},
	}
	var tasks []*task
	for i := range list {
		k := &task{row: &list[i], series: map[string]*series{}}
		for name, values := range samples[i] {
			s := &series{}
			for _, v := range values {
				res := meter.Result{NS: []int64{v * 9, v * 10, v * 50}, N: 10, Allocs: 10, Bytes: 8, Floor: -1, Peak: 4000, Value: float64(v)}
				if name == "libbpf" {
					res.Allocs, res.Bytes, res.Floor = -1, -1, float64(v)/5
				}
				if err := s.add(k.row, &res); err != nil {
					t.Fatal(err)
				}
			}
			k.series[name] = s
		}
		tasks = append(tasks, k)
	}
	tasks[1].series["skep"].insns, tasks[1].series["libbpf"].insns = 1234, 2468
	tasks[2].series["cilium"].err = errors.New("boom")
	return tasks
}

func madeUpResults(t *testing.T) *results {
	return &results{
		Machine: machine{"6.1.0-test", "amd64", 2, "go1.26"}, Rounds: 3, Rows: gather(madeUp(t)),
		Peers: map[string]string{"skep": "skep of this tree", "libbpf": "linux-source-1.2", "cilium": "v0.0.1"},
	}
}

func TestDocument(t *testing.T) {
	var b bytes.Buffer
	madeUpResults(t).document(&b)
	path := filepath.Join("testdata", "RESULTS.md")
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the document is not %s (-update writes it):\n%s", path, b.String())
	}
}

func TestVerdicts(t *testing.T) {
	var got []string
	for _, r := range madeUpResults(t).Rows {
		for _, b := range r.Bars {
			got = append(got, r.Name+": "+b.Text+": "+b.word())
		}
	}
	want := []string{
		"steady: ≤ 0.5 × libbpf: met", "steady: ≤ 0.1 × cilium/ebpf: missed", "steady: ≤ 2.00 ms: met",
		"steady: ≤ 9 allocs: missed", "steady: ≤ 9 bytes: met", "steady, own: ≤ 0.5 × libbpf: met",
		"loud: ≤ 1 × libbpf: met in instructions", "loud: ≤ 0.4 × libbpf: missed in instructions", "loud: ≤ 50.0 ns: –",
		"alone: ≤ 10.0 B: met", "alone: ≤ 1 × cilium/ebpf: –",
	}
	if !slices.Equal(got, want) {
		t.Errorf("verdicts:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestResultsRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.json")
	res := madeUpResults(t)
	if err := res.write(path); err != nil {
		t.Fatal(err)
	}
	back, err := readResults(path)
	if err != nil {
		t.Fatal(err)
	}
	var a, b bytes.Buffer
	res.document(&a)
	back.document(&b)
	if a.String() != b.String() {
		t.Errorf("read back:\n%s\nwritten:\n%s", b.String(), a.String())
	}
}

func TestCompare(t *testing.T) {
	old := madeUpResults(t)
	now := madeUpResults(t)
	if outside, looked := compare(old, now); len(outside) != 0 || looked == 0 {
		t.Errorf("a run and itself: %v, %d looked at", outside, looked)
	}
	cellOf := func(name, peer string) *cell {
		for i := range now.Rows {
			if now.Rows[i].Name == name {
				return now.Rows[i].Peers[peer]
			}
		}
		t.Fatalf("no row %s", name)
		return nil
	}
	cellOf("steady", "skep").Median = 1_060_000
	cellOf("steady", "cilium").Median = 9_050_000 // inside
	cellOf("loud", "skep").Median = 1e9           // noisy
	outside, _ := compare(old, now)
	if want := []string{"steady: skep: 1.06 ms is outside 0.95–1.05"}; !slices.Equal(outside, want) {
		t.Errorf("outside: %q, want %q", outside, want)
	}
	cellOf("steady", "skep").Noisy = true
	if outside, _ := compare(old, now); len(outside) != 0 {
		t.Errorf("noisy now, yet %q", outside)
	}
	old.Rows = nil
	if outside, looked := compare(old, now); len(outside) != 0 || looked != 0 {
		t.Errorf("rows that the older run lacks: %q", outside)
	}
}

func TestProblems(t *testing.T) {
	tasks := madeUp(t)
	tasks[0].series["libbpf"].sum = "7"
	var got []string
	for _, err := range problems(tasks) {
		got = append(got, err.Error())
	}
	if want := []string{`steady: libbpf: checksum "7", not ""`, "alone: cilium: boom"}; !slices.Equal(got, want) {
		t.Errorf("problems: %q, want %q", got, want)
	}
}

func TestChoose(t *testing.T) {
	all := []row{{name: "map lookup"}, {name: "ring buffer"}}
	for _, tt := range []struct {
		pattern string
		n       int
		sized   bool
		fails   bool
	}{
		{"", 2, true, false}, {"^map", 1, false, false}, {"size", 0, true, false}, {"nothing", 0, false, true}, {"(", 0, false, true},
	} {
		chosen, sized, err := choose(all, tt.pattern)
		if len(chosen) != tt.n || sized != tt.sized || (err != nil) != tt.fails {
			t.Errorf("choose(%q) = %d, %v, %v", tt.pattern, len(chosen), sized, err)
		}
	}
}

// Every row says what it is, and no two have the same name.
func TestRows(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rows {
		if seen[r.name] || r.what == "" || r.op == "" || r.n == 0 || r.batches == 0 || r.unit.scale == 0 {
			t.Errorf("%q: incomplete or twice", r.name)
		}
		seen[r.name] = true
		for _, b := range append(r.bars, r.own...) {
			if b.against != "" && !slices.Contains(peerNames, b.against) {
				t.Errorf("%q: bar against %q", r.name, b.against)
			}
		}
	}
}

// Package meter is what the Go peers of the benchmark share: the command line,
// the clock around an operation, the counters of allocations and the JSON line
// that the runner reads.
//
//	peer ROW [-n N] [-b BATCHES] [key=value]...
//	peer -rows                  the names of the rows it has, one a line
//
// A process is one sample of one row. It sets the row up, runs the operation
// BATCHES times N times, and prints one Result. With -n 0 it does everything
// but the operation: the difference between such a run and another is the
// operation alone, which is how instructions are counted.
package meter

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Func is one row: it sets up what the operation needs, and calls one of the
// Measure methods exactly once.
type Func func(*Run) error

// Run is one call of a row.
type Run struct {
	N       int // operations a batch
	Batches int
	args    map[string]string
	res     Result
}

// Result is what a peer prints.
type Result struct {
	NS     []int64 `json:"ns,omitempty"` // of each batch
	N      int     `json:"n"`            // units of work a batch
	Allocs float64 `json:"allocs"`       // a unit; -1 is not known
	Bytes  float64 `json:"bytes"`        // a unit; -1 is not known
	// Floor is the time inside bpf(2) of one unit; -1 is not known.
	Floor float64 `json:"floor_ns"`
	Peak  int64   `json:"peak_kb"` // VmHWM at the end
	// Value is the result of a row that does not measure time.
	Value float64 `json:"value,omitempty"`
	// Sum must be the same for every peer: proof of the same work.
	Sum string `json:"sum,omitempty"`
	// Note is for the reader of the raw output.
	Note string `json:"note,omitempty"`
}

// Main runs the row that the command line names.
func Main(rows map[string]Func) {
	if err := run(os.Args[1:], rows); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, rows map[string]Func) error {
	if len(args) == 1 && args[0] == "-rows" {
		names := make([]string, 0, len(rows))
		for name := range rows {
			names = append(names, name)
		}
		slices.Sort(names)
		fmt.Println(strings.Join(names, "\n"))
		return nil
	}
	r, name, err := parse(args)
	if err != nil {
		return err
	}
	f, ok := rows[name]
	if !ok {
		return fmt.Errorf("no row %q", name)
	}
	if err := f(r); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	r.res.Peak = peak()
	return json.NewEncoder(os.Stdout).Encode(&r.res)
}

func parse(args []string) (*Run, string, error) {
	r := &Run{N: 1, Batches: 1, args: map[string]string{}, res: Result{Floor: -1}}
	if len(args) == 0 {
		return nil, "", fmt.Errorf("usage: peer ROW [-n N] [-b BATCHES] [key=value]... | peer -rows")
	}
	for rest := args[1:]; len(rest) > 0; {
		number := map[string]*int{"-n": &r.N, "-b": &r.Batches}[rest[0]]
		if number == nil {
			key, value, ok := strings.Cut(rest[0], "=")
			if !ok {
				return nil, "", fmt.Errorf("bad argument %q", rest[0])
			}
			r.args[key] = value
			rest = rest[1:]
			continue
		}
		if len(rest) < 2 {
			return nil, "", fmt.Errorf("%s: no number", rest[0])
		}
		n, err := strconv.Atoi(rest[1])
		if err != nil || n < 0 {
			return nil, "", fmt.Errorf("%s: bad number %q", rest[0], rest[1])
		}
		*number, rest = n, rest[2:]
	}
	return r, args[0], nil
}

// Arg is the value of an argument; a missing one is "".
func (r *Run) Arg(key string) string { return r.args[key] }

// List is an argument that holds values separated by commas.
func (r *Run) List(key string) []string {
	if r.args[key] == "" {
		return nil
	}
	return strings.Split(r.args[key], ",")
}

// Sum, Note and Value set the fields of the Result.
func (r *Run) Sum(s string)    { r.res.Sum = s }
func (r *Run) Note(s string)   { r.res.Note = s }
func (r *Run) Value(v float64) { r.res.Value = v }

// Measure times N operations a batch; each is one unit.
func (r *Run) Measure(op func() error) error { return r.MeasureUnits(1, nil, op, nil) }

// MeasureUnits times N operations a batch, each of them that many units of
// work. before and after run outside the clock, around each batch; either may
// be nil.
func (r *Run) MeasureUnits(units int, before, op, after func() error) error {
	var from, to runtime.MemStats
	var allocs, bytes uint64
	if Counting() {
		after = nil // it is part of neither run
	}
	if r.Batches > 1 {
		runtime.GC() // what set-up left is not for the first batch to clean up
	}
	for range r.Batches {
		if err := call(before); err != nil {
			return err
		}
		runtime.ReadMemStats(&from)
		start := time.Now()
		for range r.N {
			if err := op(); err != nil {
				return err
			}
		}
		r.res.NS = append(r.res.NS, time.Since(start).Nanoseconds())
		runtime.ReadMemStats(&to)
		allocs += to.Mallocs - from.Mallocs
		bytes += to.TotalAlloc - from.TotalAlloc
		if err := call(after); err != nil {
			return err
		}
	}
	r.res.N = r.N * units
	if done := float64(r.res.N * r.Batches); done > 0 {
		r.res.Allocs, r.res.Bytes = float64(allocs)/done, float64(bytes)/done
	}
	return nil
}

func call(f func() error) error {
	if f == nil {
		return nil
	}
	return f()
}

// peak is VmHWM: the most memory that the process ever had resident.
func peak() int64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return -1
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			if f := strings.Fields(rest); len(f) == 2 {
				n, err := strconv.ParseInt(f[0], 10, 64)
				if err == nil {
					return n
				}
			}
		}
	}
	return -1
}

// Counting reports whether the process runs under valgrind, which hides the
// vDSO from it.
func Counting() bool { return os.Getenv("SKEP_BENCH_COUNTING") != "" }

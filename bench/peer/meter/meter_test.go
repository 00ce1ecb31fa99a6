package meter

import (
	"errors"
	"slices"
	"testing"
)

func TestParse(t *testing.T) {
	r, name, err := parse([]string{"row", "-n", "7", "x=1,2", "-b", "3", "y=a=b", "z="})
	if err != nil {
		t.Fatal(err)
	}
	if name != "row" || r.N != 7 || r.Batches != 3 || r.Arg("y") != "a=b" || r.Arg("none") != "" {
		t.Errorf("%s %+v", name, r)
	}
	if !slices.Equal(r.List("x"), []string{"1", "2"}) || r.List("z") != nil {
		t.Errorf("lists: %q %q", r.List("x"), r.List("z"))
	}
	for _, bad := range [][]string{nil, {"row", "-n"}, {"row", "-n", "x"}, {"row", "-b", "-1"}, {"row", "word"}} {
		if _, _, err := parse(bad); err == nil {
			t.Errorf("parse(%q) takes it", bad)
		}
	}
}

var sink []byte

func TestMeasure(t *testing.T) {
	r := &Run{N: 5, Batches: 3}
	var calls [3]int
	step := func(i int) func() error {
		return func() error {
			calls[i]++
			if i == 1 {
				sink = make([]byte, 1000)
			}
			return nil
		}
	}
	if err := r.MeasureUnits(2, step(0), step(1), step(2)); err != nil {
		t.Fatal(err)
	}
	if calls != [3]int{3, 15, 3} || len(r.res.NS) != 3 || r.res.N != 10 {
		t.Errorf("calls %v, result %+v", calls, r.res)
	}
	// One allocation of a thousand bytes, rounded up, for two units.
	if r.res.Allocs < 0.5 || r.res.Allocs > 1.5 || r.res.Bytes < 500 || r.res.Bytes > 1000 {
		t.Errorf("%v allocations of %v bytes a unit", r.res.Allocs, r.res.Bytes)
	}
	boom := errors.New("boom")
	if err := r.Measure(func() error { return boom }); !errors.Is(err, boom) {
		t.Errorf("error %v", err)
	}
}

// What counts instructions leaves out the operation, or what follows it.
func TestMeasureCounting(t *testing.T) {
	t.Setenv("SKEP_BENCH_COUNTING", "1")
	for n, want := range map[int][3]int{0: {1, 0, 0}, 2: {1, 2, 0}} {
		r := &Run{N: n, Batches: 1}
		var calls [3]int
		step := func(i int) func() error { return func() error { calls[i]++; return nil } }
		if err := r.MeasureUnits(1, step(0), step(1), step(2)); err != nil || calls != want {
			t.Errorf("n = %d: %v, calls %v, want %v", n, err, calls, want)
		}
	}
}

func TestPeak(t *testing.T) {
	if kb := peak(); kb < 1000 {
		t.Errorf("peak memory is %d KB", kb)
	}
}

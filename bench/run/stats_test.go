package main

import (
	"math/rand/v2"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		in   []float64
		want float64
	}{
		{[]float64{7}, 7},
		{[]float64{3, 1}, 2},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 3, 2}, 2.5},
	} {
		if got := medianOf(tt.in); got != tt.want {
			t.Errorf("medianOf(%v) = %v, want %v", tt.in, got, tt.want)
		}
	}
}

// The interval's probability, computed by another way: many pairs of runs.
func TestRankHoldsSecondMedian(t *testing.T) {
	for _, n := range []int{15, 25, 51} {
		r := rank(n)
		rnd := rand.New(rand.NewPCG(1, uint64(n)))
		const pairs = 40_000
		misses := [2]int{} // of the rank, and of the next one
		for range pairs {
			first, second := make([]float64, n), make([]float64, n)
			for i := range first {
				first[i], second[i] = rnd.ExpFloat64(), rnd.ExpFloat64()
			}
			s, m := summarize(first), medianOf(second)
			if m < s.Low || m > s.High {
				misses[0]++
			}
			if n > 15 {
				if low, high := nth(first, r), nth(first, n-1-r); m < low || m > high {
					misses[1]++
				}
			}
		}
		share := float64(misses[0]) / pairs
		if limit := map[bool]float64{true: 0.0035, false: level * 1.4}[n < 16]; share > limit {
			t.Errorf("n = %d: %.4f of the second medians lie outside", n, share)
		}
		if next := float64(misses[1]) / pairs; n > 15 && next < level*0.8 {
			t.Errorf("n = %d: a smaller interval would do: %.4f outside", n, next)
		}
	}
}

// nth is the i-th smallest.
func nth(v []float64, i int) float64 {
	s := append([]float64(nil), v...)
	for a := range s {
		for b := a + 1; b < len(s); b++ {
			if s[b] < s[a] {
				s[a], s[b] = s[b], s[a]
			}
		}
	}
	return s[i]
}

func TestRank(t *testing.T) {
	last := 0
	for n := 1; n < 200; n += 2 {
		r := rank(n)
		if r < 1 || r > (n+1)/2 || r < last {
			t.Fatalf("rank(%d) = %d after %d", n, r, last)
		}
		last = r
	}
	if last < 50 {
		t.Errorf("rank(199) = %d: the interval does not close", last)
	}
}

func TestNoisy(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   []float64
		want bool
	}{
		{"one", []float64{5}, false},
		{"equal", []float64{5, 5, 5}, false},
		{"14 % above", []float64{100, 100, 114}, false},
		{"16 % above", []float64{100, 100, 116}, true},
		{"16 % below", []float64{84, 100, 100}, true},
		{"below zero", []float64{-1, 1, 1}, true},
		{"zero", []float64{0, 0, 0}, false},
		{"around zero", []float64{0, 0, 1}, true},
	} {
		if got := summarize(tt.in); got.Noisy != tt.want {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
	if s := summarize([]float64{100, 100, 101}); s.Low != 95 || s.High != 105 {
		t.Errorf("steady samples: %+v, want 5 %% to either side", s)
	}
	// One bad sample of 25 does not make a row noisy.
	v := make([]float64, 25)
	for i := range v {
		v[i] = 100 + float64(i%5)
	}
	v[7] = 1000
	if s := summarize(v); s.Noisy || s.High > 108 {
		t.Errorf("one outlier: %+v", s)
	}
}

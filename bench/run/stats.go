package main

import (
	"math"
	"slices"
)

// stat is the median of a row's samples in one peer, and between which two
// samples a second run's median is to be expected.
type stat struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	// Noisy: the interval is wider than ±15 %.
	Noisy   bool `json:"noisy,omitempty"`
	Samples int  `json:"samples"`
}

const (
	// wide is what makes a median noisy.
	wide = 0.15
	// level is the probability that a second run's median lies outside the
	// interval although nothing has changed.
	level = 0.002
	// slack is what the interval has at least to either side: samples of one run
	// do not show what differs between runs, such as the host's mood.
	slack = 0.05
)

func summarize(samples []float64) stat {
	v := slices.Clone(samples)
	slices.Sort(v)
	n := len(v)
	if n == 0 {
		return stat{}
	}
	m := median(v)
	r := rank(n)
	s := stat{Median: m, Low: v[r-1], High: v[n-r], Samples: n}
	s.Noisy = s.High-m > wide*math.Abs(m) || m-s.Low > wide*math.Abs(m)
	s.Low, s.High = min(s.Low, m-slack*math.Abs(m)), max(s.High, m+slack*math.Abs(m))
	return s
}

// median is of sorted values.
func median(v []float64) float64 {
	n := len(v)
	if n == 0 {
		return math.NaN()
	}
	return (v[n/2] + v[(n-1)/2]) / 2
}

func medianOf(v []float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	return median(v)
}

// rank is the largest r for which the median of a second run of n samples lies
// between the r-th smallest and the r-th largest of the first with at least the
// probability 1-level, whatever the distribution. It is 1, the extremes, for
// less than 16 samples, and the probability then is smaller.
//
// How many of the first n samples lie below the k-th smallest of the second n
// follows from counting the orders in which 2n samples can fall: it is i in
// C(i+k-1, i) · C(2n-i-k, n-i) of C(2n, n).
func rank(n int) int {
	k := (n + 1) / 2
	below, r := 0.0, 0
	for i := 0; i < k; i++ {
		below += math.Exp(logChoose(i+k-1, i) + logChoose(2*n-i-k, n-i) - logChoose(2*n, n))
		if below > level/2 {
			break
		}
		r = i + 1
	}
	return max(r, 1)
}

func logChoose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}

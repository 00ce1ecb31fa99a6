package main

import (
	"fmt"
	"strconv"
)

// titles are the peers' names as they write them.
var titles = map[string]string{"cilium": "cilium/ebpf"}

func title(name string) string {
	if t := titles[name]; t != "" {
		return t
	}
	return name
}

// format prints a value with three digits that say something.
func format(v float64, u unit) string {
	if u.scale != 0 {
		v /= u.scale
	}
	switch {
	case v < 0:
		return "-" + format(-v, unit{scale: 1})
	case v >= 99.95:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// quantity prints a number of allocations, bytes or instructions.
func quantity(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%.2f M", v/1e6)
	case v >= 1e4:
		return fmt.Sprintf("%.1f k", v/1e3)
	case v == float64(int64(v)) || v >= 100:
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.2g", v)
}

// show is a median with its interval; ~ marks a noisy one.
func (c *cell) show(u unit) string {
	switch {
	case c == nil:
		return "–"
	case c.Error != "":
		return "failed"
	case c.Samples == 1 && c.Low == c.High:
		return format(c.Median, u)
	}
	mark := ""
	if c.Noisy {
		mark = "~"
	}
	return fmt.Sprintf("%s%s (%s–%s)", mark, format(c.Median, u), format(c.Low, u), format(c.High, u))
}

// ratio is skep's median as a share of a peer's.
func (r *result) ratio(peer string) string {
	a, b := r.Peers["skep"], r.Peers[peer]
	if a == nil || b == nil || a.Samples == 0 || b.Samples == 0 || b.Median <= 0 {
		return "–"
	}
	mark := ""
	if a.Noisy || b.Noisy {
		mark = "~"
	}
	return fmt.Sprintf("%s%.2f", mark, a.Median/b.Median)
}

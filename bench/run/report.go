package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// grid is a table: a head and lines of as many columns.
type grid struct {
	title string
	head  []string // an empty one is that of an explanation
	lines [][]string
}

// text prints a grid for a terminal, which has no room for explanations.
func (g *grid) text(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\n%s\n", g.title)
	for _, line := range append([][]string{g.head}, g.lines...) {
		var cells []string
		for i, c := range line {
			if g.head[i] != "" {
				cells = append(cells, c)
			}
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

// markdown prints a grid for a document.
func (g *grid) markdown(out io.Writer) {
	fmt.Fprintf(out, "\n## %s\n\n", g.title)
	fmt.Fprintf(out, "| %s |\n|%s\n", strings.Join(g.head, " | "), strings.Repeat("---|", len(g.head)))
	for _, line := range g.lines {
		fmt.Fprintf(out, "| %s |\n", strings.Join(line, " | "))
	}
}

// grids are the tables of a run: medians, allocations, and instructions if any
// were counted.
func (r *results) grids() []grid {
	list := []grid{r.medians()}
	if g := r.allocations(); len(g.lines) > 0 {
		list = append(list, g)
	}
	if g := r.instructions(); len(g.lines) > 0 {
		list = append(list, g)
	}
	return list
}

func (r *results) medians() grid {
	g := grid{title: "Medians", head: []string{"row", "", "unit", "skep", "libbpf", "cilium/ebpf", "skep ÷ libbpf", "skep ÷ cilium/ebpf", "bars"}}
	for i := range r.Rows {
		row := &r.Rows[i]
		line := []string{row.Name, row.What, row.Unit}
		for _, p := range peerNames {
			line = append(line, row.Peers[p].show(row.unit))
		}
		var bars []string
		for _, b := range row.Bars {
			bars = append(bars, b.Text+": "+b.word())
		}
		g.lines = append(g.lines, append(line, row.ratio("libbpf"), row.ratio("cilium"), strings.Join(bars, "; ")))
	}
	return g
}

func (r *results) allocations() grid {
	g := grid{title: "Allocations a unit of work", head: []string{"row", "skep", "skep, bytes", "cilium/ebpf", "cilium/ebpf, bytes"}}
	for i := range r.Rows {
		row := &r.Rows[i]
		line, some := []string{row.Name}, false
		for _, p := range []string{"skep", "cilium"} {
			if c := row.Peers[p]; c != nil && c.Allocs != nil && c.Bytes != nil {
				line, some = append(line, quantity(*c.Allocs), quantity(*c.Bytes)), true
			} else {
				line = append(line, "–", "–")
			}
		}
		if some {
			g.lines = append(g.lines, line)
		}
	}
	return g
}

func (r *results) instructions() grid {
	g := grid{title: "Instructions a unit of work", head: []string{"row", "skep", "libbpf", "cilium/ebpf", "skep ÷ libbpf", "skep ÷ cilium/ebpf"}}
	for i := range r.Rows {
		row := &r.Rows[i]
		line, some := []string{row.Name}, false
		count := func(p string) float64 {
			if c := row.Peers[p]; c != nil && c.Insns != nil {
				return *c.Insns
			}
			return 0
		}
		for _, p := range peerNames {
			if n := count(p); n > 0 {
				line, some = append(line, quantity(n)), true
			} else {
				line = append(line, "–")
			}
		}
		for _, p := range []string{"libbpf", "cilium"} {
			if a, b := count("skep"), count(p); a > 0 && b > 0 {
				line = append(line, fmt.Sprintf("%.2f", a/b))
			} else {
				line = append(line, "–")
			}
		}
		if some {
			g.lines = append(g.lines, line)
		}
	}
	return g
}

// document is RESULTS.md.
func (r *results) document(out io.Writer) {
	m := r.Machine
	fmt.Fprintf(out, `# Benchmark results

Written by `+"`make bench`"+`; do not edit. Linux %s, %s, %d CPUs, %s; %s, libbpf of %s, cilium/ebpf %s. %d rounds.

Every sample is a process of its own. A round takes one of every row in every peer, and turns the order of the peers.
A cell is the median of the samples, and in parentheses where a second run's median lies with a probability of 99.8 %%
if nothing has changed: by order statistics, which assume no distribution (for under 16 rounds the extremes, with a
little less), and at least 5 %% to either side, for what differs between runs and not within one. **~** marks an interval
wider than ±15 %% of its median: such a time is used for no verdict. Instructions in user space stand in for it, which
valgrind counts: a bar that is a share of a peer's time is then held against those. Time is the wall clock's. Ratios
below 1 mean that skep needs less. “Own” is a load without the kernel floor: the time that libbpf's load spent in
bpf(2). It can be below zero, as skep has programs verified in parallel and libbpf one by one.
`, m.Kernel, m.Arch, m.CPUs, m.Go, r.Peers["skep"], r.Peers["libbpf"], r.Peers["cilium"], r.Rounds)
	for _, g := range r.grids() {
		g.markdown(out)
	}
}

package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// results is the JSON form of a run.
type results struct {
	Machine machine           `json:"machine"`
	Peers   map[string]string `json:"peers"` // name to version
	Rounds  int               `json:"rounds"`
	Rows    []result          `json:"rows"`
}

// result is one row of the tables.
type result struct {
	Name  string           `json:"name"`
	What  string           `json:"what"`
	Unit  string           `json:"unit"` // how values are printed; times are kept in ns
	Peers map[string]*cell `json:"peers"`
	Bars  []verdict        `json:"bars,omitempty"`

	unit unit
}

// cell is what one peer gave for one row.
type cell struct {
	stat
	Allocs *float64 `json:"allocs,omitempty"` // a unit of work, in Go
	Bytes  *float64 `json:"bytes,omitempty"`  // allocated, a unit of work, in Go
	Insns  *float64 `json:"instructions,omitempty"`
	Error  string   `json:"error,omitempty"`
}

// verdict is a bar with what was measured against it.
type verdict struct {
	Text  string  `json:"text"`
	Value float64 `json:"value"`
	Met   bool    `json:"met"`
	// Open: no verdict, as a median is noisy or missing.
	Open bool `json:"open,omitempty"`
	// Counted: instructions stand in for a noisy median.
	Counted bool `json:"counted,omitempty"`
}

func (v verdict) word() string {
	switch {
	case v.Open:
		return "–"
	case v.Met && v.Counted:
		return "met in instructions"
	case v.Met:
		return "met"
	case v.Counted:
		return "missed in instructions"
	}
	return "missed"
}

// gather makes the rows of the tables, and those that follow from them: a
// loader's own time, and peak memory.
func gather(tasks []*task) []result {
	var timed, derived []result
	for _, t := range tasks {
		timed = append(timed, t.result())
		if t.own != nil {
			timed = append(timed, t.ownResult())
		}
		if t.peak {
			derived = append(derived, t.peakResult())
		}
	}
	return append(timed, derived...)
}

func (t *task) result() result {
	r := result{Name: t.name, What: t.what, Unit: t.unit.name, unit: t.unit, Peers: map[string]*cell{}}
	for name, s := range t.series {
		c := s.cell(s.values)
		if len(s.allocs) > 0 && t.unit.time {
			a, b := medianOf(s.allocs), medianOf(s.bytes)
			c.Allocs, c.Bytes = &a, &b
		}
		if t.own == nil { // else they are those of the own part
			c.Insns = s.count()
		}
		r.Peers[name] = c
	}
	r.Bars = r.judge(t.bars)
	return r
}

// count is the instructions, nil if they were not counted.
func (s *series) count() *float64 {
	if s.insns == 0 {
		return nil
	}
	return &s.insns
}

func (s *series) cell(values []float64) *cell {
	if s.err != nil {
		return &cell{Error: s.err.Error()}
	}
	return &cell{stat: summarize(values)}
}

// ownResult is the times without what libbpf spent in the kernel.
func (t *task) ownResult() result {
	r := result{Name: t.name + ", own", Unit: t.unit.name, unit: t.unit, Peers: map[string]*cell{}}
	lib := t.series["libbpf"]
	if lib == nil || len(lib.floors) == 0 {
		r.What = "no kernel floor was measured"
		return r
	}
	floor := medianOf(lib.floors)
	r.What = fmt.Sprintf("without the kernel floor of %.2f %s", floor/t.unit.scale, t.unit.name)
	for name, s := range t.series {
		own := make([]float64, len(s.values))
		for i, v := range s.values {
			own[i] = v - floor
		}
		r.Peers[name] = s.cell(own)
		r.Peers[name].Insns = s.count()
	}
	r.Bars = r.judge(t.own)
	return r
}

func (t *task) peakResult() result {
	r := result{Name: "peak memory: " + t.name, What: "resident, mapped files included", Unit: kb.name, unit: kb, Peers: map[string]*cell{}}
	for name, s := range t.series {
		r.Peers[name] = s.cell(s.peaks)
	}
	return r
}

// judge holds skep's cell against bars.
func (r *result) judge(bars []bar) []verdict {
	var list []verdict
	for _, b := range bars {
		var v verdict
		switch own := r.Peers["skep"]; {
		case b.against != "":
			v = ratioVerdict(own, r.Peers[b.against], b.max)
			v.Text = fmt.Sprintf("≤ %.4g × %s", b.max, title(b.against))
		case b.metric == "":
			v = absolute(own.have(""), b.max)
			if !v.Open && r.unit.time {
				v.Open = own.Noisy
			} else if !v.Open { // what is no time has no noise to excuse it
				v.Value, v.Met = own.High, own.High <= b.max
			}
			v.Text = "≤ " + format(b.max, r.unit) + " " + r.unit.name
		default:
			v = absolute(own.have(b.metric), b.max)
			v.Text = "≤ " + quantity(b.max) + " " + b.metric
		}
		list = append(list, v)
	}
	return list
}

// have is one of a cell's values; nil if it was not measured.
func (c *cell) have(metric string) *float64 {
	switch {
	case c == nil || c.Samples == 0:
		return nil
	case metric == "allocs":
		return c.Allocs
	case metric == "bytes":
		return c.Bytes
	}
	return &c.Median
}

func absolute(have *float64, most float64) verdict {
	if have == nil {
		return verdict{Open: true}
	}
	return verdict{Value: *have, Met: *have <= most}
}

// ratioVerdict is by time, or by instructions if a time is noisy.
func ratioVerdict(own, other *cell, most float64) verdict {
	a, b := own.have(""), other.have("")
	v := verdict{Open: a == nil || b == nil}
	if !v.Open && (own.Noisy || other.Noisy) {
		a, b = own.Insns, other.Insns
		v.Open, v.Counted = a == nil || b == nil, true
	}
	if !v.Open {
		v.Value, v.Met = *a / *b, *a <= most**b
	}
	return v
}

func (r *results) write(path string) error {
	b, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

func readResults(path string) (*results, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := new(results)
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for i := range r.Rows {
		r.Rows[i].unit = units[r.Rows[i].Unit]
	}
	return r, nil
}

var units = map[string]unit{"ms": ms, "µs": us, "ns": ns, "KB": kb, "B": octets, "%": percent}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skepbpf/skep/bench/peer/meter"
)

// limit of one process.
const limit = 3 * time.Minute

// command is a peer's command line for a row.
func (p *peer) command(r *row, args []string, n, batches int) []string {
	return append([]string{p.exe, r.op, "-n", strconv.Itoa(n), "-b", strconv.Itoa(batches)}, args...)
}

// once runs a command line and reads what it printed.
func once(argv, env []string) (res meter.Result, stderr string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), env...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return res, "", fmt.Errorf("took longer than %v", limit)
	}
	if err != nil {
		return res, errs.String(), fmt.Errorf("%w: %s", err, firstLine(errs.String()))
	}
	if err := json.Unmarshal(out, &res); err != nil {
		return res, errs.String(), fmt.Errorf("output %q: %w", out, err)
	}
	return res, errs.String(), nil
}

// firstLine is that of a peer's complaint; valgrind marks its own lines.
func firstLine(text string) string {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "==") {
			return line
		}
	}
	return "nothing said"
}

// series is what one peer gave for one row.
type series struct {
	values []float64 // ns a unit of work, or what the row measures
	peaks  []float64 // KB
	floors []float64 // ns
	allocs []float64
	bytes  []float64
	sum    string
	insns  float64 // a unit of work; 0 is not counted
	err    error
}

func (s *series) add(r *row, res *meter.Result) error {
	value := res.Value
	if r.unit.time {
		if len(res.NS) == 0 || res.N == 0 {
			return errors.New("no time was measured")
		}
		var ns []float64
		for _, v := range res.NS {
			ns = append(ns, float64(v))
		}
		value = medianOf(ns) / float64(res.N)
	}
	s.values = append(s.values, value)
	s.peaks = append(s.peaks, float64(res.Peak))
	s.sum = res.Sum
	for _, x := range []struct {
		to *[]float64
		v  float64
	}{{&s.floors, res.Floor}, {&s.allocs, res.Allocs}, {&s.bytes, res.Bytes}} {
		if x.v >= 0 {
			*x.to = append(*x.to, x.v)
		}
	}
	return nil
}

// task is a row with the command lines of the peers that have it.
type task struct {
	*row
	args   []string
	series map[string]*series
}

func (e *env) tasks(list []row) ([]*task, error) {
	var tasks []*task
	for i := range list {
		t := &task{row: &list[i], series: map[string]*series{}}
		if t.row.args != nil {
			var err error
			if t.args, err = t.row.args(e); err != nil {
				return nil, fmt.Errorf("%s: %w", t.name, err)
			}
		}
		for _, p := range e.peers {
			if slices.Contains(p.rows, t.op) {
				t.series[p.name] = &series{}
			}
		}
		tasks = append(tasks, t)
	}
	return tasks, nil
}

// round takes one sample of every row in every peer. The order of the peers
// turns with the round and the row. Rounds go over all rows, so that what
// disturbs the machine for some seconds reaches few samples of any of them.
func (e *env) round(tasks []*task, nth int, smoke bool) {
	for i, t := range tasks {
		if t.rounds != 0 && nth >= t.rounds {
			continue
		}
		for k := range e.peers {
			p := e.peers[(k+nth+i)%len(e.peers)]
			s := t.series[p.name]
			if s == nil || s.err != nil {
				continue
			}
			n, batches := t.n, t.batches
			if smoke {
				n, batches = max(1, n/10), 1
			}
			res, _, err := once(p.command(t.row, t.args, n, batches), nil)
			if err == nil {
				err = s.add(t.row, &res)
			}
			s.err = err
		}
	}
}

// problems are failed peers, and rows whose peers did not do the same work.
func problems(tasks []*task) []error {
	var errs []error
	for _, t := range tasks {
		var first *series
		for _, name := range peerNames {
			s := t.series[name]
			if s == nil {
				continue
			}
			if s.err != nil {
				errs = append(errs, fmt.Errorf("%s: %s: %w", t.name, name, s.err))
				continue
			}
			if first == nil {
				first = s
			}
			if s.sum != first.sum {
				errs = append(errs, fmt.Errorf("%s: %s: checksum %q, not %q", t.name, name, s.sum, first.sum))
			}
		}
	}
	return errs
}

package main

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"sync"
)

var collected = regexp.MustCompile(`Collected : (\d+)`)

// instructions counts what a peer executes in user space for one unit of a
// row's work: those of a process that does it, less those of one that only
// sets up. Go runs on one thread, without collections, so that the number is the
// same each time, and without signals between threads, which callgrind does not
// bear. The kernel's part is not in it.
func instructions(p *peer, t *task) (float64, error) {
	var total [2]float64
	var units int
	for i, n := range []int{0, t.countN} {
		argv := append([]string{"valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"}, p.command(t.row, t.args, n, 1)...)
		res, text, err := once(argv, []string{"SKEP_BENCH_COUNTING=1", "GOGC=off", "GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1"})
		if err != nil {
			return 0, err
		}
		m := collected.FindStringSubmatch(text)
		if m == nil {
			return 0, fmt.Errorf("valgrind gave no count")
		}
		if total[i], err = strconv.ParseFloat(m[1], 64); err != nil {
			return 0, err
		}
		units = res.N
	}
	return (total[1] - total[0]) / float64(units), nil
}

// count counts the instructions of tasks for which want says so; two processes
// at a time, as noise does no harm here.
func (e *env) count(tasks []*task, want func(*task) bool, progress func(string)) error {
	if _, err := exec.LookPath("valgrind"); err != nil {
		return err
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, 2)
	for _, t := range tasks {
		if t.countN == 0 || !want(t) {
			continue
		}
		for _, p := range e.peers {
			s := t.series[p.name]
			if s == nil || s.err != nil {
				continue
			}
			slots <- struct{}{}
			progress("counting instructions: " + t.name)
			wg.Go(func() {
				defer func() { <-slots }()
				if n, err := instructions(p, t); err != nil {
					progress(fmt.Sprintf("counting %s of %s: %v", t.name, p.name, err))
				} else {
					s.insns = n
				}
			})
		}
	}
	wg.Wait()
	return nil
}

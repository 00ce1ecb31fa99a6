// Command run measures skep beside libbpf and cilium/ebpf in one run, and
// prints a table. It needs root, gcc, libelf-dev, zlib1g-dev, libbpf-tools, and
// valgrind for the rows that are too noisy for the clock; see run.sh.
//
//	bench/run.sh                       all rows, 25 rounds
//	bench/run.sh -row 'map|buffer'     some
//	bench/run.sh -json new.json -compare old.json
//	bench/run.sh -smoke                every row once: does each peer still work?
//
// Files are relative to bench/. A peer is a program with a table of rows
// (../peer): `peer ROW -n N -b BATCHES key=value...` sets up, runs the
// operation, and prints a line of JSON. Every sample is a process of its own,
// the peers by turns. See rows.go for how to add a row.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	rounds   = flag.Int("rounds", 25, "samples of every row in every peer")
	pattern  = flag.String("row", "", "only rows whose name matches this `regexp`")
	jsonFile = flag.String("json", "", "write the results to this `file`")
	mdFile   = flag.String("md", "", "write them to this `file` as a document")
	oldFile  = flag.String("compare", "", "exit 1 if medians lie outside the intervals of this `file`, written by -json")
	check    = flag.Bool("check", false, "exit 1 if a bar is missed")
	smoke    = flag.Bool("smoke", false, "every row once, little of it; exit 1 if one fails")
	counting = flag.String("count", "noisy", "count instructions of `noisy`, all or none of the rows")
	quiet    = flag.Bool("q", false, "no progress")
)

func main() {
	log.SetFlags(0)
	flag.Parse()
	dir, err := os.MkdirTemp("", "skep-bench")
	if err != nil {
		log.Fatal(err)
	}
	err = run(dir)
	if err := os.RemoveAll(dir); err != nil {
		log.Print(err)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func run(dir string) error {
	chosen, sized, err := choose(rows, *pattern)
	if err != nil {
		return err
	}
	progress("building the peers")
	e, err := newEnv(dir)
	if err != nil {
		return err
	}
	tasks, err := e.tasks(chosen)
	if err != nil {
		return err
	}
	if *smoke {
		return e.smoke(tasks, sized)
	}
	start := time.Now()
	for i := range *rounds {
		e.round(tasks, i, false)
		spent := time.Since(start)
		left := spent / time.Duration(i+1) * time.Duration(*rounds-i-1)
		progress(fmt.Sprintf("round %d of %d; %v, %v to go", i+1, *rounds, spent.Round(time.Second), left.Round(time.Second)))
	}
	if err := e.countWanted(tasks); err != nil {
		progress("no instructions are counted: " + err.Error())
	}
	res, err := e.results(tasks, sized)
	if err != nil {
		return err
	}
	return report(res, problems(tasks))
}

// smoke runs every row once, and says of each which peers did it.
func (e *env) smoke(tasks []*task, sized bool) error {
	e.round(tasks, 0, true)
	for _, t := range tasks {
		var ok []string
		for _, name := range peerNames {
			if s := t.series[name]; s != nil && s.err == nil {
				ok = append(ok, title(name))
			}
		}
		fmt.Printf("%-28s %s\n", t.name, strings.Join(ok, ", "))
	}
	if sized {
		if _, err := e.sizes(); err != nil {
			return err
		}
	}
	return errors.Join(problems(tasks)...)
}

// choose picks rows by name; the sizes of binaries are a row too.
func choose(all []row, pattern string) (chosen []row, sized bool, err error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, false, err
	}
	for _, r := range all {
		if re.MatchString(r.name) {
			chosen = append(chosen, r)
		}
	}
	sized = re.MatchString("binary size")
	if len(chosen) == 0 && !sized {
		return nil, false, fmt.Errorf("no row matches %q", pattern)
	}
	return chosen, sized, nil
}

// countWanted counts instructions where the clock is no judge.
func (e *env) countWanted(tasks []*task) error {
	if *counting == "none" {
		return nil
	}
	return e.count(tasks, func(t *task) bool {
		r := []result{t.result()}
		if t.own != nil {
			r = append(r, t.ownResult())
		}
		return *counting == "all" || slices.ContainsFunc(r, result.noisy)
	}, progress)
}

func (r result) noisy() bool {
	for _, c := range r.Peers {
		if c.Noisy {
			return true
		}
	}
	return false
}

func (e *env) results(tasks []*task, sized bool) (*results, error) {
	res := &results{Rounds: *rounds, Rows: gather(tasks)}
	var err error
	if res.Machine, err = thisMachine(); err != nil {
		return nil, err
	}
	if res.Peers, err = e.versions(); err != nil {
		return nil, err
	}
	if sized {
		sizes, err := e.sizes()
		if err != nil {
			return nil, err
		}
		res.Rows = append(res.Rows, sizes...)
	}
	return res, nil
}

// report prints and writes the results; its error is the exit status.
func report(res *results, problems []error) error {
	for _, g := range res.grids() {
		if err := g.text(os.Stdout); err != nil {
			return err
		}
	}
	if *jsonFile != "" {
		if err := res.write(*jsonFile); err != nil {
			return err
		}
	}
	if *mdFile != "" {
		f, err := os.Create(*mdFile)
		if err != nil {
			return err
		}
		res.document(f)
		if err := f.Close(); err != nil {
			return err
		}
	}
	bad := errors.Join(problems...)
	if *oldFile != "" {
		old, err := readResults(*oldFile)
		if err != nil {
			return err
		}
		outside, looked := compare(old, res)
		fmt.Printf("\ncompared: %d medians, %d outside the older interval\n", looked, len(outside))
		for _, text := range outside {
			fmt.Println(" ", text)
		}
		if len(outside) > 0 {
			bad = errors.Join(bad, fmt.Errorf("%d medians are outside", len(outside)))
		}
	}
	if *check && res.missed() {
		bad = errors.Join(bad, errors.New("a bar is missed"))
	}
	return bad
}

func (r *results) missed() bool {
	for i := range r.Rows {
		if slices.ContainsFunc(r.Rows[i].Bars, func(v verdict) bool { return !v.Open && !v.Met }) {
			return true
		}
	}
	return false
}

func progress(text string) {
	if !*quiet {
		log.Print(text)
	}
}

package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"sort"

	"github.com/skepbpf/skep"
)

// result is one line of `skep load -json`.
type result struct {
	Object  string `json:"object"`
	Program string `json:"program"`
	Section string `json:"section"`
	OK      bool   `json:"ok"`
	Error   string `json:"error"`

	err error
}

// loadFlags of the verb.
type loadFlags struct {
	json, each, autosize, attach, report, prune bool

	pin     string
	upgrade upgradeFlags
	config  *skep.Config
}

func runLoad(e env, args []string) int {
	var f loadFlags
	fs := flag.NewFlagSet("load", flag.ContinueOnError)
	fs.BoolVar(&f.json, "json", false, "print one JSON object a line")
	fs.BoolVar(&f.each, "each", false, "load every program alone, also those marked off")
	fs.BoolVar(&f.autosize, "autosize", false, "give maps of size 0 a workable size")
	fs.BoolVar(&f.attach, "attach", false, "also attach what its section name allows")
	fs.BoolVar(&f.prune, "prune", false, "leave out what constants make unreachable")
	fs.BoolVar(&f.report, "report", false, "with -json, also print the report of each object that is loaded whole")
	fs.StringVar(&f.pin, "pin", "", "pin maps by name in this `directory`")
	f.upgrade.flags(fs)
	config := configFlag(fs)
	objects, code, ok := parse(e, fs, args)
	if !ok {
		return code
	}
	var err error
	if f.config, err = config(); err == nil {
		err = f.upgrade.check(f.pin, f.each)
	}
	if err != nil {
		fmt.Fprintf(e.err, "skep load: %v\n", err)
		return exitUsage
	}
	for _, path := range objects {
		code = max(code, f.object(e, path))
	}
	return code
}

// configFlag adds -config, and gives what it names after parsing: a file whose
// values go before the kernel's own.
func configFlag(fs *flag.FlagSet) func() (*skep.Config, error) {
	file := fs.String("config", "", "`file` of kernel configuration whose values go before the kernel's own")
	return func() (*skep.Config, error) {
		if *file == "" {
			return nil, nil
		}
		text, err := os.ReadFile(*file)
		return &skep.Config{Text: text}, err
	}
}

// object loads one object and prints a line for each of its programs.
func (f *loadFlags) object(e env, path string) int {
	spec, err := skep.Open(path)
	if err != nil {
		f.print(e, result{Object: path, Error: err.Error()})
		return exitUsage
	}
	if f.pin == "" {
		for _, m := range spec.Maps {
			m.Pinning = 0
		}
	}
	if f.autosize {
		autosize(spec)
	}
	if f.prune {
		spec.Prune()
	}
	var results []result
	var report *reportInfo
	if f.each {
		results = f.loadEach(spec, path)
	} else {
		results, report = f.loadAll(spec, path)
	}
	if report != nil && !f.json {
		report.print(e, path)
	}
	code := exitGood
	for _, r := range results {
		f.print(e, r)
		if !r.OK && !errors.Is(r.err, skep.ErrOff) && !errors.Is(r.err, skep.ErrNotPreferred) &&
			!errors.Is(r.err, skep.ErrPruned) {
			code = exitRejected
		}
	}
	if report != nil && f.json && f.report {
		report.printJSON(e, path)
	}
	return code
}

func (f *loadFlags) loadEach(spec *skep.Spec, path string) []result {
	var results []result
	for _, name := range spec.ProgramNames() {
		one := spec.Copy()
		r := result{Object: path, Program: name, Section: spec.Programs[name].Section}
		err := one.Only(name)
		if err == nil {
			err = f.load(one, func(*skep.Collection) {})
		}
		results = append(results, r.with(err))
	}
	return results
}

func (f *loadFlags) loadAll(spec *skep.Spec, path string) (results []result, report *reportInfo) {
	why := map[string]error{}
	err := f.load(spec, func(c *skep.Collection) {
		report = newReport(spec, c.Report())
		for name, o := range c.Report().Programs {
			if !o.Loaded {
				why[name] = o.Why
			}
		}
	})
	var step *skep.StepError
	errors.As(err, &step)
	for _, name := range spec.ProgramNames() {
		cause := why[name]
		switch {
		case spec.Programs[name].Policy == skep.Off:
			cause = skep.ErrOff
		case step != nil && step.Name != name:
			cause = fmt.Errorf("not kept: %w", err)
		case err != nil:
			cause = err
		}
		r := result{Object: path, Program: name, Section: spec.Programs[name].Section}
		results = append(results, r.with(cause))
	}
	if err != nil && len(results) == 0 {
		// An object of maps alone.
		results = append(results, result{Object: path}.with(err))
	}
	return results, report
}

// load loads spec, attaches it if asked to, shows it, and unloads it.
func (f *loadFlags) load(spec *skep.Spec, show func(*skep.Collection)) error {
	if f.upgrade.on {
		return f.upgradeTo(spec, show)
	}
	coll, err := skep.Load(spec, &skep.Options{PinDir: f.pin, Config: f.config})
	if err != nil {
		return err
	}
	defer coll.Close()
	show(coll)
	if !f.attach {
		return nil
	}
	links, err := coll.Attach(nil)
	if err != nil {
		return err
	}
	return links.Close()
}

func (r result) with(err error) result {
	r.OK, r.err = err == nil, err
	if err != nil {
		r.Error = err.Error()
	}
	return r
}

func (f *loadFlags) print(e env, r result) {
	switch {
	case f.json:
		b, err := json.Marshal(r)
		if err != nil {
			fmt.Fprintln(e.err, "skep load:", err)
			return
		}
		fmt.Fprintf(e.out, "%s\n", b)
	case r.OK:
		fmt.Fprintf(e.out, "%s: %s (%s): ok\n", r.Object, r.Program, r.Section)
	case r.Program == "":
		fmt.Fprintf(e.out, "%s: %s\n", r.Object, r.Error)
	default:
		fmt.Fprintf(e.out, "%s: %s (%s): %s\n", r.Object, r.Program, r.Section, r.Error)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

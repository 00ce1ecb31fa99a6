package main

import (
	"flag"
	"fmt"
	"strings"

	"github.com/skepbpf/skep"
)

func runPlan(e env, args []string) int {
	fs := flag.NewFlagSet("plan", flag.ContinueOnError)
	auto := fs.Bool("autosize", false, "give maps of size 0 a workable size")
	off := fs.String("off", "", "comma-separated `programs` to switch off")
	prune := fs.Bool("prune", false, "leave out what constants make unreachable")
	config := configFlag(fs)
	objects, code, ok := parse(e, fs, args)
	if !ok {
		return code
	}
	values, err := config()
	if err != nil {
		fmt.Fprintf(e.err, "skep plan: %v\n", err)
		return exitUsage
	}
	for _, path := range objects {
		spec, err := skep.Open(path)
		if err != nil {
			fmt.Fprintf(e.err, "skep plan: %v\n", err)
			return exitUsage
		}
		if *auto {
			autosize(spec)
		}
		spec.Prune = *prune
		for _, name := range strings.FieldsFunc(*off, func(r rune) bool { return r == ',' }) {
			if spec.Programs[name] == nil {
				fmt.Fprintf(e.err, "skep plan: %s: no program %s\n", path, name)
				return exitUsage
			}
			spec.Programs[name].Policy = skep.Off
		}
		if err := plan(e, spec, values); err != nil {
			fmt.Fprintf(e.err, "skep plan: %v\n", err)
			code = exitRejected
		}
	}
	return code
}

func plan(e env, spec *skep.Spec, config *skep.Config) error {
	facts, err := skep.ReadFacts(spec.Needs(), &skep.FactOptions{Config: config})
	if err != nil {
		return err
	}
	defer facts.Close()
	p, err := spec.Plan(facts)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(e.out, p)
	return err
}

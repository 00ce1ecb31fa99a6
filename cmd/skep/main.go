// Command skep loads, inspects and plans BPF objects, and prints, measures and
// compares types.
//
//	skep load    [-json [-report]] [-each] [-autosize] [-attach] [-pin DIR [-upgrade [-recreate NAME,…] [-remove]]] [-config FILE] OBJ…
//	skep inspect [-json] OBJ…
//	skep plan    [-json] [-autosize] [-off NAME,…] [-pin DIR] [-config FILE] [-release X [-kernel BTF] [-symbols FILE] [-cpus N]] [-sign PROGRAM] OBJ…
//	skep btf dump  [-format raw|c|go|json] [-root NAME,…] [-package NAME] SOURCE
//	skep btf find  [-in SOURCE] NAME…
//	skep btf size  [-in SOURCE] TYPE…
//	skep btf min   [-in SOURCE] -o FILE OBJ…
//	skep btf pack  -o FILE DIR
//	skep btf dedup -o FILE SOURCE
//	skep btf diff  [-brief] [-only NAME,…] SOURCE SOURCE
//	skep btf check [-all] OBJ SOURCE…
//
// A SOURCE of types is a file (raw BTF or ELF), kernel, mod:NAME, or id:N of
// what is loaded; -base SOURCE is what split BTF is on top of. diff exits with 1
// if there are differences.
//
// plan is for the running kernel, or for one that is described by its release,
// BTF, configuration and symbols.
//
// load -upgrade brings what is pinned in a directory to an object, and plan -pin
// says beforehand what that does.
//
// It exits with 0 if all is good, 1 if something was rejected, and 2 for bad
// usage or input that cannot be read.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

// Exit codes.
const (
	exitGood     = 0
	exitRejected = 1
	exitUsage    = 2
)

// env is what a verb may touch.
type env struct{ out, err io.Writer }

type verb struct {
	name, args, help string
	run              func(env, []string) int
}

func verbs() []verb {
	return []verb{
		{"load", "OBJ…", "load objects into the kernel and unload them again", runLoad},
		{"inspect", "OBJ…", "print what objects hold", runInspect},
		{"plan", "OBJ…", "print what a load would do on this kernel or another, and what it needs", runPlan},
		{"btf", "VERB…", "types: print, find, measure, minimise, compare", runBTF},
	}
}

func main() { os.Exit(run(env{os.Stdout, os.Stderr}, os.Args[1:])) }

func run(e env, args []string) int {
	if len(args) > 0 {
		for _, v := range verbs() {
			if v.name == args[0] {
				return v.run(e, args[1:])
			}
		}
		fmt.Fprintf(e.err, "skep: unknown verb %q\n", args[0])
	}
	fmt.Fprintln(e.err, "usage: skep VERB [flags] …")
	for _, v := range verbs() {
		fmt.Fprintf(e.err, "  %-8s %-6s %s\n", v.name, v.args, v.help)
	}
	return exitUsage
}

// parse reads flags and wants at least one object. ok is false if the verb
// must end with code.
func parse(e env, fs *flag.FlagSet, args []string) (objects []string, code int, ok bool) {
	fs.SetOutput(e.err)
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, exitGood, false
		}
		return nil, exitUsage, false
	}
	if fs.NArg() == 0 {
		fmt.Fprintf(e.err, "skep %s: no object named\n", fs.Name())
		return nil, exitUsage, false
	}
	return fs.Args(), exitGood, true
}

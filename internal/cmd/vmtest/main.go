// Command vmtest runs tests of this module on other kernels: stock kernels of
// Debian's, in QEMU, without a need for KVM, root or a disk.
//
//	go run ./internal/cmd/vmtest                                every package that touches the kernel, on x86-64
//	go run ./internal/cmd/vmtest -kernel 6.12 -pkg ./link       one of each
//	go run ./internal/cmd/vmtest -kernel 5.10 -pkg ./link -shell  a shell, with ./link's test binary under /test
//	go run ./internal/cmd/vmtest -kernel all -ran update        rewrite the list of tests that ran
//	go test -exec "vmtest exec 6.12" -run TestKprobe ./link     through go test
//
// Kernels are found and downloaded by apt, with a state of its own below
// $SKEP_CACHE (or the user's cache folder): nothing is installed, and apt's
// configuration is only read, for the address of the archive. The newest point
// release of a series is taken.
//
// What runs in a guest is only believed when its PID 1 said that all is done: a
// panic, a hang and a log that breaks off are failures. So are warnings of the
// kernel's (warnings.go), and tests that ran before and do not any more (ran.go).
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// kernelPackages are those whose tests depend on the kernel.
const kernelPackages = ".,./link,./prog,./maps,./maps/ringbuf,./btf,./btf/handle,./features,./examples/execsnoop," +
	"./internal/kernel,./internal/probe,./internal/sys,./internal/sys/systest,./internal/testutil"

type options struct {
	kernels, packages, run string
	ran                    string
	guests                 int
	verbose, shell         bool
	timeout                time.Duration
	args                   []string
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "exec" {
		os.Exit(execMain(os.Args[2:]))
	}
	var o options
	flag.StringVar(&o.kernels, "kernel", "x86", "kernels, separated by commas: all, x86, "+targetNames()+", or any series")
	flag.StringVar(&o.packages, "pkg", kernelPackages, "packages, separated by commas")
	flag.StringVar(&o.run, "run", "", "only tests that match, as of go test")
	flag.StringVar(&o.ran, "ran", ranCheck, "the list of tests that ran: check, update or off; with -run nothing is compared")
	flag.IntVar(&o.guests, "j", min(2, runtime.NumCPU()), "guests at the same time")
	flag.BoolVar(&o.verbose, "v", false, "show all that the guest says")
	flag.BoolVar(&o.shell, "shell", false, "a shell in the guest instead of the tests")
	flag.DurationVar(&o.timeout, "timeout", 15*time.Minute, "for each guest; those of another architecture get twice as long")
	flag.Parse()
	o.args = flag.Args()
	ok, err := o.matrix()
	if err != nil {
		fmt.Fprintln(os.Stderr, "vmtest:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

// check refuses options that make no sense together.
func (o *options) check() error {
	switch {
	case o.ran != ranCheck && o.ran != ranUpdate && o.ran != ranOff:
		return fmt.Errorf("-ran is %s, %s or %s, not %q", ranCheck, ranUpdate, ranOff, o.ran)
	case o.ran == ranUpdate && !o.whole():
		return fmt.Errorf("-ran %s lists what whole packages run: without -run and arguments", ranUpdate)
	case o.guests < 1:
		return fmt.Errorf("-j %d: want one guest or more", o.guests)
	}
	return nil
}

// whole reports whether packages run whole.
func (o *options) whole() bool { return o.run == "" && len(o.args) == 0 && !o.shell }

// all reports whether all that a kernel's list has should run.
func (o *options) all() bool { return o.whole() && o.packages == kernelPackages }

func (o *options) patterns() []string { return strings.Split(o.packages, ",") }

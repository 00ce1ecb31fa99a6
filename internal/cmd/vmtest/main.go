// Command vmtest runs tests of this module on other kernels: stock kernels of
// Debian's, in QEMU, without a need for KVM, root or a disk.
//
//	go run ./internal/cmd/vmtest                                every package that touches the kernel, on x86-64
//	go run ./internal/cmd/vmtest -kernel 6.12 -pkg ./link       one of each
//	go run ./internal/cmd/vmtest -kernel 5.10 -pkg ./link -shell  a shell, with ./link's test binary under /test
//	go test -exec "vmtest exec 6.12" -run TestKprobe ./link     through go test
//
// Kernels are found and downloaded by apt, with a state of its own below
// $SKEP_CACHE (or the user's cache folder): nothing is installed, and apt's
// configuration is only read, for the address of the archive. The newest point
// release of a series is taken.
//
// What runs in a guest is only believed when its PID 1 said that all is done: a
// panic, a hang and a log that breaks off are failures.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

// kernelPackages are those whose tests depend on the kernel.
const kernelPackages = ".,./link,./prog,./maps,./maps/ringbuf,./btf,./btf/handle,./internal/probe,./internal/kernel,./internal/sys"

type options struct {
	kernels, packages, run string
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
	flag.BoolVar(&o.verbose, "v", false, "show all that the guest says")
	flag.BoolVar(&o.shell, "shell", false, "a shell in the guest instead of the tests")
	flag.DurationVar(&o.timeout, "timeout", 15*time.Minute, "for each guest")
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

// matrix runs all that was asked for and prints a table. It returns false if
// anything in it is red.
func (o *options) matrix() (bool, error) {
	list, err := findTargets(o.kernels)
	if err != nil {
		return false, err
	}
	s, err := newSession()
	if err != nil {
		return false, err
	}
	defer s.close()
	var results []result
	for _, t := range list {
		r := result{target: t}
		start := time.Now()
		if err := o.one(s, &r); err != nil {
			r.err = err
		}
		r.took = time.Since(start)
		results = append(results, r)
		if o.shell {
			return r.err == nil, r.err
		}
		r.print(os.Stdout, o.verbose)
	}
	return summary(os.Stdout, results), nil
}

// one runs the packages in one guest.
func (o *options) one(s *session, r *result) error {
	if err := haveQEMU(r.target.arch); err != nil {
		return err
	}
	k, err := getKernel(s.cache, r.target)
	if err != nil {
		return err
	}
	r.release = k.release
	bins, err := s.tests(r.target.arch, strings.Split(o.packages, ","))
	if err != nil {
		return err
	}
	args := []string{"-test.v=test2json", "-test.timeout=" + (o.timeout - o.timeout/10).String()}
	if o.run != "" {
		args = append(args, "-test.run="+o.run)
	}
	for i := range bins {
		bins[i].args = append(args, o.args...)
	}
	j := s.job(bins)
	if o.shell {
		j.shell = true
		return s.shell(j, k)
	}
	fmt.Printf("=== %s: %s\n", r.target.name, k.release)
	r.log = newLog(j.mark, names(bins))
	return s.guest(j, k, o.timeout, func(line string) {
		_, ended := r.log.line(line)
		if text := strings.ReplaceAll(cleanLine(line), testEscape, ""); o.verbose && text != "" {
			fmt.Println(text)
		}
		if ended != nil {
			printRun(os.Stdout, ended, o.verbose)
		}
	})
}

func names(bins []binary) []string {
	var out []string
	for _, b := range bins {
		out = append(out, b.name)
	}
	return out
}

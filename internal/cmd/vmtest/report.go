package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// result is what came out of one guest.
type result struct {
	target  target
	release string
	log     *guestLog // nil if it did not come to boot
	ran     ranDiff
	update  bool // the list is to become what ran
	err     error
	took    time.Duration
	cpu     time.Duration // of QEMU
}

// red returns why the result is no success, or "".
func (r *result) red() string {
	var why []string
	if r.err != nil {
		why = append(why, r.err.Error())
	}
	if r.log == nil {
		if r.err == nil {
			why = append(why, "did not run")
		}
	} else if s := r.log.red(); s != "" {
		why = append(why, s)
	}
	if r.log != nil {
		if bad := r.log.bad(r.target.name); len(bad) > 0 {
			why = append(why, fmt.Sprintf("the kernel complains %d times, first: %s", len(bad), bad[0].line))
		}
	}
	if s := r.ran.red(); s != "" && !r.update {
		why = append(why, s)
	}
	return strings.Join(why, "; ")
}

// printRun says how a binary ended, as go test would, and what its failed tests said.
func printRun(w io.Writer, b *binaryRun, verbose bool) {
	word := "ok  "
	if b.status != 0 || b.count("FAIL") != 0 {
		word = "FAIL"
		if !verbose {
			printFailures(w, b)
		}
	}
	fmt.Fprintf(w, "%s\t%s\t%.1fs\t%d passed, %d failed, %d skipped\n", word, b.name, float64(b.millis)/1000,
		b.count("PASS"), b.count("FAIL"), b.count("SKIP"))
}

func printFailures(w io.Writer, b *binaryRun) {
	for _, t := range b.tests {
		if t.result == "FAIL" {
			fmt.Fprintf(w, "--- FAIL: %s\n", t.name)
			for _, s := range t.output {
				fmt.Fprintln(w, s)
			}
		}
	}
	for _, s := range b.output {
		if strings.TrimSpace(s) != "" {
			fmt.Fprintln(w, s)
		}
	}
}

// print writes what is left to say of a guest: skipped tests by reason, the
// kernel's warnings and, if the log broke off, its end.
func (r *result) print(w io.Writer, verbose bool) {
	if r.log == nil {
		return
	}
	for _, b := range r.log.runs {
		for _, t := range b.tests {
			if t.result == "SKIP" {
				fmt.Fprintf(w, "skip\t%s\t%s: %s\n", b.name, t.name, t.reason())
			}
		}
	}
	for _, s := range r.log.warnings {
		fmt.Fprintf(w, "guest\t%s\n", s)
	}
	r.printSplats(w)
	for _, s := range r.ran.missing {
		fmt.Fprintf(w, "gone\t%s\n", s)
	}
	if !r.ran.none {
		for _, s := range r.ran.new {
			fmt.Fprintf(w, "new\t%s\n", s)
		}
	}
	if r.log.done != len(r.log.runs) && !verbose {
		fmt.Fprintf(w, "the last that the guest said:\n%s\n", strings.Join(r.log.tail, "\n"))
	}
}

func (r *result) printSplats(w io.Writer) {
	for _, s := range r.log.splats {
		if why := s.excuse(r.target.name); why != "" {
			fmt.Fprintf(w, "kernel\t%s (%s)\n", s.line, why)
			continue
		}
		fmt.Fprintf(w, "kernel\t%s\n", s.line)
		for _, t := range s.trace {
			fmt.Fprintf(w, "\t%s\n", t)
		}
	}
}

// summary prints a line for each guest, and why those are red that are. It
// returns false if one is.
func summary(w io.Writer, results []result) bool {
	good := true
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nkernel\trelease\tpassed\tfailed\tskipped\tseconds\tcpu\t")
	for _, r := range results {
		var pass, fail, skip int
		if r.log != nil {
			for _, b := range r.log.runs {
				pass, fail, skip = pass+b.count("PASS"), fail+b.count("FAIL"), skip+b.count("SKIP")
			}
		}
		verdict := "ok"
		if r.ran.empty && !r.update {
			verdict = "ok, but compared with no list of tests that ran (" + ranAdvice + ")"
		}
		if why := r.red(); why != "" {
			verdict, good = "RED: "+why, false
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%.0f\t%.0f\t%s\n", r.target.name, r.release, pass, fail, skip, r.took.Seconds(), r.cpu.Seconds(), verdict)
	}
	if err := t.Flush(); err != nil {
		return false
	}
	again(w, results)
	return good
}

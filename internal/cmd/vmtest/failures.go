package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Bounds of what the end of a run repeats: it is all that is seen of the
// output where a service keeps the last lines only.
const (
	namesShown = 10  // of a package's tests, in the table
	testLines  = 40  // of a test
	againLines = 400 // of all guests
)

// some joins the first names of a list and counts the others.
func some(names []string) string {
	if more := len(names) - namesShown; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:namesShown], ", "), more)
	}
	return strings.Join(names, ", ")
}

// guilty names the tests that failed or did not end, or is "". Of tests with
// subtests it names these; the first of each test comes before the second of
// any, so that one with many does not hide others.
func (b *binaryRun) guilty() string {
	var failed []string
	for _, t := range b.tests {
		if t.result == "FAIL" {
			failed = append(failed, t.name)
		}
	}
	var first, rest []string
	seen := map[string]bool{}
	for _, name := range deepest(failed) {
		if top, _, _ := strings.Cut(name, "/"); !seen[top] {
			seen[top] = true
			first = append(first, name)
		} else {
			rest = append(rest, name)
		}
	}
	var parts []string
	if names := append(first, rest...); len(names) > 0 {
		parts = append(parts, some(names))
	}
	if names := deepest(b.running); len(names) > 0 {
		parts = append(parts, "not ended "+some(names))
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// deepest leaves out tests of which a subtest is in the list, too.
func deepest(names []string) []string {
	parents := map[string]bool{}
	for _, name := range names {
		for i := range len(name) {
			if name[i] == '/' {
				parents[name[:i]] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return parents[name] })
}

// again repeats, after the table, why guests are red: the output of the tests
// that failed, the kernel's complaints, how the list of tests differs; and at
// the very end the verdicts.
func again(w io.Writer, results []result) {
	verdicts, left := "", againLines
	for i := range results {
		r := &results[i]
		why := r.red()
		if why == "" {
			continue
		}
		verdicts += fmt.Sprintf("%s is red: %s\n", r.target.name, why)
		if left < 0 {
			continue
		}
		for _, p := range r.pieces() {
			lines := middleOut(p, testLines)
			if left -= len(lines); left < 0 {
				fmt.Fprintf(w, "… more is above: %d lines are all that is repeated\n", againLines)
				break
			}
			for _, line := range lines {
				fmt.Fprintf(w, "%-5s | %s\n", r.target.name, line)
			}
		}
	}
	fmt.Fprint(w, verdicts)
}

// pieces are what to repeat of a red guest, each bounded for itself.
func (r *result) pieces() [][]string {
	if r.log == nil {
		return nil
	}
	var out [][]string
	for _, b := range r.log.runs {
		if b.ended && b.status == 0 && b.count("FAIL") == 0 {
			continue
		}
		out = append(out, b.pieces()...)
	}
	for _, s := range r.log.bad(r.target.name) {
		out = append(out, append([]string{"kernel: " + s.line}, s.trace...))
	}
	if !r.update {
		out = append(out, prefixed("gone: ", r.ran.missing), prefixed("new: ", r.ran.new))
	}
	if r.log.done != len(r.log.runs) {
		out = append(out, append([]string{"the last that the guest said:"}, r.log.tail...))
	}
	return out
}

// pieces are the failed tests, without those that say nothing of their own, and
// what the binary said besides.
func (b *binaryRun) pieces() [][]string {
	var failed []string
	for _, t := range b.tests {
		if t.result == "FAIL" {
			failed = append(failed, t.name)
		}
	}
	leaves := deepest(failed)
	var out [][]string
	for _, t := range b.tests {
		if t.result == "FAIL" && (len(t.output) > 0 || slices.Contains(leaves, t.name)) {
			out = append(out, append([]string{fmt.Sprintf("--- FAIL: %s %s", b.name, t.name)}, t.output...))
		}
	}
	if rest := slices.DeleteFunc(slices.Clone(b.output), blank); len(rest) > 0 {
		out = append(out, append([]string{b.name + " said, in no test that ended:"}, rest...))
	}
	return out
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }

func prefixed(prefix string, names []string) []string {
	var out []string
	for _, name := range names {
		out = append(out, prefix+name)
	}
	return out
}

// middleOut shortens a text to n lines: its begin, where a panic has its reason,
// and more of its end.
func middleOut(lines []string, n int) []string {
	if len(lines) <= n {
		return lines
	}
	head := n / 3
	tail := n - head - 1
	return slices.Concat(lines[:head],
		[]string{fmt.Sprintf("… %d lines …", len(lines)-head-tail)}, lines[len(lines)-tail:])
}

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Values of -ran.
const (
	ranCheck  = "check"
	ranUpdate = "update"
	ranOff    = "off"
)

// ranFile holds which tests passed on which kernels when the list was made: a
// line for each test and subtest, "PACKAGE TEST" alone if it passed on every
// target, or followed by a tab and those where it did. A run is compared with
// it, so that a test which stops running is seen, whatever makes it skip.
const ranFile = "internal/cmd/vmtest/testdata/ran.txt"

// ranAdvice is what to do about a test that is new.
const ranAdvice = "make vmtest-lists"

// unlisted are tests that are not in the list, by how their names begin and what
// follows. The tests whose subtests they are are listed, and check that they are
// some.
var unlisted = []struct{ prefix, part, why string }{
	{"Test", "/fail_", "one for each system call, of which other kernels need others"},
}

// notInGuests are what guests skip unless -run asks for it: fuzz targets, which
// compute on bytes that they are given, and the slowest of the tests that do
// no more than that, or forbid themselves system calls. They give in a guest
// what they give here, many times slower.
const notInGuests = "^(Fuzz.*|TestSamePlans|TestFactFaults|TestDedupBounded|TestDedupDeep|TestCraftedCORE|TestGunzip)$"

var skippedThere = regexp.MustCompile(notInGuests)

// ranList maps "PACKAGE TEST" to the names of targets.
type ranList map[string][]string

func readRan(root string) (ranList, error) {
	text, err := os.ReadFile(filepath.Join(root, ranFile))
	if errors.Is(err, fs.ErrNotExist) {
		return ranList{}, nil
	}
	if err != nil {
		return nil, err
	}
	return parseRan(string(text)), nil
}

func parseRan(text string) ranList {
	l := ranList{}
	for line := range strings.Lines(text) {
		name, on, some := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		switch {
		case name == "" || name[0] == '#':
		case some:
			l[name] = strings.Fields(on)
		default:
			l[name] = targetList()
		}
	}
	return l
}

func targetList() []string {
	var names []string
	for _, t := range targets {
		names = append(names, t.name)
	}
	return names
}

// text is what parseRan reads.
func (l ranList) text() []byte {
	var keys []string
	for name, on := range l {
		if len(on) > 0 {
			keys = append(keys, name)
		}
	}
	slices.Sort(keys)
	var b bytes.Buffer
	b.WriteString("# Tests that pass on every kernel of the matrix, or on those named. Written by " + ranAdvice + ".\n")
	for _, name := range keys {
		b.WriteString(name)
		if on := l[name]; slices.ContainsFunc(targetList(), func(t string) bool { return !slices.Contains(on, t) }) {
			b.WriteString("\t" + strings.Join(on, " "))
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// ranDiff is how a run differs from the list.
type ranDiff struct {
	compared bool
	empty    bool     // there is no list
	none     bool     // the list has nothing of this kernel
	missing  []string // in the list, did not pass; with the reason
	new      []string // passed, not in the list
}

// red returns why the difference is no success, or "".
func (d *ranDiff) red() string {
	switch {
	case !d.compared, d.empty:
		return ""
	case d.none:
		return "no list of the tests that ran here (" + ranAdvice + ")"
	}
	var why []string
	if n := len(d.missing); n > 0 {
		why = append(why, fmt.Sprintf("%d tests ran before and did not pass now: %s", n, some(d.missing)))
	}
	if n := len(d.new); n > 0 {
		why = append(why, fmt.Sprintf("%d tests are not in the list (%s): %s", n, ranAdvice, some(d.new)))
	}
	return strings.Join(why, "; ")
}

// listed is the name under which a test is in the list, or "".
func listed(pkg, test string) string {
	if top, _, _ := strings.Cut(test, "/"); skippedThere.MatchString(top) {
		return ""
	}
	for _, u := range unlisted {
		if strings.HasPrefix(test, u.prefix) && strings.Contains(test, u.part) {
			return ""
		}
	}
	return pkg + " " + test
}

// results maps the names of tests to how they ended. Packages that did not end
// well are left out: that is red already, and nothing can be said of the rest.
func (l *guestLog) results() (tests map[string]*testRun, broken map[string]bool) {
	tests, broken = map[string]*testRun{}, map[string]bool{}
	for _, r := range l.runs {
		if !r.ended || r.status != 0 || r.count("FAIL") != 0 {
			broken[r.name] = true
			continue
		}
		for i := range r.tests {
			if name := listed(r.name, r.tests[i].name); name != "" {
				tests[name] = &r.tests[i]
			}
		}
	}
	return tests, broken
}

// compare holds a run against the list. With all, packages of the list that are
// not in the run are missing; without, they were not asked for.
func (l ranList) compare(target string, log *guestLog, all bool) ranDiff {
	if !slices.Contains(targetList(), target) {
		return ranDiff{} // a series that somebody asked for
	}
	d := ranDiff{compared: true, none: true, empty: len(l) == 0}
	got, skip := log.results()
	ran := map[string]bool{}
	for _, r := range log.runs {
		ran[r.name] = true
	}
	for name, on := range l {
		if !slices.Contains(on, target) {
			continue
		}
		d.none = false
		pkg, _, _ := strings.Cut(name, " ")
		switch t := got[name]; {
		case skip[pkg] || !ran[pkg] && !all:
		case t == nil:
			d.missing = append(d.missing, name+": did not run")
		case t.result != "PASS":
			d.missing = append(d.missing, name+": skipped: "+t.reason())
		}
	}
	for name, t := range got {
		if t.result == "PASS" && !slices.Contains(l[name], target) {
			d.new = append(d.new, name)
		}
	}
	slices.Sort(d.missing)
	slices.Sort(d.new)
	return d
}

// update makes a kernel's part of the list what passed in a run.
func (l ranList) update(target string, log *guestLog, all bool) {
	got, _ := log.results()
	ran := map[string]bool{}
	for _, r := range log.runs {
		ran[r.name] = true
	}
	for name, on := range l {
		if pkg, _, _ := strings.Cut(name, " "); all || ran[pkg] {
			l[name] = slices.DeleteFunc(on, func(s string) bool { return s == target })
		}
	}
	for name, t := range got {
		if t.result == "PASS" {
			l[name] = append(l[name], target)
		}
	}
	order := targetList()
	for _, on := range l {
		slices.SortFunc(on, func(a, b string) int { return slices.Index(order, a) - slices.Index(order, b) })
	}
}

// updateRan rewrites the list, if the kernel is in it and green otherwise.
func updateRan(root string, l ranList, r *result, all bool) error {
	if !r.ran.compared || r.red() != "" {
		return nil
	}
	l.update(r.target.name, r.log, all)
	path := filepath.Join(root, ranFile)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, l.text(), 0o644)
}

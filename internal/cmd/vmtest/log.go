package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// binaryRun is what a guest said of one test binary.
type binaryRun struct {
	name         string
	began, ended bool
	status       int
	millis       int64
	tests        []testRun
	output       []string // of no test: the binary's own, a panic
	running      []string // tests that had not ended when the binary or the log did
}

// testRun is a test or subtest, in the order they ended.
type testRun struct {
	name, result string // PASS, FAIL or SKIP
	output       []string
}

// reason is the last that a test said, without its place in the source.
func (t *testRun) reason() string {
	for i := len(t.output) - 1; i >= 0; i-- {
		s := strings.TrimSpace(t.output[i])
		if s == "" {
			continue
		}
		if place, rest, ok := strings.Cut(s, ": "); ok && strings.Contains(place, ".go:") {
			return rest
		}
		return s
	}
	return ""
}

// count returns how many tests have a result.
func (b *binaryRun) count(result string) (n int) {
	for _, t := range b.tests {
		if t.result == result {
			n++
		}
	}
	return n
}

// guestLog follows what a guest writes to its console. Only lines with the mark,
// which nothing but PID 1 knows, say what ended how.
type guestLog struct {
	mark     string
	runs     []*binaryRun
	done     int      // binaries that the last line counts; -1 before it
	warnings []string // of PID 1
	splats   []splat
	tail     []string

	cur   *binaryRun
	test  string
	open  map[string][]string // output of tests that run
	panic string
}

// tailLines is how much of a log that broke off is shown.
const tailLines = 60

// testEscape begins the lines of a test binary's own with -test.v=test2json,
// wherever the output of a test left off.
const testEscape = "\x16"

func newLog(mark string, names []string) *guestLog {
	l := &guestLog{mark: mark, done: -1}
	for _, n := range names {
		l.runs = append(l.runs, &binaryRun{name: n})
	}
	return l
}

// line takes one line of the console. It returns the run that the line ended,
// and whether it is output of a binary.
func (l *guestLog) line(s string) (output bool, ended *binaryRun) {
	s = cleanLine(s)
	if rest, ok := strings.CutPrefix(s, l.mark+" "); ok {
		return false, l.marker(strings.Fields(rest), rest)
	}
	if l.panic == "" && strings.Contains(s, "Kernel panic") {
		l.panic = strings.TrimSpace(s)
	}
	l.tail = append(l.tail, strings.ReplaceAll(s, testEscape, ""))
	if len(l.tail) > tailLines {
		l.tail = l.tail[1:]
	}
	if l.cur == nil {
		return false, nil
	}
	before, after, escaped := strings.Cut(s, testEscape)
	if before != "" || !escaped {
		l.text(before)
	}
	if escaped {
		l.event(after)
	}
	return true, nil
}

// cleanLine removes the end of a line, of which a terminal has two characters.
func cleanLine(s string) string { return strings.TrimRight(s, "\r\n") }

// text is output of the test that runs.
func (l *guestLog) text(s string) {
	if l.test == "" {
		if s != "" { // PID 1 writes an empty line before each of its own
			l.cur.output = append(l.cur.output, s)
		}
		return
	}
	l.open[l.test] = append(l.open[l.test], s)
}

// event is a line of the testing package's own.
func (l *guestLog) event(s string) {
	f := strings.Fields(s)
	switch {
	case len(f) == 2 && f[0] == "===": // "=== NAME": no test any more
		l.test = ""
	case len(f) == 3 && f[0] == "===":
		l.test = f[2]
		if f[1] == "RUN" {
			l.open[l.test] = nil
		}
	case len(f) >= 3 && f[0] == "---" && (f[1] == "PASS:" || f[1] == "FAIL:" || f[1] == "SKIP:"):
		name := f[2]
		l.cur.tests = append(l.cur.tests, testRun{name, strings.TrimSuffix(f[1], ":"), l.open[name]})
		delete(l.open, name)
		l.test = ""
	case s == "PASS" || s == "FAIL":
		l.test = ""
	default:
		l.text(s)
	}
}

// marker takes a line of PID 1's. One that makes no sense changes nothing, and
// the verdict will miss what it should have said.
func (l *guestLog) marker(f []string, whole string) *binaryRun {
	if len(f) == 0 {
		return nil
	}
	number := func(i int) int {
		if i < len(f) {
			if n, err := strconv.Atoi(f[i]); err == nil {
				return n
			}
		}
		return -1
	}
	switch f[0] {
	case "begin":
		if i := number(1); i >= 0 && i < len(l.runs) && !l.runs[i].began {
			l.cur, l.test, l.open = l.runs[i], "", map[string][]string{}
			l.cur.began = true
		}
	case "end":
		i := number(1)
		if i < 0 || i >= len(l.runs) || l.cur != l.runs[i] || number(2) < 0 || number(3) < 0 {
			return nil
		}
		return l.end(number(2), int64(number(3)))
	case "warn":
		l.warnings = append(l.warnings, strings.TrimPrefix(whole, "warn "))
	case "splat":
		l.splats = append(l.splats, splat{line: strings.TrimPrefix(whole, "splat ")})
	case "trace":
		if n := len(l.splats); n > 0 {
			l.splats[n-1].trace = append(l.splats[n-1].trace, strings.TrimPrefix(whole, "trace "))
		}
	case "done":
		l.done = number(1)
	}
	return nil
}

func (l *guestLog) end(status int, millis int64) *binaryRun {
	b := l.cur
	b.ended, b.status, b.millis = true, status, millis
	l.cutShort()
	return b
}

// cutShort keeps what there is of tests that have not ended: because of a
// panic, or at the end of a log that breaks off.
func (l *guestLog) cutShort() {
	b := l.cur
	if b == nil {
		return
	}
	l.cur = nil
	b.running = slices.Sorted(maps.Keys(l.open))
	for _, name := range b.running {
		if out := l.open[name]; len(out) > 0 {
			b.output = append(append(b.output, "in "+name+":"), out...)
		}
	}
}

// red returns why a run of a guest is no success, or "".
func (l *guestLog) red() string {
	var why []string
	for _, r := range l.runs {
		switch {
		case r.ended && r.status != 0:
			why = append(why, fmt.Sprintf("%s failed (status %d)%s", r.name, r.status, r.guilty()))
		case r.ended && r.count("FAIL") != 0:
			why = append(why, r.name+" failed"+r.guilty())
		case r.began && !r.ended:
			why = append(why, r.name+" did not end"+r.guilty())
		case !r.began && l.done >= 0:
			why = append(why, r.name+" did not run")
		}
	}
	if l.panic != "" {
		why = append(why, l.panic)
	}
	if l.done != len(l.runs) {
		why = append(why, "the log breaks off: the guest did not say that all is done")
	}
	return strings.Join(why, "; ")
}

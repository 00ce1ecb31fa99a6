package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const mark = "@vmtest-TOKEN"

// console is what a guest with two binaries says when all is well; tests below
// break it.
const console = "[    0.1] Booting\r\n" +
	"\r\n@vmtest-TOKEN begin 0 ./a\r\n" +
	"\x16=== RUN   TestOne\r\n" +
	"    a_test.go:7: hello\r\n" +
	"\x16--- PASS: TestOne (0.00s)\r\n" +
	"\x16=== RUN   TestTwo\r\n" +
	"\x16=== RUN   TestTwo/sub\r\n" +
	"    a_test.go:9: needs Linux 6.6\r\n" +
	"\x16--- SKIP: TestTwo/sub (0.10s)\r\n" +
	"\x16=== NAME  TestTwo\r\n" +
	"written without an end\x16--- PASS: TestTwo (0.20s)\r\n" +
	"\x16=== NAME  \r\n" +
	"\x16PASS\r\n" +
	"\r\n@vmtest-TOKEN end 0 0 1500\r\n" +
	"\r\n@vmtest-TOKEN begin 1 ./b\r\n" +
	"\x16=== RUN   TestB\r\n" +
	"\x16--- PASS: TestB (0.00s)\r\n" +
	"\x16PASS\r\n" +
	"\r\n@vmtest-TOKEN end 1 0 20\r\n" +
	"\r\n@vmtest-TOKEN done 2\r\n" +
	"[    3.4] reboot: Power down\r\n"

func parse(text string) *guestLog {
	l := newLog(mark, []string{"./a", "./b"})
	for s := range strings.Lines(text) {
		l.line(s)
	}
	l.cutShort()
	return l
}

func TestLogGreen(t *testing.T) {
	l := parse(console)
	if why := l.red(); why != "" {
		t.Errorf("red: %s", why)
	}
	a := l.runs[0]
	if a.millis != 1500 || a.count("PASS") != 2 || a.count("SKIP") != 1 || a.count("FAIL") != 0 || len(a.output) != 0 {
		t.Errorf("%+v", a)
	}
	var got []string
	for _, r := range a.tests {
		got = append(got, r.result+" "+r.name+": "+r.reason())
	}
	if diff := cmp.Diff([]string{"PASS TestOne: hello", "SKIP TestTwo/sub: needs Linux 6.6", "PASS TestTwo: written without an end"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestLogRed plants what must never be taken for success.
func TestLogRed(t *testing.T) {
	cut := func(at string) string { return console[:strings.Index(console, at)] }
	for _, tt := range []struct{ name, text, want string }{
		{"nothing at all", "", "breaks off"},
		{"failure", strings.NewReplacer("--- PASS: TestB", "--- FAIL: TestB", "end 1 0", "end 1 1").Replace(console), "./b failed (status 1): TestB"},
		{"failure in one only", strings.Replace(console, "end 0 0", "end 0 2", 1), "./a failed (status 2)"},
		{"failed test but status 0", strings.Replace(console, "--- PASS: TestB", "--- FAIL: TestB", 1), "./b failed: TestB"},
		{"killed", strings.Replace(console, "end 1 0", "end 1 137", 1), "status 137"},
		{"panic", cut("\x16--- PASS: TestB") + "[    2.0] Kernel panic - not syncing: Fatal exception\r\n", "Kernel panic - not syncing"},
		{"panic after all", cut("[    3.4]") + "[    2.0] Kernel panic - not syncing: x\r\n", "Kernel panic"},
		{"hang", cut("\x16--- PASS: TestB"), "./b did not end: not ended TestB; the log breaks off"},
		{"before the first", cut("\r\n@vmtest-TOKEN begin 0"), "breaks off"},
		{"between binaries", cut("\r\n@vmtest-TOKEN begin 1"), "breaks off"},
		{"only the last line", cut("\r\n@vmtest-TOKEN done"), "breaks off"},
		{"last line cut", cut(" 2\r\n[    3.4]"), "breaks off"},
		{"a binary was not run", strings.Replace(console, "done 2", "done 1", 1), "breaks off"},
		{"no begin", strings.Replace(console, "@vmtest-TOKEN begin 1", "@vmtest-TOKEN bgin 1", 1), "./b did not run"},
		{"no end", strings.Replace(console, "@vmtest-TOKEN end 1", "@vmtest-TOKEN ed 1", 1), "./b did not end"},
		{"end without numbers", strings.Replace(console, "end 1 0 20", "end 1", 1), "./b did not end"},
		{"somebody else's mark", strings.Replace(console, "@vmtest-TOKEN done", "@vmtest-GUESS done", 1), "breaks off"},
		{"mark inside a line", strings.Replace(console, "@vmtest-TOKEN done", "x @vmtest-TOKEN done", 1), "breaks off"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := parse(tt.text).red(); !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSummary(t *testing.T) {
	good := result{target: targets[0], release: "6.12.1", log: parse(console)}
	bad := result{target: targets[1], release: "6.1.2", log: parse(strings.Replace(console, "end 0 0", "end 0 1", 1))}
	var b strings.Builder
	if !summary(&b, []result{good}) {
		t.Error(b.String())
	}
	b.Reset()
	if summary(&b, []result{good, bad}) {
		t.Error("green though one is red")
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 4 || !strings.HasSuffix(strings.TrimSpace(lines[1]), "ok") || !strings.Contains(lines[2], "RED: ./a failed") ||
		lines[3] != "6.1 is red: ./a failed (status 1)" {
		t.Errorf("%s", b.String())
	}
	if summary(&b, []result{{target: targets[0]}}) {
		t.Error("green without a log")
	}
	good.err = errInterrupted
	if summary(&b, []result{good}) {
		t.Error("green after an error")
	}
}

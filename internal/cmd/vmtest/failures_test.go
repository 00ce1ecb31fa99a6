package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// run is what a guest says of a binary whose tests end as events say: the sign
// of the testing package's, FAIL or PASS, or "" for a test that does not end.
func run(events ...[2]string) string {
	var b strings.Builder
	b.WriteString("\r\n@vmtest-TOKEN begin 0 ./a\r\n")
	for _, e := range events {
		fmt.Fprintf(&b, "\x16=== RUN   %s\r\n    a_test.go:7: of %s\r\n", e[1], e[1])
		if e[0] != "" {
			fmt.Fprintf(&b, "\x16--- %s: %s (0.00s)\r\n", e[0], e[1])
		}
	}
	return b.String()
}

const failed0 = "\r\n@vmtest-TOKEN end 0 1 20\r\n" + "\r\n@vmtest-TOKEN begin 1 ./b\r\n" +
	"\r\n@vmtest-TOKEN end 1 0 20\r\n" + "\r\n@vmtest-TOKEN done 2\r\n"

func TestGuilty(t *testing.T) {
	var many [][2]string
	for i := range 12 {
		many = append(many, [2]string{"FAIL", fmt.Sprintf("TestA/%d", i)})
	}
	many = append(many, [2]string{"FAIL", "TestA"}, [2]string{"FAIL", "TestZ"})
	for _, tt := range []struct {
		name   string
		events [][2]string
		end    string
		want   string
	}{
		{"one", [][2]string{{"PASS", "TestA"}, {"FAIL", "TestB"}}, failed0, "./a failed (status 1): TestB"},
		{"the deepest", [][2]string{{"FAIL", "TestA/x/y"}, {"PASS", "TestA/x/z"}, {"FAIL", "TestA/x"}, {"FAIL", "TestA/xy"}, {"FAIL", "TestA"}, {"FAIL", "TestAx"}},
			failed0, "./a failed (status 1): TestA/x/y, TestAx, TestA/xy"},
		{"many", many, failed0,
			"./a failed (status 1): TestA/0, TestZ, TestA/1, TestA/2, TestA/3, TestA/4, TestA/5, TestA/6, TestA/7, TestA/8 and 3 more"},
		{"a panic", [][2]string{{"FAIL", "TestA"}, {"", "TestB"}, {"", "TestB/x"}}, failed0, "./a failed (status 1): TestA, not ended TestB/x"},
		{"a hang", [][2]string{{"PASS", "TestA"}, {"", "TestB"}}, "", "./a did not end: not ended TestB; the log breaks off: the guest did not say that all is done"},
		{"no test", nil, failed0, "./a failed (status 1)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, parse(run(tt.events...)+tt.end).red()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAgain(t *testing.T) {
	log := parse(run([2]string{"PASS", "TestA"}, [2]string{"FAIL", "TestB/x"}, [2]string{"FAIL", "TestB"}, [2]string{"", "TestC"}) +
		"panic: no\r\n" + failed0)
	green := result{target: targets[0], log: parse(console)}
	red := result{target: targets[1], log: log}
	list := result{target: targets[2], log: parse(console), ran: ranDiff{compared: true, missing: []string{"./a TestOld: did not run"}, new: []string{"./a TestNew"}}}
	cut := result{target: targets[3], err: errInterrupted}
	var b strings.Builder
	again(&b, []result{green, red, list, cut})
	want := []string{
		"6.1   | --- FAIL: ./a TestB/x",
		"6.1   |     a_test.go:7: of TestB/x",
		"6.1   | --- FAIL: ./a TestB",
		"6.1   |     a_test.go:7: of TestB",
		"6.1   | ./a said, in no test that ended:",
		"6.1   | in TestC:",
		"6.1   |     a_test.go:7: of TestC",
		"6.1   | panic: no",
		"5.10  | gone: ./a TestOld: did not run",
		"5.10  | new: ./a TestNew",
		"6.1 is red: ./a failed (status 1): TestB/x, not ended TestC",
		"5.10 is red: 1 tests ran before and did not pass now: ./a TestOld: did not run; 1 tests are not in the list (make vmtest-lists): ./a TestNew",
		"6.x is red: interrupted",
	}
	if diff := cmp.Diff(want, strings.Split(strings.TrimSpace(b.String()), "\n")); diff != "" {
		t.Error(diff)
	}
	b.Reset()
	if again(&b, []result{green}); b.String() != "" {
		t.Errorf("of a green guest: %s", b.String())
	}
}

// TestAgainBounded has more to say than is repeated: the verdicts still come
// last.
func TestAgainBounded(t *testing.T) {
	var events [][2]string
	for i := range 100 {
		events = append(events, [2]string{"FAIL", fmt.Sprintf("Test%d", i)})
	}
	text := strings.Replace(run(events...), "of Test3\r\n", "of Test3\r\n"+strings.Repeat("more\r\n", 1000)+"last\r\n", 1)
	r := result{target: targets[0], log: parse(text + failed0)}
	var b strings.Builder
	again(&b, []result{r, r, r})
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) > againLines+4 {
		t.Errorf("%d lines", len(lines))
	}
	if !slices.Contains(lines, "6.12  | … 964 lines …") || !slices.Contains(lines, "6.12  | last") {
		t.Errorf("a long output:\n%s", b.String())
	}
	if end := lines[len(lines)-4:]; !strings.HasPrefix(end[0], "… more is above") || end[1] != end[3] || !strings.HasPrefix(end[1], "6.12 is red: ./a failed (status 1): Test0, Test1,") {
		t.Errorf("the end is %q", end)
	}
}

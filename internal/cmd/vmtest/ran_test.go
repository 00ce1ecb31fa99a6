package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// madeRan is the list that console is in accord with, for 6.1 and 5.10.
const madeRan = "# comment\n" +
	"./a TestOne\n" +
	"./a TestTwo\t6.1 5.10\n" +
	"./b TestB\t6.1 5.10 7.x\n" +
	"./c TestElsewhere\t7.x\n"

func TestRanCompare(t *testing.T) {
	edit := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(console) }
	for _, tt := range []struct {
		name, target, log, list string
		part                    bool // only ./a and ./b were asked for
		want                    ranDiff
		red                     string
	}{
		{name: "in accord"},
		{name: "in accord, elsewhere", target: "5.10"},
		{name: "vanished", log: edit("TestB", "TestC", "TestC (", "TestC ("),
			want: ranDiff{missing: []string{"./b TestB: did not run"}, new: []string{"./b TestC"}},
			red:  "1 tests ran before and did not pass now: ./b TestB: did not run; 1 tests are not in the list (make vmtest-lists): ./b TestC"},
		{name: "vanished without a trace", log: edit("\x16=== RUN   TestB\r\n\x16--- PASS: TestB (0.00s)\r\n", ""),
			want: ranDiff{missing: []string{"./b TestB: did not run"}}, red: "1 tests ran before"},
		{name: "skipped", log: edit("    a_test.go:7: hello", "    a_test.go:7: needs root", "--- PASS: TestOne", "--- SKIP: TestOne"),
			want: ranDiff{missing: []string{"./a TestOne: skipped: needs root"}}, red: "1 tests ran before"},
		{name: "subtest that ran before", list: madeRan + "./a TestTwo/sub\n",
			want: ranDiff{missing: []string{"./a TestTwo/sub: skipped: needs Linux 6.6"}}, red: "1 tests ran before"},
		{name: "new", list: strings.Replace(madeRan, "./a TestOne\n", "", 1),
			want: ranDiff{new: []string{"./a TestOne"}}, red: "1 tests are not in the list"},
		{name: "new here", list: strings.Replace(madeRan, "./a TestOne\n", "./a TestOne\t5.10\n", 1),
			want: ranDiff{new: []string{"./a TestOne"}}, red: "1 tests are not in the list"},
		{name: "package gone", list: madeRan + "./c TestC\n",
			want: ranDiff{missing: []string{"./c TestC: did not run"}}, red: "1 tests ran before"},
		{name: "package not asked for", list: madeRan + "./c TestC\n", part: true},
		{name: "kernel not in the list", target: "arm64", list: strings.Replace(madeRan, "./a TestOne\n", "", 1),
			want: ranDiff{none: true, new: []string{"./a TestOne", "./a TestTwo", "./b TestB"}}, red: "no list"},
		{name: "a failure is no difference", log: edit("--- PASS: TestB", "--- FAIL: TestB", "end 1 0", "end 1 1")},
		{name: "broken off", log: console[:strings.Index(console, "\x16--- PASS: TestB")]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			target, log, list := tt.target, tt.log, tt.list
			if target == "" {
				target = "6.1"
			}
			if log == "" {
				log = console
			}
			if list == "" {
				list = madeRan
			}
			tt.want.compared = true
			got := parseRan(list).compare(target, parse(log), !tt.part)
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(ranDiff{})); diff != "" {
				t.Error(diff)
			}
			if why := got.red(); !strings.Contains(why, tt.red) || (tt.red == "") != (why == "") {
				t.Errorf("red: %q, want %q", why, tt.red)
			}
			r := result{target: target1(target), log: parse(log), ran: got}
			if tt.red != "" && !strings.Contains(r.red(), tt.red) {
				t.Errorf("the result is %q", r.red())
			}
			if r.update = true; tt.red != "" && r.red() != "" {
				t.Errorf("the result is %q when the list is to change", r.red())
			}
		})
	}
	if d := parseRan("").compare("6.1", parse(console), true); !d.empty || d.red() != "" {
		t.Errorf("no list at all: %+v", d)
	}
	if d := parseRan(madeRan).compare("6.18", parse(console), true); d.compared || d.red() != "" {
		t.Errorf("a kernel that is no target of the matrix: %+v", d)
	}
}

func target1(name string) target {
	return targets[slices.IndexFunc(targets, func(t target) bool { return t.name == name })]
}

func TestRanUpdate(t *testing.T) {
	root := t.TempDir()
	l, err := readRan(root)
	if err != nil || len(l) != 0 {
		t.Fatalf("no file: %v, %v", l, err)
	}
	l = parseRan("./a TestOne\t6.1 s390x\n./a TestGone\t6.1\n./c TestC\t6.1\n./c TestD\n")
	green := result{target: target1("6.1"), log: parse(console), ran: ranDiff{compared: true}, update: true}
	red := result{target: target1("5.10"), log: parse(strings.Replace(console, "end 0 0", "end 0 1", 1)), ran: ranDiff{compared: true}, update: true}
	if err := errors.Join(updateRan(root, l, &green, false), updateRan(root, l, &red, false)); err != nil {
		t.Fatal(err)
	}
	read := func() string {
		text, err := os.ReadFile(filepath.Join(root, ranFile))
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), "\n")
		return rest
	}
	want := "./a TestOne\t6.1 s390x\n./a TestTwo\t6.1\n./b TestB\t6.1\n./c TestC\t6.1\n./c TestD\n"
	if diff := cmp.Diff(want, read()); diff != "" {
		t.Error(diff)
	}
	// Of a whole run, what is not there is gone.
	if l, err = readRan(root); err != nil {
		t.Fatal(err)
	}
	if err := updateRan(root, l, &green, true); err != nil {
		t.Fatal(err)
	}
	want = "./a TestOne\t6.1 s390x\n./a TestTwo\t6.1\n./b TestB\t6.1\n./c TestD\t6.12 5.10 6.x 7.x arm64 s390x\n"
	if diff := cmp.Diff(want, read()); diff != "" {
		t.Error(diff)
	}
	if d := l.compare("6.1", green.log, true); d.red() != "" {
		t.Errorf("after the update: %s", d.red())
	}
}

// TestRanFile holds the committed list to its form: sorted, without doubles,
// and with hundreds of tests for each kernel that it knows.
func TestRanFile(t *testing.T) {
	text, err := os.ReadFile("testdata/ran.txt")
	if errors.Is(err, fs.ErrNotExist) {
		t.Log("no list yet: " + ranAdvice)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	l := parseRan(string(text))
	if diff := cmp.Diff(string(l.text()), string(text)); diff != "" {
		t.Error(diff)
	}
	for _, target := range targetList() {
		n := 0
		for name, on := range l {
			if slices.Contains(on, target) {
				n++
			}
			if pkg, test, _ := strings.Cut(name, " "); listed(pkg, test) == "" {
				t.Errorf("%s is not to be listed", name)
			}
		}
		if n != 0 && n < 500 {
			t.Errorf("%s: %d tests", target, n)
		}
	}
}

func TestUnlisted(t *testing.T) {
	for name, want := range map[string]string{
		"TestFaults": "./a TestFaults", "TestFaults/fail_bpf_call_7_with_cannot_allocate_memory": "",
		"TestX/sub": "./a TestX/sub", "TestGunzip/sub": "", "TestGunzipRefuses": "./a TestGunzipRefuses", "FuzzX": "", "FuzzX/seed#0": "", "TestX/fails": "./a TestX/fails",
	} {
		if got := listed("./a", name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestNotInGuests: a test of that list that goes by another name now, or is
// gone, is seen.
func TestNotInGuests(t *testing.T) {
	var text strings.Builder
	err := filepath.WalkDir("../../..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "_test.go") {
			b, err := os.ReadFile(path)
			text.Write(b)
			return err
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(strings.Trim(notInGuests, "^()$"), "|") {
		if n := strings.Count(text.String(), "\nfunc "+strings.TrimSuffix(name, ".*")); n == 0 {
			t.Errorf("there is no %s", name)
		}
	}
}

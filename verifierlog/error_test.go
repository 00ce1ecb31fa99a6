package verifierlog

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/fuzztest"
)

func TestError(t *testing.T) {
	lines := "; return p[1]; @ bad.c:4\n1: (79) r0 = *(u64 *)(r1 +8)\nR1 invalid mem access 'scalar'\n"
	poison := "3: (85) call unknown#2001000003\ninvalid func unknown#2001000003\n"
	name := func(p Poison) string {
		if p.Kind == PoisonMap && p.Index == 3 && p.Insn == 3 {
			return "counts"
		}
		return ""
	}
	for _, tt := range []struct {
		err  Error
		want string
	}{
		{Error{Op: "program x: load", Err: fs.ErrPermission}, "program x: load: permission denied"},
		{Error{Op: "program x: load", Err: fs.ErrPermission, Log: Parse([]byte(lines))},
			"program x: load: permission denied: R1 invalid mem access 'scalar' (insn 1, bad.c:4: return p[1];)"},
		{Error{Err: fs.ErrInvalid, Log: Parse([]byte(poison))},
			"invalid argument: map is used but was not created (insn 3: (85) call unknown#2001000003)"},
		{Error{Err: fs.ErrInvalid, Log: Parse([]byte(poison)), Name: name},
			"invalid argument: map is used but was not created: counts (insn 3: (85) call unknown#2001000003)"},
	} {
		for _, got := range []string{tt.err.Error(), fmt.Sprint(&tt.err), fmt.Sprintf("%s", &tt.err), fmt.Sprintf("%v", &tt.err)} {
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		}
		if got := fmt.Sprintf("%q", &tt.err); got != fmt.Sprintf("%q", tt.want) {
			t.Errorf("quoted: %s", got)
		}
		long := fmt.Sprintf("%+v", &tt.err)
		for line := range tt.err.Log.Lines() {
			if !strings.Contains(long, "\n\t"+line) {
				t.Errorf("%%+v lacks %q:\n%s", line, long)
			}
		}
		if !errors.Is(&tt.err, tt.err.Err) {
			t.Error("the cause is hidden")
		}
	}
}

func TestParseStopsAtNUL(t *testing.T) {
	l := Parse([]byte("a\r\nb\n\n\x00rest"))
	if got := slices.Collect(l.Lines()); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("%q", got)
	}
	if !Parse(nil).Empty() || !Parse([]byte("\x00a")).Empty() || l.Empty() {
		t.Error("Empty")
	}
}

func TestStats(t *testing.T) {
	l := Parse([]byte("processed 1 insns (limit 9)\nnot processed 7 insns\nprocessed 12 insns (limit 1000000) max_states_per_insn 1 total_states 2 peak_states 3 mark_read 4\nend"))
	got, ok := l.Stats()
	if want := (Stats{12, 1000000, 1, 2, 3, 4}); !ok || got != want {
		t.Errorf("%+v, %v", got, ok)
	}
	for _, text := range []string{"", "processed", "processed x insns", "xprocessed 1 insns"} {
		if got, ok := Parse([]byte(text)).Stats(); ok {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// TestMemory holds what reading a log may cost beside the log itself.
func TestMemory(t *testing.T) {
	for _, unit := range []string{"\n", "R1=\n", "x\n", "Reason:\n", "Verification failed: \n"} {
		b := []byte(strings.Repeat(unit, 1<<20/len(unit)))
		var x Explanation
		if n := fuzztest.Allocated(func() { x = Parse(b).Explain() }); n > 2*uint64(len(b))+64<<10 {
			t.Errorf("%q: %d bytes allocated for %d", unit, n, len(b))
		}
		if len(x.Reason) > 1<<10 {
			t.Errorf("%q: a reason of %d bytes", unit, len(x.Reason))
		}
	}
}

package link

import (
	"testing"

	"github.com/skepbpf/skep/internal/fuzztest"
)

func FuzzParseLink(f *testing.F) {
	f.Add([]byte{})
	f.Add(getLinkRequest("lo", 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		fuzztest.Check(t, len(b), func() {
			if in, found, err := parseLink(b); err != nil && found {
				t.Errorf("%+v and %v", in, err)
			}
		})
	})
}

func FuzzTargets(f *testing.F) {
	f.Add("a:f@V+0x8")
	f.Add("sched/sched_switch")
	f.Fuzz(func(t *testing.T, s string) {
		fuzztest.Check(t, len(s), func() { parseTargets(t, s) })
	})
}

// parseTargets parses s in each way; a target is either named or an error.
func parseTargets(t *testing.T, s string) {
	if k, err := ParseKprobeTarget(s); (err == nil) != (k.Symbol != "") {
		t.Errorf("kprobe: %v, %v", k, err)
	}
	if u, err := ParseUprobeTarget(s); (err == nil) != (u.Symbol != "") {
		t.Errorf("uprobe: %v, %v", u, err)
	}
	if c, _, err := ParseTracepointTarget(s); (err == nil) != (c != "") {
		t.Errorf("tracepoint: %v, %v", c, err)
	}
	if _, fn, err := ParseTracingTarget(s); (err == nil) != (fn != "") {
		t.Errorf("tracing: %v, %v", fn, err)
	}
}

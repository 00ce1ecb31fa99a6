package main

import (
	"strings"
	"testing"
)

func TestSplats(t *testing.T) {
	const done = "\r\n@vmtest-TOKEN done 2"
	with := func(lines ...string) *result {
		text := ""
		for _, l := range lines {
			text += "\r\n@vmtest-TOKEN " + l
		}
		return &result{target: target1("6.1"), log: parse(strings.Replace(console, done, text+done, 1))}
	}
	for _, tt := range []struct {
		name string
		r    *result
		red  string
	}{
		{"none", with(), ""},
		{"warning", with("splat [ 1.0] WARNING: CPU: 0 PID: 1 at kernel/bpf/x.c:1", "trace [ 1.0] Call Trace:"), "WARNING: CPU: 0 PID: 1 at kernel/bpf/x.c:1"},
		{"bug", with("splat [ 1.0] BUG: sleeping function called from invalid context"), "BUG: sleeping"},
		{"slow machine", with("splat [ 1.0] INFO: rcu_sched self-detected stall on CPU"), ""},
		{"both", with("splat [ 1.0] INFO: rcu_sched self-detected stall on CPU", "splat [ 1.0] BUG: x"), "complains 1 times, first: [ 1.0] BUG: x"},
		{"of PID 1", with("warn module x"), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.r.red(); !strings.Contains(got, tt.red) || (tt.red == "") != (got == "") {
				t.Errorf("got %q, want %q", got, tt.red)
			}
			var b strings.Builder
			tt.r.print(&b, false)
			for _, s := range tt.r.log.splats {
				for _, line := range append(s.trace, s.line) {
					if !strings.Contains(b.String(), line) {
						t.Errorf("%q is not shown in %q", line, b.String())
					}
				}
			}
		})
	}
	for i, h := range harmless {
		if h.why == "" || h.text == "" {
			t.Errorf("entry %d lacks a reason or a text", i)
		}
	}
}

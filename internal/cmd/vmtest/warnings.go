package main

import "strings"

// splat is a complaint in the kernel's log, with what followed it. Tests that
// make the kernel complain have found a bug, most likely of the kernel's own,
// and one that users must be told of: a run with one is red.
type splat struct {
	line  string
	trace []string
}

// harmless are complaints that say nothing of what is tested. kernel is the
// name of a target, "" for all.
var harmless = []struct{ kernel, text, why string }{
	{"", "INFO: rcu", "an emulated CPU is slow, and the host may stop it for seconds"},
	{"", "INFO: task", "as above"},
}

// excuse says why a complaint does not count, or "".
func (s *splat) excuse(kernel string) string {
	for _, h := range harmless {
		if (h.kernel == "" || h.kernel == kernel) && strings.Contains(s.line, h.text) {
			return h.why
		}
	}
	return ""
}

// bad returns those that count.
func (l *guestLog) bad(kernel string) []splat {
	var out []splat
	for _, s := range l.splats {
		if s.excuse(kernel) == "" {
			out = append(out, s)
		}
	}
	return out
}

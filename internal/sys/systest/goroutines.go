package systest

import (
	stdmaps "maps"
	"runtime"
	"slices"
	"strings"
	"time"
)

// goroutines gives the stack of each goroutine by its number, without those of
// package testing, of the runtime and of signals, which come and go as they like.
func goroutines() map[string]string {
	buf := make([]byte, 64<<10)
	n := runtime.Stack(buf, true)
	for n == len(buf) && n < 64<<20 {
		buf = make([]byte, 2*len(buf))
		n = runtime.Stack(buf, true)
	}
	all := map[string]string{}
	for i, stack := range strings.Split(strings.TrimSpace(string(buf[:n])), "\n\n") {
		// "goroutine 7 [chan receive]:", and the first is the caller.
		if f := strings.Fields(stack); i > 0 && len(f) > 1 && !foreign(stack) {
			all[f[1]] = stack
		}
	}
	return all
}

// foreign goroutines were not made by a test nor by what it tests.
func foreign(stack string) bool {
	for _, by := range [...]string{"testing.", "runtime.", "runtime/", "internal/fuzz.", "os/signal."} {
		if strings.Contains(stack, "\ncreated by "+by) {
			return true
		}
	}
	return strings.HasPrefix(stack, "goroutine 1 ")
}

// newGoroutines gives the stacks of those that were not there before. It waits
// for them to end, as one that was told to needs a moment.
func newGoroutines(before map[string]string, grace time.Duration) string {
	end := time.Now().Add(grace)
	for wait := 100 * time.Microsecond; ; wait = min(2*wait, 100*time.Millisecond) {
		now := goroutines()
		stdmaps.DeleteFunc(now, func(id, _ string) bool { return before[id] != "" })
		if len(now) == 0 {
			return ""
		}
		if time.Now().After(end) {
			return "+1 " + strings.Join(slices.Sorted(stdmaps.Values(now)), "\n+1 ") + "\n"
		}
		time.Sleep(wait)
	}
}

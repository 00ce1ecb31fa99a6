package systest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"unsafe"

	"github.com/skepbpf/skep/internal/sys"
)

// AnyCmd matches every bpf command.
const AnyCmd = ^sys.Cmd(0)

// Fault says which call fails, and how.
type Fault struct {
	// Cmd is the bpf command whose calls are counted, AnyCmd for all.
	Cmd sys.Cmd
	// Call, if not empty, counts a system call other than bpf(2) in its place,
	// by the name package sys gives it ("perf_event_open", "mmap"); "*" for all.
	Call string
	// N is the call that fails: 1 for the first. 0 means that none does: the
	// Injector then only counts.
	N int
	// Rest lets all later calls fail too: of Cmd, or, for AnyCmd and "*", of
	// the command or call that the N-th was.
	Rest  bool
	Errno sys.Errno
}

// String is "fail BPF_MAP_CREATE call 3 with EPERM".
func (f Fault) String() string {
	what := f.Call
	switch {
	case what == "" && f.Cmd == AnyCmd:
		what = "bpf"
	case what == "":
		what = f.Cmd.String()
	}
	if f.N == 0 {
		return "count " + what + " calls"
	}
	rest := ""
	if f.Rest {
		rest = " and later"
	}
	return fmt.Sprintf("fail %s call %d%s with %v", what, f.N, rest, f.Errno)
}

// Injector counts calls and fails some. It is safe for concurrent use.
type Injector struct {
	mu     sync.Mutex
	fault  Fault
	seen   int    // calls that matched
	victim string // what the N-th call was
	fired  int
	calls  []string
	off    bool
}

// Inject installs a fault above what is installed, the real kernel if nothing
// is, until the test ends.
func Inject(t testing.TB, f Fault) *Injector {
	t.Helper()
	in := &Injector{fault: f}
	install(t, func(below *sys.Seam) *sys.Seam {
		layer := *below
		layer.BPF = func(cmd sys.Cmd, attr unsafe.Pointer, size uintptr, common *sys.CommonAttr) (uintptr, sys.Errno) {
			name := (cmd &^ sys.BPF_COMMON_ATTRS).String()
			if errno := in.decide(name, in.fault.Call == "" && (in.fault.Cmd == AnyCmd || in.fault.Cmd == cmd&^sys.BPF_COMMON_ATTRS)); errno != 0 {
				return 0, errno
			}
			return forward(below, cmd, attr, size, common)
		}
		layer.Before = func(call string) sys.Errno {
			if errno := in.decide(call, in.fault.Call == "*" || in.fault.Call == call); errno != 0 {
				return errno
			}
			if below.Before != nil {
				return below.Before(call)
			}
			return 0
		}
		return &layer
	})
	return in
}

// decide records a call and gives its errno, 0 to let it pass.
func (in *Injector) decide(name string, match bool) sys.Errno {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.off {
		return 0
	}
	in.calls = append(in.calls, name)
	if !match {
		return 0
	}
	in.seen++
	switch {
	case in.fault.N == 0:
		return 0
	case in.seen == in.fault.N:
		in.victim = name
	case in.fault.Rest && in.seen > in.fault.N && name == in.victim:
	default:
		return 0
	}
	in.fired++
	return in.fault.Errno
}

// Disarm lets all calls pass from now on, and counts none: for what a test
// looks at, or cleans up, after the fault.
func (in *Injector) Disarm() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.off = true
}

// Fired is how many calls were failed.
func (in *Injector) Fired() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.fired
}

// Victim is the name of the command or call that failed, "" if none did.
func (in *Injector) Victim() string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.victim
}

// Matched is how many calls Fault counted: run once with N 0 to learn how far
// N can go.
func (in *Injector) Matched() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.seen
}

// Calls is the name of every call so far, retries included, in order.
func (in *Injector) Calls() []string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.calls)
}

// Forbid fails the test at every system call of package sys, which then gets
// EPERM: for what must be pure.
func Forbid(t testing.TB) {
	t.Helper()
	deny := func(call string) sys.Errno {
		t.Errorf("unexpected system call %s", call)
		return sys.EPERM
	}
	install(t, func(below *sys.Seam) *sys.Seam {
		return &sys.Seam{
			BPF: func(cmd sys.Cmd, _ unsafe.Pointer, _ uintptr, _ *sys.CommonAttr) (uintptr, sys.Errno) {
				return 0, deny(cmd.String())
			},
			Before:   deny,
			FDOpened: below.FDOpened,
			FDClosed: below.FDClosed,
		}
	})
}

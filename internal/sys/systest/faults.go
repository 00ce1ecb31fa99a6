package systest

import (
	"errors"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/testutil"
)

// Faults is what EachFault goes through. The zero value is all of it.
type Faults struct {
	// Calls are the calls that fail, one list after the other: bpf commands,
	// then all other system calls, if empty.
	Calls []Fault
	// Errnos are what they fail with; EPERM, ENOMEM, EAGAIN, EINVAL if empty.
	Errnos []sys.Errno
	// Setup, if set, begins each case, below the fault: it may install a fake
	// kernel.
	Setup func(t *testing.T)
	// Watch is what a case may not leave behind, beside what CheckLeaks looks
	// for anyway.
	Watch Watch
	// Sample chooses the cases that are run, for tests that go through many. It
	// is asked for each. nil is all of them, and in guests, which are emulated,
	// each third.
	Sample func() bool
}

// All is a Sample for tests that need all cases in guests, too.
func All() bool { return true }

// eachThird takes turns with errnos and the two ways to fail, of which there are
// eight as a rule.
func eachThird() func() bool {
	n := 0
	return func() bool {
		n++
		return n%3 == 0
	}
}

// maxFaults ends the loop of code that never stops making calls.
const maxFaults = 5000

// EachFault runs f without a fault, and then once for each call that f made,
// each errno, and once with the one call failing and once with it and all later
// ones. Each run is a subtest, and may leave nothing behind. f does what is
// tested, once, disarms the injector, asks it to Judge the error, and cleans
// up. It gives the number of runs.
func EachFault(t *testing.T, o Faults, f func(t *testing.T, in *Injector)) (runs int) {
	t.Helper()
	if len(o.Calls) == 0 {
		o.Calls = []Fault{{Cmd: AnyCmd}, {Call: "*"}}
	}
	if len(o.Errnos) == 0 {
		o.Errnos = []sys.Errno{sys.EPERM, sys.ENOMEM, sys.EAGAIN, sys.EINVAL}
	}
	if o.Sample == nil && testutil.InGuest() {
		o.Sample = eachThird()
	}
	leaks := Begin(t, o.Watch)
	e := &eachFault{t, o, f, leaks, 0}
	for _, call := range o.Calls {
		calls, ok := e.one(call)
		if !ok {
			break
		}
		for _, errno := range o.Errnos {
			for _, rest := range [...]bool{false, true} {
				fault := call
				fault.Errno, fault.Rest = errno, rest
				e.all(fault, calls)
			}
		}
	}
	// The kernel frees by and by: asked once, not after each run.
	if left := leaks.ledger.report(o.Watch.Pins); left != "" {
		t.Errorf("left behind:\n%s", left)
	}
	return e.runs
}

type eachFault struct {
	t     *testing.T
	o     Faults
	f     func(t *testing.T, in *Injector)
	leaks *Leaks
	runs  int
}

// all lets each call fail in turn, until there is none: a fault may be followed
// by calls that a run without it, of so many calls, does not make.
func (e *eachFault) all(fault Fault, calls int) {
	e.t.Helper()
	for fault.N = 1; ; fault.N++ {
		if e.o.Sample != nil && !e.o.Sample() {
			if fault.N > calls {
				return
			}
			continue
		}
		fired, ok := e.one(fault)
		switch {
		case fired == 0 && fault.N <= calls:
			e.t.Errorf("%v: %d calls without a fault, but this one is not made", fault, calls)
			return
		case fired == 0 || !ok && fault.N > 20:
			return
		case fault.N > maxFaults:
			e.t.Errorf("%v: no end of calls", fault)
			return
		}
	}
}

// one is a run. It gives how many calls failed, or, where none was to, how many
// there were.
func (e *eachFault) one(fault Fault) (count int, ok bool) {
	e.runs++
	ok = e.t.Run(strings.ReplaceAll(fault.String(), " ", "_"), func(t *testing.T) {
		e.leaks.mark()
		e.leaks.ledger.label(fault.String())
		if e.o.Setup != nil {
			e.o.Setup(t)
		}
		in := Inject(t, fault)
		e.f(t, in)
		count = in.Fired()
		if fault.N == 0 {
			count = in.Matched()
		}
		in.Disarm()
		if left := e.leaks.Held(); left != "" {
			t.Errorf("left behind:\n%s", left)
		}
	})
	return count, ok
}

// Fault is what the injector was made with.
func (in *Injector) Fault() Fault { return in.fault }

// Judge fails the test for an error that the fault does not explain: one
// without a fault, or one that does not wrap its errno. That there is none is
// fine: not every call that fails matters.
func (in *Injector) Judge(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case in.Fired() == 0:
		t.Errorf("failed without a fault: %v", err)
	case !errors.Is(err, in.fault.Errno):
		t.Errorf("%v (it was %s): the error does not wrap it: %v", in.fault, in.Victim(), err)
	}
}

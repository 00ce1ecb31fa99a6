// Package fuzztest holds every fuzz target to what one input may cost: memory
// and time bounded by the input's size.
package fuzztest

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"
)

// Memory that an input may take: PerByte for each of its bytes, and Base.
const (
	PerByte = 16
	Base    = 64 << 10
)

// Time that an input of up to timeUnit bytes may take; a larger one may take
// as much for each timeUnit. Whatever reads bytes is to be linear, or nearly.
const (
	timeLimit = 2 * time.Second
	timeUnit  = 64 << 10
	// emulated is how much longer -short has: that is how the tests are run on
	// emulated machines.
	emulated = 8
	// hangFactor times the limit, and the process ends: no result would come.
	hangFactor = 20
)

// Ceiling is the memory that an input of n bytes may take, in bytes.
func Ceiling(n int) uint64 { return PerByte*uint64(n) + Base }

// Check runs f, which reads an input of n bytes, and fails t if f allocates
// more than Ceiling(n) in all, which is no less than what lives at any time,
// or takes too long. f runs again where a first measurement cannot be trusted;
// it must do the same each time.
func Check(t testing.TB, n int, f func()) {
	t.Helper()
	Within(t, n, Ceiling(n), f)
}

// Within is Check with another limit of memory than Ceiling(n).
func Within(t testing.TB, n int, limit uint64, f func()) {
	t.Helper()
	within(t, n, limit, timeFor(n), f)
}

func within(t testing.TB, n int, limit uint64, slow time.Duration, f func()) {
	t.Helper()
	before := counted()
	took := timed(n, slow, f)
	// The counter does not see small objects in spans that are still being
	// filled: a few KiB for each size that occurs.
	if counted()-before > limit/4 {
		if got := leastAllocated(f, limit); got > limit {
			t.Errorf("%d bytes of input: %d bytes allocated, at most %d", n, got, limit)
		}
	}
	if took > slow {
		// Once more: the machine may have been busy with others.
		if again := timed(n, slow, f); again > slow {
			t.Errorf("%d bytes of input: took %v, then %v, at most %v", n, took, again, slow)
		}
	}
}

// timeFor is the time that an input of n bytes may take.
func timeFor(n int) time.Duration {
	limit := timeLimit * time.Duration(1+max(n-1, 0)/timeUnit)
	if testing.Short() {
		limit *= emulated
	}
	return limit
}

// timed runs f and tells how long it took. If f does not end, the process
// does, so that a fuzzer keeps the input.
func timed(n int, slow time.Duration, f func()) time.Duration {
	limit := slow * hangFactor
	hang := time.AfterFunc(limit, func() { panic(fmt.Sprintf("%d bytes of input: no end after %v", n, limit)) })
	defer hang.Stop()
	start := time.Now()
	f()
	return time.Since(start)
}

// counted is the number of bytes allocated so far, about: reading it costs a
// thirtieth of what Allocated does.
func counted() uint64 {
	s := [1]metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s[:])
	return s[0].Value.Uint64()
}

// leastAllocated measures f until it stays below limit, three times at most:
// other goroutines of a test binary allocate too.
func leastAllocated(f func(), limit uint64) uint64 {
	least := Allocated(f)
	for i := 0; i < 2 && least > limit; i++ {
		least = min(least, Allocated(f))
	}
	return least
}

// Allocated runs f and gives the bytes that the process allocated meanwhile,
// whether they are garbage by now or not.
func Allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

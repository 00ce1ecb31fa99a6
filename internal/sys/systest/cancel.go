package systest

import (
	"context"
	"os"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/skepbpf/skep/internal/sys"
)

// CancelAt gives a context that is cancelled when the n-th system call of
// package sys from now on begins, 1 for the first; the call itself is made. If
// fewer are made it is never cancelled: that is how a loop over n ends.
func CancelAt(t testing.TB, n int) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	var seen atomic.Int64
	count := func() {
		if seen.Add(1) == int64(n) {
			cancel()
		}
	}
	install(t, func(below *sys.Seam) *sys.Seam {
		layer := *below
		layer.BPF = func(cmd sys.Cmd, attr unsafe.Pointer, size uintptr, common *sys.CommonAttr) (uintptr, sys.Errno) {
			count()
			return forward(below, cmd, attr, size, common)
		}
		layer.Before = func(call string) sys.Errno {
			count()
			if below.Before != nil {
				return below.Before(call)
			}
			return 0
		}
		return &layer
	})
	return ctx
}

// KillAt ends the process, as if it were killed, when the n-th system call of
// package sys from now on begins, 1 for the first; the call itself is not made.
func KillAt(t testing.TB, n int) {
	t.Helper()
	var seen atomic.Int64
	count := func() {
		if seen.Add(1) == int64(n) {
			if p, err := os.FindProcess(os.Getpid()); err == nil {
				_ = p.Kill()
			}
			select {}
		}
	}
	install(t, func(below *sys.Seam) *sys.Seam {
		layer := *below
		layer.BPF = func(cmd sys.Cmd, attr unsafe.Pointer, size uintptr, common *sys.CommonAttr) (uintptr, sys.Errno) {
			count()
			return forward(below, cmd, attr, size, common)
		}
		layer.Before = func(string) sys.Errno {
			count()
			return 0
		}
		return &layer
	})
}

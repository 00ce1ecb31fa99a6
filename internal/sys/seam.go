package sys

import (
	"sync/atomic"
	"unsafe"
)

// Seam is where tests stand in for the kernel, or between the library and the
// kernel. Only internal/sys/systest, which only tests may import, installs one.
//
// Every field may be nil.
type Seam struct {
	// BPF gets each bpf(2) call, retries included, in place of the kernel. It
	// may pass it on with DirectBPF. attr and what it refers to may live on
	// the caller's stack, hidden from escape analysis: BPF must copy what it
	// wants to keep and retain no pointer.
	BPF func(cmd Cmd, attr unsafe.Pointer, size uintptr, common *CommonAttr) (uintptr, Errno)
	// Before is asked before any other system call of this package that can
	// fail for want of privilege or resources; the call is its name in lower
	// case. An errno other than 0 is the call's result.
	Before func(call string) Errno
	// FDOpened and FDClosed see each descriptor that an FD takes and gives up.
	FDOpened, FDClosed func(raw int)
}

// seam is the package's only mutable variable. It is nil, and never written, in
// production: a global because the seam must also be reached by descriptors and
// mappings that carry no context, and atomic because tests install it beside
// running goroutines. The price is one load per call.
var seam atomic.Pointer[Seam]

// InstallSeam replaces the seam and gives the one before, nil for none. For
// systest only.
func InstallSeam(s *Seam) (before *Seam) { return seam.Swap(s) }

// DirectBPF is bpf(2) past the seam: one attempt, no retry.
func DirectBPF(cmd Cmd, attr unsafe.Pointer, size uintptr, common *CommonAttr) (uintptr, Errno) {
	return bpfSyscall(cmd, attr, size, common)
}

// before asks the seam about a system call other than bpf(2).
func before(call string) error {
	if s := seam.Load(); s != nil && s.Before != nil {
		return newError(call, s.Before(call))
	}
	return nil
}

// noescape hides p from escape analysis: a call of a function value would
// otherwise force each attribute, key and value of the program to the heap for
// the sake of tests. It is sound because Seam.BPF keeps no pointer; the pointers
// in the frames of that call are typed, so a growing stack adjusts them.
//
//go:nosplit
func noescape(p unsafe.Pointer) unsafe.Pointer {
	x := uintptr(p)
	return *(*unsafe.Pointer)(unsafe.Pointer(&x))
}

package sys

import (
	"fmt"
	"sync/atomic"
)

// FD owns a file descriptor. It may be used from many goroutines: a call
// borrows the number for its own length, and a Close that comes meanwhile takes
// effect at once for later callers and closes the descriptor when the last
// borrower is done. So a number is never closed, and handed out by the kernel
// to someone else, under a call in flight. Nothing closes an FD but Close: there
// is no finalizer, leaks are found by tests.
type FD struct {
	raw   int
	state atomic.Uint64 // fdGone, and the number of borrowers
}

// fdGone marks an FD that was closed or detached. The count below it cannot
// reach it: it would take 2^63 goroutines.
const fdGone = 1 << 63

// NewFD takes ownership of raw. A number of 0 to 2 is moved above: should the
// process lack standard streams, a later print to them must not write to, say, a
// map. On an error raw is closed.
func NewFD(raw int) (*FD, error) {
	if raw < 0 {
		return nil, fmt.Errorf("file descriptor %d: %w", raw, EBADF)
	}
	if raw <= 2 {
		moved, err := dupFD(raw)
		if cerr := closeFD(raw); err == nil && cerr != nil {
			closeFD(moved)
			err = cerr
		}
		if err != nil {
			return nil, err
		}
		raw = moved
	}
	if s := seam.Load(); s != nil && s.FDOpened != nil {
		s.FDOpened(raw)
	}
	return &FD{raw: raw}, nil
}

// Borrow gives the number and keeps it open until Release, which must follow
// exactly once if the error is nil. After Close the error is ErrClosed; so it is
// for a nil FD.
//
//go:noinline
func (f *FD) Borrow() (int, error) {
	if f == nil {
		return -1, ErrClosed
	}
	for {
		s := f.state.Load()
		if s&fdGone != 0 {
			return -1, ErrClosed
		}
		if f.state.CompareAndSwap(s, s+1) {
			return f.raw, nil
		}
	}
}

// Release ends a Borrow. Neither is inlined: next to a system call that saves
// nothing, and a hundred callers would each carry the loop of atomics.
//
//go:noinline
func (f *FD) Release() {
	if f.state.Add(^uint64(0)) == fdGone {
		f.destroy()
	}
}

// Close gives the descriptor up. Any call after the first does nothing, and so
// does Close of a nil FD. If a borrower is still at work the last of them closes
// the descriptor, and what close(2) says then is lost; it says nothing of use for
// the descriptors of bpf(2).
func (f *FD) Close() error {
	if f == nil {
		return nil
	}
	for {
		s := f.state.Load()
		if s&fdGone != 0 {
			return nil
		}
		if f.state.CompareAndSwap(s, s|fdGone) {
			if s == 0 {
				return f.destroy()
			}
			return nil
		}
	}
}

func (f *FD) destroy() error {
	f.traceClosed()
	return closeFD(f.raw)
}

func (f *FD) traceClosed() {
	if s := seam.Load(); s != nil && s.FDClosed != nil {
		s.FDClosed(f.raw)
	}
}

// Dup makes a second owner of what f refers to.
func (f *FD) Dup() (*FD, error) {
	raw, err := f.Borrow()
	if err != nil {
		return nil, err
	}
	defer f.Release()
	dup, err := dupFD(raw)
	if err != nil {
		return nil, err
	}
	return NewFD(dup)
}

// Detach gives the number to the caller, who must close it. It fails with EBUSY
// while the descriptor is borrowed.
func (f *FD) Detach() (int, error) {
	if f == nil {
		return -1, ErrClosed
	}
	switch {
	case f.state.CompareAndSwap(0, fdGone):
		f.traceClosed()
		return f.raw, nil
	case f.state.Load()&fdGone != 0:
		return -1, ErrClosed
	}
	return -1, fmt.Errorf("file descriptor %d: detach: %w", f.raw, EBUSY)
}

// Closed reports whether f was closed or detached. Another goroutine may close
// it right after.
func (f *FD) Closed() bool { return f == nil || f.state.Load()&fdGone != 0 }

// String is "fd 7", or "fd 7 (closed)".
func (f *FD) String() string {
	switch {
	case f == nil:
		return "no fd"
	case f.Closed():
		return fmt.Sprintf("fd %d (closed)", f.raw)
	}
	return fmt.Sprintf("fd %d", f.raw)
}

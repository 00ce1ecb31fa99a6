package sys

import (
	"errors"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

func isOpen(raw int) bool {
	_, err := unix.FcntlInt(uintptr(raw), unix.F_GETFD, 0)
	return err == nil
}

func newTestFD(t *testing.T) *FD {
	t.Helper()
	fd, err := MemfdCreate("fd test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fd.Close() })
	return fd
}

func TestCloseWaitsForTheLastBorrower(t *testing.T) {
	fd := newTestFD(t)
	raw, err := fd.Borrow()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fd.Borrow(); err != nil {
		t.Fatal(err)
	}
	if err := fd.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := fd.Borrow(); !errors.Is(err, ErrClosed) || !errors.Is(err, os.ErrClosed) || !errors.Is(err, fs.ErrClosed) {
		t.Errorf("borrow after close: %v", err)
	}
	fd.Release()
	if !isOpen(raw) {
		t.Fatal("closed under a borrower")
	}
	fd.Release()
	if isOpen(raw) {
		t.Fatal("open after the last release")
	}
	if err := fd.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

// The second Close must not close a number that someone else got meanwhile.
func TestDoubleCloseIsHarmless(t *testing.T) {
	fd := newTestFD(t)
	raw := fd.raw
	if err := fd.Close(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Dup3(int(os.Stderr.Fd()), raw, unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(raw)
	if err := fd.Close(); err != nil || !isOpen(raw) {
		t.Errorf("second close: %v, other descriptor open: %v", err, isOpen(raw))
	}
	var none *FD
	if err := none.Close(); err != nil {
		t.Errorf("close of nil: %v", err)
	}
	if _, err := none.Borrow(); !errors.Is(err, ErrClosed) {
		t.Errorf("borrow of nil: %v", err)
	}
}

func TestDetachAndDup(t *testing.T) {
	fd := newTestFD(t)
	dup, err := fd.Dup()
	if err != nil {
		t.Fatal(err)
	}
	defer dup.Close()
	if _, err := fd.Borrow(); err != nil {
		t.Fatal(err)
	}
	if _, err := fd.Detach(); !errors.Is(err, EBUSY) {
		t.Errorf("detach while borrowed: %v", err)
	}
	fd.Release()
	raw, err := fd.Detach()
	if err != nil {
		t.Fatal(err)
	}
	if fd.Close() != nil || !isOpen(raw) {
		t.Error("close after detach closed the descriptor")
	}
	if _, err := fd.Detach(); !errors.Is(err, ErrClosed) {
		t.Errorf("second detach: %v", err)
	}
	if _, err := fd.Dup(); !errors.Is(err, ErrClosed) {
		t.Errorf("dup after detach: %v", err)
	}
	unix.Close(raw)
	if n, err := dup.Borrow(); err != nil || !isOpen(n) {
		t.Errorf("duplicate: %v", err)
	}
	dup.Release()
}

func TestNewFDMovesAboveStandardStreams(t *testing.T) {
	if _, err := NewFD(-1); !errors.Is(err, EBADF) {
		t.Errorf("negative number: %v", err)
	}
	spare, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 10)
	switch {
	case err == nil:
		defer func() {
			unix.Dup3(spare, 0, 0)
			unix.Close(spare)
		}()
		unix.Close(0)
	case errors.Is(err, unix.EBADF): // there is no standard input
	default:
		t.Fatal(err)
	}
	raw, err := unix.MemfdCreate("low", unix.MFD_CLOEXEC)
	if err != nil || raw != 0 {
		t.Fatalf("got fd %d, %v", raw, err)
	}
	fd, err := NewFD(raw)
	if err != nil {
		t.Fatal(err)
	}
	defer fd.Close()
	if fd.raw <= 2 || isOpen(0) {
		t.Errorf("fd %d, 0 open: %v", fd.raw, isOpen(0))
	}
}

// Calls race with Close: each either is refused or sees its own file.
func TestConcurrentUseAndClose(t *testing.T) {
	for range 200 {
		fd := newTestFD(t)
		_, want, err := FileID(fd.raw)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var refused atomic.Int32
		for range 4 {
			wg.Go(func() {
				for range 20 {
					raw, err := fd.Borrow()
					if err != nil {
						refused.Add(1)
						continue
					}
					if _, ino, err := FileID(raw); err != nil || ino != want {
						t.Errorf("inode %d, want %d: %v", ino, want, err)
					}
					fd.Release()
				}
			})
		}
		for range 2 {
			wg.Go(func() { fd.Close() })
		}
		wg.Wait()
		if isOpen(fd.raw) {
			if _, ino, _ := FileID(fd.raw); ino == want {
				t.Fatal("still open")
			}
		}
	}
}

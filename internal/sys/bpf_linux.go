package sys

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// bpfSyscall is the system call. The conversions to uintptr stand in the
// argument list: see the package comment.
func bpfSyscall(cmd Cmd, attr unsafe.Pointer, size uintptr, common *CommonAttr) (uintptr, Errno) {
	if common == nil {
		r, _, errno := unix.Syscall(unix.SYS_BPF, uintptr(cmd), uintptr(attr), size)
		return r, errno
	}
	r, _, errno := unix.Syscall6(unix.SYS_BPF, uintptr(cmd), uintptr(attr), size,
		uintptr(unsafe.Pointer(common)), unsafe.Sizeof(*common), 0)
	return r, errno
}

// signalMask is the mask of a locked thread before blockProfiling.
type signalMask struct {
	old     unix.Sigset_t
	changed bool
}

// blockProfiling locks the goroutine to its thread, for a mask is a thread's
// own, and blocks SIGPROF there. Where masking fails the call goes on: it is
// then merely slower to succeed.
func blockProfiling() (m signalMask) {
	runtime.LockOSThread()
	var set unix.Sigset_t
	word := 8 * unsafe.Sizeof(set.Val[0])
	bit := uintptr(unix.SIGPROF) - 1
	set.Val[bit/word] |= 1 << (bit % word)
	m.changed = unix.PthreadSigmask(unix.SIG_BLOCK, &set, &m.old) == nil
	return m
}

func (m *signalMask) restore() {
	if m.changed {
		unix.PthreadSigmask(unix.SIG_SETMASK, &m.old, nil)
	}
	runtime.UnlockOSThread()
}

func closeFD(raw int) error { return wrapErrno("close", unix.Close(raw)) }

// dupFD duplicates raw to a number above the standard streams.
func dupFD(raw int) (int, error) {
	if err := before("dup"); err != nil {
		return -1, err
	}
	n, err := unix.FcntlInt(uintptr(raw), unix.F_DUPFD_CLOEXEC, 3)
	return n, wrapErrno("dup", err)
}

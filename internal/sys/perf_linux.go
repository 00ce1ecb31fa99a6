package sys

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The numbers differ between machines: mips, ppc and sparc encode the
// direction of an ioctl their own way.
const (
	ioctlSetBPF   uint = unix.PERF_EVENT_IOC_SET_BPF
	ioctlEnable   uint = unix.PERF_EVENT_IOC_ENABLE
	ioctlDisable  uint = unix.PERF_EVENT_IOC_DISABLE
	ioctlID       uint = unix.PERF_EVENT_IOC_ID
	ioctlQueryBPF uint = unix.PERF_EVENT_IOC_QUERY_BPF
)

func perfEventOpen(attr unsafe.Pointer, pid, cpu, group int, flags uint) (int, error) {
	for {
		r, _, errno := unix.Syscall6(unix.SYS_PERF_EVENT_OPEN, uintptr(attr), uintptr(pid), uintptr(cpu), uintptr(group), uintptr(flags), 0)
		if errno != EINTR {
			return int(r), newError("perf_event_open", errno)
		}
	}
}

func ioctlInt(call string, fd int, req uint, arg int) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(req), uintptr(arg))
	return newError(call, errno)
}

func ioctlPtr(call string, fd int, req uint, arg unsafe.Pointer) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(req), uintptr(arg))
	return newError(call, errno)
}

package sys

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapFlags translates the flags whose numbers differ between machines.
var mapFlags = [...]struct{ ours, machine int }{
	{MAP_SHARED, unix.MAP_SHARED},
	{MAP_PRIVATE, unix.MAP_PRIVATE},
	{MAP_FIXED, unix.MAP_FIXED},
	{MAP_ANONYMOUS, unix.MAP_ANONYMOUS},
	{MAP_POPULATE, unix.MAP_POPULATE},
}

func mmap(addr uintptr, fd int, off int64, length int, prot, flags int) ([]byte, error) {
	real := 0
	for _, f := range mapFlags {
		if flags&f.ours != 0 {
			real |= f.machine
		}
	}
	// The address is the kernel's to judge, not a pointer that Go knows.
	at := *(*unsafe.Pointer)(unsafe.Pointer(&addr))
	p, err := unix.MmapPtr(fd, off, at, uintptr(length), prot, real)
	if err != nil {
		return nil, wrapErrno("mmap", err)
	}
	return unsafe.Slice((*byte)(p), length), nil
}

func munmap(mem []byte) error {
	return wrapErrno("munmap", unix.MunmapPtr(unsafe.Pointer(&mem[0]), uintptr(len(mem))))
}

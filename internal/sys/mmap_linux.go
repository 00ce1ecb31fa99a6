package sys

import "golang.org/x/sys/unix"

// mapFlags translates the flags whose numbers differ between machines.
var mapFlags = [...]struct{ ours, machine int }{
	{MAP_SHARED, unix.MAP_SHARED},
	{MAP_PRIVATE, unix.MAP_PRIVATE},
	{MAP_FIXED, unix.MAP_FIXED},
	{MAP_ANONYMOUS, unix.MAP_ANONYMOUS},
	{MAP_POPULATE, unix.MAP_POPULATE},
}

func mmap(fd int, off int64, length int, prot, flags int) ([]byte, error) {
	real := 0
	for _, f := range mapFlags {
		if flags&f.ours != 0 {
			real |= f.machine
		}
	}
	mem, err := unix.Mmap(fd, off, length, prot, real)
	return mem, wrapErrno("mmap", err)
}

func munmap(mem []byte) error { return wrapErrno("munmap", unix.Munmap(mem)) }

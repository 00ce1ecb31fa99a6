package sys

import (
	"golang.org/x/sys/unix"
)

// OpenPath opens a path of the file system; flags are O_RDONLY and so on.
func OpenPath(path string, flags int) (*FD, error) { return openat(unix.AT_FDCWD, path, flags) }

// OpenAt opens a path below the directory dir.
func OpenAt(dir int, path string, flags int) (*FD, error) { return openat(dir, path, flags) }

func openat(dir int, path string, flags int) (*FD, error) {
	return newFD("openat", func() (int, error) {
		return unix.Openat(dir, path, realOpenFlags(flags)|unix.O_CLOEXEC, 0o600)
	})
}

// openFlags translates the flags whose numbers differ between machines.
var openFlags = [...]struct{ ours, machine int }{
	{O_APPEND, unix.O_APPEND},
	{O_DIRECTORY, unix.O_DIRECTORY},
	{O_PATH, unix.O_PATH},
	{O_NONBLOCK, unix.O_NONBLOCK},
}

func realOpenFlags(flags int) int {
	real := flags & 3 // O_RDONLY, O_WRONLY, O_RDWR: the same everywhere
	for _, f := range openFlags {
		if flags&f.ours != 0 {
			real |= f.machine
		}
	}
	return real
}

// Read reads from a descriptor; n is 0 at the end.
func Read(fd int, b []byte) (n int, err error) {
	return retryRW("read", func() (int, error) { return unix.Read(fd, b) })
}

// Write writes to a descriptor.
func Write(fd int, b []byte) (n int, err error) {
	return retryRW("write", func() (int, error) { return unix.Write(fd, b) })
}

func retryRW(call string, op func() (int, error)) (int, error) {
	for {
		n, err := op()
		if err != unix.EINTR {
			return max(n, 0), wrapErrno(call, err)
		}
	}
}

// SetNonblock makes reads of fd fail with EAGAIN rather than wait, which lets
// Go's poller wait for it.
func SetNonblock(fd int, on bool) error { return wrapErrno("fcntl", unix.SetNonblock(fd, on)) }

// MemfdCreate makes a file in memory. Requires Linux 3.17.
func MemfdCreate(name string) (*FD, error) {
	return newFD("memfd_create", func() (int, error) { return unix.MemfdCreate(name, unix.MFD_CLOEXEC) })
}

// PidfdOpen gives a descriptor of a process, the key of task storage. Requires
// Linux 5.3.
func PidfdOpen(pid int) (*FD, error) {
	return newFD("pidfd_open", func() (int, error) { return unix.PidfdOpen(pid, 0) })
}

// FileID identifies the file of a descriptor: its device and inode. The inode
// of a cgroup directory is the cgroup's id on 64-bit machines.
func FileID(fd int) (dev, ino uint64, err error) {
	var st unix.Stat_t
	err = unix.Fstat(fd, &st)
	return uint64(st.Dev), uint64(st.Ino), wrapErrno("fstat", err)
}

// StatfsMagic is the type number of the file system of a path.
func StatfsMagic(path string) (uint32, error) {
	var st unix.Statfs_t
	for {
		err := unix.Statfs(path, &st)
		if err != unix.EINTR {
			return uint32(st.Type), wrapErrno("statfs", err)
		}
	}
}

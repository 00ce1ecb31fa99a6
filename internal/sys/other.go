//go:build !linux

package sys

import "os"

// What each function does is said at its Linux form.

func unsupported(call string) error { return newError(call, ENOSYS) }

func closeFD(int) error      { return unsupported("close") }
func dupFD(int) (int, error) { return -1, unsupported("dup") }

func mmap(uintptr, int, int64, int, int, int) ([]byte, error) {
	return nil, unsupported("mmap")
}
func munmap([]byte) error                   { return unsupported("munmap") }
func netlink(int, []byte) ([][]byte, error) { return nil, unsupported("netlink") }

// EpollCreate is Linux only.
func EpollCreate() (*FD, error) { return nil, unsupported("epoll_create1") }

// EpollAdd is Linux only.
func EpollAdd(_, _ int, _ uint32, _ int32) error { return unsupported("epoll_ctl") }

// EpollDelete is Linux only.
func EpollDelete(_, _ int) error { return unsupported("epoll_ctl") }

// EpollWait is Linux only.
func EpollWait(int, []EpollEvent, int) (int, error) { return 0, unsupported("epoll_wait") }

// Eventfd is Linux only.
func Eventfd() (*FD, error) { return nil, unsupported("eventfd2") }

// OpenPath is Linux only.
func OpenPath(string, int) (*FD, error) { return nil, unsupported("openat") }

// OpenAt is Linux only.
func OpenAt(int, string, int) (*FD, error) { return nil, unsupported("openat") }

// Read is Linux only.
func Read(int, []byte) (int, error) { return 0, unsupported("read") }

// Write is Linux only.
func Write(int, []byte) (int, error) { return 0, unsupported("write") }

// SetNonblock is Linux only.
func SetNonblock(int, bool) error { return unsupported("fcntl") }

// MemfdCreate is Linux only.
func MemfdCreate(string) (*FD, error) { return nil, unsupported("memfd_create") }

// PidfdOpen is Linux only.
func PidfdOpen(int) (*FD, error) { return nil, unsupported("pidfd_open") }

// FileID is Linux only.
func FileID(int) (dev, ino uint64, err error) { return 0, 0, unsupported("fstat") }

// StatfsMagic is Linux only.
func StatfsMagic(string) (uint32, error) { return 0, unsupported("statfs") }

// Fsopen is Linux only.
func Fsopen(string) (*FD, error) { return nil, unsupported("fsopen") }

// FsconfigSet is Linux only.
func FsconfigSet(int, string, string) error { return unsupported("fsconfig") }

// FsconfigCreate is Linux only.
func FsconfigCreate(int) error { return unsupported("fsconfig") }

// Fsmount is Linux only.
func Fsmount(int) (*FD, error) { return nil, unsupported("fsmount") }

// MoveMount is Linux only.
func MoveMount(int, string) error { return unsupported("move_mount") }

// Mount is Linux only.
func Mount(_, _, _, _ string) error { return unsupported("mount") }

// Remount is Linux only.
func Remount(string, bool) error { return unsupported("mount") }

// Unmount is Linux only.
func Unmount(string) error { return unsupported("umount2") }

func openFile(string) (*FD, error)          { return nil, unsupported("open") }
func pread(int, []byte, int64) (int, error) { return 0, unsupported("pread64") }
func lseek(int, int64, int) (int64, error)  { return 0, unsupported("lseek") }
func fstat(int) (FileStat, error)           { return FileStat{}, unsupported("fstat") }

// StatFile is Linux only.
func StatFile(string) (FileStat, error) { return FileStat{}, unsupported("stat") }

// ReadFile works everywhere: objects can be looked at off Linux.
func ReadFile(path string, limit int64) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err == nil && int64(len(b)) > limit {
		return nil, pathError("read", path, EFBIG)
	}
	return b, err
}

// AbsPath is Linux only.
func AbsPath(string) (string, error) { return "", unsupported("getcwd") }

// ReadDir is Linux only.
func ReadDir(string) ([]string, error) { return nil, unsupported("getdents64") }

// ReadDirAt is Linux only.
func ReadDirAt(int, string) ([]string, error) { return nil, unsupported("getdents64") }

// Rename is Linux only.
func Rename(_, _ string) error { return unsupported("rename") }

// RestoreName is Linux only.
func RestoreName(_, _ string) error { return unsupported("rename") }

// Link is Linux only.
func Link(_, _ string) error { return unsupported("link") }

// Mkdir is Linux only.
func Mkdir(string) error { return unsupported("mkdir") }

// Unlink is Linux only.
func Unlink(string) error { return unsupported("unlink") }

// Rmdir is Linux only.
func Rmdir(string) error { return unsupported("rmdir") }

// LockDir is Linux only.
func LockDir(string, func() error) (*FD, error) { return nil, unsupported("flock") }

// Memlock is Linux only.
func Memlock() (soft, hard uint64, err error) { return 0, 0, unsupported("prlimit") }

// SetMemlock is Linux only.
func SetMemlock(_, _ uint64) error { return unsupported("prlimit") }

// Uname is Linux only.
func Uname() (release, version, machine string, err error) { return "", "", "", unsupported("uname") }

// Capabilities is Linux only.
func Capabilities() (uint64, error) { return 0, unsupported("capget") }

// SocketAttachBPF is Linux only.
func SocketAttachBPF(_, _ int) error { return unsupported("setsockopt") }

// SocketDetachBPF is Linux only.
func SocketDetachBPF(int) error { return unsupported("setsockopt") }

// SocketAttachReuseport is Linux only.
func SocketAttachReuseport(_, _ int) error { return unsupported("setsockopt") }

// SocketDetachReuseport is Linux only.
func SocketDetachReuseport(int) error { return unsupported("setsockopt") }

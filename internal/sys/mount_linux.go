package sys

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Fsopen begins a new file system of a type such as "tracefs". Requires Linux
// 5.2 and, as the calls below, CAP_SYS_ADMIN.
func Fsopen(fstype string) (*FD, error) {
	return newFD("fsopen", func() (int, error) { return unix.Fsopen(fstype, unix.FSOPEN_CLOEXEC) })
}

// FsconfigSet sets a string option of a file system begun with Fsopen.
func FsconfigSet(fs int, key, value string) error {
	return fsconfig(func() error { return unix.FsconfigSetString(fs, key, value) })
}

// FsconfigCreate makes the file system, which Fsmount can then mount.
func FsconfigCreate(fs int) error {
	return fsconfig(func() error { return unix.FsconfigCreate(fs) })
}

func fsconfig(op func() error) error {
	if err := before("fsconfig"); err != nil {
		return err
	}
	return wrapErrno("fsconfig", op())
}

// Fsmount mounts a created file system nowhere: its root is the descriptor, for
// OpenAt, and it is gone when the last descriptor below it is closed.
func Fsmount(fs int) (*FD, error) {
	return newFD("fsmount", func() (int, error) { return unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0) })
}

// MoveMount gives a detached mount a place in the file system.
func MoveMount(mount int, path string) error {
	return wrapErrno("move_mount", unix.MoveMount(mount, "", unix.AT_FDCWD, path, unix.MOVE_MOUNT_F_EMPTY_PATH))
}

// Mount mounts a file system of a type on a directory, with options as in
// mount(8)'s -o. For tests.
func Mount(source, target, fstype, options string) error {
	return wrapErrno("mount", unix.Mount(source, target, fstype, 0, options))
}

// Remount makes a mount read-only, or writable again. For tests.
func Remount(target string, readonly bool) error {
	flags := uintptr(unix.MS_REMOUNT)
	if readonly {
		flags |= unix.MS_RDONLY
	}
	return wrapErrno("mount", unix.Mount("", target, "", flags, ""))
}

// Unmount detaches the mount on a directory, lazily. For tests.
func Unmount(target string) error { return wrapErrno("umount2", unix.Unmount(target, unix.MNT_DETACH)) }

// ReadDirAt lists the names in a directory below dir, without "." and "..", in
// the kernel's order.
func ReadDirAt(dir int, path string) ([]string, error) {
	fd, err := OpenAt(dir, path, O_RDONLY|O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer fd.Close()
	raw, err := fd.Borrow()
	if err != nil {
		return nil, err
	}
	defer fd.Release()
	var names []string
	buf := make([]byte, 32<<10)
	for {
		n, err := retryRW("getdents64", func() (int, error) { return unix.Getdents(raw, buf) })
		if err != nil || n == 0 {
			return names, err
		}
		names = appendDirents(names, buf[:n])
	}
}

// appendDirents reads struct linux_dirent64: ino and offset of 8 bytes each,
// record length of 2, type of 1, name with NUL.
func appendDirents(names []string, b []byte) []string {
	const reclen, name = 16, 19
	for len(b) >= name {
		n := int(*(*uint16)(unsafe.Pointer(&b[reclen])))
		if n < name || n > len(b) {
			return names
		}
		if s := NameString(b[name:n]); s != "." && s != ".." {
			names = append(names, s)
		}
		b = b[n:]
	}
	return names
}

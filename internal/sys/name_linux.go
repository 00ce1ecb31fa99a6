package sys

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// named is a call that changes names in a directory.
func named(call, path string, op func() error) error {
	if err := before(call); err != nil {
		return pathError(call, path, err)
	}
	return pathError(call, path, op())
}

// Rename gives a file a new name, in place of what has it.
func Rename(from, to string) error {
	return named("rename", to, func() error { return unix.Rename(from, to) })
}

// RestoreName is Rename to take one back: a test of faults does not see it, for
// a kernel that refuses everything can be left in no good state.
func RestoreName(from, to string) error { return pathError("rename", to, unix.Rename(from, to)) }

// Link gives a file a second name. What has it is an error that Is fs.ErrExist.
func Link(from, to string) error {
	return named("link", to, func() error { return unix.Link(from, to) })
}

// Mkdir makes a directory.
func Mkdir(path string) error {
	return named("mkdir", path, func() error { return unix.Mkdir(path, 0o755) })
}

// Unlink removes a name of a file.
func Unlink(path string) error { return pathError("unlink", path, unix.Unlink(path)) }

// Rmdir removes an empty directory.
func Rmdir(path string) error { return pathError("rmdir", path, unix.Rmdir(path)) }

// Longest time between two looks at a lock.
const lockPause = 50 * time.Millisecond

// LockDir opens a directory and waits until nobody else has it locked; closing
// the descriptor, or the process's end, unlocks it. An error of stop ends the
// wait; one that Is fs.ErrNotExist may mean that who had it locked removed it.
func LockDir(path string, stop func() error) (*FD, error) {
	fd, err := OpenPath(path, O_RDONLY|O_DIRECTORY)
	if err != nil {
		return nil, pathError("open", path, err)
	}
	for pause := time.Millisecond; ; pause = min(2*pause, lockPause) {
		if err = before("flock"); err != nil {
			break
		}
		if err = lock(fd); !errors.Is(err, EAGAIN) {
			break
		}
		if err = stop(); err != nil {
			break
		}
		time.Sleep(pause)
	}
	if err == nil {
		err = linked(fd)
	}
	if err != nil {
		fd.Close()
		return nil, pathError("lock", path, err)
	}
	return fd, nil
}

func lock(fd *FD) error {
	raw, err := fd.Borrow()
	if err != nil {
		return err
	}
	defer fd.Release()
	return unix.Flock(raw, unix.LOCK_EX|unix.LOCK_NB)
}

// linked fails for a directory that has been removed.
func linked(fd *FD) error {
	raw, err := fd.Borrow()
	if err != nil {
		return err
	}
	defer fd.Release()
	var st unix.Stat_t
	if err := unix.Fstat(raw, &st); err != nil {
		return err
	}
	if st.Nlink == 0 {
		return ENOENT
	}
	return nil
}

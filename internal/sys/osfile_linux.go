package sys

import (
	"io/fs"
	"path"

	"golang.org/x/sys/unix"
)

func openFile(path string) (*FD, error) {
	for {
		raw, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_LARGEFILE, 0)
		switch err {
		case nil:
			return NewFD(raw)
		case unix.EINTR:
		default:
			return nil, err
		}
	}
}

func pread(fd int, b []byte, off int64) (int, error) {
	return retryRW("pread64", func() (int, error) { return unix.Pread(fd, b, off) })
}

func lseek(fd int, off int64, whence int) (int64, error) {
	at, err := unix.Seek(fd, off, whence)
	return at, wrapErrno("lseek", err)
}

func fstat(fd int) (FileStat, error) {
	var st unix.Stat_t
	err := unix.Fstat(fd, &st)
	return fileStat(&st), wrapErrno("fstat", err)
}

// StatFile describes the file at path.
func StatFile(name string) (FileStat, error) {
	var st unix.Stat_t
	err := unix.Stat(name, &st)
	return fileStat(&st), pathError("stat", name, err)
}

// modes are the kinds of files; the one that is regular has no bit in fs.
var modes = [...]struct {
	kernel uint32
	mode   fs.FileMode
}{
	{unix.S_IFREG, 0},
	{unix.S_IFDIR, fs.ModeDir},
	{unix.S_IFLNK, fs.ModeSymlink},
	{unix.S_IFCHR, fs.ModeDevice | fs.ModeCharDevice},
	{unix.S_IFBLK, fs.ModeDevice},
	{unix.S_IFIFO, fs.ModeNamedPipe},
	{unix.S_IFSOCK, fs.ModeSocket},
}

func fileStat(st *unix.Stat_t) FileStat {
	s := FileStat{Size: st.Size, Mode: fs.ModeIrregular}
	for _, m := range modes {
		if st.Mode&unix.S_IFMT == m.kernel {
			s.Mode = m.mode
		}
	}
	s.Mode |= fs.FileMode(st.Mode) & fs.ModePerm
	return s
}

// ReadFile reads the file at path, of at most limit bytes.
func ReadFile(path string, limit int64) ([]byte, error) {
	f, err := OpenFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// A pipe can be read, but not at an offset.
	return f.readAll(limit, func(b []byte, _ int64) (int, error) { return f.Read(b) })
}

// AbsPath makes a path absolute.
func AbsPath(name string) (string, error) {
	if path.IsAbs(name) {
		return path.Clean(name), nil
	}
	dir, err := unix.Getwd()
	return path.Join(dir, name), wrapErrno("getcwd", err)
}

// ReadDir lists the names in the directory at path, in the kernel's order.
func ReadDir(path string) ([]string, error) {
	names, err := ReadDirAt(unix.AT_FDCWD, path)
	return names, pathError("readdir", path, err)
}

package sys

import (
	"io"
	"io/fs"
)

// File is a file or a directory that was opened by its path for reading. Its
// errors are of type *fs.PathError, as those of os.File, which would bring the
// formatting of times and all of its file handling into every program.
type File struct {
	fd   *FD
	path string
}

// FileStat is what stat(2) says of a file, as far as a loader asks.
type FileStat struct {
	Size int64 // bytes; 0 or a guess for most files of procfs and sysfs
	Mode fs.FileMode
}

// OpenFile opens path for reading. The caller closes the File. It is no call
// that a Seam sees: facts are made up as a file system.
func OpenFile(path string) (*File, error) {
	fd, err := openFile(path)
	if err != nil {
		return nil, pathError("open", path, err)
	}
	return &File{fd, path}, nil
}

// Path is what OpenFile was given.
func (f *File) Path() string { return f.path }

// Close gives the descriptor up.
func (f *File) Close() error { return f.fd.Close() }

// with calls do with the descriptor, which stays open meanwhile.
func (f *File) with(op string, do func(fd int) error) error {
	raw, err := f.fd.Borrow()
	if err == nil {
		err = do(raw)
		f.fd.Release()
	}
	if err == io.EOF {
		return err
	}
	return pathError(op, f.path, err)
}

// Stat describes the file.
func (f *File) Stat() (st FileStat, err error) {
	err = f.with("stat", func(fd int) (err error) {
		st, err = fstat(fd)
		return err
	})
	return st, err
}

// Read reads on from where the last Read ended.
func (f *File) Read(b []byte) (n int, err error) {
	err = f.with("read", func(fd int) (err error) {
		n, err = Read(fd, b)
		if n == 0 && err == nil && len(b) > 0 {
			err = io.EOF
		}
		return err
	})
	return n, err
}

// ReadAt fills b from offset off on, or says why it cannot.
func (f *File) ReadAt(b []byte, off int64) (n int, err error) {
	err = f.with("read", func(fd int) error {
		for n < len(b) {
			got, err := pread(fd, b[n:], off+int64(n))
			if err != nil {
				return err
			}
			if got == 0 {
				return io.EOF
			}
			n += got
		}
		return nil
	})
	return n, err
}

// Seek moves to where the next Read begins.
func (f *File) Seek(off int64, whence int) (at int64, err error) {
	err = f.with("seek", func(fd int) (err error) {
		at, err = lseek(fd, off, whence)
		return err
	})
	return at, err
}

// Map maps all of the file, private and read-only. A file without a size, as
// most of procfs and sysfs, is EINVAL. The mapping outlives the File.
func (f *File) Map() (*Mapping, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if st.Size <= 0 || int64(int(st.Size)) != st.Size {
		return nil, pathError("mmap", f.path, EINVAL)
	}
	return Mmap(f.fd, 0, int(st.Size), PROT_READ, MAP_PRIVATE)
}

// ReadAll reads from the start, whatever was read before, and fails if that
// gives more than limit bytes.
func (f *File) ReadAll(limit int64) ([]byte, error) { return f.readAll(limit, f.ReadAt) }

// readAll reads to the end with read, which is told how much it gave before.
// The buffer has the right size at once if the file says its size.
func (f *File) readAll(limit int64, read func(b []byte, have int64) (int, error)) ([]byte, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	b := make([]byte, min(max(st.Size, 511), limit)+1)
	for n := 0; ; {
		got, err := read(b[n:], int64(n))
		n += got
		switch {
		case int64(n) > limit:
			return nil, pathError("read", f.path, EFBIG)
		case err == io.EOF:
			return b[:n:n], nil
		case err != nil:
			return nil, err
		case n == len(b):
			b = append(b, make([]byte, len(b))...)
		}
	}
}

// pathError is nil for no error.
//
//go:noinline
func pathError(op, path string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*Error); ok {
		err = e.Errno // op and path say more than the call
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

package kernel

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/skepbpf/skep/internal/sys"
)

// FS is the directory root as a file system whose files can also be mapped:
// they have a method Map() ([]byte, error), whose result is read-only and good
// until the file is closed.
func FS(root string) fs.FS { return rootFS{os.DirFS(root)} }

type rootFS struct{ fs.FS }

func (r rootFS) Open(name string) (fs.File, error) {
	f, err := r.FS.Open(name)
	if err != nil {
		return nil, err
	}
	of, ok := f.(*os.File)
	if !ok {
		return f, nil
	}
	return &file{File: of}, nil
}

// file is an open file, and its contents once mapped.
type file struct {
	*os.File
	mu      sync.Mutex
	mapping *sys.Mapping
	copied  []byte
}

// maxMapped bounds files that have to be read because they cannot be mapped.
// The BTF of vmlinux is 5 to 10 MiB; of kernels with everything built in, 25.
const maxMapped = 256 << 20

// Map gives the contents of the whole file. Where the file cannot be mapped
// (BTF in sysfs before Linux 6.16) it is read.
func (f *file) Map() ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.mapping != nil:
		return f.mapping.Bytes(), nil
	case f.copied != nil:
		return f.copied, nil
	}
	m, err := sys.MmapFile(f.File)
	if err == nil {
		f.mapping = m
		return m.Bytes(), nil
	}
	if errors.Is(err, fs.ErrClosed) {
		return nil, err
	}
	b, err := f.readWhole()
	if err != nil {
		return nil, err
	}
	f.copied = b
	return b, nil
}

// readWhole reads from the start whatever was read before, into a buffer of
// the right size at once if the file says its size.
func (f *file) readWhole() ([]byte, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if st.Size() > maxMapped {
		return nil, fmt.Errorf("%s: %d bytes are too many", f.Name(), st.Size())
	}
	b := make([]byte, max(st.Size(), 0)+1)
	n := 0
	for {
		got, err := f.ReadAt(b[n:], int64(n))
		n += got
		switch {
		case err == io.EOF:
			return b[:n:n], nil
		case err != nil:
			return nil, err
		case n > maxMapped:
			return nil, fmt.Errorf("%s: more than %d bytes", f.Name(), maxMapped)
		case n == len(b):
			b = append(b, make([]byte, len(b))...)
		}
	}
}

// Close closes the file and ends what Map gave.
func (f *file) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := errors.Join(f.mapping.Close(), f.File.Close())
	f.mapping, f.copied = nil, nil
	return err
}

// ReadDir reads the directory name.
func (r rootFS) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(r.FS, name) }

// Stat describes the file name without opening it.
func (r rootFS) Stat(name string) (fs.FileInfo, error) { return fs.Stat(r.FS, name) }

package kernel

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"sync"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/tree"
)

// FS is the directory dir as a tree whose files can also be mapped: they have
// a method Map() ([]byte, error), whose result is read-only and good until the
// file is closed. Linux only.
func FS(dir string) tree.Root { return hostRoot(dir) }

type hostRoot string

// path is where the file name is.
func (r hostRoot) path(op, name string) (string, error) {
	if !fs.ValidPath(name) {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return path.Join(string(r), name), nil
}

// Open opens the file name for reading.
func (r hostRoot) Open(name string) (io.ReadCloser, error) {
	p, err := r.path("open", name)
	if err != nil {
		return nil, err
	}
	f, err := sys.OpenFile(p)
	if err != nil {
		return nil, err
	}
	return &file{f: f}, nil
}

// Names lists the directory name, sorted.
func (r hostRoot) Names(name string) ([]string, error) {
	p, err := r.path("readdir", name)
	if err != nil {
		return nil, err
	}
	names, err := sys.ReadDir(p)
	bin.SortStrings(names)
	return names, err
}

// file is an open file, and its contents once mapped.
type file struct {
	f       *sys.File
	mu      sync.Mutex
	mapping *sys.Mapping
	copied  []byte
}

func (f *file) Read(b []byte) (int, error)              { return f.f.Read(b) }
func (f *file) ReadAt(b []byte, off int64) (int, error) { return f.f.ReadAt(b, off) }

// Seek moves to where the next Read begins.
func (f *file) Seek(off int64, whence int) (int64, error) { return f.f.Seek(off, whence) }

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
	m, err := f.f.Map()
	if err == nil {
		f.mapping = m
		return m.Bytes(), nil
	}
	if errors.Is(err, fs.ErrClosed) {
		return nil, err
	}
	b, err := f.f.ReadAll(maxMapped)
	if err != nil {
		return nil, err
	}
	f.copied = b
	return b, nil
}

// Close closes the file and ends what Map gave.
func (f *file) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := mkerr.Join(f.mapping.Close(), f.f.Close())
	f.mapping, f.copied = nil, nil
	return err
}

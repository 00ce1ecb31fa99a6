package kernel

import (
	"errors"
	"io/fs"
	"path"
	"sync"
	"time"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/sys"
)

// FS is the directory root as a file system whose files can also be mapped:
// they have a method Map() ([]byte, error), whose result is read-only and good
// until the file is closed. Linux only.
func FS(root string) fs.FS { return rootFS(root) }

type rootFS string

// path is where the file name is.
func (r rootFS) path(op, name string) (string, error) {
	if !fs.ValidPath(name) {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return path.Join(string(r), name), nil
}

// Open opens the file name for reading.
func (r rootFS) Open(name string) (fs.File, error) {
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

// Stat describes the file name without opening it.
func (r rootFS) Stat(name string) (fs.FileInfo, error) {
	p, err := r.path("stat", name)
	if err != nil {
		return nil, err
	}
	st, err := sys.StatFile(p)
	if err != nil {
		return nil, err
	}
	return info{path.Base(p), st}, nil
}

// ReadDir reads the directory name.
func (r rootFS) ReadDir(name string) ([]fs.DirEntry, error) {
	p, err := r.path("readdir", name)
	if err != nil {
		return nil, err
	}
	names, err := sys.ReadDir(p)
	if err != nil {
		return nil, err
	}
	bin.SortStrings(names)
	entries := make([]fs.DirEntry, len(names))
	for i, n := range names {
		entries[i] = entry{r, path.Join(name, n)}
	}
	return entries, nil
}

// entry is a name in a directory; what it names is asked when it matters.
type entry struct {
	root rootFS
	name string // from the root
}

func (e entry) Name() string               { return path.Base(e.name) }
func (e entry) IsDir() bool                { return e.Type().IsDir() }
func (e entry) Info() (fs.FileInfo, error) { return e.root.Stat(e.name) }

func (e entry) Type() fs.FileMode {
	i, err := e.Info()
	if err != nil {
		return fs.ModeIrregular
	}
	return i.Mode().Type()
}

// info describes a file. The kernel's files have no time worth telling.
type info struct {
	name string
	sys.FileStat
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.FileStat.Size }
func (i info) Mode() fs.FileMode  { return i.FileStat.Mode }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.Mode().IsDir() }
func (i info) Sys() any           { return nil }

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

// Stat describes the file.
func (f *file) Stat() (fs.FileInfo, error) {
	st, err := f.f.Stat()
	if err != nil {
		return nil, err
	}
	return info{path.Base(f.f.Path()), st}, nil
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
	err := errors.Join(f.mapping.Close(), f.f.Close())
	f.mapping, f.copied = nil, nil
	return err
}

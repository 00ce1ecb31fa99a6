package systest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"
)

// Op is what is done to a file system. A fault may name several.
type Op uint8

const (
	OpOpen    Op = 1 << iota
	OpRead       // of a file, at an offset too
	OpReadDir    // of a directory, by its name
	OpSeek       // to find the size
	OpMap        // see btf.Mapper
	AnyOp     = OpOpen | OpRead | OpReadDir | OpSeek | OpMap
)

var opNames = [...]string{"open", "read", "readdir", "seek", "map"}

func (o Op) String() string {
	if o == AnyOp {
		return "any operation"
	}
	name := ""
	for i, n := range opNames {
		if o&(1<<i) != 0 {
			name += "," + n
		}
	}
	return name[min(1, len(name)):]
}

// Harm is what a fault does.
type Harm uint8

const (
	// Fail gives Err.
	Fail Harm = iota
	// Truncate ends the file there: a read that is its last gives half of what
	// it would, a mapping is cut in half, a directory is empty.
	Truncate
	// Short gives few bytes at a time, as procfs does. It is no fault: what
	// reads must go on.
	Short
	// Larger lets the file look twice its size, or the mapping hold as many
	// zeroes beyond it, as one that shrinks while it is read.
	Larger
	// Smaller lets the file look half its size, as one that grows.
	Smaller
)

var harmNames = [...]string{"fail", "truncate", "short", "larger", "smaller"}

// FSFault says which operation on a file system goes wrong, and how.
type FSFault struct {
	Ops  Op
	N    int  // 1 for the first operation of Ops; 0 for none
	Rest bool // all later ones of Ops too
	Harm Harm
	Err  error // of Fail
}

// String is "fail any operation 3 with file does not exist".
func (f FSFault) String() string {
	s := fmt.Sprintf("%s %v %d", harmNames[f.Harm], f.Ops, f.N)
	if f.Rest {
		s += " and later"
	}
	if f.Err != nil {
		s += " with " + f.Err.Error()
	}
	return s
}

// FaultyFS is a file system in which one thing goes wrong. Its files can be
// mapped, sought in and read at an offset, as those of the kernel's own. It is
// safe for concurrent use.
type FaultyFS struct {
	fsys  fs.FS
	fault FSFault

	mu     sync.Mutex
	seen   int
	fired  int
	harmed []string
	files  int // open now
}

// FS makes fsys go wrong once, or from then on. With N 0 it only counts.
func FS(fsys fs.FS, f FSFault) *FaultyFS { return &FaultyFS{fsys: fsys, fault: f} }

// Matched is how many operations the fault counted.
func (f *FaultyFS) Matched() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen
}

// Fired is how many operations went wrong.
func (f *FaultyFS) Fired() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fired
}

// Victims are the operations that went wrong: "read proc/kallsyms".
func (f *FaultyFS) Victims() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.harmed)
}

// OpenFiles is how many files were opened and not closed.
func (f *FaultyFS) OpenFiles() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.files
}

// strike counts an operation; true if it is to go wrong.
func (f *FaultyFS) strike(op Op, name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fault.Ops&op == 0 {
		return false
	}
	f.seen++
	if f.fault.N == 0 || f.seen < f.fault.N || f.seen > f.fault.N && !f.fault.Rest {
		return false
	}
	f.fired++
	f.harmed = append(f.harmed, op.String()+" "+name)
	return true
}

func (f *FaultyFS) err(op Op, name string) error {
	return &fs.PathError{Op: op.String(), Path: name, Err: f.fault.Err}
}

// Open opens a file, or fails to, whatever a fault of open means to do.
func (f *FaultyFS) Open(name string) (fs.File, error) {
	if f.strike(OpOpen, name) && f.fault.Harm == Fail {
		return nil, f.err(OpOpen, name)
	}
	file, err := f.fsys.Open(name)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.files++
	f.mu.Unlock()
	return &faultyFile{File: file, fsys: f, name: name}, nil
}

// ReadDir lists a directory.
func (f *FaultyFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if f.strike(OpReadDir, name) {
		switch f.fault.Harm {
		case Fail:
			return nil, f.err(OpReadDir, name)
		case Truncate:
			return nil, nil
		}
	}
	return fs.ReadDir(f.fsys, name)
}

// faultyFile is an open file of a FaultyFS.
type faultyFile struct {
	fs.File
	fsys   *FaultyFS
	name   string
	mu     sync.Mutex
	ended  bool // by Truncate
	closed bool
}

func (f *faultyFile) Close() error {
	f.mu.Lock()
	again := f.closed
	f.closed = true
	f.mu.Unlock()
	if !again {
		f.fsys.mu.Lock()
		f.fsys.files--
		f.fsys.mu.Unlock()
	}
	return f.File.Close()
}

// few is how many bytes a short read gives.
const few = 61

func (f *faultyFile) Read(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return 0, io.EOF
	}
	if !f.fsys.strike(OpRead, f.name) {
		return f.File.Read(b)
	}
	switch f.fsys.fault.Harm {
	case Fail:
		return 0, f.fsys.err(OpRead, f.name)
	case Short:
		return f.File.Read(b[:min(few, len(b))])
	case Truncate:
		f.ended = true
		n, err := f.File.Read(b)
		return n / 2, err
	}
	return f.File.Read(b)
}

// ReadAt reads at an offset, or fails as Read does.
func (f *faultyFile) ReadAt(b []byte, off int64) (int, error) {
	r, ok := f.File.(io.ReaderAt)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	if !f.fsys.strike(OpRead, f.name) {
		return r.ReadAt(b, off)
	}
	switch f.fsys.fault.Harm {
	case Fail:
		return 0, f.fsys.err(OpRead, f.name)
	case Truncate:
		n, err := r.ReadAt(b[:len(b)/2], off)
		return n, errors.Join(err, io.ErrUnexpectedEOF)
	}
	return r.ReadAt(b, off)
}

// Seek moves, and where it moves to the end may tell another size.
func (f *faultyFile) Seek(off int64, whence int) (int64, error) {
	s, ok := f.File.(io.Seeker)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	if whence != io.SeekEnd || !f.fsys.strike(OpSeek, f.name) {
		return s.Seek(off, whence)
	}
	at, err := s.Seek(off, whence)
	switch f.fsys.fault.Harm {
	case Fail:
		return 0, f.fsys.err(OpSeek, f.name)
	case Larger:
		at *= 2
	case Smaller, Truncate:
		at /= 2
	}
	return at, err
}

// Map gives a copy of the file; see btf.Mapper.
func (f *faultyFile) Map() ([]byte, error) {
	struck := f.fsys.strike(OpMap, f.name)
	if struck && f.fsys.fault.Harm == Fail {
		return nil, f.fsys.err(OpMap, f.name)
	}
	b, err := fs.ReadFile(f.fsys.fsys, f.name)
	if err != nil || !struck {
		return b, err
	}
	switch f.fsys.fault.Harm {
	case Larger:
		b = append(b, make([]byte, len(b))...)
	case Truncate, Smaller:
		b = b[:len(b)/2]
	}
	return b, nil
}

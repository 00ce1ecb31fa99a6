package maps

import (
	"io"
	"os"
	"sync"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
)

// Memory is the contents of an array, or the pages of an arena, in the address
// space of this process: what programs write is seen without a system call. It
// outlives the Map.
//
// Copies are not atomic: a value that a program is writing may be read half
// old, half new.
type Memory struct {
	mu       sync.RWMutex
	m        *sys.Mapping
	size     int
	readOnly bool
	why      error // it is
}

// Memory maps an Array made with the flag Mmapable, whose values lie one after
// another, each rounded up to 8 bytes; or an Arena. If the map is read-only or
// frozen, so is the Memory. The caller must close it. Requires Linux 5.5; arenas
// 6.9.
//
// A program that uses an Arena without a fixed address (Spec.MapExtra) loads only
// after the Arena was mapped, here or by another process. Bytes of an Arena with
// the flag SegvOnFault cannot be read or written, for a page may be missing.
func (m *Map) Memory() (*Memory, error) {
	const verb = "map memory"
	page := uint64(os.Getpagesize())
	size := uint64(m.stride()) * uint64(m.maxEntries)
	switch {
	case m.typ == Arena:
		size = page * uint64(m.maxEntries)
	case m.typ != Array || m.flags&Mmapable == 0:
		return nil, m.fail(verb, mkerr.Wrap("only an Array with the flag Mmapable, or an Arena, can be: %w", sys.EINVAL))
	}
	length := (size + page - 1) / page * page
	if uint64(int(length)) != length || int(length) < 0 {
		return nil, m.fail(verb, mkerr.Errorf("%d bytes: %w", size, sys.E2BIG))
	}
	if m.flags&SegvOnFault != 0 {
		size = 0
	}
	mem := &Memory{size: int(size)}
	// An arena with an address of its own is mapped there or nowhere
	// (arena_get_unmapped_area in kernel/bpf/arena.c): what is there already
	// is not replaced.
	at := uintptr(0)
	if m.typ == Arena {
		at = uintptr(m.extra)
	}
	var err error
	mem.m, err = sys.MmapAt(at, m.fd, 0, int(length), sys.PROT_READ|sys.PROT_WRITE, sys.MAP_SHARED)
	if isErrno(err, sys.EPERM, sys.EACCES) {
		// array_map_mmap and bpf_map_mmap refuse writing to what is frozen,
		// or not writable by this descriptor.
		mem.readOnly, mem.why = true, err
		mem.m, err = sys.MmapAt(at, m.fd, 0, int(length), sys.PROT_READ, sys.MAP_SHARED)
	}
	if err != nil {
		return nil, m.fail(verb, err)
	}
	return mem, nil
}

// Address is where the memory begins in this process. Pointers in an arena,
// which programs see as pointers too, count from zero of the process, not from
// here. It is 0 after Close.
func (m *Memory) Address() uintptr {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.m == nil {
		return 0
	}
	return m.m.Address()
}

// Size is the number of bytes that can be read and written.
func (m *Memory) Size() int { return m.size }

// ReadOnly reports whether WriteAt is refused.
func (m *Memory) ReadOnly() bool { return m.readOnly }

// ReadAt copies from offset off on, as io.ReaderAt.
func (m *Memory) ReadAt(b []byte, off int64) (int, error) {
	mem, done, err := m.at(off)
	if err != nil {
		return 0, err
	}
	defer done()
	n := copy(b, mem)
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt copies b to offset off. It writes all of b or nothing.
func (m *Memory) WriteAt(b []byte, off int64) (int, error) {
	if m.readOnly {
		return 0, mkerr.Errorf("map memory: write: %w (mapped to be written: %w)", os.ErrPermission, m.why)
	}
	mem, done, err := m.at(off)
	if err != nil {
		return 0, err
	}
	defer done()
	if len(b) > len(mem) {
		return 0, mkerr.Errorf("map memory: write %d bytes at %d: %w", len(b), off, io.ErrShortWrite)
	}
	return copy(mem, b), nil
}

// at is the memory from off on, which stays until done is called.
func (m *Memory) at(off int64) (mem []byte, done func(), err error) {
	if off < 0 || off > int64(m.size) {
		return nil, nil, mkerr.Errorf("map memory: offset %d is not within %d bytes", off, m.size)
	}
	m.mu.RLock()
	if m.m == nil {
		m.mu.RUnlock()
		return nil, nil, mkerr.Wrap("map memory: %w", os.ErrClosed)
	}
	return m.m.Bytes()[off:m.size], m.mu.RUnlock, nil
}

// Close unmaps the memory. It is safe to call more than once.
func (m *Memory) Close() error {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	mapping := m.m
	m.m = nil
	return mapping.Close()
}

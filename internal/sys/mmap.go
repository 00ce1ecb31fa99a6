package sys

import (
	"fmt"
	"sync/atomic"
	"unsafe"
)

// Protection and flags of Mmap, as everywhere on Linux but alpha, mips and
// parisc, whose numbers are translated.
const (
	PROT_NONE     = 0
	PROT_READ     = 1
	PROT_WRITE    = 2
	MAP_SHARED    = 1
	MAP_PRIVATE   = 2
	MAP_FIXED     = 0x10
	MAP_ANONYMOUS = 0x20
	MAP_POPULATE  = 0x8000
)

// Mapping owns mapped memory. Nothing unmaps it but Close.
type Mapping struct {
	mem    []byte
	closed atomic.Bool
}

// Bytes is the memory. It must not be used after Close: reading it then ends
// the process. Writing is allowed only if the protection says so.
func (m *Mapping) Bytes() []byte { return m.mem }

// Address is where the memory begins.
func (m *Mapping) Address() uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(m.mem))) }

// Close unmaps. Any call after the first, and Close of nil, does nothing.
func (m *Mapping) Close() error {
	if m == nil || m.closed.Swap(true) {
		return nil
	}
	return munmap(m.mem)
}

// Mmap maps length bytes of fd from offset off on; both count bytes, and off is
// a multiple of the page size. A nil fd with MAP_ANONYMOUS gives fresh memory.
// The mapping outlives fd.
func Mmap(fd *FD, off int64, length int, prot, flags int) (*Mapping, error) {
	return MmapAt(0, fd, off, length, prot, flags)
}

// MmapAt is Mmap near an address, or with MAP_FIXED at it, in place of what was
// mapped there. An arena must be mapped where its map_extra says.
func MmapAt(addr uintptr, fd *FD, off int64, length int, prot, flags int) (*Mapping, error) {
	raw := -1
	if fd != nil {
		var err error
		if raw, err = fd.Borrow(); err != nil {
			return nil, fmt.Errorf("mmap: %w", err)
		}
		defer fd.Release()
	}
	return mmapRaw(addr, raw, off, length, prot, flags)
}

func mmapRaw(addr uintptr, fd int, off int64, length int, prot, flags int) (*Mapping, error) {
	if length <= 0 {
		return nil, fmt.Errorf("mmap: length %d: %w", length, EINVAL)
	}
	if err := before("mmap"); err != nil {
		return nil, err
	}
	mem, err := mmap(addr, fd, off, length, prot, flags)
	if err != nil {
		return nil, err
	}
	return &Mapping{mem: mem}, nil
}

package maps

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/bpffs"
	"github.com/skepbpf/skep/internal/diagnose"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
)

// Map is a map in the kernel. It may be used from many goroutines, Close
// included: what is under way then ends first.
type Map struct {
	fd   *sys.FD
	name string // for errors

	typ        Type
	keySize    int
	valueSize  int // bytes of one value, as the kernel counts it
	maxEntries uint32
	flags      uint32
	extra      uint64 // map_extra

	degraded []string
	reused   bool

	cpuOnce sync.Once
	cpuNum  int // given by Options, or read when first needed
	cpuErr  error

	types      *btf.Spec // of a map that New created with BTF
	key, value btf.ID

	pinMu sync.Mutex
	pin   string
	made  bpffs.Made // directories, for the pin
}

// MapRef is what stands for a map: a *Map. It cannot be implemented outside
// the module.
type MapRef interface{ MapFD() *sys.FD }

// ProgramRef is what stands for a program: a *prog.Program. It cannot be
// implemented outside the module.
type ProgramRef interface{ ProgFD() *sys.FD }

// MapFD is the map's descriptor, which the Map keeps owning.
func (m *Map) MapFD() *sys.FD {
	if m == nil {
		return nil
	}
	return m.fd
}

// Name is the name the map was asked to have, or the kernel's.
func (m *Map) Name() string { return m.name }

// Type is the map's type.
func (m *Map) Type() Type { return m.typ }

// KeySize is the size of a key in bytes.
func (m *Map) KeySize() int { return m.keySize }

// ValueSize is the size of a value in bytes; of one CPU for per-CPU types.
func (m *Map) ValueSize() int { return m.valueSize }

// MaxEntries is the number of elements there is room for; bytes of a ring
// buffer, pages of an arena.
func (m *Map) MaxEntries() uint32 { return m.maxEntries }

// Flags are those the kernel reports; see Spec.Flags.
func (m *Map) Flags() uint32 { return m.flags }

// Degraded says what New had to give up for this kernel.
func (m *Map) Degraded() []string { return m.degraded }

// Reused reports whether New found the map pinned instead of creating it.
func (m *Map) Reused() bool { return m.reused }

// String is the map's name and type.
func (m *Map) String() string { return fmt.Sprintf("map %s (%v)", m.name, m.typ) }

// Close gives up the descriptor. The map lives on while it is pinned, or used
// by a program or another descriptor. It is safe to call more than once, and on
// nil.
func (m *Map) Close() error {
	if m == nil {
		return nil
	}
	return m.fd.Close()
}

// FromFD takes ownership of a descriptor of a map, which it closes on an error.
func FromFD(fd int) (*Map, error) {
	f, err := sys.NewFD(fd)
	if err != nil {
		return nil, mkerr.Wrap("map: %w", err)
	}
	return fromFD(f, "")
}

// fromFD takes ownership of fd.
func fromFD(fd *sys.FD, name string) (*Map, error) {
	info, err := readInfo(fd)
	if err != nil {
		fd.Close()
		return nil, mkerr.WrapNamed("map %s: info: %w", name, err)
	}
	if name == "" {
		name = info.Name
	}
	m := &Map{fd: fd, name: name}
	m.describe(info)
	return m, nil
}

// describe takes over what the kernel says.
func (m *Map) describe(info *Info) {
	m.typ, m.flags, m.maxEntries, m.extra = info.Type, info.Flags, info.MaxEntries, info.MapExtra
	m.keySize, m.valueSize = int(info.KeySize), int(info.ValueSize)
	if info.Type.has(fdArray) {
		m.valueSize = 4 // bpf_map_value_size in kernel/bpf/syscall.c
	}
}

// Dup is a second owner of the same map.
func (m *Map) Dup() (*Map, error) {
	fd, err := m.fd.Dup()
	if err != nil {
		return nil, m.fail("dup", err)
	}
	return &Map{
		fd: fd, name: m.name, typ: m.typ, keySize: m.keySize, valueSize: m.valueSize,
		maxEntries: m.maxEntries, flags: m.flags, degraded: m.degraded, reused: m.reused,
		cpuNum: m.cpuNum, types: m.types, key: m.key, value: m.value, pin: m.PinPath(),
	}, nil
}

// Freeze ends all writes through bpf(2); programs still write. Requires Linux
// 5.2.
func (m *Map) Freeze() error {
	raw, err := m.fd.Borrow()
	if err == nil {
		err = sys.MapFreeze(&sys.MapElemAttr{MapFd: uint32(raw)})
		m.fd.Release()
	}
	if err != nil {
		return m.fail("freeze", err)
	}
	return nil
}

// cpus is the number of values of an element of a per-CPU map. The kernel
// writes that many, whatever the buffer: a guess would not do.
func (m *Map) cpus() (int, error) {
	m.cpuOnce.Do(func() {
		if m.cpuNum == 0 {
			m.cpuNum, m.cpuErr = kernel.PossibleCPUs(kernel.FS("/"))
		}
	})
	return m.cpuNum, m.cpuErr
}

// stride is the distance of the values of two CPUs: the kernel rounds up to 8.
func (m *Map) stride() int { return (m.valueSize + 7) &^ 7 }

// valueLen is the number of bytes that the kernel copies for a value.
func (m *Map) valueLen(flags OpFlags) (int, error) {
	if !m.typ.has(perCPU) || flags&(sys.BPF_F_CPU|AllCPUs) != 0 {
		return m.valueSize, nil
	}
	n, err := m.cpus()
	return n * m.stride(), err
}

func (m *Map) fail(verb string, err error) error {
	return mkerr.Errorf("map %s: %s: %w", m.name, verb, permitted(err))
}

// permitted gives an EPERM its cause if that is want of privilege; a frozen
// map, for instance, is another.
func permitted(err error) error {
	if isErrno(err, sys.EPERM) {
		return diagnose.Explain(err, &diagnose.Ask{Quiet: true})
	}
	return err
}

//go:noinline
func isErrno(err error, list ...sys.Errno) bool {
	for _, e := range list {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// ErrKeyNotExist is the answer to a key that the map does not hold.
// errors.Is(err, fs.ErrNotExist) holds for it. It is made once: not finding
// something costs no allocation.
var ErrKeyNotExist error = &answer{"key does not exist", sys.ENOENT, fs.ErrNotExist}

// ErrKeyExist is the answer to NoExist for a key that the map holds.
// errors.Is(err, fs.ErrExist) holds for it.
var ErrKeyExist error = &answer{"key exists already", sys.EEXIST, fs.ErrExist}

type answer struct {
	msg   string
	errno sys.Errno
	kind  error
}

func (e *answer) Error() string        { return e.msg }
func (e *answer) Unwrap() error        { return e.errno }
func (e *answer) Is(target error) bool { return target == e.kind }

// Features is what is known of a kernel; it learns when a New must find out.
// Sets of different BPF tokens must not be mixed.
type Features = feature.Set

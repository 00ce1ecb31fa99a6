package maps

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	pathpkg "path"
	"strings"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/bpffs"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/step/upgrade"
	"github.com/skepbpf/skep/internal/sys"
)

// Difference is a property in which a pinned map is not what its Spec wants.
type Difference = upgrade.Difference

// PinError says that nothing can be pinned at a path: it is in no BPF file
// system, for one.
type PinError = bpffs.Error

// IncompatibleError says that a map is pinned under the name of another.
type IncompatibleError struct {
	Path        string
	Differences []Difference
}

func (e *IncompatibleError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "pinned map %s is another:", e.Path)
	for i, d := range e.Differences {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(" " + d.String())
	}
	return b.String()
}

// Compare lists how a map with this info differs from s; none means that the
// map can stand in for one made from s, as far as an Info tells: New looks at
// layouts, too. Flags that the kernel sets by itself do not count.
func (s *Spec) Compare(info *Info) []Difference { return upgrade.Compare(s.Shape(), info.shape()) }

// validPinName: bpffs takes no dots in names (bpf_lookup in kernel/bpf/inode.c),
// except for what the loader itself made up; a path separator would leave the
// directory.
func validPinName(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\x00") && len(name) < 256
}

// pinAttempts bounds the race of loaders that pin and unpin one name.
const pinAttempts = 8

// PinnedAt is where a map of s is pinned, with pins by name in dir, "" being
// DefaultPinDir; "" if it is not pinned.
func (s *Spec) PinnedAt(dir string) string {
	switch {
	case s.PinPath != "":
		return s.PinPath
	case s.Pinning != ByName:
		return ""
	case dir == "":
		dir = DefaultPinDir
	}
	// As libbpf does: bpffs refuses dots.
	return pathpkg.Join(dir, bin.Replace(s.Name, ".", '_'))
}

// pinned takes the map at the Spec's place, or creates and puts it there. The
// map is complete before others can see it.
func (c *creation) pinned(path string) (*Map, error) {
	for range pinAttempts {
		m, err := c.take(path)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return m, err
		}
		if m, err = c.create(); err != nil {
			return nil, err
		}
		if err = m.pinNew(path); err == nil {
			return m, nil
		}
		m.Close()
		// Another loader was faster: use its map. Or it gave up, and took the
		// directory with it.
		if !isErrno(err, sys.EEXIST, sys.ENOENT) {
			return nil, err
		}
	}
	return nil, mkerr.WrapNamed("pin %s: appears and vanishes all the time: %w", path, fs.ErrExist)
}

// pinNew pins the map, in a directory that is made if it is missing.
func (m *Map) pinNew(path string) error {
	err := m.pinAt(path)
	if !isErrno(err, sys.ENOENT) {
		return err
	}
	made, err := bpffs.MakeDir(pathpkg.Dir(path))
	if err != nil {
		return err
	}
	if err = m.pinAt(path); err != nil {
		made.Remove()
		return err
	}
	m.made = made
	return nil
}

// take opens the map at path and checks that it is the right one. The error Is
// fs.ErrNotExist if there is none.
func (c *creation) take(path string) (*Map, error) {
	fd, err := openPin(path, c.spec.Flags&(ReadOnly|WriteOnly))
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			if why := bpffs.Explain(path, err); why != err {
				return nil, why
			}
		}
		return nil, mkerr.WrapNamed("open pinned %s: %w", path, permitted(err))
	}
	info, err := readInfo(fd)
	if err != nil {
		fd.Close()
		if isErrno(err, sys.EINVAL, sys.EBADF) {
			err = mkerr.Wrap("not a map: %w", err)
		}
		// Not found here would mean: create.
		return nil, mkerr.WrapNamed("pinned %s: info: %w", path, err)
	}
	form, lost := c.spec.For(c.o.Features)
	m := &Map{fd: fd, name: c.spec.Name, pin: path, reused: true, cpuNum: c.o.CPUs, degraded: lost}
	m.describe(info)
	ds := form.Compare(info)
	if len(ds) == 0 {
		ds = upgrade.Compare(form.Shape(), m.shape(info, form))
	}
	if len(ds) > 0 {
		fd.Close()
		return nil, &IncompatibleError{path, ds}
	}
	return m, nil
}

func openPin(path string, flags uint32) (*sys.FD, error) {
	return sys.ObjGet(&sys.ObjAttr{Pathname: sys.StringPtr(path), FileFlags: flags})
}

// OpenPinned opens the map pinned at path. flags are ReadOnly, WriteOnly or 0.
// Requires Linux 4.4.
func OpenPinned(path string, flags uint32) (*Map, error) {
	fd, err := openPin(path, flags)
	if err != nil {
		return nil, mkerr.WrapNamed("open pinned map %s: %w", path, permitted(err))
	}
	m, err := fromFD(fd, pathpkg.Base(path))
	if err != nil {
		return nil, mkerr.WrapNamed("open pinned map %s: %w", path, permitted(err))
	}
	m.pin = path
	return m, nil
}

// Pin keeps the map at path, on a bpffs, until Unpin or its removal there. An
// error that Is fs.ErrExist means that something is there already. Requires
// Linux 4.4.
func (m *Map) Pin(path string) error {
	if err := m.pinAt(path); err != nil {
		return mkerr.WrapNamed("map %s: %w", m.name, err)
	}
	return nil
}

func (m *Map) pinAt(path string) error {
	raw, err := m.fd.Borrow()
	if err == nil {
		err = sys.ObjPin(&sys.ObjAttr{Pathname: sys.StringPtr(path), BpfFd: uint32(raw)})
		m.fd.Release()
	}
	if err != nil {
		if why := bpffs.Explain(path, err); why != err {
			return why
		}
		return mkerr.WrapNamed("pin %s: %w", path, permitted(err))
	}
	m.pinMu.Lock()
	m.pin = path
	m.pinMu.Unlock()
	return nil
}

// PinPath is where Pin put the map, or where it was opened; "" is nowhere.
func (m *Map) PinPath() string {
	m.pinMu.Lock()
	defer m.pinMu.Unlock()
	return m.pin
}

// Renamed tells the map that its pin has another path by now.
func (m *Map) Renamed(path string) {
	m.pinMu.Lock()
	m.pin = path
	m.pinMu.Unlock()
}

// Unpin removes the map's pin, and directories that New made for it, if nothing
// else is in them; without a pin it does nothing. The map lives on while
// anything uses it.
func (m *Map) Unpin() error {
	m.pinMu.Lock()
	defer m.pinMu.Unlock()
	if m.pin == "" {
		return nil
	}
	if err := os.Remove(m.pin); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return m.fail("unpin", err)
	}
	m.pin = ""
	m.made.Remove()
	m.made = nil
	return nil
}

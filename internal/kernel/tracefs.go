package kernel

import (
	"errors"
	"io/fs"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/refusal"
)

// Tracefs is the kernel's tracing file system, open: its files are reached
// from the directory's descriptor, so that a mount that appears or goes
// meanwhile changes nothing.
type Tracefs struct {
	dir  *sys.FD
	from string
}

// canonical are the mount points that the kernel itself makes, in the order of
// preference; the second one is mounted automatically inside debugfs.
var canonical = [...]string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}

// OpenTracefs opens tracefs: at path if given, else at one of the canonical
// mount points, else wherever else it is mounted, else without a mount
// (fsopen, fsmount), which changes nothing for other processes. The last needs
// Linux 5.2 and CAP_SYS_ADMIN in the initial user namespace.
//
// Other mounts come after the canonical ones since those of other containers
// may be among them, and vanish. The caller closes the Tracefs.
func OpenTracefs(path string) (*Tracefs, error) {
	if path != "" {
		t, err := openMounted(path)
		if err != nil {
			return nil, mkerr.Wrap("tracefs: %w", err)
		}
		return t, nil
	}
	var denied error
	for _, p := range canonical {
		t, err := openMounted(p)
		if err == nil {
			return t, nil
		}
		denied = firstDenied(denied, err)
	}
	mounts, err := Mounts(FS("/"), "tracefs")
	if err == nil {
		for _, p := range mounts {
			t, err := openMounted(p)
			if err == nil {
				return t, nil
			}
			denied = firstDenied(denied, err)
		}
	}
	dir, err := sys.OpenDetached("tracefs")
	if err == nil {
		return &Tracefs{dir, "tracefs (not mounted)"}, nil
	}
	return nil, explainTracefs(denied, err)
}

func firstDenied(have, err error) error {
	if have == nil && (errors.Is(err, sys.EACCES) || errors.Is(err, sys.EPERM)) {
		return err
	}
	return have
}

// explainTracefs says what would help: denied is why a mount could not be
// used, if there is one, detached why there is none without a mount.
func explainTracefs(denied, detached error) error {
	switch {
	case denied != nil:
		return mkerr.Wrap("tracefs: %w (needs root, or CAP_DAC_READ_SEARCH)", denied)
	case errors.Is(detached, sys.EPERM):
		return &refusal.Error{
			Cause: refusal.Capability, Caps: []string{"CAP_SYS_ADMIN"},
			Err: mkerr.Wrap("tracefs is not mounted, and without that only for the initial user namespace: %w", detached),
		}
	case errors.Is(detached, sys.ENODEV):
		return mkerr.Wrap("tracefs: the kernel has none (CONFIG_TRACING): %w", detached)
	}
	return mkerr.Wrap("tracefs is not mounted: %w", detached)
}

// openMounted opens a directory if tracefs is what is mounted there. Before
// Linux 4.1 debugfs had the files, so that its magic does as well below it.
func openMounted(path string) (*Tracefs, error) {
	magic, err := sys.StatfsMagic(path)
	if err != nil {
		return nil, err
	}
	if magic != sys.TRACEFS_MAGIC && magic != sys.DEBUGFS_MAGIC {
		return nil, mkerr.WrapNamed("%s: not a tracefs: %w", path, fs.ErrNotExist)
	}
	dir, err := sys.OpenPath(path, sys.O_RDONLY|sys.O_DIRECTORY)
	if err != nil {
		return nil, mkerr.WrapNamed("%s: %w", path, err)
	}
	return &Tracefs{dir, path}, nil
}

// String is the mount point, or says that there is none.
func (t *Tracefs) String() string { return t.from }

// Close gives the directory up.
func (t *Tracefs) Close() error { return t.dir.Close() }

// maxTraceFile bounds the files that are read; ids and formats are small, the
// list of traceable functions is some megabytes.
const maxTraceFile = 64 << 20

// ReadFile reads a file by its path below the root, such as
// "events/sched/sched_switch/id".
func (t *Tracefs) ReadFile(name string) ([]byte, error) {
	dir, err := t.dir.Borrow()
	if err != nil {
		return nil, mkerr.WrapNamed("%s: %w", t.from, err)
	}
	defer t.dir.Release()
	b, err := sys.ReadFileAt(dir, name, maxTraceFile)
	if err != nil {
		return nil, mkerr.Errorf("%s/%s: %w", t.from, name, err)
	}
	return b, nil
}

// TraceControl is a control file such as "uprobe_events", open to be written.
type TraceControl struct {
	fd   *sys.FD
	name string
}

// Control opens a control file. What is written there is appended: to truncate
// it would remove the definitions of every other process.
func (t *Tracefs) Control(name string) (*TraceControl, error) {
	dir, err := t.dir.Borrow()
	if err != nil {
		return nil, mkerr.WrapNamed("%s: %w", t.from, err)
	}
	defer t.dir.Release()
	fd, err := sys.OpenAt(dir, name, sys.O_WRONLY|sys.O_APPEND)
	if err != nil {
		return nil, mkerr.Errorf("%s/%s: %w", t.from, name, err)
	}
	return &TraceControl{fd, t.from + "/" + name}, nil
}

// Append writes a line, in one write.
func (c *TraceControl) Append(line string) error {
	raw, err := c.fd.Borrow()
	if err == nil {
		_, err = sys.Write(raw, []byte(line))
		c.fd.Release()
	}
	if err != nil {
		return mkerr.WrapNamed("%s: %w", c.name, err)
	}
	return nil
}

// Close closes the file.
func (c *TraceControl) Close() error { return c.fd.Close() }

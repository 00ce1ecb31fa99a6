package prog

import (
	"errors"
	"iter"
	"os"
	"strconv"
	"strings"

	"github.com/skepbpf/skep/internal/diagnose"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
)

// FromFD takes ownership of a descriptor of a program, such as one inherited
// or received over a socket. If it is not a program's, it is closed and the
// call fails. Requires Linux 4.13.
func FromFD(fd int) (*Program, error) {
	f, err := sys.NewFD(fd)
	if err != nil {
		return nil, mkerr.Errorf("prog: descriptor %d: %w", fd, err)
	}
	p, err := wrap(f)
	if err != nil {
		return nil, mkerr.Errorf("prog: descriptor %d: %w", fd, err)
	}
	return p, nil
}

// FromID opens the program of an id. Requires Linux 4.13 and CAP_SYS_ADMIN.
func FromID(id uint32) (*Program, error) {
	f, err := sys.ProgGetFDByID(&sys.GetIDAttr{StartId: id})
	if err != nil {
		return nil, mkerr.Errorf("program %d: %w", id, privileged(err, diagnose.SysAdmin))
	}
	p, err := wrap(f)
	if err != nil {
		return nil, mkerr.Errorf("program %d: %w", id, err)
	}
	return p, nil
}

// OpenPinned opens a program by its path on a bpffs. Unpin removes that path.
// Requires Linux 4.13.
func OpenPinned(path string) (*Program, error) {
	f, err := sys.ObjGet(&sys.ObjAttr{Pathname: sys.StringPtr(path)})
	if err != nil {
		return nil, mkerr.WrapNamed("prog: open %s: %w", path, diagnose.Explain(err, &diagnose.Ask{Quiet: true}))
	}
	p, err := wrap(f)
	if err != nil {
		return nil, mkerr.WrapNamed("prog: open %s: %w", path, err)
	}
	p.pin = path
	return p, nil
}

// wrap makes a Program of a descriptor, or closes it.
func wrap(f *sys.FD) (*Program, error) {
	p := &Program{fd: f}
	raw, err := f.Borrow()
	if err != nil {
		return nil, err
	}
	var in sys.ProgInfo
	err = p.rawInfo(raw, &in)
	f.Release()
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	p.name, p.typ = sys.NameString(in.Name[:]), Type(in.Type)
	return p, nil
}

// rawInfo asks for info, after making sure that fd is not another BPF object's:
// maps and links have infos too, of other shapes, and the kernel does not say
// which it filled in. The names are those of anon_inode_getfd's callers.
func (*Program) rawInfo(fd int, in *sys.ProgInfo) error {
	kind, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if kind, ok := strings.CutPrefix(kind, "anon_inode:"); err == nil && ok && kind != "bpf-prog" {
		if strings.Contains(kind, "bpf") || kind == "btf" {
			return mkerr.Named("it is a %s, not a program", strings.Trim(kind, "[]"))
		}
	}
	return sys.ObjGetInfoByFD(fd, in)
}

// All gives every program of the kernel, by ascending id; one that goes away
// meanwhile is left out. A Program is the receiver's to close. The first error
// ends it. Requires Linux 4.13 and CAP_SYS_ADMIN.
func All() iter.Seq2[*Program, error] {
	return func(yield func(*Program, error) bool) {
		attr := sys.GetIDAttr{}
		for {
			err := sys.ProgGetNextID(&attr)
			if errors.Is(err, sys.ENOENT) {
				return
			}
			if err != nil {
				yield(nil, mkerr.Wrap("prog: next id: %w", privileged(err, diagnose.SysAdmin)))
				return
			}
			attr.StartId = attr.NextId
			p, err := FromID(attr.NextId)
			if errors.Is(err, sys.ENOENT) {
				continue
			}
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

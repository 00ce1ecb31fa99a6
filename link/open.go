package link

import (
	"errors"
	"iter"
	"os"
	"strconv"

	"github.com/skepbpf/skep/internal/diagnose"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
)

// OpenPinned opens a link by its path on a bpffs. Unpin removes that path. The
// Link of an iterator is an *Iter. Requires Linux 5.8.
func OpenPinned(path string) (Link, error) {
	if err := checkPath(path); err != nil {
		return nil, mkerr.Wrap("open pinned link: %w", err)
	}
	fd, err := sys.ObjGet(&sys.ObjAttr{Pathname: sys.StringPtr(path)})
	if err != nil {
		return nil, mkerr.WrapNamed("open pinned link %s: %w", path, err)
	}
	l, err := open(fd, path)
	if err != nil {
		return nil, mkerr.WrapNamed("open pinned link %s: %w", path, err)
	}
	return l, nil
}

// FromID opens the link of an id. The Link of an iterator is an *Iter.
// Requires Linux 5.8 and CAP_SYS_ADMIN.
func FromID(id ID) (Link, error) {
	fd, err := sys.LinkGetFDByID(&sys.GetIDAttr{StartId: uint32(id)})
	if err != nil {
		return nil, mkerr.Errorf("open link %d: %w", id, explainPerm(err, diagnose.SysAdmin))
	}
	l, err := open(fd, "")
	if err != nil {
		return nil, mkerr.Errorf("open link %d: %w", id, err)
	}
	return l, nil
}

// open makes a Link of a descriptor that it takes over, if it is a link's:
// maps and programs can be pinned too, and their infos have other shapes.
func open(fd *sys.FD, pin string) (Link, error) {
	raw, err := fd.Borrow()
	if err != nil {
		return nil, err
	}
	in, err := checkedInfo(raw)
	fd.Release()
	if err != nil {
		return nil, mkerr.Join(err, fd.Close())
	}
	b := &bpfLink{fd: fd, form: FormLink, typ: in, pin: pin}
	if in == TypeIter {
		return &Iter{b}, nil
	}
	return b, nil
}

// isLinkFile knows the kernel's name of links; that of raw tracepoints was
// another one before Linux 5.8.
func isLinkFile(name string) bool {
	return name == "anon_inode:bpf_link" || name == "anon_inode:bpf-link" || name == "anon_inode:bpf-raw-tracepoint"
}

func checkedInfo(fd int) (Type, error) {
	// Without procfs the info's own shape has to do.
	if name, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd)); err == nil && !isLinkFile(name) {
		return 0, mkerr.Named("not a link: %s", name)
	}
	var head sys.LinkInfo
	err := sys.ObjGetInfoByFD(fd, &head)
	return Type(head.Type), err
}

// All opens the links of the kernel one by one, in the order of their ids. The
// caller closes each. A link that goes away meanwhile is left out; an error
// ends the iteration. Requires Linux 5.8 and CAP_SYS_ADMIN.
func All() iter.Seq2[Link, error] {
	return func(yield func(Link, error) bool) {
		for id := uint32(0); ; {
			attr := sys.GetIDAttr{StartId: id}
			err := sys.LinkGetNextID(&attr)
			if errors.Is(err, sys.ENOENT) {
				return
			}
			if err != nil {
				yield(nil, mkerr.Wrap("list links: %w", explainPerm(err, diagnose.SysAdmin)))
				return
			}
			id = attr.NextId
			l, err := FromID(ID(id))
			// EAGAIN: it is being made and has no id of its own yet
			// (bpf_link_by_id in kernel/bpf/syscall.c).
			if errors.Is(err, sys.ENOENT) || errors.Is(err, sys.EAGAIN) {
				continue
			}
			if !yield(l, err) || err != nil {
				return
			}
		}
	}
}

package link

import (
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
)

// Brief is the part of Info that links of all kinds have. Asking for no more
// keeps what describes each kind out of a program.
type Brief struct {
	Type    Type
	ID      ID
	Program uint32 // id; 0 if the link has none, or was detached
	Map     uint32 // id, of a struct_ops link
	// Gone: what a network or cgroup link was attached to is gone.
	Gone bool
}

// Look asks the kernel about a link. The error of a form without a bpf_link Is
// errors.ErrUnsupported.
func Look(l Link) (Brief, error) {
	f := l.LinkFD()
	if f == nil {
		return Brief{}, &errNoLink{"look at", FormProgAttach}
	}
	fd, err := f.Borrow()
	if err != nil {
		return Brief{}, mkerr.Wrap("link info: %w", err)
	}
	defer f.Release()
	var in sys.LinkInfo
	if err := sys.ObjGetInfoByFD(fd, &in); err != nil {
		return Brief{}, mkerr.Wrap("link info: %w", err)
	}
	b := Brief{Type: Type(in.Type), ID: ID(in.Id), Program: in.ProgId}
	switch b.Type {
	case TypeXDP, TypeTCX, TypeNetkit, TypeNetns:
		// Their part of struct bpf_link_info begins with the number of the
		// interface or namespace, which is 0 after that is gone.
		var x sys.LinkInfoXdp
		err = sys.ObjGetInfoByFD(fd, &x)
		b.Gone = x.Ifindex == 0
	case TypeCgroup:
		var c sys.LinkInfoCgroup
		err = sys.ObjGetInfoByFD(fd, &c)
		b.Gone = c.CgroupId == 0
	case TypeStructOps:
		var ops sys.LinkInfoStructOps
		err = sys.ObjGetInfoByFD(fd, &ops)
		b.Map = ops.MapId
	}
	if err != nil {
		return Brief{}, mkerr.Wrap("link info: %w", err)
	}
	return b, nil
}

// Renamed tells the link that its pin has another path by now.
func Renamed(l Link, path string) {
	switch l := l.(type) {
	case *bpfLink:
		l.renamed(path)
	case *Iter:
		l.renamed(path)
	case *StructOps:
		Renamed(l.Link, path)
	}
}

func (l *bpfLink) renamed(path string) {
	l.mu.Lock()
	l.pin = path
	l.mu.Unlock()
}

package link

import (
	"errors"

	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/prog"
)

// TCXOptions says where a traffic control program goes.
type TCXOptions struct {
	Interface string // name, in the current network namespace
	Index     int    // or number
	Egress    bool   // packets that leave; else those that arrive
	Order     Order
}

// AttachTCX attaches a program of type SchedCLS to a network interface by tcx,
// without a qdisc. Requires Linux 6.6.
func AttachTCX(p *prog.Program, o TCXOptions) (Link, error) {
	at, dir := sys.BPF_TCX_INGRESS, "ingress"
	if o.Egress {
		at, dir = sys.BPF_TCX_EGRESS, "egress"
	}
	l, err := attachTCX(p, &o, at)
	if err != nil {
		return nil, mkerr.Errorf("attach tcx %s to %s: %w", dir, ifaceName(o.Interface, o.Index), err)
	}
	return l, nil
}

func attachTCX(p *prog.Program, o *TCXOptions, at sys.AttachType) (Link, error) {
	index, err := interfaceIndex(o.Interface, o.Index)
	if err != nil {
		return nil, err
	}
	a, err := o.Order.resolve()
	if err != nil {
		return nil, err
	}
	defer a.release()
	pfd, pf, err := borrowProgram(p, prog.SchedCLS)
	if err != nil {
		return nil, err
	}
	defer pf.Release()
	fd, err := sys.LinkCreate(&sys.LinkCreateTcxAttr{
		ProgFd: uint32(pfd), TargetFd: index, AttachType: at,
		Flags: a.flags, RelativeFd: a.relative, ExpectedRevision: a.revision,
	})
	switch {
	case err == nil:
		return wrapLink(fd, TypeTCX, FormLink, nil), nil
	case maybeMissing(err) && !knowsLink(pfd, at, &err):
		return nil, &feature.UnsupportedError{Name: "tcx links", Since: "6.6"}
	case errors.Is(err, sys.ESTALE):
		return nil, mkerr.Wrap("%w: the programs of the hook have changed", err)
	}
	return nil, explainPerm(err, 0)
}

// NetkitOptions says where a program of a netkit device goes.
type NetkitOptions struct {
	Interface string // name of the primary device, in the current network namespace
	Index     int    // or number
	Peer      bool   // at the peer's side; else at the primary's
	Order     Order
}

// AttachNetkit attaches a program of type SchedCLS to a netkit device. Requires
// Linux 6.7.
func AttachNetkit(p *prog.Program, o NetkitOptions) (Link, error) {
	l, err := attachNetkit(p, &o)
	if err != nil {
		return nil, mkerr.WrapNamed("attach netkit to %s: %w", ifaceName(o.Interface, o.Index), err)
	}
	return l, nil
}

func attachNetkit(p *prog.Program, o *NetkitOptions) (Link, error) {
	at := sys.BPF_NETKIT_PRIMARY
	if o.Peer {
		at = sys.BPF_NETKIT_PEER
	}
	index, err := interfaceIndex(o.Interface, o.Index)
	if err != nil {
		return nil, err
	}
	a, err := o.Order.resolve()
	if err != nil {
		return nil, err
	}
	defer a.release()
	pfd, pf, err := borrowProgram(p, prog.SchedCLS)
	if err != nil {
		return nil, err
	}
	defer pf.Release()
	fd, err := sys.LinkCreate(&sys.LinkCreateNetkitAttr{
		ProgFd: uint32(pfd), TargetFd: index, AttachType: at,
		Flags: a.flags, RelativeFd: a.relative, ExpectedRevision: a.revision,
	})
	switch {
	case err == nil:
		return wrapLink(fd, TypeNetkit, FormLink, nil), nil
	case maybeMissing(err) && !knowsLink(pfd, at, &err):
		return nil, &feature.UnsupportedError{Name: "netkit links", Since: "6.7"}
	}
	return nil, explainPerm(err, 0)
}

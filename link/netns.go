package link

import (
	"errors"

	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/prog"
)

// NetnsOptions says which network namespace a program is attached to.
type NetnsOptions struct {
	Path string // such as "/run/netns/blue"; "" with FD 0 is the thread's own
	FD   int    // or an open descriptor of it, which stays the caller's
}

// AttachNetns attaches a program of type SKLookup (Linux 5.9) or FlowDissector
// (Linux 5.7) to a network namespace.
func AttachNetns(p *prog.Program, o NetnsOptions) (Link, error) {
	l, err := attachNetns(p, &o)
	if err != nil {
		return nil, mkerr.WrapNamed("attach network namespace %s: %w", o.Path, explainPerm(err, 0))
	}
	return l, nil
}

func attachNetns(p *prog.Program, o *NetnsOptions) (Link, error) {
	var at sys.AttachType
	pfd, pf, err := borrowProgram(p)
	if err != nil {
		return nil, err
	}
	defer pf.Release()
	switch p.Type() {
	case prog.SKLookup:
		at = sys.BPF_SK_LOOKUP
	case prog.FlowDissector:
		at = sys.BPF_FLOW_DISSECTOR
	default:
		return nil, mkerr.Errorf("a program of type %s has no hook in network namespaces", p.Type())
	}
	if o.Path == "" && o.FD == 0 {
		o.Path = "/proc/thread-self/ns/net"
	}
	ns, err := openTarget(o.Path, o.FD, sys.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer ns.Close()
	nfd, err := ns.Borrow()
	if err != nil {
		return nil, err
	}
	defer ns.Release()
	fd, err := sys.LinkCreate(&sys.LinkCreateAttr{ProgFd: uint32(pfd), TargetFd: uint32(nfd), AttachType: at})
	switch {
	case err == nil:
		return wrapLink(fd, TypeNetns, FormLink, nil), nil
	case errors.Is(err, sys.EINVAL) && !knowsLink(pfd, at, &err):
		return nil, &feature.UnsupportedError{Name: "network namespace links", Since: "5.7"}
	}
	return nil, err
}

// NetfilterOptions says which hook of netfilter a program is attached to.
type NetfilterOptions struct {
	Family   uint32 // NFPROTO_IPV4 (2) or NFPROTO_IPV6 (10)
	Hook     uint32 // NF_INET_PRE_ROUTING (0) to NF_INET_POST_ROUTING (4)
	Priority int32  // lower runs first; the extremes are the kernel's own
	Defrag   bool   // reassemble fragments first. Requires Linux 6.6.
}

// AttachNetfilter attaches a program of type Netfilter in the current network
// namespace. Requires Linux 6.4.
func AttachNetfilter(p *prog.Program, o NetfilterOptions) (Link, error) {
	pfd, pf, err := borrowProgram(p, prog.Netfilter)
	if err != nil {
		return nil, mkerr.Wrap("attach netfilter: %w", err)
	}
	defer pf.Release()
	attr := sys.LinkCreateNetfilterAttr{
		ProgFd: uint32(pfd), AttachType: sys.BPF_NETFILTER,
		Pf: o.Family, Hooknum: o.Hook, Priority: o.Priority,
	}
	if o.Defrag {
		attr.NetfilterFlags = sys.BPF_F_NETFILTER_IP_DEFRAG
	}
	fd, err := sys.LinkCreate(&attr)
	if err != nil {
		return nil, mkerr.Wrap("attach netfilter: %w", explainPerm(err, 0))
	}
	return wrapLink(fd, TypeNetfilter, FormLink, nil), nil
}

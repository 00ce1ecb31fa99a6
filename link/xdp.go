package link

import (
	"errors"
	"fmt"

	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/prog"
)

// XDPMode is where in the receive path an XDP program runs.
type XDPMode uint8

// The modes. XDPDefault leaves the choice to the kernel: native if the driver
// can, else generic. What it chose is in XDPInfo.
const (
	XDPDefault XDPMode = iota
	XDPGeneric         // after the kernel made an skb: any driver, slow
	XDPNative          // in the driver; fails if the driver cannot
	XDPOffload         // in the device; fails if the device cannot
)

// String is "default", "generic", "native" or "offload".
func (m XDPMode) String() string {
	names := [...]string{"default", "generic", "native", "offload"}
	if int(m) < len(names) {
		return names[m]
	}
	return fmt.Sprintf("XDP mode %d", uint8(m))
}

// flags are the XDP_FLAGS_… of linux/if_link.h.
func (m XDPMode) flags() (uint32, error) {
	flags := [...]uint32{XDPDefault: 0, XDPGeneric: 1 << 1, XDPNative: 1 << 2, XDPOffload: 1 << 3}
	if int(m) >= len(flags) {
		return 0, mkerr.Errorf("no such %s", m)
	}
	return flags[m], nil
}

// XDPOptions says where an XDP program goes.
type XDPOptions struct {
	Interface string // name, in the current network namespace
	Index     int    // or number
	Mode      XDPMode
}

// AttachXDP attaches an XDP program to a network interface. Another program on
// it, if in the same mode, is an error that Is EBUSY: links do not share.
// Requires Linux 5.9.
func AttachXDP(p *prog.Program, o XDPOptions) (Link, error) {
	l, err := attachXDP(p, &o)
	if err != nil {
		return nil, mkerr.WrapNamed("attach xdp to %s: %w", ifaceName(o.Interface, o.Index), err)
	}
	return l, nil
}

func attachXDP(p *prog.Program, o *XDPOptions) (Link, error) {
	flags, err := o.Mode.flags()
	if err != nil {
		return nil, err
	}
	index, err := interfaceIndex(o.Interface, o.Index)
	if err != nil {
		return nil, err
	}
	pfd, pf, err := borrowProgram(p, prog.XDP)
	if err != nil {
		return nil, err
	}
	defer pf.Release()
	fd, err := sys.LinkCreate(&sys.LinkCreateAttr{
		ProgFd: uint32(pfd), TargetFd: index, AttachType: sys.BPF_XDP, Flags: flags,
	})
	switch {
	case err == nil:
		return wrapLink(fd, TypeXDP, FormLink, nil), nil
	case errors.Is(err, sys.EINVAL) && !knowsLink(pfd, sys.BPF_XDP, &err):
		return nil, &feature.UnsupportedError{Name: "XDP links", Since: "5.9"}
	case errors.Is(err, sys.EOPNOTSUPP) && o.Mode != XDPGeneric && o.Mode != XDPDefault:
		return nil, mkerr.Errorf("%w: the driver cannot run it in %s mode", err, o.Mode)
	}
	return nil, explainPerm(err, 0)
}

// xdpModeOf finds the mode in which a program runs on an interface.
func xdpModeOf(index, program uint32) XDPMode {
	if index == 0 || program == 0 {
		return XDPDefault
	}
	in, err := getInterface("", index)
	if err != nil {
		return XDPDefault
	}
	for mode, id := range in.xdp {
		if id == program {
			return XDPMode(mode)
		}
	}
	return XDPDefault
}

// ifaceName names an interface in errors.
func ifaceName(name string, index int) string {
	if name != "" {
		return name
	}
	return fmt.Sprintf("interface %d", index)
}

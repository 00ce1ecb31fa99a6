package link

import (
	"errors"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/prog"
)

// MapRef is a map. *maps.Map is one; only this module's packages can make
// others.
type MapRef interface{ MapFD() *sys.FD }

// SockmapOptions says which map of sockets a program serves.
type SockmapOptions struct {
	Map MapRef // SOCKMAP or SOCKHASH
	// Attach is the hook; 0 takes the one that the program was loaded with.
	Attach prog.AttachType
}

// AttachSockmap attaches a program of type SKSKB or SKMsg to a map of sockets:
// by a bpf_link (Linux 6.10), by PROG_ATTACH before. Requires Linux 4.14.
func AttachSockmap(p *prog.Program, o SockmapOptions) (Link, error) {
	l, err := attachSockmap(p, &o)
	if err != nil {
		return nil, mkerr.Wrap("attach sockmap: %w", explainPerm(err, 0))
	}
	return l, nil
}

func attachSockmap(p *prog.Program, o *SockmapOptions) (Link, error) {
	if o.Map == nil {
		return nil, errors.New("no map")
	}
	pfd, pf, err := borrowProgram(p, prog.SKSKB, prog.SKMsg)
	if err != nil {
		return nil, err
	}
	defer pf.Release()
	mf := o.Map.MapFD()
	mfd, err := mf.Borrow()
	if err != nil {
		return nil, mkerr.Wrap("map: %w", err)
	}
	defer mf.Release()
	at := hook(p, o.Attach)
	fd, err := sys.LinkCreate(&sys.LinkCreateAttr{ProgFd: uint32(pfd), TargetFd: uint32(mfd), AttachType: at})
	if err == nil {
		return wrapLink(fd, TypeSockmap, FormLink, nil), nil
	}
	if !maybeMissing(err) || knowsLink(pfd, at, &err) {
		return nil, err
	}
	var in sys.MapInfo
	if err := sys.ObjGetInfoByFD(mfd, &in); err != nil {
		return nil, err
	}
	return attachTo(p, mf, at, SockmapInfo{in.Id, prog.AttachType(at)})
}

// attachTo attaches by BPF_PROG_ATTACH to what target refers to.
func attachTo(p *prog.Program, target *sys.FD, at sys.AttachType, d Details) (Link, error) {
	own, err := target.Dup()
	if err != nil {
		return nil, err
	}
	a := &attachment{target: own, at: at, details: d}
	if err := a.attach(p, sys.ProgAttachAttr{}); err != nil {
		return nil, mkerr.Join(err, own.Close())
	}
	return a, nil
}

// RawAttachInfo describes what AttachRaw attached.
type RawAttachInfo struct{ Attach prog.AttachType }

func (RawAttachInfo) details() {}

// RawOptions says what BPF_PROG_ATTACH gets.
type RawOptions struct {
	// FD is the target: a lirc device, a map; it stays the caller's. 0 is
	// none, as for flow dissectors, which go to the current network
	// namespace.
	FD int
	// Attach is the hook; 0 takes the one that the program was loaded with.
	Attach prog.AttachType
	Flags  uint32 // BPF_F_…
}

// AttachRaw is BPF_PROG_ATTACH for hooks that have no function of their own,
// such as lirc devices (Linux 4.18) and flow dissectors (4.20). The kernel
// keeps the attachment until Close, also when the process dies.
func AttachRaw(p *prog.Program, o RawOptions) (Link, error) {
	l, err := attachRaw(p, &o)
	if err != nil {
		return nil, mkerr.Wrap("attach by PROG_ATTACH: %w", explainPerm(err, 0))
	}
	return l, nil
}

func attachRaw(p *prog.Program, o *RawOptions) (Link, error) {
	if p == nil {
		return nil, errors.New("no program")
	}
	at := hook(p, o.Attach)
	a := &attachment{at: at, flags: o.Flags, details: RawAttachInfo{prog.AttachType(at)}}
	if o.FD != 0 {
		var err error
		if a.target, err = dupUser(o.FD); err != nil {
			return nil, err
		}
	}
	if err := a.attach(p, sys.ProgAttachAttr{AttachFlags: o.Flags}); err != nil {
		return nil, mkerr.Join(err, a.target.Close())
	}
	return a, nil
}

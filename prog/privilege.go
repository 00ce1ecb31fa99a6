package prog

import (
	"errors"

	"github.com/skepbpf/skep/internal/diagnose"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/probe"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/version"
	"github.com/skepbpf/skep/refusal"
	"github.com/skepbpf/skep/verifierlog"
)

// needs are the capabilities that program types need besides CAP_BPF
// (kernel/bpf/syscall.c, is_net_admin_prog_type and is_perfmon_prog_type).
// What is not listed needs CAP_BPF alone, if anything.
var needs = [...]diagnose.Caps{
	SchedCLS:              diagnose.NetAdmin,
	SchedACT:              diagnose.NetAdmin,
	XDP:                   diagnose.NetAdmin,
	LWTIn:                 diagnose.NetAdmin,
	LWTOut:                diagnose.NetAdmin,
	LWTXmit:               diagnose.NetAdmin,
	LWTSeg6Local:          diagnose.NetAdmin,
	SKSKB:                 diagnose.NetAdmin,
	SKMsg:                 diagnose.NetAdmin,
	FlowDissector:         diagnose.NetAdmin,
	CGroupDevice:          diagnose.NetAdmin,
	CGroupSock:            diagnose.NetAdmin,
	CGroupSockAddr:        diagnose.NetAdmin,
	CGroupSockopt:         diagnose.NetAdmin,
	CGroupSysctl:          diagnose.NetAdmin,
	SockOps:               diagnose.NetAdmin,
	Netfilter:             diagnose.NetAdmin,
	Kprobe:                diagnose.Perfmon,
	Tracepoint:            diagnose.Perfmon,
	PerfEvent:             diagnose.Perfmon,
	RawTracepoint:         diagnose.Perfmon,
	RawTracepointWritable: diagnose.Perfmon,
	Tracing:               diagnose.Perfmon,
	LSM:                   diagnose.Perfmon,
	StructOps:             diagnose.Perfmon,
	Ext:                   diagnose.Perfmon | diagnose.NetAdmin,
}

func typeNeeds(t Type) diagnose.Caps {
	if int(t) >= len(needs) {
		return 0
	}
	return needs[t]
}

// diagnose gives err, with which the kernel refused s, its cause.
func (l *loader) diagnose(s *Spec, err error, log verifierlog.Log) error {
	if errors.Is(err, sys.ENOSPC) {
		return &refusal.Error{Cause: refusal.LogTooShort, Err: err}
	}
	if old := tooNew(s, err, log); old != nil {
		return mkerr.Errorf("%w: %w", err, old)
	}
	r := l.signature(s, err, log)
	if r != nil {
		r.Err = err
		return r
	}
	if !log.Empty() {
		if r = s.exclusive(log); r == nil {
			r = diagnose.FromLog(log.Explain().Reason, nil)
		}
	} else if errors.Is(err, sys.E2BIG) {
		r = diagnose.Size(s.Insns.Slots(), nil)
	}
	if r != nil {
		r.Err = err
		return r
	}
	if !log.Empty() {
		return err // the log says it
	}
	return diagnose.Explain(err, &diagnose.Ask{
		Needs:   diagnose.BPF | typeNeeds(s.Type) | helperNeeds(s.Insns),
		Open:    s.Type == SocketFilter || s.Type == CGroupSKB,
		Memlock: true,
		Token:   l.Token,
		Rights:  diagnose.Rights{Cmd: sys.BPF_PROG_LOAD, Prog: sys.ProgType(s.Type), At: sys.AttachType(s.Attach)},
		Probe:   func() error { return l.probeType(s) },
	})
}

// probeType asks whether the kernel has programs like s: of its type, with its
// attach type.
func (l *loader) probeType(s *Spec) error {
	token := 0
	if l.Token != nil {
		fd, err := l.borrow(l.Token)
		if err != nil {
			return err
		}
		token = fd
	}
	if err := probe.ProgType(sys.ProgType(s.Type), token); err != nil {
		return err
	}
	return probe.ProgAttach(sys.ProgType(s.Type), sys.AttachType(s.Attach), token)
}

// privileged explains a refusal of what takes capabilities.
func privileged(err error, needs diagnose.Caps) error {
	return diagnose.Explain(err, &diagnose.Ask{Needs: needs})
}

// older reports whether the kernel is known to be older than a version.
func older(major, minor uint16) bool {
	v := releaseNumber()
	return v != (version.V{}) && !v.AtLeast(version.V{Major: major, Minor: minor})
}

// releaseNumber is the kernel's version, or zero if it cannot be known.
func releaseNumber() version.V {
	release, _, _, err := sys.Uname()
	if err != nil {
		return version.V{}
	}
	v, _ := version.Parse(release)
	return v
}

// raiseMemlock lifts the limit that kernels before 5.11 charge programs to,
// once, and only after the kernel refused something for what may be this.
func (l *loader) raiseMemlock() bool {
	if l.raised {
		return false
	}
	l.raised = true
	// The probe loads a program, which the limit may forbid as well: then the
	// release decides.
	_, _ = probe.Ask(l.set, 0, feature.MemcgAccount)
	switch l.set.Get(feature.MemcgAccount) {
	case feature.Yes:
		return false
	case feature.Unknown:
		if v := releaseNumber(); v == (version.V{}) || v.AtLeast(version.V{Major: 5, Minor: 11}) {
			return false
		}
	}
	const infinity = ^uint64(0)
	soft, _, err := sys.Memlock()
	if err == nil && soft == infinity {
		return true // lifted since by another load, or by the probe
	}
	return err == nil && sys.SetMemlock(infinity, infinity) == nil
}

// fillVersion gives a Kprobe program the version that kernels before 5.0
// compare, once.
func (l *loader) fillVersion(s *Spec) bool {
	if l.version || s.Type != Kprobe || s.KernelVersion != 0 {
		return false
	}
	l.version = true
	if v := releaseNumber(); v == (version.V{}) || v.AtLeast(version.V{Major: 5}) {
		return false
	}
	v, err := kernel.Version(kernel.FS("/"))
	if err != nil {
		return false
	}
	s.KernelVersion = v.Code()
	return true
}

package prog

import (
	"strings"

	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/probe"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/version"
)

// DeniedError says why the kernel refused a program before looking at it. It
// is made only from facts: where they do not settle it, Missing is empty.
type DeniedError struct {
	// Missing is a capability that this process lacks and the program needs,
	// such as "CAP_BPF"; "" if none was found to be missing.
	Missing string
	Err     error // wraps EPERM
}

func (e *DeniedError) Error() string {
	if e.Missing == "" {
		return e.Err.Error() + ": refused, cause unknown"
	}
	return e.Err.Error() + ": needs " + e.Missing
}

// Unwrap leads to EPERM.
func (e *DeniedError) Unwrap() error { return e.Err }

// Classes of program types by the capability that they need besides CAP_BPF
// (kernel/bpf/syscall.c, is_net_admin_prog_type and is_perfmon_prog_type).
// What is not listed needs CAP_BPF alone, if anything.
var needs = map[Type]int{
	SchedCLS:              sys.CAP_NET_ADMIN,
	SchedACT:              sys.CAP_NET_ADMIN,
	XDP:                   sys.CAP_NET_ADMIN,
	LWTIn:                 sys.CAP_NET_ADMIN,
	LWTOut:                sys.CAP_NET_ADMIN,
	LWTXmit:               sys.CAP_NET_ADMIN,
	LWTSeg6Local:          sys.CAP_NET_ADMIN,
	SKSKB:                 sys.CAP_NET_ADMIN,
	SKMsg:                 sys.CAP_NET_ADMIN,
	FlowDissector:         sys.CAP_NET_ADMIN,
	CGroupDevice:          sys.CAP_NET_ADMIN,
	CGroupSock:            sys.CAP_NET_ADMIN,
	CGroupSockAddr:        sys.CAP_NET_ADMIN,
	CGroupSockopt:         sys.CAP_NET_ADMIN,
	CGroupSysctl:          sys.CAP_NET_ADMIN,
	SockOps:               sys.CAP_NET_ADMIN,
	Netfilter:             sys.CAP_NET_ADMIN,
	Kprobe:                sys.CAP_PERFMON,
	Tracepoint:            sys.CAP_PERFMON,
	PerfEvent:             sys.CAP_PERFMON,
	RawTracepoint:         sys.CAP_PERFMON,
	RawTracepointWritable: sys.CAP_PERFMON,
	Tracing:               sys.CAP_PERFMON,
	LSM:                   sys.CAP_PERFMON,
	StructOps:             sys.CAP_PERFMON,
	Ext:                   sys.CAP_PERFMON,
}

var capNames = map[int]string{
	sys.CAP_BPF:       "CAP_BPF",
	sys.CAP_NET_ADMIN: "CAP_NET_ADMIN",
	sys.CAP_PERFMON:   "CAP_PERFMON",
	sys.CAP_SYS_ADMIN: "CAP_SYS_ADMIN",
}

// denied reads the effective capabilities to explain EPERM. A token may stand
// in for any of them, so with one nothing is proven.
func denied(t Type, err error, token bool) error {
	d := &DeniedError{Err: err}
	caps, cerr := sys.Capabilities()
	if cerr != nil || token {
		return d
	}
	d.Missing = missing(t, caps, releaseNumber().AtLeast(version.V{Major: 5, Minor: 8}))
	return d
}

// missing names what a set of capabilities lacks for a program type. Before
// Linux 5.8, which split it, CAP_SYS_ADMIN was all there is.
func missing(t Type, caps uint64, split bool) string {
	has := func(c int) bool { return caps>>c&1 != 0 }
	if has(sys.CAP_SYS_ADMIN) {
		return ""
	}
	if !split {
		return capNames[sys.CAP_SYS_ADMIN]
	}
	var lack []string
	// Two types are open to everyone where the sysctl
	// kernel.unprivileged_bpf_disabled is 0; EPERM says that it is not.
	if !has(sys.CAP_BPF) {
		lack = append(lack, capNames[sys.CAP_BPF])
	}
	if c, ok := needs[t]; ok && !has(c) {
		lack = append(lack, capNames[c])
	}
	return strings.Join(lack, " and ")
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

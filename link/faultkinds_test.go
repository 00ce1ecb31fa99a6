package link

import (
	"errors"
	"testing"

	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/internal/testutil/fentry"
	"github.com/skepbpf/skep/prog"
)

// attaching is one call of Attach that takes something special.
type attaching struct {
	name   string
	spec   prog.Spec
	ret    int32
	attach func(p *prog.Program) (Link, error)
	kernel string
	config []string
	hooks  bool // takes a trampoline
}

// netAttachings are kinds that want a network namespace of their own.
var netAttachings = []attaching{
	{name: "xdp", spec: prog.Spec{Type: prog.XDP, Attach: prog.AttachXDP}, ret: xdpPass, attach: func(p *prog.Program) (Link, error) {
		return AttachXDP(p, XDPOptions{Interface: "lo", Mode: XDPGeneric})
	}},
	{name: "tcx", spec: prog.Spec{Type: prog.SchedCLS, Attach: prog.AttachTCXIngress}, ret: tcxNext, attach: func(p *prog.Program) (Link, error) {
		return AttachTCX(p, TCXOptions{Interface: "lo"})
	}, kernel: "6.6"},
	{name: "sk_lookup", spec: prog.Spec{Type: prog.SKLookup, Attach: prog.AttachSKLookup}, ret: 1, attach: func(p *prog.Program) (Link, error) {
		return AttachNetns(p, NetnsOptions{})
	}},
	{name: "netfilter", spec: prog.Spec{Type: prog.Netfilter, Attach: prog.AttachNetfilter}, ret: 1, attach: func(p *prog.Program) (Link, error) {
		return AttachNetfilter(p, NetfilterOptions{Family: 2, Hook: 1, Priority: -128})
	}, kernel: "6.4", config: []string{"CONFIG_NETFILTER_BPF_LINK"}},
	{name: "flow dissector", spec: prog.Spec{Type: prog.FlowDissector, Attach: prog.AttachFlowDissector}, attach: func(p *prog.Program) (Link, error) {
		return AttachRaw(p, RawOptions{})
	}},
}

// hostAttachings are the others. Before Linux 5.13 a tracing program attaches once (commit f3a95075549e).
var hostAttachings = []attaching{
	{name: "uprobe by tracefs", spec: prog.Spec{Type: prog.Kprobe}, attach: func(p *prog.Program) (Link, error) {
		return AttachUprobe(p, UprobeOptions{Path: "/proc/self/exe", Address: probedAddress(), Legacy: true})
	}, config: []string{"CONFIG_UPROBE_EVENTS"}},
	{name: "uprobe.multi", spec: prog.Spec{Type: prog.Kprobe, Attach: prog.AttachTraceUprobeMulti}, attach: func(p *prog.Program) (Link, error) {
		return AttachUprobeMulti(p, UprobeMultiOptions{Path: libcPath(), Symbols: []string{"malloc", "free"}})
	}, kernel: "6.6"},
	{name: "kprobe", spec: prog.Spec{Type: prog.Kprobe}, attach: func(p *prog.Program) (Link, error) {
		return AttachKprobe(p, KprobeOptions{Symbol: "vfs_statx"})
	}, config: []string{"CONFIG_KPROBES"}},
	{name: "kprobe.multi", spec: prog.Spec{Type: prog.Kprobe, Attach: prog.AttachTraceKprobeMulti}, attach: func(p *prog.Program) (Link, error) {
		return AttachKprobeMulti(p, KprobeMultiOptions{Symbols: []string{"vfs_statx", "vfs_read"}})
	}, kernel: "5.18", config: []string{"CONFIG_FPROBE"}},
	{name: "fentry", spec: prog.Spec{Type: prog.Tracing, Attach: prog.AttachTraceFentry, Target: prog.Target{Name: "vfs_statx"}}, attach: func(p *prog.Program) (Link, error) {
		return AttachTracing(p, TracingOptions{})
	}, kernel: "5.13", hooks: true},
	{name: "lsm", spec: prog.Spec{Type: prog.LSM, Attach: prog.AttachLSMMAC, Target: prog.Target{Name: "inode_getattr"}}, attach: func(p *prog.Program) (Link, error) {
		return AttachTracing(p, TracingOptions{})
	}, kernel: "5.13", config: []string{"CONFIG_BPF_LSM"}, hooks: true},
}

// libcPath is the C library, found as uprobes find it.
func libcPath() string { return "libc.so.6" }

// TestFaultsOfNetworks is TestFaults for what hangs on a network.
func TestFaultsOfNetworks(t *testing.T) {
	testutil.NeedRoot(t)
	inNetns(t, func() {
		if ip(t, "link set lo up") {
			faultsOf(t, netAttachings)
		}
	})
}

// TestFaultsOfProbes is TestFaults for other kinds of tracing.
func TestFaultsOfProbes(t *testing.T) {
	testutil.NeedRoot(t)
	faultsOf(t, hostAttachings)
}

// TestFaultsOfSockmap is TestFaults for programs of a map.
func TestFaultsOfSockmap(t *testing.T) {
	testutil.NeedRoot(t)
	m := newSockmap(t)
	faultsOf(t, []attaching{{name: "sockmap", spec: prog.Spec{Type: prog.SKMsg, Attach: prog.AttachSKMsgVerdict}, ret: 1,
		attach: func(p *prog.Program) (Link, error) { return AttachSockmap(p, SockmapOptions{Map: m}) }}})
}

func faultsOf(t *testing.T, list []attaching) {
	for _, a := range list {
		t.Run(a.name, func(t *testing.T) {
			testutil.Require(t, a.kernel, a.config...)
			if a.hooks {
				testutil.RequireTrampolines(t, fentry.Try)
			}
			p := counting(t, newCounter(t), a.spec, a.ret)
			systest.EachFault(t, systest.Faults{Errnos: []sys.Errno{sys.EPERM, sys.ENOMEM, sys.EINVAL}}, func(t *testing.T, in *systest.Injector) {
				l, err := a.attach(p)
				if f := in.Fault(); f.Errno == sys.EINVAL && f.Rest && errors.Is(err, errors.ErrUnsupported) {
					return // so a kernel would answer that has no such links
				}
				judgeLink(t, in, l, err)
			})
		})
	}
}

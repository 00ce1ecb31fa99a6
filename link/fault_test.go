package link

import (
	"errors"
	"os"
	"sync"
	"testing"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/prog"
)

// attachers are kinds of links that work anywhere, for tests of what they have
// in common.
func attachers(t *testing.T) map[string]func() (Link, error) {
	t.Helper()
	c := newCounter(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	raw := counting(t, c, prog.Spec{Type: prog.RawTracepoint}, 0)
	tp := counting(t, c, prog.Spec{Type: prog.Tracepoint}, 0)
	kp := counting(t, c, prog.Spec{Type: prog.Kprobe}, 0)
	ev := counting(t, c, prog.Spec{Type: prog.PerfEvent}, 0)
	cg := counting(t, c, sockCreate(), 1)
	dir, _ := ownCgroup(t)
	all := map[string]func() (Link, error){
		"raw tracepoint": func() (Link, error) { return AttachRawTracepoint(raw, RawTracepointOptions{Name: "sys_enter"}) },
		"tracepoint": func() (Link, error) {
			return AttachTracepoint(tp, TracepointOptions{Category: "sched", Name: "sched_switch"})
		},
		"uprobe": func() (Link, error) {
			return AttachUprobe(kp, UprobeOptions{Path: self, Address: probedAddress()})
		},
		"perf event": func() (Link, error) {
			return AttachPerfEvent(ev, PerfEventOptions{Config: Software(CPUClock), SamplePeriod: 1e6})
		},
		"cgroup":       func() (Link, error) { return AttachCgroup(cg, CgroupOptions{Path: dir}) },
		"cgroup multi": func() (Link, error) { return AttachCgroup(cg, CgroupOptions{Path: dir, Mode: CgroupMulti}) },
	}
	if !testutil.HasConfig(t, "CONFIG_DEBUG_INFO_BTF") {
		return all
	}
	btf := counting(t, c, rawTPSpec("sys_enter"), 0)
	iter := counting(t, c, prog.Spec{Type: prog.Tracing, Attach: prog.AttachTraceIter, Target: prog.Target{Name: "task"}}, 0)
	all["tp_btf"] = func() (Link, error) { return AttachTracing(btf, TracingOptions{}) }
	all["iterator"] = func() (Link, error) {
		l, err := AttachIter(iter, IterOptions{CgroupPath: ""})
		if err != nil {
			return nil, err // no Link of a nil *Iter
		}
		return l, nil
	}
	return all
}

// judgeLink takes what an attachment gave, whose calls in fails, through Info and
// Close. A Close that failed works the second time.
func judgeLink(t *testing.T, in *systest.Injector, l Link, err error) {
	t.Helper()
	in.Judge(t, err)
	if err != nil {
		if l != nil {
			t.Errorf("a link and %v", err)
		}
		return
	}
	_, err = l.Info()
	in.Judge(t, err)
	err = l.Close()
	in.Judge(t, err)
	if in.Disarm(); err != nil {
		if err := l.Close(); err != nil {
			t.Errorf("second close: %v", err)
		}
	}
}

// Whatever call fails: the result is a Link, or an error that names the errno,
// and nothing stays behind. Info and Close meet the fault too.
func TestFaults(t *testing.T) {
	testutil.NeedRoot(t)
	for name, attach := range attachers(t) {
		t.Run(name, func(t *testing.T) {
			systest.EachFault(t, systest.Faults{Errnos: []sys.Errno{sys.ENOMEM, sys.EINVAL}}, func(t *testing.T, in *systest.Injector) {
				l, err := attach()
				judgeLink(t, in, l, err)
			})
		})
	}
}

// All methods beside each other, and beside Close.
func TestConcurrentUse(t *testing.T) {
	testutil.NeedRoot(t)
	for name, attach := range attachers(t) {
		t.Run(name, func(t *testing.T) {
			l, err := attach()
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			for _, f := range []func() error{
				func() error { _, err := l.Info(); return err },
				func() error { return l.Unpin() },
				func() error { return l.Detach() },
				func() error { return l.Close() },
				func() error { return l.Close() },
			} {
				wg.Go(func() {
					for range 20 {
						if err := f(); err != nil && !errors.Is(err, os.ErrClosed) && !errors.Is(err, errors.ErrUnsupported) {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			if err := l.Pin("/nowhere"); err == nil {
				t.Error("pinned after close")
			}
		})
	}
}

func TestWrongProgramType(t *testing.T) {
	testutil.NeedRoot(t)
	c := newCounter(t)
	xdp := counting(t, c, prog.Spec{Type: prog.XDP, Attach: prog.AttachXDP}, xdpPass)
	raw := counting(t, c, prog.Spec{Type: prog.RawTracepoint}, 0)
	for name, attach := range map[string]func() (Link, error){
		"raw tracepoint": func() (Link, error) { return AttachRawTracepoint(xdp, RawTracepointOptions{Name: "sys_enter"}) },
		"tracing":        func() (Link, error) { return AttachTracing(xdp, TracingOptions{}) },
		"freplace":       func() (Link, error) { return AttachFreplace(xdp, FreplaceOptions{}) },
		"freplace half":  func() (Link, error) { return AttachFreplace(xdp, FreplaceOptions{Function: 1}) },
		"xdp":            func() (Link, error) { return AttachXDP(raw, XDPOptions{Interface: "lo"}) },
		"xdp mode":       func() (Link, error) { return AttachXDP(xdp, XDPOptions{Interface: "lo", Mode: 9}) },
		"tcx":            func() (Link, error) { return AttachTCX(raw, TCXOptions{Interface: "lo"}) },
		"netkit":         func() (Link, error) { return AttachNetkit(raw, NetkitOptions{Interface: "lo"}) },
		"netns":          func() (Link, error) { return AttachNetns(raw, NetnsOptions{}) },
		"netfilter":      func() (Link, error) { return AttachNetfilter(raw, NetfilterOptions{}) },
		"sockmap":        func() (Link, error) { return AttachSockmap(raw, SockmapOptions{Map: c}) },
		"sockmap no map": func() (Link, error) { return AttachSockmap(raw, SockmapOptions{}) },
		"cgroup":         func() (Link, error) { return AttachCgroup(raw, CgroupOptions{Path: "/"}) },
		"raw":            func() (Link, error) { return AttachRaw(raw, RawOptions{}) },
		"kprobe.multi":   func() (Link, error) { return AttachKprobeMulti(raw, KprobeMultiOptions{Symbols: []string{"f"}}) },
		"kprobe.multi cookies": func() (Link, error) {
			return AttachKprobeMulti(raw, KprobeMultiOptions{Symbols: []string{"f"}, Cookies: []uint64{1, 2}})
		},
		"kprobe.multi pattern": func() (Link, error) { return AttachKprobeMulti(raw, KprobeMultiOptions{Pattern: "f*"}) },
		"tracing multi":        func() (Link, error) { return AttachTracingMulti(raw, TracingMultiOptions{Types: []btf.ID{1}}) },
		"uprobe.multi pattern": func() (Link, error) {
			return AttachUprobeMulti(raw, UprobeMultiOptions{Path: "/bin/bash", Pattern: "main"})
		},
		"uprobe.multi both": func() (Link, error) {
			return AttachUprobeMulti(raw, UprobeMultiOptions{Path: "/bin/bash", Pattern: "main", Offsets: []uint64{4}})
		},
		"uprobe.multi": func() (Link, error) {
			return AttachUprobeMulti(raw, UprobeMultiOptions{Path: "/bin/bash", Offsets: []uint64{4}})
		},
	} {
		l, err := attach()
		if err == nil {
			l.Close()
			t.Errorf("%s: attached", name)
		}
		if errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: the kernel is blamed: %v", name, err)
		}
	}
}

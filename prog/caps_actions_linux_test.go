package prog_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/btf/handle"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/link"
	"github.com/skepbpf/skep/maps"
	"github.com/skepbpf/skep/prog"
)

type closer func() error

func (c closer) Close() error { return c() }

// actions are what the table is of. What they need, they make beforehand with
// all capabilities.
func actions(t *testing.T) []action {
	return slices.Concat(mapActions(t), progActions(t), objectActions(t), attachActions(t))
}

func mapActions(t *testing.T) (list []action) {
	types := testTypes(t)
	for _, m := range []struct {
		since string
		maps.Spec
	}{
		{"", maps.Spec{Type: maps.Array, KeySize: 4, ValueSize: 8}},
		{"", maps.Spec{Type: maps.Hash, KeySize: 4, ValueSize: 8}},
		{"", maps.Spec{Type: maps.PerCPUArray, KeySize: 4, ValueSize: 8}},
		{"", maps.Spec{Type: maps.ProgArray, KeySize: 4, ValueSize: 4}},
		{"", maps.Spec{Type: maps.ArrayOfMaps, KeySize: 4, ValueSize: 4, Inner: &maps.Spec{
			Type: maps.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1,
		}}},
		{"", maps.Spec{Type: maps.RingBuf, MaxEntries: uint32(os.Getpagesize())}},
		{"6.1", maps.Spec{Type: maps.UserRingBuf, MaxEntries: uint32(os.Getpagesize())}},
		{"", maps.Spec{Type: maps.LRUHash, KeySize: 4, ValueSize: 8}},
		{"", maps.Spec{Type: maps.LPMTrie, KeySize: 8, ValueSize: 8, Flags: sys.BPF_F_NO_PREALLOC}},
		{"", maps.Spec{Type: maps.Queue, ValueSize: 8}},
		{"", maps.Spec{Type: maps.StackTrace, KeySize: 4, ValueSize: 64}},
		{"5.16", maps.Spec{Type: maps.BloomFilter, ValueSize: 8}},
		{"", maps.Spec{Type: maps.SkStorage, KeySize: 4, ValueSize: 4, Flags: sys.BPF_F_NO_PREALLOC, Types: types, Key: 1, Value: 1}},
		{"6.9", maps.Spec{Type: maps.Arena, Flags: maps.Mmapable}},
		{"", maps.Spec{Type: maps.CPUMap, KeySize: 4, ValueSize: 4}},
		{"", maps.Spec{Type: maps.DevMap, KeySize: 4, ValueSize: 4}},
		{"", maps.Spec{Type: maps.SockMap, KeySize: 4, ValueSize: 4}},
		{"", maps.Spec{Type: maps.SockHash, KeySize: 4, ValueSize: 4}},
		{"", maps.Spec{Type: maps.XSKMap, KeySize: 4, ValueSize: 4}},
	} {
		s := m.Spec
		if s.MaxEntries == 0 && s.Type != maps.SkStorage {
			s.MaxEntries = 1
		}
		a := action{name: fmt.Sprintf("create a map: %s", s.Type), since: m.since}
		if s.Type == maps.XSKMap {
			a.configs = []string{"CONFIG_XDP_SOCKETS"}
		}
		a.do = func() (io.Closer, error) { return maps.New(&s, nil) }
		list = append(list, a)
	}
	return list
}

// printk calls bpf_trace_printk with a format of one zero byte.
func printk() asm.Instructions {
	return asm.Instructions{
		asm.StoreImm(asm.R10, -8, 0, asm.SizeDW), asm.MovReg(asm.R1, asm.R10), asm.Add(asm.R1, -8),
		asm.Mov(asm.R2, 1), asm.Call(asm.FnTracePrintk), asm.Mov(asm.R0, 0), asm.Exit(),
	}
}

func progActions(t *testing.T) (list []action) {
	k := btf.NewKernelAt(kernel.FS("/"))
	t.Cleanup(func() { _ = k.Close() })
	bpfLSM := []string{"CONFIG_BPF_LSM", "CONFIG_DEBUG_INFO_BTF"}
	for _, p := range []struct {
		name, since string
		configs     []string
		prog.Spec
	}{
		{"", "", nil, prog.Spec{Type: prog.SocketFilter}},
		{"socket filter that calls bpf_trace_printk", "", nil, prog.Spec{Type: prog.SocketFilter, Insns: printk()}},
		{"socket filter that returns a pointer", "", nil, prog.Spec{Type: prog.SocketFilter, Insns: asm.Instructions{
			asm.MovReg(asm.R0, asm.R1), asm.Exit(),
		}}},
		{"", "", nil, prog.Spec{Type: prog.CGroupSKB}},
		{"", "", nil, prog.Spec{Type: prog.SKReuseport}},
		{"", "5.14", nil, prog.Spec{Type: prog.Syscall, Flags: sys.BPF_F_SLEEPABLE}},
		{"", "", nil, prog.Spec{Type: prog.SKLookup, Attach: prog.AttachSKLookup, Insns: ret(1)}},
		{"", "", nil, prog.Spec{Type: prog.XDP}},
		{"xdp that calls bpf_trace_printk", "", nil, prog.Spec{Type: prog.XDP, Insns: printk()}},
		{"", "", nil, prog.Spec{Type: prog.SchedCLS}},
		{"", "", nil, prog.Spec{Type: prog.FlowDissector}},
		{"", "", nil, prog.Spec{Type: prog.SKMsg, Attach: prog.AttachSKMsgVerdict}},
		{"", "", nil, prog.Spec{Type: prog.SockOps, Insns: ret(1)}},
		{"", "", nil, prog.Spec{Type: prog.CGroupSock, Attach: prog.AttachCGroupInetSockCreate, Insns: ret(1)}},
		{"", "", nil, prog.Spec{Type: prog.CGroupSockAddr, Attach: prog.AttachCGroupInet4Connect, Insns: ret(1)}},
		{"", "", nil, prog.Spec{Type: prog.CGroupDevice, Insns: ret(1)}},
		{"", "6.4", []string{"CONFIG_NETFILTER_BPF_LINK"}, prog.Spec{Type: prog.Netfilter, Attach: prog.AttachNetfilter, Insns: ret(1)}},
		{"", "", []string{"CONFIG_KPROBE_EVENTS"}, prog.Spec{Type: prog.Kprobe}},
		{"", "", nil, prog.Spec{Type: prog.Tracepoint}},
		{"", "", nil, prog.Spec{Type: prog.RawTracepoint}},
		{"", "", nil, prog.Spec{Type: prog.PerfEvent}},
		{"tp_btf", "", []string{"CONFIG_DEBUG_INFO_BTF"}, prog.Spec{
			Type: prog.Tracing, Attach: prog.AttachTraceRawTP, Target: prog.Target{Name: "sched_switch"},
		}},
		{"fentry", "", []string{"CONFIG_DEBUG_INFO_BTF"}, prog.Spec{
			Type: prog.Tracing, Attach: prog.AttachTraceFentry, Target: prog.Target{Name: "vfs_read"},
		}},
		{"iter", "", []string{"CONFIG_DEBUG_INFO_BTF"}, prog.Spec{
			Type: prog.Tracing, Attach: prog.AttachTraceIter, Target: prog.Target{Name: "task"},
		}},
		{"lsm", "", bpfLSM, prog.Spec{Type: prog.LSM, Attach: prog.AttachLSMMAC, Target: prog.Target{Name: "file_open"}}},
	} {
		a := action{name: "load a program: " + p.name, since: p.since, configs: p.configs}
		if p.name == "" {
			a.name += p.Type.String()
		}
		s := p.Spec
		s.Name, s.License = "caps", "GPL"
		if s.Insns == nil {
			s.Insns = ret(0)
		}
		if s.Target.Name != "" && a.impossible(t) == "" {
			if err := s.Resolve(k); err != nil {
				t.Fatalf("%s: %v", a.name, err)
			}
		}
		a.do = func() (io.Closer, error) { return prog.Load(&s, nil) }
		list = append(list, a)
	}
	return list
}

// objectActions are those on objects that exist.
func objectActions(t *testing.T) []action {
	hold(t, allCaps)
	types := testTypes(t)
	p := load(t, &prog.Spec{Name: "caps", Type: prog.XDP, License: "GPL", Insns: ret(2)}, nil)
	m, err := maps.New(&maps.Spec{Type: maps.Hash, KeySize: 4, ValueSize: 4, MaxEntries: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	h, err := handle.Load(types, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	pid, _ := p.ID()
	in, _ := m.Info()
	dir := bpffs(t)
	if err := p.Pin(filepath.Join(dir, "program")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Unpin() })
	first := func(err error) (io.Closer, error) { return closer(func() error { return nil }), err }
	return []action{
		{name: "load BTF", do: func() (io.Closer, error) { return handle.Load(types, nil) }},
		{name: "open a program by id", do: func() (io.Closer, error) { return prog.FromID(pid) }},
		{name: "open a map by id", do: func() (io.Closer, error) { return maps.FromID(in.ID) }},
		{name: "open BTF by id", do: func() (io.Closer, error) { return handle.FromID(h.ID()) }},
		{name: "list programs", do: func() (io.Closer, error) {
			for p, err := range prog.All() {
				return p, err
			}
			return nil, errors.New("no program")
		}},
		{name: "list links", do: func() (io.Closer, error) {
			for l, err := range link.All() {
				return l, err
			}
			return first(nil)
		}},
		{name: "pin a map", do: func() (io.Closer, error) {
			err := m.Pin(filepath.Join(dir, "map"))
			return closer(m.Unpin), err
		}},
		{name: "open a pinned program", do: func() (io.Closer, error) { return prog.OpenPinned(filepath.Join(dir, "program")) }},
		{name: "update and look up in a map", do: func() (io.Closer, error) {
			k, v := make([]byte, 4), make([]byte, 4)
			if err := m.Update(k, v, maps.Any); err != nil {
				return nil, err
			}
			return first(m.Lookup(k, v, 0))
		}},
		{name: "test-run a program", do: func() (io.Closer, error) {
			_, err := p.Run(nil)
			return first(err)
		}},
		{name: "info of a program", do: func() (io.Closer, error) {
			_, err := p.Info()
			return first(err)
		}},
		{name: "dump a program's instructions", do: func() (io.Closer, error) {
			_, err := p.Xlated()
			return first(err)
		}},
		{name: "enable statistics", do: func() (io.Closer, error) { return prog.EnableStats() }},
	}
}

// linker attaches a program that is loaded with all capabilities.
type linker struct {
	name, since string
	configs     []string
	spec        prog.Spec
	attach      func(*prog.Program) (io.Closer, error)
}

func attachActions(t *testing.T) (list []action) {
	hold(t, allCaps)
	dir := ownCgroup(t)
	k := btf.NewKernelAt(kernel.FS("/"))
	defer k.Close()
	for _, l := range slices.Concat(netLinkers(t, dir), traceLinkers()) {
		a := action{name: "attach: " + l.name, since: l.since, configs: l.configs}
		if a.impossible(t) != "" || dir == "" && l.spec.Attach == prog.AttachCGroupInetSockCreate {
			continue
		}
		s := l.spec
		s.Name, s.License = "caps", "GPL"
		if s.Insns == nil {
			s.Insns = ret(0)
		}
		if s.Target.Name != "" {
			if err := s.Resolve(k); err != nil {
				t.Fatalf("%s: %v", a.name, err)
			}
		}
		// Before Linux 5.13 a program for a trampoline attaches once.
		var p *prog.Program
		a.prepare = func() (_ io.Closer, err error) {
			p, err = prog.Load(&s, nil)
			return p, err
		}
		attach := l.attach
		a.do = func() (io.Closer, error) { return attach(p) }
		list = append(list, a)
	}
	return list
}

func netLinkers(t *testing.T, dir string) []linker {
	sm, err := maps.New(&maps.Spec{Type: maps.SockMap, KeySize: 4, ValueSize: 4, MaxEntries: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sm.Close() })
	cgroup := func(p *prog.Program) (io.Closer, error) { return link.AttachCgroup(p, link.CgroupOptions{Path: dir}) }
	return []linker{
		{"xdp", "", nil, prog.Spec{Type: prog.XDP, Attach: prog.AttachXDP, Insns: ret(2)}, func(p *prog.Program) (io.Closer, error) {
			return link.AttachXDP(p, link.XDPOptions{Index: 1, Mode: link.XDPGeneric})
		}},
		{"tcx", "6.6", nil, prog.Spec{Type: prog.SchedCLS, Attach: prog.AttachTCXEgress, Insns: ret(-1)}, func(p *prog.Program) (io.Closer, error) {
			return link.AttachTCX(p, link.TCXOptions{Index: 1, Egress: true})
		}},
		{"netfilter", "6.4", []string{"CONFIG_NETFILTER_BPF_LINK"}, prog.Spec{Type: prog.Netfilter, Attach: prog.AttachNetfilter, Insns: ret(1)}, func(p *prog.Program) (io.Closer, error) {
			return link.AttachNetfilter(p, link.NetfilterOptions{Family: 2, Priority: 77})
		}},
		{"sk_lookup", "", nil, prog.Spec{Type: prog.SKLookup, Attach: prog.AttachSKLookup, Insns: ret(1)}, func(p *prog.Program) (io.Closer, error) {
			return link.AttachNetns(p, link.NetnsOptions{Path: "/proc/self/ns/net"})
		}},
		{"sk_msg", "", nil, prog.Spec{Type: prog.SKMsg, Attach: prog.AttachSKMsgVerdict, Insns: ret(1)}, func(p *prog.Program) (io.Closer, error) {
			return link.AttachSockmap(p, link.SockmapOptions{Map: sm})
		}},
		{"cgroup_skb", "", nil, prog.Spec{Type: prog.CGroupSKB, Attach: prog.AttachCGroupInetEgress, Insns: ret(1)}, cgroup},
		{"cgroup_sock", "", nil, prog.Spec{Type: prog.CGroupSock, Attach: prog.AttachCGroupInetSockCreate, Insns: ret(1)}, cgroup},
	}
}

func traceLinkers() []linker {
	withBTF := []string{"CONFIG_DEBUG_INFO_BTF"}
	return []linker{
		{"raw tracepoint", "", nil, prog.Spec{Type: prog.RawTracepoint}, func(p *prog.Program) (io.Closer, error) {
			return link.AttachRawTracepoint(p, link.RawTracepointOptions{Name: "sched_process_exec"})
		}},
		{"tp_btf", "", withBTF, prog.Spec{Type: prog.Tracing, Attach: prog.AttachTraceRawTP, Target: prog.Target{Name: "sched_process_exec"}},
			func(p *prog.Program) (io.Closer, error) { return link.AttachTracing(p, link.TracingOptions{}) }},
		{"fentry", "", withBTF, prog.Spec{Type: prog.Tracing, Attach: prog.AttachTraceFentry, Target: prog.Target{Name: "vfs_statx"}},
			func(p *prog.Program) (io.Closer, error) { return link.AttachTracing(p, link.TracingOptions{}) }},
		{"tracepoint", "", nil, prog.Spec{Type: prog.Tracepoint}, func(p *prog.Program) (io.Closer, error) {
			return link.AttachTracepoint(p, link.TracepointOptions{Category: "sched", Name: "sched_process_exec"})
		}},
		{"kprobe", "", []string{"CONFIG_KPROBE_EVENTS"}, prog.Spec{Type: prog.Kprobe}, func(p *prog.Program) (io.Closer, error) {
			return link.AttachKprobe(p, link.KprobeOptions{Symbol: "vfs_statx"})
		}},
		{"uprobe", "", []string{"CONFIG_UPROBE_EVENTS"}, prog.Spec{Type: prog.Kprobe}, func(p *prog.Program) (io.Closer, error) {
			return link.AttachUprobe(p, link.UprobeOptions{Path: "/proc/self/exe", Address: uint64(runtime.FuncForPC(reflect.ValueOf(ret).Pointer()).Entry())})
		}},
		{"perf event of a CPU", "", nil, prog.Spec{Type: prog.PerfEvent}, func(p *prog.Program) (io.Closer, error) {
			return link.AttachPerfEvent(p, link.PerfEventOptions{Config: link.Software(link.CPUClock), SamplePeriod: 1e9})
		}},
		{"iter, with a pass", "", withBTF, prog.Spec{Type: prog.Tracing, Attach: prog.AttachTraceIter, Target: prog.Target{Name: "task"}}, func(p *prog.Program) (io.Closer, error) {
			l, err := link.AttachIter(p, link.IterOptions{})
			if err != nil {
				return nil, err
			}
			r, err := l.Open()
			if err != nil {
				return nil, errors.Join(err, l.Close())
			}
			_, err = io.Copy(io.Discard, r)
			return l, errors.Join(err, r.Close())
		}},
	}
}

// ownCgroup is a cgroup that goes with the test, "" where there is no cgroup2.
func ownCgroup(t *testing.T) string {
	mounts, err := kernel.Mounts(kernel.FS("/"), "cgroup2")
	if err != nil || len(mounts) == 0 {
		t.Log("no cgroup2 is mounted")
		return ""
	}
	dir, err := os.MkdirTemp(mounts[0], "skep-caps-")
	if err != nil {
		testutil.Privilege(t, err.Error())
	}
	t.Cleanup(func() { _ = syscall.Rmdir(dir) })
	return dir
}

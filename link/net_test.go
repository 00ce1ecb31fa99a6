package link

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/prog"
)

// netnsEnv marks a test process that is in a network namespace of its own.
const netnsEnv = "SKEP_TEST_NETNS"

// inNetns runs f in a network namespace of its own, by running the test again
// in a process that unshare(1) starts there.
func inNetns(t *testing.T, f func()) {
	t.Helper()
	if os.Getenv(netnsEnv) != "" {
		f()
		return
	}
	testutil.NeedTool(t, "ip")
	unshare := testutil.NeedTool(t, "unshare")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(unshare, "--net", self, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), netnsEnv+"=1")
	// Without -v, a test that is skipped there would look like one that passed.
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in its own namespace: %v\n%s", err, out)
	}
}

// ip runs ip(8) in the namespace of the thread.
func ip(t *testing.T, args string) bool {
	t.Helper()
	cmd := exec.Command("ip", strings.Fields(args)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("ip %s: %v: %s", args, err, out)
		return false
	}
	return true
}

// sendLo sends a datagram over lo to nobody.
func sendLo(t *testing.T) {
	t.Helper()
	c, err := net.DialUDP("udp", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9})
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	c.Write([]byte("skep"))
}

const (
	xdpPass = 2
	tcxNext = -1
)

func TestXDP(t *testing.T) {
	testutil.NeedRoot(t)
	c, c2 := newCounter(t), newCounter(t)
	spec := prog.Spec{Type: prog.XDP, Attach: prog.AttachXDP}
	p, p2 := counting(t, c, spec, xdpPass), counting(t, c2, spec, xdpPass)
	inNetns(t, func() {
		if !ip(t, "link set lo up") {
			return
		}
		l, err := AttachXDP(p, XDPOptions{Interface: "lo", Mode: XDPGeneric})
		if err != nil {
			t.Error(err)
			return
		}
		in := checkInfo(t, l, TypeXDP, FormLink)
		if diff := cmp.Diff(XDPInfo{Index: 1, Mode: XDPGeneric}, in.Details); diff != "" {
			t.Error(diff)
		}
		counts(t, c, func() { sendLo(t) })
		if _, err := AttachXDP(p2, XDPOptions{Index: 1, Mode: XDPGeneric}); !errors.Is(err, sys.EBUSY) {
			t.Errorf("second link: %v", err)
		}
		if err := l.Update(p2); err != nil {
			t.Error(err)
		}
		counts(t, c2, func() { sendLo(t) })
		silent(t, c, func() { sendLo(t) })
		if err := l.Detach(); err != nil {
			t.Error(err)
		}
		silent(t, c2, func() { sendLo(t) })
		if d := l2info(t, l).Details.(XDPInfo); d.Index != 0 || d.Mode != XDPDefault {
			t.Errorf("detached: %+v", d)
		}
		if err := errors.Join(l.Close(), l.Close()); err != nil {
			t.Error(err)
		}
		if _, err := AttachXDP(p, XDPOptions{Interface: "lo", Mode: XDPNative}); err == nil {
			t.Error("lo has native XDP?")
		}
	})
}

func l2info(t *testing.T, l Link) Info {
	t.Helper()
	in, err := l.Info()
	if err != nil {
		t.Error(err)
	}
	return in
}

func TestXDPNative(t *testing.T) {
	testutil.NeedRoot(t)
	testutil.Require(t, "", "CONFIG_VETH")
	c := newCounter(t)
	p := counting(t, c, prog.Spec{Type: prog.XDP, Attach: prog.AttachXDP}, xdpPass)
	inNetns(t, func() {
		if !ip(t, "link add skep0 type veth peer name skep1") || !ip(t, "link set skep0 up") || !ip(t, "link set skep1 up") {
			return
		}
		l, err := AttachXDP(p, XDPOptions{Interface: "skep0"})
		if err != nil {
			t.Error(err)
			return
		}
		if d := l2info(t, l).Details.(XDPInfo); d.Mode != XDPNative {
			t.Errorf("veth runs it as %+v", d)
		}
		// Neighbour discovery and the like cross the pair by themselves.
		fires(t, c, l, func() { ip(t, "link set skep1 down"); ip(t, "link set skep1 up") })
	})
}

func TestTCX(t *testing.T) {
	testutil.NeedRoot(t)
	c, first := newCounter(t), newCounter(t)
	spec := prog.Spec{Type: prog.SchedCLS, Attach: prog.AttachTCXIngress}
	p, p2 := counting(t, c, spec, tcxNext), counting(t, first, spec, tcxNext)
	inNetns(t, func() {
		if !ip(t, "link set lo up") {
			return
		}
		l, err := AttachTCX(p, TCXOptions{Interface: "lo"})
		if testutil.Lacks(t, "6.6", err) {
			return
		}
		if err != nil {
			t.Error(err)
			return
		}
		in := checkInfo(t, l, TypeTCX, FormLink)
		if diff := cmp.Diff(TCXInfo{Index: 1, Attach: prog.AttachTCXIngress}, in.Details); diff != "" {
			t.Error(diff)
		}
		for _, o := range []Order{
			{}, {Place: First}, {Place: Before, Link: l}, {Place: After, LinkID: in.ID},
			{Place: Before, Program: p}, {Place: After, ProgramID: in.Program},
		} {
			l2, err := AttachTCX(p2, TCXOptions{Interface: "lo", Order: o})
			if err != nil {
				t.Errorf("%+v: %v", o, err)
				continue
			}
			checkOrder(t, o, l, l2)
			counts(t, first, func() { sendLo(t) })
			l2.Close()
		}
		if _, err := AttachTCX(p2, TCXOptions{Interface: "lo", Order: Order{Revision: 1}}); !errors.Is(err, sys.ESTALE) {
			t.Errorf("old revision: %v", err)
		}
		silent(t, first, func() { sendLo(t) })
		fires(t, c, l, func() { sendLo(t) })
	})
}

// checkOrder asks the kernel for the order of programs.
func checkOrder(t *testing.T, o Order, old, added Link) {
	t.Helper()
	ids := make([]uint32, 4)
	attr := sys.ProgQueryAttr{
		TargetFd: 1, AttachType: sys.BPF_TCX_INGRESS, ProgIds: sys.SlicePtr(ids), Count: uint32(len(ids)),
	}
	if err := sys.ProgQuery(&attr); err != nil {
		t.Error(err)
		return
	}
	want := []uint32{l2info(t, old).Program, l2info(t, added).Program}
	if o.Place == First || o.Place == Before {
		want[0], want[1] = want[1], want[0]
	}
	if diff := cmp.Diff(want, ids[:attr.Count]); diff != "" {
		t.Errorf("%+v: %s", o, diff)
	}
}

func TestTCXEgress(t *testing.T) {
	testutil.NeedRoot(t)
	c := newCounter(t)
	p := counting(t, c, prog.Spec{Type: prog.SchedCLS, Attach: prog.AttachTCXEgress}, tcxNext)
	inNetns(t, func() {
		if !ip(t, "link set lo up") {
			return
		}
		l, err := AttachTCX(p, TCXOptions{Index: 1, Egress: true})
		if testutil.Lacks(t, "6.6", err) {
			return
		}
		if err != nil {
			t.Error(err)
			return
		}
		fires(t, c, l, func() { sendLo(t) })
	})
}

func TestNetkit(t *testing.T) {
	testutil.NeedRoot(t)
	testutil.Require(t, "6.7", "CONFIG_NETKIT")
	c := newCounter(t)
	p := counting(t, c, prog.Spec{Type: prog.SchedCLS, Attach: prog.AttachNetkitPrimary}, tcxNext)
	inNetns(t, func() {
		if !ip(t, "link add skepnk type netkit") {
			return
		}
		l, err := AttachNetkit(p, NetkitOptions{Interface: "skepnk"})
		if err != nil {
			t.Error(err)
			return
		}
		checkInfo(t, l, TypeNetkit, FormLink)
		l.Close()
	})
}

func TestNetns(t *testing.T) {
	testutil.NeedRoot(t)
	c := newCounter(t)
	p := counting(t, c, prog.Spec{Type: prog.SKLookup, Attach: prog.AttachSKLookup}, 1)
	inNetns(t, func() {
		if !ip(t, "link set lo up") {
			return
		}
		l, err := AttachNetns(p, NetnsOptions{})
		if err != nil {
			t.Error(err)
			return
		}
		in := checkInfo(t, l, TypeNetns, FormLink)
		if d, ok := in.Details.(NetnsInfo); !ok || d.Inode == 0 || d.Attach != prog.AttachSKLookup {
			t.Errorf("details %+v", in.Details)
		}
		fires(t, c, l, func() { sendLo(t) })
	})
}

func TestNetfilter(t *testing.T) {
	testutil.NeedRoot(t)
	c := newCounter(t)
	spec := prog.Spec{Type: prog.Netfilter, Attach: prog.AttachNetfilter}
	if !testutil.KernelAtLeast(t, "6.4") {
		_, err := tryCounting(t, c, spec, 1)
		if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "does not have program type") {
			t.Errorf("on a kernel without: %v", err)
		}
		return
	}
	testutil.Require(t, "", "CONFIG_NETFILTER_BPF_LINK")
	p := counting(t, c, spec, 1)
	inNetns(t, func() {
		if !ip(t, "link set lo up") {
			return
		}
		l, err := AttachNetfilter(p, NetfilterOptions{Family: 2, Hook: 1, Priority: -128})
		if err != nil {
			t.Error(err)
			return
		}
		in := checkInfo(t, l, TypeNetfilter, FormLink)
		if diff := cmp.Diff(NetfilterInfo{Family: 2, Hook: 1, Priority: -128}, in.Details); diff != "" {
			t.Error(diff)
		}
		fires(t, c, l, func() { sendLo(t) })
	})
}

func TestFlowDissectorRaw(t *testing.T) {
	testutil.NeedRoot(t)
	c := newCounter(t)
	p := counting(t, c, prog.Spec{Type: prog.FlowDissector, Attach: prog.AttachFlowDissector}, 0)
	inNetns(t, func() {
		l, err := AttachRaw(p, RawOptions{})
		if err != nil {
			t.Error(err)
			return
		}
		checkInfo(t, l, TypeNone, FormProgAttach)
		if err := l.Pin("/x"); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("pin: %v", err)
		}
		if err := errors.Join(l.Detach(), l.Close(), l.Close()); err != nil {
			t.Error(err)
		}
		l, err = AttachNetns(p, NetnsOptions{})
		if err != nil {
			t.Errorf("the hook is not free: %v", err)
			return
		}
		l.Close()
	})
}

func TestInterfaceErrors(t *testing.T) {
	for _, tt := range []struct {
		name  string
		index int
	}{{"", 0}, {"lo", 1}, {"", -1}, {"a/b", 0}, {"..", 0}, {strings.Repeat("x", 16), 0}, {"a b", 0}} {
		if n, err := interfaceIndex(tt.name, tt.index); err == nil {
			t.Errorf("%+v is interface %d", tt, n)
		}
	}
	testutil.NeedLinux(t)
	if n, err := interfaceIndex("lo", 0); err != nil || n != 1 {
		t.Errorf("lo: %d, %v", n, err)
	}
	if _, err := interfaceIndex("skep-none", 0); !errors.Is(err, sys.ENODEV) {
		t.Errorf("no such interface: %v", err)
	}
}

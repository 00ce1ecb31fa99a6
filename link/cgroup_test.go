package link

import (
	"errors"
	"testing"
	"time"

	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/prog"
)

// openSocket makes bash open a UDP socket.
const openSocket = "exec 3<>/dev/udp/127.0.0.1/9"

func sockCreate() prog.Spec {
	return prog.Spec{Type: prog.CGroupSock, Attach: prog.AttachCGroupInetSockCreate}
}

func TestCgroup(t *testing.T) {
	testutil.NeedRoot(t)
	for _, tt := range []struct {
		name string
		mode CgroupMode
		old  bool
		typ  Type
		form Form
	}{
		{"link", CgroupLink, false, TypeCgroup, FormLink},
		{"link on a kernel without", CgroupLink, true, TypeNone, FormProgAttach},
		{"multi", CgroupMulti, false, TypeNone, FormProgAttach},
		{"override", CgroupOverride, false, TypeNone, FormProgAttach},
		{"exclusive", CgroupExclusive, false, TypeNone, FormProgAttach},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, in := ownCgroup(t)
			c, c2 := newCounter(t), newCounter(t)
			p, p2 := counting(t, c, sockCreate(), 1), counting(t, c2, sockCreate(), 1)
			if tt.old {
				withoutLinks(t)
			}
			l, err := AttachCgroup(p, CgroupOptions{Path: dir, Mode: tt.mode})
			if err != nil {
				t.Fatal(err)
			}
			info := checkInfo(t, l, tt.typ, tt.form)
			d, ok := info.Details.(CgroupInfo)
			if !ok || d.Cgroup == 0 || d.Attach != prog.AttachCGroupInetSockCreate {
				t.Errorf("details %+v", info.Details)
			}
			trigger := func() { in(openSocket) }
			counts(t, c, trigger)
			if err := l.Update(p2); err != nil {
				t.Fatal(err)
			}
			silent(t, c, trigger)
			fires(t, c2, l, trigger)
		})
	}
}

// No mode is weakened: what cannot be had in the mode asked for is an error.
func TestCgroupModesAreKept(t *testing.T) {
	dir, _ := ownCgroup(t)
	c := newCounter(t)
	p, p2 := counting(t, c, sockCreate(), 1), counting(t, c, sockCreate(), 1)
	l, err := AttachCgroup(p, CgroupOptions{Path: dir, Mode: CgroupExclusive})
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []CgroupMode{CgroupLink, CgroupMulti, CgroupOverride} {
		if l2, err := AttachCgroup(p2, CgroupOptions{Path: dir, Mode: mode}); err == nil {
			l2.Close()
			t.Errorf("mode %d beside an exclusive program", mode)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, err = AttachCgroup(p, CgroupOptions{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if l2, err := AttachCgroup(p2, CgroupOptions{Path: dir, Mode: CgroupExclusive}); err == nil {
		l2.Close()
		t.Error("exclusive beside a link")
	}
	if _, err := AttachCgroup(p2, CgroupOptions{Path: dir, Replace: p}); err == nil {
		t.Error("a link replaced a program")
	}
}

func TestCgroupReplace(t *testing.T) {
	dir, in := ownCgroup(t)
	c, c2 := newCounter(t), newCounter(t)
	p, p2 := counting(t, c, sockCreate(), 1), counting(t, c2, sockCreate(), 1)
	l, err := AttachCgroup(p, CgroupOptions{Path: dir, Mode: CgroupMulti})
	if err != nil {
		t.Fatal(err)
	}
	l2, err := AttachCgroup(p2, CgroupOptions{Path: dir, Mode: CgroupMulti, Replace: p})
	if err != nil {
		t.Fatal(err)
	}
	silent(t, c, func() { in(openSocket) })
	if err := l.Close(); err != nil {
		t.Errorf("close of what was replaced: %v", err)
	}
	fires(t, c2, l2, func() { in(openSocket) })
}

func TestCgroupOrder(t *testing.T) {
	dir, in := ownCgroup(t)
	c, c2 := newCounter(t), newCounter(t)
	p, p2 := counting(t, c, sockCreate(), 1), counting(t, c2, sockCreate(), 1)
	l, err := AttachCgroup(p, CgroupOptions{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	// Long-term kernels took this over (6.12.117 has it): a kernel that has one
	// place has all of it.
	ordered := testutil.KernelAtLeast(t, "6.17")
	if l2, err := AttachCgroup(p2, CgroupOptions{Path: dir, Order: Order{Place: First}}); err == nil {
		ordered = true
		l2.Close()
	}
	for _, o := range []CgroupOptions{
		{Order: Order{Place: First}}, {Order: Order{Place: Before, Link: l}}, {Order: Order{Place: After, LinkID: l2info(t, l).ID}},
		{Preorder: true},
	} {
		o.Path = dir
		l2, err := AttachCgroup(p2, o)
		if o.Preorder && errors.Is(err, sys.EINVAL) && !testutil.KernelAtLeast(t, "6.15") {
			continue
		}
		if !o.Preorder && !ordered {
			testutil.Lacks(t, "6.17", err)
			continue
		}
		if err != nil {
			t.Errorf("%+v: %v", o, err)
			continue
		}
		fires(t, c2, l2, func() { in(openSocket) })
	}
	_, err = AttachCgroup(p2, CgroupOptions{Path: dir, Order: Order{Revision: 1}})
	if !ordered {
		testutil.Lacks(t, "6.17", err)
	} else if !errors.Is(err, sys.ESTALE) {
		t.Errorf("old revision: %v", err)
	}
}

func TestCgroupErrors(t *testing.T) {
	testutil.NeedRoot(t)
	p := counting(t, newCounter(t), sockCreate(), 1)
	for _, o := range []CgroupOptions{
		{}, {Path: "/proc"}, {Path: "/no/such/dir"}, {Path: "/etc/passwd"}, {FD: 2}, {FD: 1 << 20}, {Path: "/a", FD: 5}, {Path: "/", Mode: 9},
		{Path: "/", Order: Order{Place: Before}},
	} {
		if l, err := AttachCgroup(p, o); err == nil {
			l.Close()
			t.Errorf("%+v: attached", o)
		}
	}
}

func TestCgroupPinUpdateDetach(t *testing.T) {
	dir, in := ownCgroup(t)
	pins := bpffs(t)
	c, c2 := newCounter(t), newCounter(t)
	p, p2 := counting(t, c, sockCreate(), 1), counting(t, c2, sockCreate(), 1)
	l, err := AttachCgroup(p, CgroupOptions{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	trigger := func() { in(openSocket) }
	if err := l.Pin(pins + "/link"); err != nil {
		t.Fatal(err)
	}
	if err := l.Pin(pins + "/again"); !errors.Is(err, sys.EEXIST) {
		t.Errorf("second pin: %v", err)
	}
	id := l2info(t, l).ID
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	counts(t, c, trigger) // the pin keeps it

	l, err = OpenPinned(pins + "/link")
	if err != nil {
		t.Fatal(err)
	}
	if got := checkInfo(t, l, TypeCgroup, FormLink).ID; got != id {
		t.Errorf("id %d, want %d", got, id)
	}
	if err := l.Update(p2); err != nil {
		t.Fatal(err)
	}
	counts(t, c2, trigger)
	byID, err := FromID(id)
	if err != nil {
		t.Fatal(err)
	}
	if err := byID.Detach(); err != nil {
		t.Fatal(err)
	}
	silent(t, c2, trigger)
	if got := l2info(t, l).Details.(CgroupInfo).Cgroup; got != 0 {
		t.Errorf("detached from cgroup %d", got)
	}
	if err := errors.Join(byID.Close(), l.Unpin(), l.Unpin(), l.Close(), l.Unpin()); err != nil {
		t.Error(err)
	}
	if _, err := OpenPinned(pins + "/link"); !errors.Is(err, sys.ENOENT) {
		t.Errorf("unpinned: %v", err)
	}
	for range 50 { // the pin's inode lets go of it a little later
		if byID, err = FromID(id); err != nil {
			break
		}
		byID.Close()
		time.Sleep(10 * time.Millisecond)
	}
	if !errors.Is(err, sys.ENOENT) {
		t.Errorf("gone: %v", err)
	}
}

func TestOpenPinnedOfOthers(t *testing.T) {
	pins := bpffs(t)
	p := counting(t, newCounter(t), sockCreate(), 1)
	if err := p.Pin(pins + "/prog"); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pins + "/prog", pins + "/none", "", "a\x00b", "/etc/passwd"} {
		if l, err := OpenPinned(path); err == nil {
			l.Close()
			t.Errorf("%q is a link", path)
		}
	}
}

func TestAll(t *testing.T) {
	testutil.NeedRoot(t)
	p := counting(t, newCounter(t), prog.Spec{Type: prog.RawTracepoint}, 0)
	l, err := AttachRawTracepoint(p, RawTracepointOptions{Name: "sys_enter"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	id, found := l2info(t, l).ID, false
	for other, err := range All() {
		if err != nil {
			t.Fatal(err)
		}
		found = found || l2info(t, other).ID == id
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	}
	if !found {
		t.Error("the link is not among all")
	}
	for other, err := range All() { // stops when asked to
		if err != nil {
			t.Fatal(err)
		}
		other.Close()
		break
	}
}

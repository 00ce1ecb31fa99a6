package skep_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep"
	pinfs "github.com/skepbpf/skep/internal/bpffs"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/link"
	"github.com/skepbpf/skep/maps"
	"github.com/skepbpf/skep/prog"
)

// site is where testdata/upgrade1 and 2 are loaded: a pin directory, the lo of a
// network namespace of the test's own, and a cgroup that the process is in.
type site struct{ dir, cgroup string }

const siteEnv = "SKEP_TEST_SITE"

// inGuest is n, or in a guest, where all is many times slower, so much more.
func inGuest(n, more int) int {
	if testutil.InGuest() {
		return n * more
	}
	return n
}

// inSite runs f in a network namespace and a cgroup of its own.
func inSite(t *testing.T, f func(s *site)) {
	t.Helper()
	needKernel(t)
	testutil.Require(t, "5.9", "CONFIG_CGROUP_BPF") // XDP links
	inNetns(t, func() {
		if s := os.Getenv(siteEnv); s != "" {
			dir, cgroup, _ := strings.Cut(s, ":")
			f(&site{dir, cgroup})
			return
		}
		lo(t)
		s := &site{filepath.Join(bpffs(t), "lb"), enterCgroup(t)}
		f(s)
	})
}

func lo(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		t.Fatalf("ip link: %v: %s", err, out)
	}
}

// enterCgroup moves the process into a cgroup until the test ends.
func enterCgroup(t *testing.T) string {
	t.Helper()
	mounts, err := kernel.Mounts(kernel.FS("/"), "cgroup2")
	if err != nil {
		t.Fatal(err)
	}
	if len(mounts) == 0 {
		dir := t.TempDir()
		if err := sys.Mount("cgroup2", dir, "cgroup2", ""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = sys.Unmount(dir) })
		mounts = []string{dir}
	}
	dir, err := os.MkdirTemp(mounts[0], "skep-test-")
	if err != nil {
		t.Fatal(err)
	}
	enter := func(dir string) {
		if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(os.Getpid())), 0); err != nil {
			t.Error(err)
		}
	}
	enter(dir)
	t.Cleanup(func() {
		enter(mounts[0])
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// options say where programs go whose sections do not.
func (s *site) options() *skep.UpgradeOptions {
	cgroup := func(p *prog.Program) (link.Link, error) {
		return link.AttachCgroup(p, link.CgroupOptions{Path: s.cgroup})
	}
	o := &skep.UpgradeOptions{}
	o.PinDir, o.Parallel = s.dir, 1
	o.Attach.Attach = map[string]func(*prog.Program) (link.Link, error){
		"on_egress": cgroup, "on_ingress": cgroup,
		"on_xdp": func(p *prog.Program) (link.Link, error) {
			return link.AttachXDP(p, link.XDPOptions{Interface: "lo", Mode: link.XDPGeneric})
		},
	}
	return o
}

// upgrade brings the site to a version, and leaves it to the pins.
func (s *site) upgrade(t *testing.T, version int, ctx context.Context) (*skep.Report, error) {
	t.Helper()
	spec := open(t, native(fmt.Sprintf("upgrade%d", version)))
	o := s.options()
	if version == 1 {
		delete(o.Attach.Attach, "on_ingress")
	}
	coll, links, err := skep.Upgrade(ctx, spec, o)
	if err != nil {
		if coll != nil || links != nil {
			t.Error("a collection beside an error")
		}
		return nil, err
	}
	r := coll.Report()
	return r, errors.Join(links.Close(), coll.Close())
}

func (s *site) must(t *testing.T, version int) *skep.Report {
	t.Helper()
	r, err := s.upgrade(t, version, context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// state is what is pinned: kind and id of each, and the program of each link.
func (s *site) state(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(s.dir, func(path string, e os.DirEntry, err error) error {
		name := strings.TrimPrefix(path, s.dir)
		if err != nil || e.IsDir() {
			return err
		}
		kind, err := pinfs.KindOf(path)
		switch {
		case err != nil:
		case kind == pinfs.Map:
			m, err := maps.OpenPinned(path, 0)
			if err != nil {
				return err
			}
			defer m.Close()
			info, err := m.Info()
			if err != nil {
				return err
			}
			all[name] = fmt.Sprintf("map %d", info.ID)
		case kind == pinfs.Link:
			l, err := link.OpenPinned(path)
			if err != nil {
				return err
			}
			defer l.Close()
			b, err := link.Look(l)
			if err != nil {
				return err
			}
			all[name] = fmt.Sprintf("link %d, program %d", b.ID, b.Program)
		default:
			all[name] = kind.String()
		}
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return all
}

// clear unpins everything. Links are detached first: the kernel lets go of one
// that was unpinned only a moment later.
func (s *site) clear(t *testing.T) {
	t.Helper()
	all, _ := filepath.Glob(s.dir + "/links/*")
	for _, path := range all {
		if l, err := link.OpenPinned(path); err == nil {
			_ = l.Detach() // some kinds cannot
			l.Close()
		}
	}
	if err := os.RemoveAll(s.dir); err != nil {
		t.Error(err)
	}
}

// pinned opens a pinned map for the length of the test.
func (s *site) pinned(t *testing.T, name string) *maps.Map {
	t.Helper()
	m, err := maps.OpenPinned(filepath.Join(s.dir, name), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

type (
	flow1 struct{ Packets, Last uint32 }
	flow2 struct {
		Bytes, Packets uint64
		Last, _        uint32
	}
)

// traffic sends datagrams over lo to itself, without an answer. more waits until
// some have gone out; stop ends it and gives their number.
func traffic(t *testing.T) (more func(), stop func() uint64) {
	t.Helper()
	to, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	from, err := net.Dial("udp", to.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	var sent atomic.Uint64
	var end atomic.Bool
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for !end.Load() {
			if _, err := from.Write([]byte("skep")); err == nil {
				sent.Add(1)
			}
			if sent.Load()%16 == 0 {
				time.Sleep(time.Millisecond) // leaves the processor to the upgrade
			}
		}
	}()
	more = func() {
		was := sent.Load()
		soon(t, "32 packets more", func() bool { return sent.Load() >= was+32 })
	}
	return more, func() uint64 {
		end.Store(true)
		<-ended
		from.Close()
		to.Close()
		return sent.Load()
	}
}

// soon waits for what a busy machine takes its time for.
func soon(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Errorf("no %s within 20 s", what)
			return
		}
	}
}

func decisions(r *skep.Report) []string {
	var all []string
	for _, d := range r.Pins {
		kind := "map"
		if d.Link {
			kind = "link"
		}
		all = append(all, kind+" "+d.Name+": "+d.Action.String())
	}
	return all
}

// TestUpgradeVersions brings version 1 to 2 under traffic: no packet is missed or seen
// twice by the map that stays.
func TestUpgradeVersions(t *testing.T) {
	inSite(t, func(s *site) {
		r := s.must(t, 1)
		if diff := cmp.Diff([]string{"map calls: create", "map counts: create", "map events: create", "map flows: create",
			"link on_egress: create", "link on_enter: create", "link on_xdp: create"}, decisions(r)); diff != "" {
			t.Errorf("the first time (-want +got):\n%s", diff)
		}
		for hook := range uint32(2) {
			if err := s.pinned(t, "flows").Put(hook, flow1{1 << 31, 7}); err != nil {
				t.Fatal(err)
			}
		}
		before := s.state(t)

		more, stop := traffic(t)
		more()
		r = s.must(t, 2)
		more()
		sent := stop()

		want := []string{"map calls: recreate", "map counts: reuse", "map events: recreate", "map flows: migrate",
			"link on_egress: update", "link on_enter: recreate", "link on_ingress: create", "link on_xdp: update"}
		if diff := cmp.Diff(want, decisions(r)); diff != "" {
			t.Errorf("decisions (-want +got):\n%s", diff)
		}
		if r.Maps["flows"].Migrated != 2 {
			t.Errorf("report of flows: %+v", r.Maps["flows"])
		}
		after := s.state(t)
		if len(after) != 8 {
			t.Errorf("pins: %v", after)
		}
		for _, same := range []string{"/counts", "/links/on_xdp", "/links/on_egress"} {
			a, _, _ := strings.Cut(before[same], ",")
			b, _, _ := strings.Cut(after[same], ",")
			if a != b || a == "" {
				t.Errorf("%s: %s, then %s", same, before[same], after[same])
			}
		}
		for path, was := range before {
			if path != "/counts" && after[path] == was {
				t.Errorf("%s is still %s", path, was)
			}
		}
		counts, flows := s.pinned(t, "counts"), s.pinned(t, "flows")
		for hook := range uint32(2) {
			var n uint64
			soon(t, "count of all packets", func() bool { // some may wait in the backlog of lo
				return counts.Get(hook, &n) != nil || n >= sent
			})
			if err := counts.Get(hook, &n); err != nil || n != sent {
				t.Errorf("hook %d counted %d of %d packets, %v", hook, n, sent, err)
			}
			var f flow2
			if err := flows.Get(hook, &f); err != nil || f.Packets <= 1<<31 || f.Packets > 1<<31+sent || f.Last != 2 {
				t.Errorf("flow %d: %+v, %v", hook, f, err)
			}
		}
		t.Logf("%d packets", sent)

		// The same version again: nothing is made anew that need not be.
		r = s.must(t, 2)
		want = []string{"map calls: recreate", "map counts: reuse", "map events: reuse", "map flows: reuse",
			"link on_egress: update", "link on_enter: recreate", "link on_ingress: update", "link on_xdp: update"}
		if diff := cmp.Diff(want, decisions(r)); diff != "" {
			t.Errorf("again (-want +got):\n%s", diff)
		}
		s.clear(t)
	})
}

// TestUpgradeFaults fails each system call of an upgrade: then pins and links
// are as before, by id, and nothing else is left.
func TestUpgradeFaults(t *testing.T) {
	inSite(t, func(s *site) {
		testutil.NeedTime(t)
		var before map[string]string
		var flows *maps.Map
		setup := func(t *testing.T) {
			s.must(t, 1)
			before = s.state(t)
			var err error
			if flows, err = maps.OpenPinned(filepath.Join(s.dir, "flows"), 0); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(flows.Put(uint32(9), flow1{3, 1}), flows.Close()); err != nil {
				t.Fatal(err)
			}
		}
		seen := map[string]int{}
		o := systest.Faults{Setup: setup, Errnos: []sys.Errno{sys.EPERM}, Watch: systest.Watch{Pins: []string{filepath.Dir(s.dir)}}}
		if inGuest(1, 2) > 1 { // what no plain load does
			o.Calls = []systest.Fault{{Call: "*"}, {Cmd: sys.BPF_OBJ_PIN}, {Cmd: sys.BPF_LINK_CREATE}, {Cmd: sys.BPF_LINK_UPDATE}}
		}
		runs := systest.EachFault(t, o, func(t *testing.T, in *systest.Injector) {
			defer s.clear(t)
			_, err := s.upgrade(t, 2, context.Background())
			in.Disarm()
			in.Judge(t, err)
			after := s.state(t)
			switch {
			case err == nil:
				seen["upgraded"]++
				if len(after) != 8 || after["/links/on_xdp"] == before["/links/on_xdp"] {
					t.Errorf("upgraded to %v", after)
				}
				return
			case in.Fault().Rest && strings.Contains(err.Error(), "roll back: "):
				seen["cannot be rolled back"]++ // the kernel refuses to
			default:
				seen["as before"]++
				if diff := cmp.Diff(before, after); diff != "" {
					t.Errorf("%v (it was %s): after %v (-before +after):\n%s", in.Fault(), in.Victim(), err, diff)
				}
			}
			var step *skep.StepError
			if !errors.As(err, &step) {
				t.Errorf("no StepError: %v", err)
			}
			// The next one finds nothing in its way.
			s.must(t, 2)
			m, err := maps.OpenPinned(filepath.Join(s.dir, "flows"), 0)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			var f flow2
			if err := m.Get(uint32(9), &f); err != nil || f.Packets != 3 {
				t.Errorf("the flow after the next upgrade: %+v, %v", f, err)
			}
		})
		t.Logf("%d cases: %v", runs, seen)
	})
}

// TestUpgradeCancelled cancels an upgrade at each of its calls.
func TestUpgradeCancelled(t *testing.T) {
	inSite(t, func(s *site) {
		s.must(t, 1)
		before := s.state(t)
		for n, more := 1, true; more; n += inGuest(3, 5) {
			if !t.Run(strconv.Itoa(n), func(t *testing.T) {
				ctx := systest.CancelAt(t, n)
				_, err := s.upgrade(t, 2, ctx)
				more = ctx.Err() != nil
				if err == nil {
					more = false
					return
				}
				if !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
				if diff := cmp.Diff(before, s.state(t)); diff != "" {
					t.Errorf("-before +after:\n%s", diff)
				}
			}) {
				break
			}
		}
		s.clear(t)
	})
}

// TestUpgradeKilled kills a process at calls of its upgrade. The next one
// succeeds, and cleans up.
func TestUpgradeKilled(t *testing.T) {
	const killEnv = "SKEP_TEST_KILL"
	inSite(t, func(s *site) {
		if n, err := strconv.Atoi(os.Getenv(killEnv)); err == nil {
			systest.KillAt(t, n)
			s.must(t, 2)
			s.clear(t) // not killed: so many calls there are not
			return
		}
		testutil.NeedTime(t)
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		stages := map[string]int{}
		for n, killed := 1, true; killed; n += inGuest(2, 5) {
			if !t.Run(strconv.Itoa(n), func(t *testing.T) {
				defer s.clear(t)
				s.must(t, 1)
				if err := s.pinned(t, "flows").Put(uint32(9), flow1{3, 1}); err != nil {
					t.Fatal(err)
				}
				cmd := exec.Command(self, "-test.run=^TestUpgradeKilled$")
				cmd.Env = append(os.Environ(), siteEnv+"="+s.dir+":"+s.cgroup, killEnv+"="+strconv.Itoa(n))
				out, err := cmd.CombinedOutput()
				var exit *exec.ExitError
				killed = errors.As(err, &exit) && !exit.Exited()
				if err != nil && !killed {
					t.Fatalf("%v\n%s", err, out)
				}
				if !killed {
					return
				}
				left := s.state(t)
				for path := range left {
					if _, suffix, ok := strings.Cut(path, "~"); ok {
						stages[suffix]++
					}
				}
				s.must(t, 2)
				after := s.state(t)
				if len(after) != 8 {
					t.Errorf("killed with %v, then %v", left, after)
				}
				var f flow2
				if err := s.pinned(t, "flows").Get(uint32(9), &f); err != nil || f.Packets != 3 || f.Last != 1 {
					t.Errorf("the flow: %+v, %v", f, err)
				}
			}) {
				return
			}
		}
		if stages["new"] == 0 || stages["old"] == 0 && inGuest(1, 2) == 1 {
			t.Errorf("no process was killed amid its pins: %v", stages)
		}
		t.Logf("left for the next one: %v", stages)
	})
}

// TestUpgradeTogether: upgrades of one directory wait for each other.
func TestUpgradeTogether(t *testing.T) {
	inSite(t, func(s *site) {
		s.must(t, 1)
		together(t, 8, func(int) error {
			_, err := s.upgrade(t, 2, context.Background())
			return err
		})
		if after := s.state(t); len(after) != 8 {
			t.Errorf("pins: %v", after)
		}
		s.clear(t)
	})
}

package skep_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/link"
	"github.com/skepbpf/skep/maps"
	"github.com/skepbpf/skep/prog"
)

// TestUpgradeBadDays: what is refused, is refused for a reason that helps, and
// leaves what is pinned as it is.
func TestUpgradeBadDays(t *testing.T) {
	inSite(t, func(s *site) {
		s.must(t, 2)
		t.Cleanup(func() { s.clear(t) })
		readonly := t.TempDir()
		if err := errors.Join(sys.Mount("bpf", readonly, "bpf", ""), sys.Remount(readonly, true)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = sys.Unmount(readonly) })
		elsewhere := t.TempDir()
		var pinError *maps.PinError
		var loss *skep.LossError
		var notFound *skep.NotFoundError
		for _, tt := range []struct {
			name    string
			version int
			change  func(spec *skep.Spec, o *skep.UpgradeOptions)
			as      any    // the error's type
			want    string // in its text
		}{
			{"no BPF file system", 2, func(_ *skep.Spec, o *skep.UpgradeOptions) { o.PinDir = elsewhere }, &pinError,
				elsewhere + " is in no BPF file system: mount one"},
			{"a folder in no BPF file system", 2, func(_ *skep.Spec, o *skep.UpgradeOptions) { o.PinDir = elsewhere + "/lb" }, &pinError,
				elsewhere + " is in no BPF file system: mount one"},
			{"read-only", 2, func(_ *skep.Spec, o *skep.UpgradeOptions) { o.PinDir = readonly }, nil, "read-only file system"},
			{"read-only, to be made", 2, func(_ *skep.Spec, o *skep.UpgradeOptions) { o.PinDir = readonly + "/lb" }, nil, "read-only file system"},
			{"a name with a dot", 2, func(_ *skep.Spec, o *skep.UpgradeOptions) { o.PinDir = s.dir + "/v1.2" }, &pinError, "names with a dot are not for pins"},
			{"a pin for a directory", 2, func(_ *skep.Spec, o *skep.UpgradeOptions) { o.PinDir = s.dir + "/counts" }, nil, "not a directory"},
			{"contents would be lost", 1, nil, &loss, "map flows: recreate " + s.dir + "/flows: value size is 24, not 8, max entries is 128, not 64: all elements may not fit"},
			{"other keys", 2, func(spec *skep.Spec, _ *skep.UpgradeOptions) { spec.Maps["counts"].Type = maps.Hash }, &loss,
				"map counts: recreate " + s.dir + "/counts: type is Array, not Hash: its elements are no others' of another type"},
			{"a link that keeps its program", 2, func(_ *skep.Spec, o *skep.UpgradeOptions) { o.Attach.Atomic = true }, nil,
				"link on_enter: recreate " + s.dir + "/links/on_enter: a raw_tracepoint link keeps its program: both run for a moment, which is not atomic"},
			{"an interface takes one program", 2, func(_ *skep.Spec, o *skep.UpgradeOptions) { o.Recreate = []string{"on_xdp"} }, nil, "device or resource busy"},
			{"attached anew, nobody knows where", 2, func(_ *skep.Spec, o *skep.UpgradeOptions) {
				o.Recreate = []string{"on_egress"}
				delete(o.Attach.Attach, "on_egress")
			}, nil, "links/on_egress keeps its program, and the section does not say where to attach another"},
			{"an unknown map", 2, func(_ *skep.Spec, o *skep.UpgradeOptions) { o.Recreate = []string{"flow"} }, &notFound, "no map or program flow"},
			{"an unknown program", 2, func(_ *skep.Spec, o *skep.UpgradeOptions) { o.Attach.Attach["on_xpd"] = nil }, &notFound, "no program on_xpd"},
			{"a directory of everyone", 2, func(_ *skep.Spec, o *skep.UpgradeOptions) { o.PinDir, o.Remove = "", true }, nil, "/sys/fs/bpf is not the object's own"},
			{"a pin elsewhere", 2, func(spec *skep.Spec, _ *skep.UpgradeOptions) {
				spec.Maps["events"].PinPath = filepath.Dir(s.dir) + "/events"
			}, nil,
				"only one directory is upgraded"},
			{"a link in the place of a map", 2, func(spec *skep.Spec, o *skep.UpgradeOptions) {
				spec.Maps["events"].PinPath = s.dir + "/links/on_xdp"
			}, nil, "map events: pinned at " + s.dir + "/links/on_xdp: a link is pinned there"},
			{"no such program in the kernel", 2, func(spec *skep.Spec, _ *skep.UpgradeOptions) { spec.Programs["on_egress"].Insns = nil }, nil, "program on_egress"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				before := s.state(t)
				spec := open(t, native("upgrade"+string(rune('0'+tt.version))))
				o := s.options()
				if tt.version == 1 {
					delete(o.Attach.Attach, "on_ingress")
				}
				if tt.change != nil {
					tt.change(spec, o)
				}
				coll, links, err := skep.Upgrade(context.Background(), spec, o)
				if err == nil {
					links.Close()
					coll.Close()
				}
				var step *skep.StepError
				if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.As(err, &step) {
					t.Errorf("%v, want %q", err, tt.want)
				}
				if tt.as != nil && !errors.As(err, tt.as) {
					t.Errorf("%T: %v", err, err)
				}
				if diff := cmp.Diff(before, s.state(t)); diff != "" {
					t.Errorf("pins (-before +after):\n%s", diff)
				}
				if left, _ := os.ReadDir(elsewhere); len(left) > 0 {
					t.Errorf("left: %v", left)
				}
			})
		}
	})
}

// TestUpgradeAskedFor: maps and links made anew, and others removed, because the
// caller says so.
func TestUpgradeAskedFor(t *testing.T) {
	inSite(t, func(s *site) {
		s.must(t, 2)
		before := s.state(t)
		spec, o := open(t, native("upgrade1")), s.options()
		delete(o.Attach.Attach, "on_ingress")
		o.Recreate, o.Remove = []string{"flows", "counts", "on_egress"}, true
		coll, links, err := skep.Upgrade(context.Background(), spec, o)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"map calls: recreate", "map counts: recreate", "map events: recreate", "map flows: recreate",
			"link on_egress: recreate", "link on_enter: recreate", "link on_ingress: remove", "link on_xdp: update"}
		if diff := cmp.Diff(want, decisions(coll.Report())); diff != "" {
			t.Errorf("decisions (-want +got):\n%s", diff)
		}
		// What the caller has knows where it is pinned.
		if m := coll.Maps["flows"]; m.PinPath() != s.dir+"/flows" {
			t.Errorf("flows are at %q", m.PinPath())
		}
		if err := links.ByProgram["on_enter"].Unpin(); err != nil {
			t.Error(err)
		}
		if err := errors.Join(links.Close(), coll.Close()); err != nil {
			t.Error(err)
		}
		after := s.state(t)
		for path, was := range before {
			gone := path == "/links/on_ingress" || path == "/links/on_enter"
			if now, ok := after[path]; ok == gone || now == was {
				t.Errorf("%s was %s and is %s", path, was, now)
			}
		}
		s.clear(t)
	})
}

// TestAttachPinned: links that outlive the process, and take new programs.
func TestAttachPinned(t *testing.T) {
	inSite(t, func(s *site) {
		attach := func(version string, o *skep.AttachOptions) (*skep.Links, error) {
			spec := open(t, native("upgrade"+version))
			for _, m := range spec.Maps {
				m.Pinning = maps.NotPinned
			}
			coll, err := skep.Load(spec, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer coll.Close()
			return coll.AttachPinned(s.dir, o)
		}
		o := s.options().Attach
		delete(o.Attach, "on_ingress")
		links, err := attach("1", &o)
		if err != nil {
			t.Fatal(err)
		}
		if err := links.Close(); err != nil {
			t.Error(err)
		}
		before := s.state(t)
		if len(before) != 3 {
			t.Errorf("pins: %v", before)
		}
		// The last one fails: all others go back.
		o.Attach["on_ingress"] = func(*prog.Program) (link.Link, error) { return nil, os.ErrDeadlineExceeded }
		if _, err := attach("2", &o); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		if diff := cmp.Diff(before, s.state(t)); diff != "" {
			t.Errorf("after an error (-before +after):\n%s", diff)
		}
		delete(o.Attach, "on_ingress")
		if links, err = attach("2", &o); err != nil {
			t.Fatal(err)
		}
		if _, skipped := links.Skipped["on_ingress"]; !skipped || len(links.ByProgram) != 3 {
			t.Errorf("links %v, skipped %v", links.ByProgram, links.Skipped)
		}
		after := s.state(t)
		id := func(text string) string { id, _, _ := strings.Cut(text, ","); return id }
		for path, was := range before {
			if same := id(after[path]) == id(was); same != (path != "/links/on_enter") || after[path] == was {
				t.Errorf("%s was %s and is %s", path, was, after[path])
			}
		}
		if err := links.Close(); err != nil {
			t.Error(err)
		}
		s.clear(t)
	})
}

// TestAttachPinnedOps: the link of a struct_ops map takes another map.
func TestAttachPinnedOps(t *testing.T) {
	needStructOps(t)
	testutil.Require(t, "6.4")
	dir := filepath.Join(bpffs(t), "ops")
	var ids []string
	for range 2 {
		spec := open(t, native("structops_link"))
		spec.Maps["second"].Off = true
		coll := load(t, spec, nil)
		links, err := coll.AttachPinned(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := link.Look(links.ByMap["first"])
		if err != nil {
			t.Fatal(err)
		}
		info, err := coll.Maps["first"].Info()
		if err != nil || b.Map != info.ID {
			t.Errorf("map %d is registered, not %d, %v", b.Map, info.ID, err)
		}
		ids = append(ids, b.Type.String(), string(rune(b.ID)))
		if err := errors.Join(links.Close(), coll.Close()); err != nil {
			t.Error(err)
		}
	}
	if !slices.Equal(ids[:2], ids[2:]) {
		t.Error("the second time, it is another link")
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Error(err)
	}
}

// TestPlanPins: what a plan says of pins follows from the facts alone.
func TestPlanPins(t *testing.T) {
	systest.Forbid(t)
	old, spec := open(t, native("upgrade1")), open(t, native("upgrade2"))
	f := &skep.Facts{Release: "6.99.0-made-up", PageSize: 4096, CPUs: 4, Features: new(skep.Features)}
	f.Pins = &skep.Pins{Dir: "/pins", Maps: map[string]skep.Fact[*maps.Shape]{}, Links: map[string]skep.Fact[*skep.PinnedLink]{}}
	for name, m := range old.Maps {
		f.Pins.Maps["/pins/"+name] = skep.Fact[*maps.Shape]{State: skep.Known, Value: m.Shape()}
	}
	f.Pins.Maps["/pins/gone"] = f.Pins.Maps["/pins/counts"]
	known := func(l skep.PinnedLink) skep.Fact[*skep.PinnedLink] {
		return skep.Fact[*skep.PinnedLink]{State: skep.Known, Value: &l}
	}
	f.Pins.Links["/pins/links/on_egress"] = known(skep.PinnedLink{Type: "cgroup", Updatable: true})
	f.Pins.Links["/pins/links/on_xdp"] = known(skep.PinnedLink{Type: "xdp", Updatable: true, Gone: true})
	f.Pins.Links["/pins/links/gone"] = known(skep.PinnedLink{Type: "xdp"})
	plan, err := spec.Plan(f)
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut("\n"+plan.String(), "\npin of ")
	want := `map calls: recreate /pins/calls: what is in it comes from the object, and is not changed while old programs use it
pin of map counts: reuse /pins/counts
pin of map events: recreate /pins/events: max entries is 65536, not 131072
pin of map flows: migrate /pins/flows: value size is 8, not 24, max entries is 64, not 128
pin of map gone: remove /pins/gone: the object has no such map
pin of link gone: remove /pins/links/gone: the object has no such program, or it is off
pin of link on_egress: update /pins/links/on_egress: a cgroup link takes another program in one step
pin of link on_enter: create /pins/links/on_enter
pin of link on_xdp: recreate /pins/links/on_xdp: what it was attached to is gone
`
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	f.Pins.Maps["/pins/flows"] = skep.Fact[*maps.Shape]{State: skep.Hidden, Err: os.ErrPermission}
	if plan, err = spec.Plan(f); err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Pins(); !errors.Is(err, os.ErrPermission) {
		t.Errorf("a pin that cannot be read: %v", err)
	}
}

// TestPinProcesses: processes that load one object at a time, in a directory
// that is not there yet, end up with one map.
func TestPinProcesses(t *testing.T) {
	const env = "SKEP_TEST_PINS"
	if dir := os.Getenv(env); dir != "" {
		// Leaves its pin: no check for leaks.
		c, err := skep.Load(open(t, native("pinned")), &skep.Options{PinDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		info, err := c.Maps["shared_counts"].Info()
		if err := errors.Join(err, c.Close()); err != nil {
			t.Fatal(err)
		}
		t.Logf("map %d.", info.ID)
		return
	}
	needKernel(t)
	dir := filepath.Join(bpffs(t), "a", "b")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, 8)
	together(t, len(ids), func(i int) error {
		cmd := exec.Command(self, "-test.run=^TestPinProcesses$", "-test.v")
		cmd.Env = append(os.Environ(), env+"="+dir)
		out, err := cmd.CombinedOutput()
		_, id, _ := strings.Cut(string(out), "map ")
		if ids[i], _, _ = strings.Cut(id, "."); err != nil || ids[i] == "" {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("they use maps %v", ids)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Error(err)
	}
}

// TestPinDirUndone: a directory that a failed load, or upgrade, has made goes
// with it.
func TestPinDirUndone(t *testing.T) {
	needKernel(t)
	root := bpffs(t)
	spec := open(t, native("pinned"))
	spec.Programs["count"].Insns = nil
	o := &skep.UpgradeOptions{}
	o.PinDir = filepath.Join(root, "a", "b")
	if _, err := skep.Load(spec, &o.Options); err == nil {
		t.Error("loaded a program without instructions")
	}
	if _, _, err := skep.Upgrade(context.Background(), spec, o); err == nil {
		t.Error("upgraded to a program without instructions")
	}
	if _, err := os.Stat(filepath.Join(root, "a")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory stays: %v", err)
	}
}

// TestUpgradeOfNothingTogether: upgrades that fail take the directory away that
// others wait for.
func TestUpgradeOfNothingTogether(t *testing.T) {
	needKernel(t)
	root := bpffs(t)
	together(t, 8, func(i int) error {
		spec, err := skep.Open(native("pinned"))
		if err != nil {
			return err
		}
		if i%2 == 0 {
			spec.Programs["count"].Insns = nil
		}
		o := &skep.UpgradeOptions{}
		o.PinDir = filepath.Join(root, "lb")
		coll, links, err := skep.Upgrade(context.Background(), spec, o)
		if i%2 == 0 {
			if err == nil {
				err = errors.New("upgraded to a program without instructions")
			} else if !errors.Is(err, os.ErrNotExist) {
				err = nil
			}
			return err
		}
		if err != nil {
			return err
		}
		return errors.Join(links.Close(), coll.Close())
	})
	if err := os.RemoveAll(filepath.Join(root, "lb")); err != nil {
		t.Error(err)
	}
}

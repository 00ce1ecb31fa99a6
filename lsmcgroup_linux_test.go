package skep_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/internal/testutil/fentry"
	"github.com/skepbpf/skep/link"
	"github.com/skepbpf/skep/prog"
)

// newCgroup makes a cgroup, and a function that connects a socket in it.
func newCgroup(t *testing.T) (dir string, connect func() error) {
	t.Helper()
	testutil.Require(t, "", "CONFIG_CGROUP_BPF")
	bash := testutil.NeedTool(t, "bash")
	mounts, err := kernel.Mounts(kernel.FS("/"), "cgroup2")
	if err != nil {
		t.Fatal(err)
	}
	if len(mounts) == 0 {
		root := t.TempDir()
		if err := sys.Mount("cgroup2", root, "cgroup2", ""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { sys.Unmount(root) })
		mounts = []string{root}
	}
	if dir, err = os.MkdirTemp(mounts[0], "skep-test-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for range 50 { // the last process of it may still be ending
			if err = os.Remove(dir); err == nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Error(err)
	})
	return dir, func() error {
		join := "echo $$ > " + filepath.Join(dir, "cgroup.procs") + " || exit 9; "
		out, err := exec.Command(bash, "-c", join+"exec 3<>/dev/udp/127.0.0.1/9").CombinedOutput()
		var exit *exec.ExitError
		if errors.As(err, &exit) && strings.Contains(string(out), "Operation not permitted") {
			return os.ErrPermission
		}
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return nil
	}
}

func TestLSMCgroup(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "", "CONFIG_BPF_LSM", "CONFIG_CGROUP_BPF")
	testutil.RequireTrampolines(t, fentry.Try)
	spec := open(t, native("lsmcgroup"))
	if !testutil.KernelAtLeast(t, "6.0") {
		c, err := skep.Load(spec, nil)
		if err == nil {
			c.Close()
		}
		testutil.Lacks(t, "6.0", err)
		return
	}
	dir, connect := newCgroup(t)
	c := load(t, spec, nil)
	p, second := program(t, c, "on_connect"), program(t, c, "on_connect_too")
	if links, err := c.Attach(nil); err != nil || !errors.Is(links.Skipped["on_connect"], link.ErrNoTarget) {
		t.Errorf("attach by section: %v, %v", links, err)
	}
	count := func() uint64 { return readVar[uint64](t, spec, c, "connects") }
	for name, mode := range map[string]link.CgroupMode{"link": link.CgroupLink, "multi": link.CgroupMulti} {
		t.Run(name, func(t *testing.T) {
			if err := c.Set("refuse", uint32(0)); err != nil {
				t.Fatal(err)
			}
			l, err := link.AttachCgroup(p, link.CgroupOptions{Path: dir, Mode: mode})
			if err != nil {
				t.Fatal(err)
			}
			if info, err := l.Info(); err != nil || info.Details.(link.CgroupInfo).Attach != prog.AttachLSMCGroup {
				t.Errorf("%+v, %v", info, err)
			}
			before := count()
			if err := connect(); err != nil || count() != before+1 {
				t.Errorf("allowed: %v, counted %d", err, count()-before)
			}
			if err := c.Set("refuse", uint32(1)); err != nil {
				t.Fatal(err)
			}
			if err := connect(); !errors.Is(err, os.ErrPermission) {
				t.Errorf("refused: %v", err)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			before = count()
			if err := connect(); err != nil || count() != before {
				t.Errorf("closed: %v, counted %d", err, count()-before)
			}
		})
	}
	if _, err := link.AttachTracing(p, link.TracingOptions{}); err == nil {
		t.Error("attached without a cgroup")
	}
	lsmCgroupOrder(t, c, spec, dir, connect, p, second)
}

// lsmCgroupOrder attaches the second program behind the first, then before it.
func lsmCgroupOrder(t *testing.T, c *skep.Collection, spec *skep.Spec, dir string, connect func() error, first, second *prog.Program) {
	l, err := link.AttachCgroup(first, link.CgroupOptions{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, tt := range []struct {
		order link.Order
		want  uint64
	}{{link.Order{}, 12}, {link.Order{Place: link.First}, 21}, {link.Order{Place: link.After, Link: l}, 12}} {
		if err := errors.Join(c.Set("refuse", uint32(0)), c.Set("order", uint64(0))); err != nil {
			t.Fatal(err)
		}
		l2, err := link.AttachCgroup(second, link.CgroupOptions{Path: dir, Order: tt.order})
		if tt.order != (link.Order{}) && err != nil && testutil.Lacks(t, "6.17", err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := connect(); err != nil {
			t.Error(err)
		}
		if got := readVar[uint64](t, spec, c, "order"); got != tt.want {
			t.Errorf("%+v: ran as %d, want %d", tt.order.Place, got, tt.want)
		}
		if err := l2.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestLSMCgroupTarget: the hook is the function bpf_lsm_HOOK.
func TestLSMCgroupTarget(t *testing.T) {
	testutil.NeedLinux(t)
	needBTF(t)
	testutil.Require(t, "", "CONFIG_BPF_LSM")
	spec := open(t, native("lsmcgroup"))
	facts, err := skep.ReadFacts(spec.Needs(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer facts.Close()
	plan, err := spec.Plan(facts)
	if err != nil {
		t.Fatal(err)
	}
	_, typ, err := facts.BTF.FindType("bpf_lsm_socket_connect", btf.KindFunc)
	if err != nil {
		t.Fatal(err)
	}
	if want := "target socket_connect: type " + strconv.Itoa(int(typ.ID())) + " in vmlinux"; !strings.Contains(plan.String(), want) {
		t.Errorf("no %q in\n%s", want, plan)
	}
	if err := spec.Only("no_hook"); err != nil {
		t.Fatal(err)
	}
	if _, err := spec.Plan(facts); !errors.Is(err, btf.ErrNotFound) || !strings.Contains(err.Error(), "func bpf_lsm_skep_absent: not found") {
		t.Errorf("no such hook: %v", err)
	}
}

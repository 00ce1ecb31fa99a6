package skep_test

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/internal/testutil/fentry"
)

// newDummy makes a device of the module dummy, which runs its functions.
func newDummy(t *testing.T) {
	t.Helper()
	name := "skep" + strconv.Itoa(os.Getpid()%1e6)
	for _, args := range [][]string{{"link", "add", name, "type", "dummy"}, {"link", "del", name}} {
		if out, err := exec.Command(testutil.NeedTool(t, "ip"), args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %q: %v: %s", args, err, out)
		}
	}
}

// TestModuleHooks traces functions of a module.
func TestModuleHooks(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "5.11", "CONFIG_DUMMY", "CONFIG_DEBUG_INFO_BTF_MODULES")
	testutil.RequireTrampolines(t, fentry.Try)
	spec := open(t, native("modhooks"))
	counters := map[string]string{"entry": "entered", "leave": "left", "in_some_module": "found"}
	if testutil.KernelAtLeast(t, "5.18") && testutil.HasConfig(t, "CONFIG_FPROBE") {
		counters["multi_probe"] = "multi"
	} else {
		spec.Programs["multi_probe"].Policy = skep.Off
	}
	c := load(t, spec, nil)
	links, err := c.Attach(nil)
	if err != nil {
		t.Fatal(err)
	}
	for p, counter := range counters {
		if links.ByProgram[p] == nil {
			t.Errorf("%s is not attached: %v", p, links.Skipped[p])
		}
		if n := readVar[uint64](t, spec, c, counter); n != 0 {
			t.Errorf("%s: counted %d before", p, n)
		}
	}
	newDummy(t)
	for p, counter := range counters {
		if n := readVar[uint64](t, spec, c, counter); n != 1 {
			t.Errorf("%s: counted %d", p, n)
		}
	}
	if err := links.Close(); err != nil {
		t.Error(err)
	}
	newDummy(t)
	for p, counter := range counters {
		if n := readVar[uint64](t, spec, c, counter); n != 1 {
			t.Errorf("%s: counted %d after close", p, n)
		}
	}
}

// TestModuleHookErrors: a module that is not there, and a function that it does
// not have, are two errors.
func TestModuleHookErrors(t *testing.T) {
	testutil.NeedLinux(t)
	needBTF(t)
	loaded := testutil.HasConfig(t, "CONFIG_DUMMY") && testutil.HasConfig(t, "CONFIG_DEBUG_INFO_BTF_MODULES")
	for _, tt := range []struct {
		program  string
		noModule bool
		want     string
	}{
		{"no_module", true, "target skep_absent:dummy_setup: module skep_absent is not loaded, or has no BTF"},
		{"no_function", !loaded, "func skep_absent: not found in kernel BTF of module dummy"},
		{"elsewhere", !loaded, "; vmlinux has vfs_read"},
	} {
		spec := open(t, native("modhooks"))
		if err := spec.Only(tt.program); err != nil {
			t.Fatal(err)
		}
		facts, err := skep.ReadFacts(spec.Needs(), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = spec.Plan(facts)
		if tt.noModule && !strings.HasPrefix(tt.want, "target") && !strings.HasPrefix(tt.want, ";") {
			tt.want = "module dummy is not loaded, or has no BTF"
		}
		if !errors.Is(err, btf.ErrNotFound) || errors.Is(err, btf.ErrNoModule) != tt.noModule || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.program, err)
		}
		if err := facts.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestModuleMulti traces the functions of a module by a pattern: those of its
// initialisation are gone, and are left out.
func TestModuleMulti(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "7.2", "CONFIG_DUMMY", "CONFIG_DEBUG_INFO_BTF_MODULES")
	spec := sessions(t, "on_module")
	c := load(t, spec, nil)
	l := attachOne(t, c, "on_module")
	info, err := l.Info()
	t.Logf("%+v, %v", info, err)
	newDummy(t)
	n := readVar[uint64](t, spec, c, "module_hits")
	if n < 2 {
		t.Errorf("counted %d", n)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	newDummy(t)
	if got := readVar[uint64](t, spec, c, "module_hits"); got != n {
		t.Errorf("%d after close, %d before", got, n)
	}
}

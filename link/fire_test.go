package link

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/prog"
)

// counter is an array map of one u64 that a program adds to.
type counter struct{ fd *sys.FD }

func (c *counter) MapFD() *sys.FD { return c.fd }

func newCounter(tb testing.TB) *counter {
	tb.Helper()
	testutil.NeedRoot(tb)
	fd, err := sys.MapCreate(&sys.MapCreateAttr{
		MapType: sys.BPF_MAP_TYPE_ARRAY, KeySize: 4, ValueSize: 8, MaxEntries: 1, MapName: sys.ObjName("fired"),
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { fd.Close() })
	return &counter{fd}
}

func (c *counter) load(tb testing.TB) uint64 {
	tb.Helper()
	fd, err := c.fd.Borrow()
	if err != nil {
		tb.Fatal(err)
	}
	defer c.fd.Release()
	var key uint32
	var value uint64
	err = sys.MapLookupElem(&sys.MapElemAttr{MapFd: uint32(fd), Key: sys.PtrTo(&key), Value: sys.PtrTo(&value)})
	if err != nil {
		tb.Fatal(err)
	}
	return value
}

// counting is a program that adds one to c and returns ret.
func counting(tb testing.TB, c *counter, s prog.Spec, ret int32) *prog.Program {
	tb.Helper()
	p, err := tryCounting(tb, c, s, ret)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func tryCounting(tb testing.TB, c *counter, s prog.Spec, ret int32) (*prog.Program, error) {
	s.Name, s.License = "counting", "GPL"
	s.Maps = map[string]prog.MapRef{"fired": c}
	s.Insns = asm.Instructions{
		asm.LoadMapValue(asm.R1, "fired", 0),
		asm.Mov(asm.R2, 1),
		asm.Atomic(asm.AtomicAdd, asm.R1, 0, asm.R2, asm.SizeDW),
		asm.Mov(asm.R0, ret),
		asm.Exit(),
	}
	k := btf.NewKernelAt(kernel.FS("/"))
	defer k.Close()
	p, err := prog.Load(&s, &prog.Options{Kernel: k})
	if err == nil {
		tb.Cleanup(func() { p.Close() })
	}
	return p, err
}

// fires checks that an attachment makes trigger count, and that nothing counts
// after Close.
func fires(t *testing.T, c *counter, l Link, trigger func()) {
	t.Helper()
	counts(t, c, trigger)
	if err := l.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	silent(t, c, trigger)
}

func counts(t *testing.T, c *counter, trigger func()) {
	t.Helper()
	before := c.load(t)
	trigger()
	for range 100 { // some hooks run a little later
		if c.load(t) != before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("did not fire")
}

func silent(t *testing.T, c *counter, trigger func()) {
	t.Helper()
	time.Sleep(20 * time.Millisecond)
	before := c.load(t)
	trigger()
	time.Sleep(20 * time.Millisecond)
	if n := c.load(t) - before; n != 0 {
		t.Errorf("fired %d times after it was given up", n)
	}
}

// withoutLinks makes the kernel one without bpf_link.
func withoutLinks(t *testing.T) {
	t.Helper()
	systest.Inject(t, systest.Fault{Cmd: sys.BPF_LINK_CREATE, N: 1, Rest: true, Errno: sys.EINVAL})
}

func checkInfo(t *testing.T, l Link, typ Type, form Form) Info {
	t.Helper()
	in, err := l.Info()
	if err != nil {
		t.Error(err)
		return in
	}
	if in.Type != typ || in.Form != form || in.Program == 0 {
		t.Errorf("info %+v, want type %v and form %s", in, typ, form)
	}
	if (in.ID != 0) != (typ != TypeNone) {
		t.Errorf("id %d of a link of type %v", in.ID, typ)
	}
	return in
}

// bpffs is a private bpffs.
func bpffs(t *testing.T) string {
	t.Helper()
	testutil.NeedRoot(t)
	dir := t.TempDir()
	if err := sys.Mount("bpf", dir, "bpf", ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sys.Unmount(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// run starts a command and waits for it.
func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
}

// ownCgroup makes a cgroup, and a function that runs a shell command in it.
func ownCgroup(t *testing.T) (dir string, in func(command string)) {
	t.Helper()
	testutil.NeedRoot(t)
	testutil.Require(t, "", "CONFIG_CGROUP_BPF")
	testutil.NeedTool(t, "bash")
	dir, err := os.MkdirTemp(cgroup2(t), "skep-test-")
	if err != nil {
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
	return dir, func(command string) {
		run(t, "bash", "-c", "echo $$ > "+filepath.Join(dir, "cgroup.procs")+" && "+command)
	}
}

// cgroup2 is where one can find the cgroups of version 2; where they are
// mounted nowhere, the test does it.
func cgroup2(t *testing.T) string {
	t.Helper()
	mounts, err := kernel.Mounts(kernel.FS("/"), "cgroup2")
	if err != nil {
		t.Fatal(err)
	}
	if len(mounts) > 0 {
		return mounts[0]
	}
	dir := t.TempDir()
	if err := sys.Mount("cgroup2", dir, "cgroup2", ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sys.Unmount(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// spin keeps this CPU busy.
func spin(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		runtime.Gosched()
	}
}

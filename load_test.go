package skep_test

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/sysenc"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/internal/testutil/fentry"
	"github.com/skepbpf/skep/maps"
	"github.com/skepbpf/skep/prog"
)

// needKernel skips what needs a kernel and the right to load programs. What is
// left open at the test's end fails it.
func needKernel(t *testing.T) {
	t.Helper()
	testutil.NeedRoot(t)
	systest.CheckLeaks(t, systest.Watch{})
}

// bpffs is a directory of a bpffs of the test's own.
func bpffs(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := sys.Mount("bpf", dir, "bpf", ""); err != nil {
		t.Fatalf("cannot mount a bpffs: %v", err)
	}
	t.Cleanup(func() { sys.Unmount(dir) })
	return dir
}

func readTest(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// load loads spec for the length of the test.
func load(t *testing.T, spec *skep.Spec, o *skep.Options) *skep.Collection {
	t.Helper()
	ofAge(t, spec)
	c, err := skep.Load(spec, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// readVar reads a global variable of a loaded object.
func readVar[T any](t *testing.T, spec *skep.Spec, c *skep.Collection, name string) (out T) {
	t.Helper()
	v := spec.Vars[name]
	if v == nil {
		t.Fatalf("no variable %s", name)
	}
	m, err := c.Map(v.Map())
	if err != nil {
		t.Fatal(err)
	}
	b, err := m.LookupBytes(make([]byte, 4))
	if err != nil {
		t.Fatal(err)
	}
	if err := sysenc.Decode(b[v.Offset():v.Offset()+v.Size()], &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// run test-runs a program on a packet of n bytes.
func run(t *testing.T, c *skep.Collection, name string, n int) uint32 {
	t.Helper()
	p, err := c.Program(name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Run(&prog.RunOptions{Data: make([]byte, n)})
	if err != nil {
		t.Fatal(err)
	}
	return r.Return
}

// refusals are the programs of testdata/README.md that do not load, each with
// what its error must say. One with a condition loads where that is met.
var refusals = []struct {
	object, program string
	want            []string
	config          string // option of the kernel with which it loads, "" for none
	trampoline      bool   // and that it takes one
}{
	{"core_poison", "poisoned", []string{"CO-RE relocation", "struct task_struct.skep_no_such_field", "core_poison.c:"}, "", false},
	{"deep", "too_deep", []string{"CO-RE field_exists of struct skep_deep", "more than 64 levels"}, "", false},
	{"freplace", "replacement", []string{"target replace_me: no target program given"}, "", false},
	{"hooks", "replacement", []string{"target verdict: no target program given"}, "", false},
	{"hooks", "unnamed", []string{"section \"?freplace\" names no target: set Target.Name"}, "", false},
	{"hooks", "mismatched", []string{"target verdict: no target program given"}, "", false},
	{"hooks", "of_static", []string{"target doubled: no target program given"}, "", false},
	{"hooks", "misspelt", []string{"target verdicts: no target program given"}, "", false},
	{"hooks", "entry", []string{"target hooked: func hooked: not found"}, "", false},
	{"hooks", "leave", []string{"target hooked: func hooked: not found"}, "", false},
	{"hooks", "entry_global", []string{"target verdict: func verdict: not found"}, "", false},
	{"hooks", "leave_global", []string{"target verdict: func verdict: not found"}, "", false},
	{"hooks", "entry_static", []string{"target doubled: func doubled: not found"}, "", false},
	{"hooks", "leave_static", []string{"target doubled: func doubled: not found"}, "", false},
	{"kconfig_strong", "needs_absent", []string{"extern CONFIG_SKEP_ABSENT", "not set"}, "", false},
	{"kfunc", "poisoned", []string{"kernel function is called but was not found", "kfunc skep_absent_kfunc: func skep_absent_kfunc: not found", "kfunc.c:"}, "", false},
	{"kfunc_bad", "wrong_type", []string{"extern bpf_rcu_read_lock: func of vmlinux is another than the object declares: it takes 0 parameters, not 1"}, "", false},
	{"kfunc_bad", "undefined_type", []string{"extern bpf_task_release: func of vmlinux is another than the object declares: parameter 1 (p) is struct task_struct *, which the object declares but does not define"}, "", false},
	{"kfunc_bad", "absent_func", []string{"extern skep_absent_kfunc: func skep_absent_kfunc: not found in kernel BTF"}, "", false},
	{"kfunc_bad", "absent_symbol", []string{"extern skep_absent_symbol: not among the kernel's symbols"}, "", false},
	{"kfunc_bad", "absent_variable", []string{"extern skep_absent_variable: var skep_absent_variable: not found in kernel BTF"}, "", false},
	{"kfunc_bad", "ambiguous", []string{"extern name_show: ambiguous: several symbols have this name, 0x", " and 0x"}, "", false},
	{"kfunc_module", "calls", []string{"extern skep_mod_kfunc: func skep_mod_kfunc: not found in kernel BTF"}, "", false},
	{"kfunc_module", "reads", []string{"extern skep_mod_init: not among the kernel's symbols"}, "", false},
	{"ksym_made", "low", []string{"extern skep_symbol: not among the kernel's symbols"}, "", false},
	{"ksym_other_type", "other_type", []string{"extern bpf_prog_active: var of vmlinux is another than the object declares: int, not const long[2]"}, "", false},
	{"ksyms_module", "per_cpu", []string{"xt_recseq"}, "CONFIG_KALLSYMS_ALL", false},
	{"ksyms_typed", "per_cpu", []string{"runqueues"}, "CONFIG_KALLSYMS_ALL", false},
	{"ksyms_typed", "this_cpu", []string{"bpf_prog_active"}, "CONFIG_KALLSYMS_ALL", false},
	{"lsmcgroup", "on_connect", []string{"BPF_PROG_LOAD"}, "CONFIG_BPF_LSM", true},
	{"lsmcgroup", "on_connect_too", []string{"BPF_PROG_LOAD"}, "CONFIG_BPF_LSM", true},
	{"lsmcgroup", "no_hook", []string{"func bpf_lsm_skep_absent: not found"}, "", false},
	{"modhooks", "entry", []string{"target dummy:dummy_setup: module dummy is not loaded"}, "CONFIG_DUMMY", true},
	{"modhooks", "leave", []string{"target dummy:dummy_setup: module dummy is not loaded"}, "CONFIG_DUMMY", true},
	{"modhooks", "in_some_module", []string{"target dummy_setup: func dummy_setup: not found in kernel BTF"}, "CONFIG_DUMMY", true},
	{"modhooks", "in_vmlinux", []string{"BPF_PROG_LOAD"}, "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS", true},
	{"modhooks", "no_module", []string{"module skep_absent is not loaded"}, "", false},
	{"modhooks", "no_function", []string{"module"}, "", false},
	{"modhooks", "elsewhere", []string{"; vmlinux has vfs_read"}, "", false},
	{"off", "refused", []string{"map_value_or_null", "off.c:", "return *value;"}, "", false},
	{"off", "unknown", []string{"skep_unknown", "set Type"}, "", false},
	{"sections", "numbered", []string{"section \"socket1\" is no known program type", "set Type"}, "", false},
	{"sections", "underscore", []string{"section \"kprobe_sys_bpf\" is no known program type", "set Type"}, "", false},
	{"prune_absent", "guarded", []string{"extern skep_absent_kfunc: func skep_absent_kfunc: not found in kernel BTF"}, "", false},
	{"prefer", "fentry_sleep", []string{"BPF_PROG_LOAD"}, "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS", true},
	{"prefer", "fexit_sleep", []string{"BPF_PROG_LOAD"}, "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS", true},
	{"lsm", "file_open", []string{"BPF_PROG_LOAD"}, "CONFIG_BPF_LSM", true},
	{"lsm", "committed_creds", []string{"BPF_PROG_LOAD"}, "CONFIG_BPF_LSM", true},
}

// made are objects that are relocated against kernel/made.c.
var made = []string{"core_made", "core_store"}

// newest are objects that need a newer kernel than the rest.
var newest = map[string]string{"jumptable": "6.19", "percpu": "7.3", "fsession": "7.2"}

// TestEveryObject loads each program of testdata in its whole object, the
// programs of the table above alone.
func TestEveryObject(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "6.12")
	paths, err := filepath.Glob(native("*"))
	if err != nil || len(paths) < 20 {
		t.Fatalf("%d objects, %v", len(paths), err)
	}
	dir := bpffs(t)
	for _, path := range paths {
		spec := open(t, path)
		if slices.Contains(made, spec.Name) {
			continue
		}
		if min := newest[spec.Name]; min != "" && !testutil.KernelAtLeast(t, min) {
			continue
		}
		for _, p := range spec.Programs {
			if p.Type != prog.StructOps { // those follow their maps
				p.Policy = skep.Required
			}
		}
		for _, r := range refusals {
			if r.object != spec.Name {
				continue
			}
			spec.Programs[r.program].Policy = skep.Off
			one := open(t, path)
			if err := one.Only(r.program); err != nil {
				t.Fatal(err)
			}
			c, err := skep.Load(one, nil)
			met := r.config != "" && testutil.HasConfig(t, r.config) && (!r.trampoline || testutil.HasTrampolines(t, fentry.Try))
			if err == nil {
				c.Close()
			}
			if met != (err == nil) {
				t.Errorf("%s: %s: to load is %v: %v", spec.Name, r.program, met, err)
			}
			if err == nil || met {
				continue
			}
			var step *skep.StepError
			if !errors.As(err, &step) || step.Object != spec.Name || step.Name != r.program {
				t.Errorf("%s: %s: no StepError that names it: %v", spec.Name, r.program, err)
			}
			for _, w := range append(r.want, spec.Name, r.program) {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%s: %s: error lacks %q: %v", spec.Name, r.program, w, err)
				}
			}
		}
		c, err := skep.Load(spec, &skep.Options{PinDir: filepath.Join(dir, spec.Name)})
		if err != nil {
			t.Errorf("%s: %v", spec.Name, err)
			continue
		}
		for name, p := range spec.Programs {
			if p.Type == prog.StructOps && p.Policy == skep.Required {
				continue // loaded or not: TestStructOps
			}
			if o := c.Report().Programs[name]; o.Loaded != (p.Policy != skep.Off) {
				t.Errorf("%s: %s: loaded %v, policy %v, why %v", spec.Name, name, o.Loaded, p.Policy, o.Why)
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestOtherOrder: an object of the other byte order does not get half way.
func TestOtherOrder(t *testing.T) {
	needKernel(t)
	other := "testdata/globals.eb.o"
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		other = "testdata/globals.el.o"
	}
	spec := open(t, other)
	if _, err := skep.Load(spec, nil); err == nil || !strings.Contains(err.Error(), "Endian") {
		t.Errorf("error %v", err)
	}
}

func TestRunGlobals(t *testing.T) {
	needKernel(t)
	spec := open(t, native("globals"))
	for name, v := range map[string]any{
		"limits": limits{Low: 1, High: 33}, "min_ns": uint64(7), "mode": uint8(2), "verbose": uint32(5),
		"answer": uint32(100), "negative": int64(-50), "table": [4]uint64{1000, 1000, 1000, 1000}, "odd.calls": uint64(11),
	} {
		if err := spec.Set(name, v); err != nil {
			t.Fatal(err)
		}
	}
	c := load(t, spec, nil)
	// odd(50) = 11+50, even(7) = 7, 's': socket filters see no Ethernet header.
	if got, want := run(t, c, "count", 64), uint32(61+7+'s'); got != want {
		t.Errorf("count returns %d, want %d", got, want)
	}
	if got, want := run(t, c, "read_back", 64), uint32(1+5); got != want {
		t.Errorf("read_back returns %d, want %d", got, want)
	}
	if got := readVar[uint64](t, spec, c, "scratch"); got != 1000+9+100-50 {
		t.Errorf("scratch is %d", got)
	}
	if got := readVar[[8]uint64](t, spec, c, "per_mode"); got != [8]uint64{2: 50} {
		t.Errorf("per_mode is %v", got)
	}
	if got := readVar[limits](t, spec, c, "seen"); got.High != 33 {
		t.Errorf("seen is %v", got)
	}
	if got := readVar[uint64](t, spec, c, "odd.calls"); got != 61 {
		t.Errorf("odd.calls is %d", got)
	}
	if err := c.Maps[".rodata"].Update(make([]byte, 4), make([]byte, 56), maps.Any); !errors.Is(err, sys.EPERM) {
		t.Errorf("writing .rodata: %v", err)
	}
	for name, want := range map[string]string{".rodata": "globals.rodata", ".bss": "globals.bss", ".rodata.mode": ".rodata.mode"} {
		if info, err := c.Maps[name].Info(); err != nil || info.Name != want {
			t.Errorf("map %s is named %q, %v", name, info.Name, err)
		}
	}
}

func TestRunCalls(t *testing.T) {
	needKernel(t)
	spec := open(t, native("subprogs"))
	c := load(t, spec, nil)
	n := 64 - 14
	sum := n*n*n + n*n + 2
	if got, want := run(t, c, "uses_all", 64), uint32(int32(sum*sum+sum)); got != want {
		t.Errorf("uses_all returns %d, want %d", got, want)
	}
	if got := readVar[int32](t, spec, c, "result"); int(got) != sum {
		t.Errorf("result is %d, want %d", got, sum)
	}
	if got := run(t, c, "uses_one", 64); got != uint32(n*n) {
		t.Errorf("uses_one returns %d", got)
	}
	if got := run(t, c, "uses_none", 64); got != uint32(n) {
		t.Errorf("uses_none returns %d", got)
	}
}

func TestRunCallbacks(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "5.17") // bpf_loop
	needJIT(t)
	spec := open(t, native("callbacks"))
	c := load(t, spec, nil)
	counts, err := maps.Typed[uint32, uint64](c.Maps["counts"])
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint32(3) {
		if err := counts.Put(i, uint64(i)+1); err != nil {
			t.Fatal(err)
		}
	}
	if got := run(t, c, "each_elem", 64); got != 3 || readVar[uint64](t, spec, c, "total") != 12 {
		t.Errorf("each_elem visits %d, total %d", got, readVar[uint64](t, spec, c, "total"))
	}
	if got := run(t, c, "each_index", 64); got != 12+90 {
		t.Errorf("each_index returns %d", got)
	}
}

func TestRunMapInMap(t *testing.T) {
	needKernel(t)
	spec := open(t, native("mapinmap"))
	c := load(t, spec, nil)
	// skb->len & 3 is the key: 0 and 2 hold maps and programs, 1 neither. The
	// Ethernet header does not count.
	for n, want := range map[int]uint32{66: 1, 67: 0, 68: 2} {
		if got := run(t, c, "entry", n); got != want {
			t.Errorf("entry of %d bytes returns %d, want %d", n, got, want)
		}
	}
	var a, b uint64
	if err := errors.Join(c.Maps["inner_a"].Get(uint32(0), &a), c.Maps["inner_b"].Get(uint32(0), &b)); err != nil || a != 1 || b != 0 {
		t.Errorf("inner_a counts %d, inner_b %d, %v", a, b, err)
	}
	// A tail call to a program that was left out is not taken.
	spec = open(t, native("mapinmap"))
	spec.Programs["tail_one"].Policy = skep.Off
	c = load(t, spec, nil)
	if got := run(t, c, "entry", 66); got != 0 {
		t.Errorf("entry returns %d without tail_one", got)
	}
}

func TestRunKconfig(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "", "CONFIG_BPF_JIT") // not weak in the object
	spec := open(t, native("kconfig"))
	c := load(t, spec, nil)
	root := kernel.FS("/")
	release, err := kernel.Release(root)
	if err != nil {
		t.Fatal(err)
	}
	text, _, err := kernel.ReadConfig(root, release)
	if err != nil {
		t.Fatal(err)
	}
	conf := kernel.ParseConfig(text, []string{"CONFIG_HZ", "CONFIG_NR_CPUS", "CONFIG_DEFAULT_HOSTNAME"})
	cpus, _ := strconv.Atoi(conf["CONFIG_NR_CPUS"])
	if got := run(t, c, "read_config", 64); got != uint32(cpus) {
		t.Errorf("CONFIG_NR_CPUS is %d, want %d", got, cpus)
	}
	if got := readVar[uint64](t, spec, c, "seen_hz"); strconv.Itoa(int(got)) != conf["CONFIG_HZ"] {
		t.Errorf("CONFIG_HZ is %d, want %s", got, conf["CONFIG_HZ"])
	}
	host := readVar[[16]byte](t, spec, c, "seen_hostname")
	if got, _, _ := strings.Cut(string(host[:]), "\x00"); strconv.Quote(got) != conf["CONFIG_DEFAULT_HOSTNAME"] {
		t.Errorf("CONFIG_DEFAULT_HOSTNAME is %q, want %s", got, conf["CONFIG_DEFAULT_HOSTNAME"])
	}
	if got := readVar[uint64](t, spec, c, "seen_absent"); got != 0 {
		t.Errorf("CONFIG_SKEP_ABSENT is %d", got)
	}
	v, err := kernel.Version(root)
	if err != nil {
		t.Fatal(err)
	}
	if got := readVar[uint64](t, spec, c, "seen_version"); got != uint64(v.Code()) {
		t.Errorf("LINUX_KERNEL_VERSION is %#x, want %#x", got, v.Code())
	}
}

func TestRunPackets(t *testing.T) {
	needKernel(t)
	spec := open(t, native("run"))
	if !testutil.HasConfig(t, "CONFIG_DEBUG_INFO_BTF") {
		spec.Programs["calls_replaceable"].Policy = skep.Off // the kernel looks the context up in its types
	}
	c := load(t, spec, nil)
	packet := make([]byte, 64)
	packet[0] = 0xf0
	r, err := c.Programs["flip"].Run(&prog.RunOptions{Data: packet})
	if err != nil || r.Return != 3 || len(r.Data) != 64 || r.Data[0] != 0x0f {
		t.Errorf("flip: %+v, %v", r, err)
	}
	args := binary.NativeEndian.AppendUint64(nil, 40)
	args = append(binary.NativeEndian.AppendUint64(args, 2), make([]byte, 8)...)
	if add := c.Programs["add"]; tooOld(t, "add") {
		if add != nil {
			t.Error("a program that is a system call was loaded")
		}
	} else if r, err = add.Run(&prog.RunOptions{Ctx: args}); err != nil || r.Return != 7 || len(r.Ctx) != 24 || binary.NativeEndian.Uint64(r.Ctx[16:]) != 42 {
		t.Errorf("add: %+v, %v", r, err)
	}
	if spec.Programs["calls_replaceable"].Policy == skep.Off {
		t.Log("without a replaceable function")
	} else if got := run(t, c, "calls_replaceable", 64); got != 1 {
		t.Errorf("calls_replaceable returns %d", got)
	}
	spec = open(t, native("tc"))
	c = load(t, spec, nil)
	run(t, c, "ingress", 64)
	run(t, c, "classify", 64)
	if in, cls := readVar[uint64](t, spec, c, "ingress_packets"), readVar[uint64](t, spec, c, "classified"); in != 1 || cls != 1 {
		t.Errorf("ingress ran %d times, classify %d", in, cls)
	}
}

// TestRunCore attaches programs that read kernel structures by CO-RE, and
// compares with what this process knows of itself.
func TestRunCore(t *testing.T) {
	needKernel(t)
	spec := open(t, native("core"))
	facts := broughtFacts(t, spec)
	if facts != nil {
		spec.Programs["direct"].Policy = skep.Off // its target is for the kernel to find
	}
	c := load(t, spec, &skep.Options{Facts: facts})
	// The raw tracepoint sees every process: attached for a moment only, and
	// the last call before it is detached is somebody else's perhaps.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	self, err := os.Readlink("/proc/thread-self") // PID/task/TID
	if err != nil {
		t.Fatal(err)
	}
	comm, err := os.ReadFile("/proc/thread-self/comm")
	if err != nil {
		t.Fatal(err)
	}
	seen := false
	for range 200 {
		links, err := c.Attach(nil)
		if err != nil {
			t.Fatal(err)
		}
		os.Getppid()
		pid, tgid := readVar[uint64](t, spec, c, "out_pid"), readVar[uint64](t, spec, c, "out_flags")
		name := readVar[[16]byte](t, spec, c, "out_comm")
		if err := links.Close(); err != nil {
			t.Fatal(err)
		}
		got, _, _ := strings.Cut(string(name[:]), "\x00")
		if strconv.Itoa(int(pid)) == filepath.Base(self) && int(tgid) == os.Getppid() && got == strings.TrimSpace(string(comm)) {
			seen = true
			break
		}
	}
	if !seen {
		t.Error("pid, parent and comm of this thread were not seen")
	}
	exists := readVar[[6]bool](t, spec, c, "out_exists")
	if diff := cmp.Diff([6]bool{true, false, true, false, false, false}, exists); diff != "" {
		t.Errorf("exists (-want +got):\n%s", diff)
	}
	if got := readVar[uint64](t, spec, c, "out_enum"); got != uint64(maps.RingBuf) {
		t.Errorf("BPF_MAP_TYPE_RINGBUF is %d", got)
	}
	if got := readVar[int32](t, spec, c, "out_index"); got != 0 {
		t.Errorf("the guarded read was reached: %d", got)
	}
	var unresolved bool
	for _, u := range c.Report().Programs["guarded"].Unresolved {
		unresolved = unresolved || strings.Contains(u, "skep_no_such_field")
	}
	if !unresolved {
		t.Errorf("report does not tell what guarded goes without: %v", c.Report().Programs["guarded"])
	}
}

func TestRunKsyms(t *testing.T) {
	needKernel(t)
	spec := open(t, native("ksyms"))
	c := load(t, spec, nil)
	links, err := c.Attach(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer links.Close()
	os.Getppid()
	syms, err := kernel.ReadSymbols(kernel.FS("/"), []string{"schedule"}, kernel.ScanAll)
	if err != nil {
		t.Fatal(err)
	}
	if got := readVar[uint64](t, spec, c, "text_addr"); got != syms.Found["schedule"].Addr {
		t.Errorf("schedule is at %#x, want %#x", got, syms.Found["schedule"].Addr)
	}
	if got := readVar[uint64](t, spec, c, "absent_addr"); got != 0 {
		t.Errorf("an absent symbol is at %#x", got)
	}
}

// TestInnerSizes rounds the ring buffer that describes a map's inner maps as
// any other: the kernel would not take it.
func TestInnerSizes(t *testing.T) {
	needKernel(t)
	rings := &skep.MapSpec{Spec: maps.Spec{Type: maps.ArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 2, Inner: &maps.Spec{Type: maps.RingBuf, MaxEntries: 1000}}}
	coll, err := skep.Load(&skep.Spec{Name: "inner", Maps: map[string]*skep.MapSpec{"rings": rings}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := coll.Close(); err != nil {
		t.Error(err)
	}
	if n := rings.Inner.MaxEntries; n != 1000 {
		t.Errorf("the caller's Spec says %d now", n)
	}
}

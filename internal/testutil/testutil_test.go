package testutil

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// recorder is a test that is told how to end.
type recorder struct {
	testing.TB
	end string
}

func (r *recorder) Helper() {}

func (r *recorder) stop(how, why string) {
	r.end = how + ": " + why
	runtime.Goexit()
}

func (r *recorder) Skip(args ...any)             { r.stop("skip", fmt.Sprint(args...)) }
func (r *recorder) Skipf(f string, args ...any)  { r.stop("skip", fmt.Sprintf(f, args...)) }
func (r *recorder) Fatal(args ...any)            { r.stop("fail", fmt.Sprint(args...)) }
func (r *recorder) Fatalf(f string, args ...any) { r.stop("fail", fmt.Sprintf(f, args...)) }
func (r *recorder) Errorf(f string, args ...any) { r.end = "fail: " + fmt.Sprintf(f, args...) }

// outcome is "skip: why", "fail: why", or "" if the test would go on.
func outcome(f func(testing.TB)) string {
	r := &recorder{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(r)
	}()
	<-done
	return r.end
}

// want checks the beginning of an outcome.
func want(t *testing.T, name, want string, f func(testing.TB)) {
	t.Helper()
	if got := outcome(f); !strings.HasPrefix(got, want) || want == "" && got != "" {
		t.Errorf("%s: got %q, want %q", name, got, want)
	}
}

func TestKernelRules(t *testing.T) {
	NeedLinux(t)
	unsupported := func(text string) error { return fmt.Errorf("%s%w", text, errors.ErrUnsupported) }
	for _, tt := range []struct {
		name, want string
		f          func(testing.TB)
	}{
		{"new enough", "", func(tb testing.TB) { Require(tb, "2.6") }},
		{"too old", "skip: needs Linux 999.1", func(tb testing.TB) { Require(tb, "999.1") }},
		{"too old, with an option", "skip: needs Linux 999.1", func(tb testing.TB) { Require(tb, "999.1", "CONFIG_BPF_SYSCALL") }},
		{"no version", "fail: ", func(tb testing.TB) { Require(tb, "new") }},
		{"option there", "", func(tb testing.TB) { Require(tb, "2.6", "CONFIG_BPF_SYSCALL") }},
		{"option there, any version", "", func(tb testing.TB) { Require(tb, "", "CONFIG_BPF_SYSCALL") }},
		{"to be without it", "skip: the kernel is built with CONFIG_BPF_SYSCALL", func(tb testing.TB) { RequireWithout(tb, "CONFIG_BPF_SYSCALL") }},
		{"there, whatever the error", "", func(tb testing.TB) {
			if Lacks(tb, "2.6", errors.New("x")) {
				tb.Fatal("lacks it")
			}
		}},
		{"lacks it and says so", "", func(tb testing.TB) {
			if !Lacks(tb, "999.1", unsupported("needs Linux 999.1: ")) {
				tb.Fatal("does not lack it")
			}
		}},
		{"lacks it and gives no version", "fail: needs Linux 999.1", func(tb testing.TB) { Lacks(tb, "999.1", unsupported("")) }},
		{"lacks it and blames the caller", "fail: needs Linux 999.1", func(tb testing.TB) { Lacks(tb, "999.1", errors.New("needs Linux 999.1")) }},
		{"lacks it and works", "fail: needs Linux 999.1", func(tb testing.TB) { Lacks(tb, "999.1", nil) }},
	} {
		want(t, tt.name, tt.want, tt.f)
	}
	if runningConfig() == nil {
		t.Log("the kernel's configuration cannot be read")
		return
	}
	const none = "CONFIG_SKEP_NONE"
	want(t, "option missing", "skip: the kernel is built without "+none, func(tb testing.TB) { Require(tb, "2.6", "CONFIG_BPF_SYSCALL", none) })
	want(t, "without it", "", func(tb testing.TB) { RequireWithout(tb, none) })
}

func TestConfig(t *testing.T) {
	text := []byte("# c\nCONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\nCONFIG_D=\"y\"\nCONFIG_AB=y\n")
	for option, want := range map[string]bool{
		"CONFIG_A": true, "CONFIG_B": true, "CONFIG_C": false, "CONFIG_D": false, "CONFIG_AB": true, "CONFIG_": false, "ONFIG_A": false,
	} {
		if configHas(text, option) != want {
			t.Errorf("%s: not %v", option, want)
		}
		if !configHas(nil, option) {
			t.Errorf("%s is missing from what cannot be read", option)
		}
	}
}

// TestMachineRules: what is missing skips, unless everything has to be there.
func TestMachineRules(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "tool")
	if err := os.WriteFile(file, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	t.Setenv("SKEP_TEST_OPT_IN", "")
	for _, env := range []struct{ require, stock, missing, privilege string }{
		{"", "", "skip: %s is not installed", "skip: "},
		{"1", "", "fail: %s is not installed", "fail: "},
		{"1", "1", "skip: %s is not in the guest", "fail: "},
		{"0", "0", "skip: %s is not installed", "skip: "},
	} {
		t.Setenv("SKEP_REQUIRE", env.require)
		t.Setenv("SKEP_STOCK", env.stock)
		missing := func(what string) string { return strings.ReplaceAll(env.missing, "%s", what) }
		want(t, "tool", missing("skep-no-such-tool"), func(tb testing.TB) { NeedTool(tb, "skep-no-such-tool") })
		want(t, "file", missing("package p"), func(tb testing.TB) { NeedFile(tb, "package p", dir+"/a", dir+"/b*") })
		want(t, "bad pattern", "fail: ", func(tb testing.TB) { NeedFile(tb, "package p", "[") })
		want(t, "privilege", env.privilege+"root", func(tb testing.TB) { Privilege(tb, "root") })
		want(t, "opt-in", "skip: runs where SKEP_TEST_OPT_IN is set", func(tb testing.TB) { OptIn(tb, "SKEP_TEST_OPT_IN") })
		want(t, "file there", "", func(tb testing.TB) {
			if got := NeedFile(tb, "package p", dir+"/a", dir+"/*"); len(got) != 1 || got[0] != file {
				tb.Fatal(got)
			}
		})
		if runtime.GOOS == "linux" {
			want(t, "tool there", "", func(tb testing.TB) {
				if got := NeedTool(tb, "tool"); got != file {
					tb.Fatal(got)
				}
			})
		}
	}
	t.Setenv("SKEP_TEST_OPT_IN", "x")
	want(t, "opted in", "", func(tb testing.TB) {
		if got := OptIn(tb, "SKEP_TEST_OPT_IN"); got != "x" {
			tb.Fatal(got)
		}
	})
}

const (
	allIDs  = "         0          0 4294967295\n"
	allCaps = "Name:\tx\nCapPrm:\t0000000000000000\nCapEff:\t000001ffffffffff\n"
	noCaps  = "CapPrm:\t000001ffffffffff\nCapEff:\t0000000000000000\n"
	bpfCaps = "CapEff:\t000000c000000000\n" // CAP_PERFMON and CAP_BPF
)

func TestPrivileges(t *testing.T) {
	for _, tt := range []struct {
		euid                int
		status, users, want string
	}{
		{0, allCaps, allIDs, ""},
		{1000, allCaps, allIDs, "needs root"},
		{0, allCaps, "         0       1000          1\n", "needs root of the initial user namespace"},
		{0, allCaps, "0 100000 65536\n65536 1 1\n", "needs root of the initial user namespace"},
		{0, noCaps, allIDs, "needs CAP_SYS_ADMIN"},
		{0, bpfCaps, allIDs, "needs CAP_SYS_ADMIN"},
		{0, "", allIDs, "needs CAP_SYS_ADMIN"},
	} {
		if got := notRoot(tt.euid, tt.status, tt.users); got != tt.want {
			t.Errorf("%+v: got %q", tt, got)
		}
	}
	for status, want := range map[string]string{
		allCaps: "", bpfCaps: "", "CapEff:\t0000008000000000\n": "needs CAP_PERFMON", "CapEff:\t0000004000000000\n": "needs CAP_BPF",
		"CapEff:\t0000000000200000\n": "", // before Linux 5.8
	} {
		if got := notTracer(status); got != want {
			t.Errorf("%q: got %q, want %q", status, got, want)
		}
	}
	if notTracer(noCaps) == "" || notTracer("CapEff:\tx\n") == "" {
		t.Error("a tracer without capabilities")
	}
}

func TestTrampolines(t *testing.T) {
	eperm := fmt.Errorf("load: %w", os.NewSyscallError("bpf", syscall.EPERM))
	for _, tt := range []struct {
		name, require, stock, status, want string
		err                                error
	}{
		{"there", "1", "", allCaps, "", nil},
		{"there, in a guest", "1", "1", allCaps, "", nil},
		{"refused by the host", "1", "", allCaps, "skip: this host refuses", eperm},
		{"refused by the host, with two capabilities", "1", "", bpfCaps, "skip: this host refuses", eperm},
		{"not supported by the host", "1", "", allCaps, "skip: this host refuses", syscall.Errno(524)},
		{"refused in a guest", "1", "1", allCaps, "fail: Linux 5.5 should have trampolines", eperm},
		{"not privileged", "", "", noCaps, "skip: needs CAP_", eperm},
		{"not privileged, required", "1", "", noCaps, "fail: needs CAP_", eperm},
		{"broken", "", "", allCaps, "fail: the smallest", errors.New("x")},
		{"invalid", "", "", allCaps, "fail: the smallest", syscall.EINVAL},
	} {
		t.Setenv("SKEP_REQUIRE", tt.require)
		t.Setenv("SKEP_STOCK", tt.stock)
		want(t, tt.name, tt.want, func(tb testing.TB) {
			if err := refused(tb, "5.5", tt.status, func() error { return tt.err }); err != nil {
				tb.Skipf("this host refuses: %v", err)
			}
		})
	}
}

// TestRequireTrampolines asks on this kernel, with tries that are made up.
func TestRequireTrampolines(t *testing.T) {
	NeedRoot(t)
	min, ok := trampolines[runtime.GOARCH]
	if !ok {
		want(t, "architecture", "skip: no trampolines on "+runtime.GOARCH, func(tb testing.TB) { RequireTrampolines(tb, nil) })
		return
	}
	t.Setenv("SKEP_STOCK", "")
	var reason string
	switch {
	case !KernelAtLeast(t, min):
		reason = "needs Linux " + min
	case !configHas(runningConfig(), trampolineOptions[0]), !configHas(runningConfig(), trampolineOptions[1]), !configHas(runningConfig(), trampolineOptions[2]):
		reason = "the kernel is built without "
	}
	for _, err := range []error{nil, syscall.EBUSY} {
		try := func() error { return err }
		end := ""
		if reason != "" {
			end = "skip: " + reason
		} else if err != nil {
			end = "skip: this host refuses trampolines: "
		}
		want(t, fmt.Sprint(err), end, func(tb testing.TB) { RequireTrampolines(tb, try) })
		if has := HasTrampolines(t, try); has != (end == "") {
			t.Errorf("%v: has trampolines: %v", err, has)
		}
	}
}

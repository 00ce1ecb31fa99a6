package prog_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/refusal"
)

// capSet is a set of the capabilities that are dropped: bit i is capList[i].
type capSet uint8

var capList = [...]struct {
	name   string
	number int
}{
	{"CAP_BPF", sys.CAP_BPF}, {"CAP_PERFMON", sys.CAP_PERFMON},
	{"CAP_NET_ADMIN", sys.CAP_NET_ADMIN}, {"CAP_SYS_ADMIN", sys.CAP_SYS_ADMIN},
}

const allCaps = capSet(1<<len(capList) - 1)

func (s capSet) String() string {
	var names []string
	for i, c := range capList {
		if s>>i&1 != 0 {
			names = append(names, c.name)
		}
	}
	return strings.Join(names, " + ")
}

func capSetOf(names []string) (s capSet, ok bool) {
	for _, n := range names {
		i := slices.IndexFunc(capList[:], func(c struct {
			name   string
			number int
		}) bool {
			return c.name == n
		})
		if i < 0 {
			return 0, false
		}
		s |= 1 << i
	}
	return s, true
}

// hold makes s, of capList, what the calling thread holds effectively, beside
// all other capabilities. The permitted set keeps them all.
func hold(t *testing.T, s capSet) {
	t.Helper()
	hdr := struct {
		version uint32
		pid     int32
	}{version: 0x20080522}
	var data [2]struct{ effective, permitted, inheritable uint32 }
	if _, _, e := syscall.RawSyscall(syscall.SYS_CAPGET, uintptr(unsafe.Pointer(&hdr)), uintptr(unsafe.Pointer(&data[0])), 0); e != 0 {
		t.Fatal(e)
	}
	for i := range data {
		data[i].effective = data[i].permitted
	}
	for i, c := range capList {
		if s>>i&1 == 0 {
			data[c.number/32].effective &^= 1 << (c.number % 32)
		}
	}
	if _, _, e := syscall.RawSyscall(syscall.SYS_CAPSET, uintptr(unsafe.Pointer(&hdr)), uintptr(unsafe.Pointer(&data[0])), 0); e != 0 {
		t.Fatal(e)
	}
}

// TestCapabilities drops the capabilities one by one, and all together in
// every combination, in a process of its own. Whatever then fails has to name
// what is missing: with that it succeeds, with less it does not.
func TestCapabilities(t *testing.T) {
	if os.Getenv("SKEP_TEST_CAPABILITIES") != "" {
		capabilities(t)
		return
	}
	needKernel(t)
	out := filepath.Join(t.TempDir(), "table")
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestCapabilities$", "-test.v")
	cmd.Env = append(os.Environ(), "SKEP_TEST_CAPABILITIES="+out, "GOCOVERDIR=")
	text, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(text), "--- PASS: TestCapabilities ") {
		t.Fatalf("%v\n%s", err, text)
	}
	table, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the table of this kernel:\n%s", table)
	golden := filepath.Join("testdata", "capabilities", minorRelease(t)+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, table, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if errors.Is(err, os.ErrNotExist) {
		t.Log("no table was recorded for this kernel")
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	// Another configuration or sysctl gives another table.
	if a, b, _ := strings.Cut(string(want), "\n"); !strings.HasPrefix(string(table), a+"\n") {
		t.Logf("the table was recorded on another machine: %q", a)
	} else if diff := cmp.Diff(b, string(table[len(a)+1:])); diff != "" {
		t.Error(diff)
	}
}

// minorRelease is the kernel's release without what follows the second number.
func minorRelease(t testing.TB) string {
	t.Helper()
	release, _, _, err := sys.Uname()
	if err != nil {
		t.Fatal(err)
	}
	p := strings.SplitN(release, ".", 3)
	return p[0] + "." + strings.TrimRight(strings.TrimLeft(p[1], ""), "-+abcdefghijklmnopqrstuvwxyz")
}

// sysctl is the value of a sysctl.
func sysctl(name string) string {
	b, err := os.ReadFile("/proc/sys/" + name)
	if err != nil {
		return "-"
	}
	return strings.TrimSpace(string(b))
}

func capabilities(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	t.Cleanup(func() { hold(t, allCaps) })
	release, _, machine, err := sys.Uname()
	if err != nil {
		t.Fatal(err)
	}
	release, _, _ = strings.Cut(release, "-") // a distribution's name for it
	var table strings.Builder
	fmt.Fprintf(&table, "Linux %s, %s, kernel.unprivileged_bpf_disabled %s, kernel.perf_event_paranoid %s\n",
		release, machine, sysctl("kernel/unprivileged_bpf_disabled"), sysctl("kernel/perf_event_paranoid"))
	for _, a := range actions(t) {
		if why := a.impossible(t); why != "" {
			t.Logf("%s: left out: %s", a.name, why)
			continue
		}
		fmt.Fprintf(&table, "%s\t%s\n", a.name, a.needs(t))
	}
	hold(t, allCaps)
	if err := os.WriteFile(os.Getenv("SKEP_TEST_CAPABILITIES"), []byte(table.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// action is something that may take capabilities.
type action struct {
	name    string
	since   string   // Linux
	configs []string // of the kernel
	// prepare, if any, is run with all capabilities, do with some. What they
	// give is closed.
	prepare func() (io.Closer, error)
	do      func() (io.Closer, error)
}

func (a *action) impossible(t *testing.T) string {
	if a.since != "" && !testutil.KernelAtLeast(t, a.since) {
		return "needs Linux " + a.since
	}
	for _, c := range a.configs {
		if !testutil.HasConfig(t, c) {
			return "needs " + c
		}
	}
	return ""
}

// attempt does the action once.
func (a *action) attempt(t *testing.T, s capSet) error {
	if a.prepare != nil {
		c, err := a.prepare()
		if err != nil {
			return err
		}
		defer c.Close()
	}
	hold(t, s)
	c, err := a.do()
	hold(t, allCaps)
	if c != nil && err == nil {
		if cerr := c.Close(); cerr != nil {
			t.Errorf("%s: close: %v", a.name, cerr)
		}
	}
	return err
}

// needs tries every combination, and says which are the smallest that do.
func (a *action) needs(t *testing.T) string {
	var errs [allCaps + 1]error
	for s := range allCaps + 1 {
		errs[s] = a.attempt(t, s)
	}
	if err := errs[allCaps]; err != nil {
		var r *refusal.Error
		if !errors.As(err, &r) || r.Cause != refusal.Unknown || !errors.Is(err, sys.EPERM) {
			t.Errorf("%s: with all capabilities: %v", a.name, err)
		}
		return "refused here, whatever is held"
	}
	for s, err := range errs {
		if err != nil {
			a.check(t, capSet(s), err, errs[:])
		}
	}
	var least []string
	for s := range allCaps + 1 {
		smaller := func(c int) bool { return s>>c&1 != 0 && errs[s&^(1<<c)] == nil }
		if errs[s] == nil && !smaller(0) && !smaller(1) && !smaller(2) && !smaller(3) {
			least = append(least, s.String())
		}
	}
	if least[0] == "" {
		return "nothing"
	}
	return strings.Join(least, ", or ")
}

// check follows the advice of an error until the action succeeds: each error
// has to name capabilities that are not held, and none that were not needed in
// the end. Some show only when others are there: those of the verifier.
func (a *action) check(t *testing.T, held capSet, err error, errs []error) {
	t.Helper()
	missing := a.missing(t, held, err)
	end := held | missing
	for errs[end] != nil {
		more := a.missing(t, end, errs[end])
		if more == 0 {
			return
		}
		end |= more
	}
	for i := range capList {
		if missing>>i&1 != 0 && errs[end&^(1<<i)] == nil {
			t.Errorf("%s, holding %q: %v, but %s is not missing", a.name, held, err, capList[i].name)
		}
	}
}

func (a *action) missing(t *testing.T, held capSet, err error) capSet {
	t.Helper()
	var r *refusal.Error
	if !errors.As(err, &r) {
		t.Errorf("%s, holding %q: %v names no cause", a.name, held, err)
		return 0
	}
	missing, ok := capSetOf(r.Caps)
	switch {
	case !ok || missing&^held == 0 || missing&held != 0:
		t.Errorf("%s, holding %q: %v does not name what is missing", a.name, held, err)
		return 0
	case r.Cause != refusal.Capability && r.Cause != refusal.Unprivileged && r.Cause != refusal.Paranoid:
		t.Errorf("%s, holding %q: %v has cause %s", a.name, held, err, r.Cause)
	}
	return missing
}

package testutil

import (
	"errors"
	"runtime"
	"syscall"
	"testing"
)

// trampolines maps architectures to the Linux that has BPF trampolines there:
// what fentry, fexit, fmod_ret, freplace and lsm programs are attached with.
var trampolines = map[string]string{"amd64": "5.5", "arm64": "6.0", "s390x": "6.3", "riscv64": "6.3", "loong64": "6.17"}

// trampolineOptions are what trampolines at functions of the kernel take:
// register_fentry in kernel/bpf/trampoline.c has ENOTSUPP without the last.
var trampolineOptions = []string{"CONFIG_BPF_JIT", "CONFIG_DEBUG_INFO_BTF", "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS"}

// RequireTrampolines skips where the kernel has no BPF trampolines: too old for
// its architecture, or built without what they take. try (fentry.Try) attaches
// the smallest fentry program; where it is refused (EPERM, EBUSY, ENOTSUPP)
// although CAP_BPF and CAP_PERFMON are held, the host forbids trampolines, and
// the test skips too. With SKEP_STOCK=1 such a refusal is a failure.
func RequireTrampolines(tb testing.TB, try func() error) {
	tb.Helper()
	min, ok := trampolines[runtime.GOARCH]
	if !ok {
		tb.Skipf("no trampolines on %s", runtime.GOARCH)
	}
	Require(tb, min, trampolineOptions...)
	if err := refused(tb, min, procSelf(tb, "status"), try); err != nil {
		tb.Skipf("this host refuses trampolines: %v", err)
	}
}

// HasTrampolines reports whether RequireTrampolines would let a test go on. It
// fails where a try fails by more than a refusal.
func HasTrampolines(tb testing.TB, try func() error) bool {
	tb.Helper()
	min, ok := trampolines[runtime.GOARCH]
	if !ok || !KernelAtLeast(tb, min) {
		return false
	}
	for _, o := range trampolineOptions {
		if !HasConfig(tb, o) {
			return false
		}
	}
	return refused(tb, min, procSelf(tb, "status"), try) == nil
}

// refused returns why a host that should have trampolines forbids them.
func refused(tb testing.TB, min, status string, try func() error) error {
	tb.Helper()
	err := try()
	if err == nil {
		return nil
	}
	if why := notTracer(status); why != "" {
		Privilege(tb, why)
	}
	switch {
	case stock():
		tb.Fatalf("Linux %s should have trampolines: %v", min, err)
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EBUSY), errors.Is(err, syscall.Errno(524)): // ENOTSUPP
	default:
		tb.Fatalf("the smallest fentry program: %v", err)
	}
	return err
}

package testutil

import (
	"errors"
	"os"
	"runtime"
	"syscall"
	"testing"
)

// trampolines maps architectures to the Linux that has BPF trampolines there:
// what fentry, fexit, fmod_ret, freplace and lsm programs are attached with.
var trampolines = map[string]string{"amd64": "5.5", "arm64": "6.0", "s390x": "6.3", "riscv64": "6.3", "loong64": "6.17"}

// NeedTrampolines skips where the kernel has no BPF trampolines: too old for
// its architecture, or built without what they take. try loads and attaches
// the smallest fentry program; where it is refused all the same (EPERM, EBUSY,
// ENOTSUPP) the host forbids them, and the test skips too. SKEP_STOCK=1 says
// that this machine runs a distribution's kernel that nothing restricts, and
// makes such a refusal a failure.
func NeedTrampolines(tb testing.TB, try func() error) {
	tb.Helper()
	min, ok := trampolines[runtime.GOARCH]
	if !ok {
		tb.Skipf("no trampolines on %s", runtime.GOARCH)
	}
	NeedKernel(tb, min)
	for _, option := range []string{"CONFIG_BPF_JIT", "CONFIG_DEBUG_INFO_BTF"} {
		NeedConfig(tb, option)
	}
	err := try()
	switch {
	case err == nil:
	case os.Getenv("SKEP_STOCK") == "1":
		tb.Fatalf("Linux %s should have trampolines: %v", min, err)
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EBUSY), errors.Is(err, syscall.Errno(524)): // ENOTSUPP
		tb.Skipf("this host refuses trampolines: %v", err)
	default:
		tb.Fatalf("the smallest fentry program: %v", err)
	}
}

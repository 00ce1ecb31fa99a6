// Package testutil holds the rules by which tests skip. Only tests import it.
package testutil

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/version"
)

// required reports whether SKEP_REQUIRE=1 forbids skips for want of privilege.
func required() bool { return os.Getenv("SKEP_REQUIRE") == "1" }

// NeedRoot skips a test that only root can run. With SKEP_REQUIRE=1 it fails
// instead, so that a run that is meant to cover everything does.
func NeedRoot(tb testing.TB) {
	tb.Helper()
	if os.Geteuid() != 0 {
		Privilege(tb, "needs root")
	}
}

// Privilege skips for want of a privilege, or fails with SKEP_REQUIRE=1.
func Privilege(tb testing.TB, reason string) {
	tb.Helper()
	if required() {
		tb.Fatalf("%s, and SKEP_REQUIRE=1 forbids to skip", reason)
	}
	tb.Skip(reason)
}

// NeedKernel skips on kernels older than min, such as "5.15".
func NeedKernel(tb testing.TB, min string) {
	tb.Helper()
	if !KernelAtLeast(tb, min) {
		tb.Skipf("needs Linux %s", min)
	}
}

// SkipUnsupported skips if err says that the kernel lacks something, but fails
// if the kernel is since, or newer, and so should have it. configs are the
// options of the kernel's configuration that it depends on ("CONFIG_KPROBES"):
// a kernel built without one skips whatever its release.
func SkipUnsupported(tb testing.TB, err error, since string, configs ...string) {
	tb.Helper()
	if err == nil {
		return
	}
	for _, c := range configs {
		if !HasConfig(tb, c) {
			tb.Skipf("the kernel is built without %s: %v", c, err)
		}
	}
	if !errors.Is(err, errors.ErrUnsupported) {
		return
	}
	var ue *feature.UnsupportedError
	if since == "" && errors.As(err, &ue) {
		since = ue.Since
	}
	if since != "" && KernelAtLeast(tb, since) {
		tb.Fatalf("Linux %s should have it: %v", since, err)
	}
	tb.Skip(err)
}

// KernelAtLeast reports whether the running kernel is min, such as "5.15", or newer.
func KernelAtLeast(tb testing.TB, min string) bool {
	tb.Helper()
	want, err := version.Parse(min)
	if err != nil {
		tb.Fatal(err)
	}
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if errors.Is(err, fs.ErrNotExist) {
		tb.Skip("not Linux")
	}
	if err != nil {
		tb.Fatal(err)
	}
	have, err := version.Parse(strings.TrimSpace(string(release)))
	if err != nil {
		tb.Fatal(err)
	}
	return have.AtLeast(want)
}

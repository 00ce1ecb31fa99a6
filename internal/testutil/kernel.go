package testutil

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/version"
)

// Require skips on kernels older than min ("" = any) and on those built
// without one of the options, such as "CONFIG_KPROBES". What a test that goes
// on does not find there is a failure: that is how a skip cannot hide one.
func Require(tb testing.TB, min string, options ...string) {
	tb.Helper()
	NeedLinux(tb)
	if min != "" && !KernelAtLeast(tb, min) {
		tb.Skipf("needs Linux %s", min)
	}
	for _, o := range options {
		if !HasConfig(tb, o) {
			tb.Skipf("the kernel is built without %s", o)
		}
	}
}

// RequireWithout skips on kernels built with an option: for tests of what is
// said where it is missing.
func RequireWithout(tb testing.TB, option string) {
	tb.Helper()
	NeedLinux(tb)
	if HasConfig(tb, option) {
		tb.Skipf("the kernel is built with %s", option)
	}
}

// Lacks reports whether the running kernel is older than min. If it is, err
// must say so: a test that can ask for what is not there shows more than one
// that skips.
func Lacks(tb testing.TB, min string, err error) bool {
	tb.Helper()
	if KernelAtLeast(tb, min) {
		return false
	}
	if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "Linux "+min) {
		tb.Errorf("needs Linux %s, but the error does not say so: %v", min, err)
	}
	return true
}

// KernelAtLeast reports whether the running kernel is min, such as "5.15", or
// newer. It skips where there is none.
func KernelAtLeast(tb testing.TB, min string) bool {
	tb.Helper()
	NeedLinux(tb)
	want, err := version.Parse(min)
	if err != nil {
		tb.Fatal(err)
	}
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		tb.Fatal(err)
	}
	have, err := version.Parse(strings.TrimSpace(string(release)))
	if err != nil {
		tb.Fatal(err)
	}
	return have.AtLeast(want)
}

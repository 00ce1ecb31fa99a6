package testutil

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"strings"
	"testing"
)

// HasConfig reports whether the running kernel was built with an option, such
// as "CONFIG_KPROBES", as part of it or as a module. Where the configuration
// cannot be read it is true.
func HasConfig(tb testing.TB, option string) bool {
	tb.Helper()
	text := readConfig()
	return text == nil ||
		bytes.Contains(text, []byte("\n"+option+"=y\n")) ||
		bytes.Contains(text, []byte("\n"+option+"=m\n"))
}

// NeedConfig skips if the running kernel was built without an option.
func NeedConfig(tb testing.TB, option string) {
	tb.Helper()
	if !HasConfig(tb, option) {
		tb.Skipf("the kernel is built without %s", option)
	}
}

// Require skips on kernels older than min ("" = any) and on those built
// without one of the options. What a test that goes on does not find there is
// a failure: that is how a skip cannot hide one.
func Require(tb testing.TB, min string, options ...string) {
	tb.Helper()
	if min != "" {
		NeedKernel(tb, min)
	}
	for _, o := range options {
		NeedConfig(tb, o)
	}
}

func readConfig() []byte {
	if f, err := os.Open("/proc/config.gz"); err == nil {
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil
		}
		text, err := io.ReadAll(z)
		if err != nil {
			return nil
		}
		return text
	}
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return nil
	}
	text, err := os.ReadFile("/boot/config-" + strings.TrimSpace(string(release)))
	if err != nil {
		return nil
	}
	return text
}

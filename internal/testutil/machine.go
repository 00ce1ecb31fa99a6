package testutil

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
)

// NeedLinux skips on other operating systems.
func NeedLinux(tb testing.TB) {
	tb.Helper()
	if runtime.GOOS != "linux" {
		tb.Skipf("needs Linux, not %s", runtime.GOOS)
	}
}

// Need64Bit skips where pointers have 32 bits.
func Need64Bit(tb testing.TB) {
	tb.Helper()
	if strconv.IntSize == 32 {
		tb.Skipf("needs 64 bits, not %s", runtime.GOARCH)
	}
}

// NeedTime skips a test that takes long when -short is given.
func NeedTime(tb testing.TB) {
	tb.Helper()
	if testing.Short() {
		tb.Skip("takes long, and -short is given")
	}
}

// OptIn skips unless an environment variable asks for the test. It returns the
// variable's value.
func OptIn(tb testing.TB, variable string) string {
	tb.Helper()
	value := os.Getenv(variable)
	if value == "" {
		tb.Skipf("runs where %s is set", variable)
	}
	return value
}

// NeedTool skips where a program is not installed, or fails with
// SKEP_REQUIRE=1. It returns the program's path.
func NeedTool(tb testing.TB, name string) string {
	tb.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(tb, name)
	}
	return path
}

// NeedFile skips where no file matches any of the patterns (those of
// filepath.Glob), or fails with SKEP_REQUIRE=1. what says whose they are, such
// as a package's name. It returns the files that match the first such pattern.
func NeedFile(tb testing.TB, what string, patterns ...string) []string {
	tb.Helper()
	for _, p := range patterns {
		files, err := filepath.Glob(p)
		if err != nil {
			tb.Fatal(err)
		}
		if len(files) > 0 {
			return files
		}
	}
	Missing(tb, what)
	return nil
}

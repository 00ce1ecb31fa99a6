// Package testutil holds the rules by which tests skip. Only tests import it,
// and only it calls Skip, so that whatever did not run said why beforehand:
//
//   - the kernel is older than the test states, or built without an option
//     that it states: Require;
//   - a privilege is missing: NeedRoot, Privilege;
//   - a program or file of the machine is missing: NeedTool, NeedFile, Missing;
//   - another operating system or architecture: NeedLinux, Need64Bit;
//   - the run is to be short, or did not ask for the test: NeedTime, OptIn;
//   - the host refuses trampolines: RequireTrampolines.
//
// No rule takes an error: a test that goes on fails on any.
//
// SKEP_REQUIRE=1 turns the second and third into failures. SKEP_STOCK=1 says
// that this is a guest with a distribution's kernel that nothing restricts:
// trampolines are there, and programs of the host are not.
package testutil

import (
	"os"
	"testing"
)

// required reports whether skips for want of what one can install, or become,
// are forbidden.
func required() bool { return os.Getenv("SKEP_REQUIRE") == "1" }

// stock reports whether this is a guest of the kernel matrix.
func stock() bool { return os.Getenv("SKEP_STOCK") == "1" }

// InGuest reports whether this is a guest of the kernel matrix. Guests are
// emulated: a test may do less of the same there, but not something else.
func InGuest() bool { return stock() }

// Privilege skips for want of a privilege, or fails with SKEP_REQUIRE=1.
func Privilege(tb testing.TB, reason string) {
	tb.Helper()
	if required() {
		tb.Fatalf("%s, and SKEP_REQUIRE=1 forbids to skip", reason)
	}
	tb.Skip(reason)
}

// Missing skips for want of something that could be installed, or fails with
// SKEP_REQUIRE=1. Guests get a few programs only, so there it skips.
func Missing(tb testing.TB, what string) {
	tb.Helper()
	switch {
	case stock():
		tb.Skipf("%s is not in the guest", what)
	case required():
		tb.Fatalf("%s is not installed, and SKEP_REQUIRE=1 forbids to skip", what)
	default:
		tb.Skipf("%s is not installed", what)
	}
}

package sys

import (
	"errors"
	"os"
	"testing"
)

// needKernel skips a test whose call was refused for want of privilege, or,
// where SKEP_REQUIRE=1 promises a kernel and root, fails it.
func needKernel(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case os.Getenv("SKEP_REQUIRE") != "1" && (errors.Is(err, EPERM) || errors.Is(err, EACCES) || errors.Is(err, errors.ErrUnsupported)):
		t.Skipf("no privilege or no support: %v", err)
	default:
		t.Fatal(err)
	}
}

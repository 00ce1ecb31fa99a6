package sys

import (
	"testing"

	"github.com/skepbpf/skep/internal/testutil"
)

// needKernel skips a test that the kernel would refuse for want of privilege.
func needKernel(t testing.TB) {
	t.Helper()
	testutil.NeedRoot(t)
}

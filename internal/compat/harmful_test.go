package compat

import (
	"testing"

	"github.com/skepbpf/skep/internal/testutil"
)

// harmfulPrograms test that a bug of the verifier is gone: to load them where
// it is not may do more than fail. Nobody's machine is put at risk for a row
// of a table; kernels between the fix and the release here are too careful.
var harmfulPrograms = []struct{ program, fixed, why string }{
	{"ld_abs_backtrack_both_paths", "7.3", "6.18: __mark_chain_precision leaves its frame 0 and sets a bit 16 GiB behind its state"},
	{"liveness_exponential_complexity", "7.3", "6.18: verified for minutes, in which RCU tasks sees no grace period"},
}

// harmful lists what must not be loaded on this kernel.
func harmful(t *testing.T) []string {
	t.Helper()
	var list []string
	for _, h := range harmfulPrograms {
		if !testutil.KernelAtLeast(t, h.fixed) {
			t.Logf("left out: %s: %s", h.program, h.why)
			list = append(list, h.program)
		}
	}
	return list
}

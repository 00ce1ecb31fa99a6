package skep_test

import (
	"testing"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/testutil"
)

// since are the programs of testdata that want more than Linux 5.10, with the
// first kernel that takes them and why.
var since = map[string]string{
	"typed":     "6.2",  // of everything.c: bpf_rcu_read_lock
	"kfunc":     "6.2",  // of ksyms.c: the same
	"xdp_frags": "5.18", // BPF_F_XDP_HAS_FRAGS
	"add":       "5.14", // of run.c: a program that is a system call
}

// ofAge turns off the programs of an object that the running kernel is too old for.
func ofAge(t *testing.T, spec *skep.Spec) *skep.Spec {
	t.Helper()
	for name, p := range spec.Programs {
		if min, ok := since[name]; ok && p.Policy == skep.Required && !testutil.KernelAtLeast(t, min) {
			p.Policy = skep.Off
		}
	}
	return spec
}

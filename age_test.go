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
	"by_enum":   "6.1",  // of guards.c: bpf_ktime_get_tai_ns, behind a test of what is older
	"on_uprobe": "5.15", // of attach.c: bpf_get_attach_cookie
}

// tooOld reports whether the running kernel is, for a program of that name.
func tooOld(t *testing.T, program string) bool {
	t.Helper()
	min, ok := since[program]
	return ok && !testutil.KernelAtLeast(t, min)
}

// ofAge turns off the programs of an object that the running kernel is too old for.
func ofAge(t *testing.T, spec *skep.Spec) *skep.Spec {
	t.Helper()
	for name, p := range spec.Programs {
		if p.Policy == skep.Required && tooOld(t, name) {
			p.Policy = skep.Off
		}
	}
	return spec
}

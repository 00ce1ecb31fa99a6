package compat

import (
	"path"
	"testing"
)

// Why libbpf does not load what skep does.
const (
	wholeExterns = "libbpf resolves externs of the whole object: one that this kernel lacks stops programs that do not use it"
	slotOff      = "libbpf fails a load whose prog-array or devmap slot names a program that is off"
	lostMember   = "libbpf refuses the struct_ops map for a member that this kernel lacks; skep leaves that member's program out and says so"
)

// onlySkepSelftests are objects with programs that skep alone loads, on some
// kernel.
var onlySkepSelftests = []note{
	{"arena_kfunc", "", wholeExterns},
	{"bpf_cc_cubic", "", lostMember},
	{"bpf_cubic", "", lostMember},
	{"kprobe_multi", "", wholeExterns},
	{"map_kptr", "", wholeExterns},
	{"map_kptr_fail", "", wholeExterns},
	{"map_kptr_race", "", wholeExterns},
	{"mem_rdonly_untrusted", "", wholeExterns},
	{"missed_kprobe", "", wholeExterns},
	{"missed_kprobe_recursion", "", wholeExterns},
	{"tailcall_bpf2bpf_hierarchy2", "", slotOff},
	{"tailcall_bpf2bpf_hierarchy3", "", slotOff},
	{"tailcall_callback", "", slotOff},
	{"test_prog_array_init", "", slotOff},
	{"test_tunnel_kern", "", wholeExterns},
	{"test_xdp_devmap_tailcall", "", slotOff},
	{"verifier_ctx", "", wholeExterns},
	{"verifier_global_subprogs", "", slotOff},
	{"verifier_map_ptr_mixing", "", slotOff},
	{"verifier_ref_tracking", "", slotOff},
	{"verifier_runtime_jit", "", slotOff},
	{"verifier_unpriv", "", slotOff},
	{"verifier_zext", "", wholeExterns},
	{"wq", "", wholeExterns},
}

// onlyLibbpfSelftests are programs that skep does not load yet.
var onlyLibbpfSelftests = []note{}

// differingSelftests are programs for which the kernel was given other
// instructions.
var differingSelftests = []note{
	{"exceptions_fail", "reject_multiple_exception_cb", "two exception callbacks are named: skep links both in, libbpf one; the kernel refuses either"},
}

// explain gives the table's reason for a row that is not plain; false if there
// is none.
func (r *row) explain() (string, bool) {
	table := onlySkepSelftests
	switch {
	case r.outcome == "libbpf only":
		table = onlyLibbpfSelftests
	case r.outcome == "skep only" && r.diff == "":
	case r.diff != "":
		table = differingSelftests
	default:
		return "", true
	}
	return explained(table, key{path.Base(r.object), r.program})
}

// unexplained fails for rows that no table explains.
func unexplained(t *testing.T, rows []row) {
	t.Helper()
	for i := range rows {
		r := &rows[i]
		if _, ok := r.explain(); !ok {
			t.Errorf("%s: %s: %s (libbpf %s, skep %s): %s %s", r.object, r.program, r.outcome, r.libbpf, r.skep, r.note, r.diff)
		}
	}
}

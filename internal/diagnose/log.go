package diagnose

import (
	"strconv"
	"strings"

	"github.com/skepbpf/skep/internal/tree"
	"github.com/skepbpf/skep/refusal"
)

// logCauses are the verifier's words for what is a want of privilege. The
// text is part of a line. lack must be lacking for the row to count: to the
// privileged the same words mean something else.
var logCauses = [...]struct {
	text string
	lack Caps
}{
	{"other bpf or kernel functions are allowed for CAP_BPF", BPF},
	{"function calls to other bpf functions are allowed for", BPF},
	{"back-edge from insn", BPF},
	{"leaks addr", Perfmon},
	{"pointer comparison prohibited", Perfmon},
	{"partial copy of pointer", Perfmon},
	{"pointer arithmetic on", Perfmon},
	{"arithmetic prohibited", Perfmon},
	{"prohibited for !root", Perfmon},
	{"allowed only to CAP_PERFMON", Perfmon},
}

// refusesCall is how verifiers say that a program cannot call a helper or a
// kernel function.
var refusesCall = [...]string{"cannot use helper", "unknown func"}

// needPerfmon are beginnings of the names of helpers for which the kernel wants
// CAP_PERFMON (kernel/bpf/helpers.c, bpf_base_func_proto, its last part).
var needPerfmon = [...]string{
	"bpf_probe_", "bpf_trace_", "bpf_get_current_task", "bpf_get_current_comm", "bpf_copy_from_user",
	"bpf_snprintf", "bpf_task_pt_regs", "bpf_perf_event_read", "bpf_send_signal", "bpf_get_task_stack",
	"bpf_get_branch_snapshot", "bpf_find_vma", "bpf_sys_bpf",
}

// tooLarge begins the verifier's line about its limit.
const tooLarge = "BPF program is too large. Processed "

// FromLog looks for a cause behind the reason that the verifier's log gives for
// a rejection. nil: the log speaks for itself. root nil is "/".
func FromLog(reason string, root tree.Root) *refusal.Error {
	if _, rest, ok := strings.Cut(reason, tooLarge); ok {
		n, _, _ := strings.Cut(rest, " ")
		return &refusal.Error{Cause: refusal.TooComplex, Detail: n}
	}
	f := facts{(&Ask{Root: root}).root()}
	if strings.Contains(reason, "only for JIT") || strings.Contains(reason, "JIT is required") {
		return noJIT(f)
	}
	lack := lackOf(reason)
	if lack == 0 {
		return nil
	}
	held, ok := f.caps()
	switch {
	case !ok:
	case held&(lack|SysAdmin) == 0:
		return &refusal.Error{Cause: refusal.Capability, Caps: lack.Names()}
	case f.foreign():
		return &refusal.Error{Cause: refusal.UserNamespace, Caps: lack.Names()}
	case takenAway(reason, f):
		return &refusal.Error{Cause: refusal.Lockdown, Detail: f.lockdown()}
	}
	return nil
}

// takenAway reports whether the call that is refused is of a helper that
// lockdown takes away (LOCKDOWN_BPF_WRITE_USER, LOCKDOWN_BPF_READ_KERNEL).
func takenAway(reason string, f facts) bool {
	switch f.lockdown() {
	case "integrity":
		return strings.Contains(reason, "bpf_probe_write_user")
	case "confidentiality":
		return strings.Contains(reason, "bpf_probe_")
	}
	return false
}

func lackOf(reason string) Caps {
	for _, c := range logCauses {
		if strings.Contains(reason, c.text) {
			return c.lack
		}
	}
	for _, r := range refusesCall {
		if !strings.Contains(reason, r) {
			continue
		}
		for _, name := range needPerfmon {
			if strings.Contains(reason, name) {
				return Perfmon
			}
		}
		return BPF
	}
	return 0
}

// Size gives the cause of E2BIG before the verifier has seen a program of n
// instructions: without CAP_BPF, and for all before Linux 5.2, there are at
// most 4096 (BPF_MAXINSNS), and else a million.
func Size(n int, root tree.Root) *refusal.Error {
	f := facts{(&Ask{Root: root}).root()}
	limit := 1000000
	held, ok := f.caps()
	if f.before(5, 2) || ok && held&(BPF|SysAdmin) == 0 {
		limit = 4096
	}
	if n <= limit {
		return nil
	}
	r := &refusal.Error{Cause: refusal.TooLong, Detail: strconv.Itoa(limit)}
	if limit == 4096 && n <= 1000000 && !f.before(5, 2) {
		r.Caps = BPF.Names()
	}
	return r
}

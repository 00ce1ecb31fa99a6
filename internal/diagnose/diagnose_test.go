package diagnose_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/skepbpf/skep/internal/diagnose"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/tree"
	"github.com/skepbpf/skep/refusal"
	"github.com/skepbpf/skep/verifierlog"
)

// machine is a tree of facts.
func machine(release, caps, uids string, more ...string) tree.Root {
	m := fstest.MapFS{
		"proc/sys/kernel/osrelease":   {Data: []byte(release + "\n")},
		"proc/sys/kernel/version":     {Data: []byte("#1 SMP\n")},
		"proc/thread-self/status":     {Data: []byte("Name:\tx\nCapEff:\t" + caps + "\nSeccomp:\t0\n")},
		"proc/self/uid_map":           {Data: []byte(uids)},
		"sys/kernel/security/nothing": {},
	}
	for i := 0; i < len(more); i += 2 {
		m[more[i]] = &fstest.MapFile{Data: []byte(more[i+1] + "\n")}
	}
	return tree.From(m)
}

const (
	initial   = "         0          0 4294967295\n"
	container = "         0     100000      65536\n"

	all      = "000001ffffffffff"
	none     = "0000000000000000"
	bpfOnly  = "0000008000000000"
	sysAdmin = "0000000000200000"
	perfmon  = "0000004000000000"

	disabled = "proc/sys/kernel/unprivileged_bpf_disabled"
	paranoid = "proc/sys/kernel/perf_event_paranoid"
	lockdown = "sys/kernel/security/lockdown"
)

func TestDenied(t *testing.T) {
	const xdp, tracing = diagnose.BPF | diagnose.NetAdmin, diagnose.BPF | diagnose.Perfmon
	for _, tt := range []struct {
		name string
		root tree.Root
		ask  diagnose.Ask
		err  error
		want refusal.Error
	}{
		{"nothing is lacking", machine("6.12.1", all, initial), diagnose.Ask{Needs: xdp}, sys.EPERM, refusal.Error{}},
		{"no capability", machine("6.12.1", none, initial), diagnose.Ask{Needs: xdp}, sys.EPERM,
			refusal.Error{Cause: refusal.Capability, Caps: []string{"CAP_BPF", "CAP_NET_ADMIN"}}},
		{"one of two", machine("6.12.1", bpfOnly, initial), diagnose.Ask{Needs: tracing}, sys.EPERM,
			refusal.Error{Cause: refusal.Capability, Caps: []string{"CAP_PERFMON"}}},
		{"stands in", machine("6.12.1", sysAdmin, initial), diagnose.Ask{Needs: xdp}, sys.EPERM, refusal.Error{}},
		{"did not stand in", machine("6.1.0", sysAdmin, initial), diagnose.Ask{Needs: xdp, Plain: diagnose.NetAdmin}, sys.EPERM,
			refusal.Error{Cause: refusal.Capability, Caps: []string{"CAP_NET_ADMIN"}}},
		{"before the split", machine("5.4.0", none, initial), diagnose.Ask{Needs: tracing}, sys.EPERM,
			refusal.Error{Cause: refusal.Capability, Caps: []string{"CAP_SYS_ADMIN"}}},
		{"user namespace", machine("6.12.1", all, container), diagnose.Ask{Needs: xdp}, sys.EPERM,
			refusal.Error{Cause: refusal.UserNamespace, Caps: []string{"CAP_BPF", "CAP_NET_ADMIN"}}},
		{"sysctl", machine("6.12.1", none, initial, disabled, "2"), diagnose.Ask{Needs: diagnose.BPF, Open: true}, sys.EPERM,
			refusal.Error{Cause: refusal.Unprivileged, Caps: []string{"CAP_BPF"}, Detail: "2"}},
		{"sysctl off", machine("6.12.1", none, initial, disabled, "0"), diagnose.Ask{Needs: diagnose.BPF, Open: true}, sys.EPERM,
			refusal.Error{Cause: refusal.Capability, Caps: []string{"CAP_BPF"}}},
		{"paranoid", machine("6.12.1", bpfOnly, initial, paranoid, "2"), diagnose.Ask{Needs: diagnose.Perfmon, Perf: true, Paranoid: true}, sys.EACCES,
			refusal.Error{Cause: refusal.Paranoid, Caps: []string{"CAP_PERFMON"}, Detail: "2"}},
		{"a distribution's level", machine("5.10.0", perfmon, initial, paranoid, "3"), diagnose.Ask{Needs: diagnose.Perfmon, Perf: true}, sys.EACCES,
			refusal.Error{Cause: refusal.Paranoid, Caps: []string{"CAP_SYS_ADMIN"}, Detail: "3"}},
		{"perf under lockdown", machine("6.12.1", all, initial, lockdown, "none integrity [confidentiality]"), diagnose.Ask{Needs: diagnose.Perfmon, Perf: true}, sys.EPERM,
			refusal.Error{Cause: refusal.Lockdown, Detail: "confidentiality"}},
		{"lockdown that allows it", machine("6.12.1", all, initial, lockdown, "none [integrity] confidentiality"), diagnose.Ask{Needs: diagnose.Perfmon, Perf: true}, sys.EPERM,
			refusal.Error{}},
		{"no facts at all", tree.From(fstest.MapFS{}), diagnose.Ask{}, sys.EPERM, refusal.Error{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			systest.NewKernel(t)
			tt.ask.Root = tt.root
			err := diagnose.Explain(tt.err, &tt.ask)
			check(t, err, tt.err, tt.want)
		})
	}
}

func check(t *testing.T, err, cause error, want refusal.Error) {
	t.Helper()
	var got *refusal.Error
	if !errors.As(err, &got) || !errors.Is(err, cause) {
		t.Fatalf("got %v", err)
	}
	if diff := cmp.Diff(want, *got, cmpopts.IgnoreFields(refusal.Error{}, "Err")); diff != "" {
		t.Error(diff)
	}
	if text := err.Error(); strings.ContainsAny(text, "%&") || !strings.HasPrefix(text, cause.Error()+": ") {
		t.Errorf("text %q", text)
	}
	for _, c := range want.Caps {
		if missing := got.Missing(c); missing == (want.Cause == refusal.UserNamespace) {
			t.Errorf("missing %s: %v", c, missing)
		}
	}
}

// TestFiltered plays a seccomp filter, and the sysctl of older kernels.
func TestFiltered(t *testing.T) {
	for _, tt := range []struct {
		name string
		root tree.Root
		want refusal.Error
	}{
		{"by a filter", machine("6.12.1", all, initial), refusal.Error{Cause: refusal.Filtered}},
		{"by the sysctl", machine("5.10.0", none, initial, disabled, "1"),
			refusal.Error{Cause: refusal.Unprivileged, Caps: []string{"CAP_BPF"}, Detail: "1"}},
		{"privileged, by a filter", machine("5.10.0", all, initial, disabled, "1"), refusal.Error{Cause: refusal.Filtered}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			systest.NewKernel(t)
			systest.Inject(t, systest.Fault{Cmd: systest.AnyCmd, N: 1, Rest: true, Errno: sys.EPERM})
			check(t, diagnose.Explain(sys.EPERM, &diagnose.Ask{Root: tt.root, Quiet: true}), sys.EPERM, tt.want)
		})
	}
}

func TestOthers(t *testing.T) {
	systest.NewKernel(t)
	root := machine("6.12.1", all, initial, "proc/sys/net/core/bpf_jit_enable", "0")
	lacks := func() error { return &feature.UnsupportedError{Name: "map type arena", Since: "6.9"} }
	has := func() error { return nil }
	for _, tt := range []struct {
		name string
		err  error
		ask  diagnose.Ask
		want *refusal.Error // nil: err stays as it is
	}{
		{"unsupported", sys.EINVAL, diagnose.Ask{Probe: lacks}, &refusal.Error{Cause: refusal.Unsupported, Detail: "map type arena (Linux 6.9 does)"}},
		{"supported", sys.E2BIG, diagnose.Ask{Probe: has}, &refusal.Error{}},
		{"nothing to ask", sys.EINVAL, diagnose.Ask{}, nil},
		{"no JIT", sys.ENOTSUPP, diagnose.Ask{}, &refusal.Error{Cause: refusal.NoJIT, Detail: "0"}},
		{"another errno", sys.ENOENT, diagnose.Ask{Needs: diagnose.BPF}, nil},
		{"quiet", sys.EPERM, diagnose.Ask{Quiet: true}, nil},
		{"a file's permission", sys.EACCES, diagnose.Ask{Needs: diagnose.BPF}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.ask.Root = root
			err := diagnose.Explain(tt.err, &tt.ask)
			if tt.want != nil {
				check(t, err, tt.err, *tt.want)
			} else if err != tt.err {
				t.Errorf("got %v", err)
			}
			if again := diagnose.Explain(err, &tt.ask); tt.want != nil && again != err {
				t.Errorf("explained twice: %v", again)
			}
		})
	}
	if err := diagnose.Explain(nil, &diagnose.Ask{}); err != nil {
		t.Error(err)
	}
}

func TestFromLog(t *testing.T) {
	confidential := machine("6.12.1", all, initial, lockdown, "none integrity [confidentiality]")
	for _, tt := range []struct {
		name, reason string
		root         tree.Root
		want         *refusal.Error
	}{
		{"too complex", "BPF program is too large. Processed 1000001 insn", machine("6.12.1", all, initial),
			&refusal.Error{Cause: refusal.TooComplex, Detail: "1000001"}},
		{"helper", "program of this type cannot use helper bpf_probe_read_kernel#113", machine("6.12.1", bpfOnly, initial),
			&refusal.Error{Cause: refusal.Capability, Caps: []string{"CAP_PERFMON"}}},
		{"helper, before 6.8", "unknown func bpf_trace_printk#6", machine("6.1.0", bpfOnly, initial),
			&refusal.Error{Cause: refusal.Capability, Caps: []string{"CAP_PERFMON"}}},
		{"helper that is not there", "unknown func bpf_probe_read_kernel#113", machine("6.1.0", all, initial), nil},
		{"lockdown", "unknown func bpf_probe_read_kernel#113", confidential, &refusal.Error{Cause: refusal.Lockdown, Detail: "confidentiality"}},
		{"pointer", "R0 leaks addr as return value", machine("6.1.0", bpfOnly, initial),
			&refusal.Error{Cause: refusal.Capability, Caps: []string{"CAP_PERFMON"}}},
		{"pointer, in a user namespace", "R0 leaks addr as return value", machine("6.1.0", all, container),
			&refusal.Error{Cause: refusal.UserNamespace, Caps: []string{"CAP_PERFMON"}}},
		{"pointer of the privileged", "R0 leaks addr as return value", machine("6.1.0", sysAdmin, initial), nil},
		{"calls", "loading/calling other bpf or kernel functions are allowed for CAP_BPF and CAP_SYS_ADMIN", machine("6.1.0", none, initial),
			&refusal.Error{Cause: refusal.Capability, Caps: []string{"CAP_BPF"}}},
		{"JIT", "JIT is required for calling kernel function", machine("6.1.0", all, initial, "proc/sys/net/core/bpf_jit_enable", "0"),
			&refusal.Error{Cause: refusal.NoJIT, Detail: "0"}},
		{"the log says it", "R1 !read_ok", machine("6.1.0", none, initial), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := diagnose.FromLog(tt.reason, tt.root)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	// The reasons are what verifierlog finds in real logs.
	log := verifierlog.Parse([]byte("0: (85) call bpf_trace_printk#6\nprogram of this type cannot use helper bpf_trace_printk#6\nprocessed 1 insns\n"))
	if r := diagnose.FromLog(log.Explain().Reason, machine("6.12.1", bpfOnly, initial)); r == nil || r.Cause != refusal.Capability {
		t.Errorf("got %v", r)
	}
}

func TestSize(t *testing.T) {
	for _, tt := range []struct {
		n    int
		root tree.Root
		want *refusal.Error
	}{
		{4096, machine("6.12.1", none, initial), nil},
		{4097, machine("6.12.1", none, initial), &refusal.Error{Cause: refusal.TooLong, Caps: []string{"CAP_BPF"}, Detail: "4096"}},
		{4097, machine("6.12.1", bpfOnly, initial), nil},
		{4097, machine("5.1.0", all, initial), &refusal.Error{Cause: refusal.TooLong, Detail: "4096"}},
		{1000001, machine("6.12.1", all, initial), &refusal.Error{Cause: refusal.TooLong, Detail: "1000000"}},
	} {
		if diff := cmp.Diff(tt.want, diagnose.Size(tt.n, tt.root)); diff != "" {
			t.Errorf("%d: %s", tt.n, diff)
		}
	}
}

// TestToken names what a token does not grant.
func TestToken(t *testing.T) {
	for _, tt := range []struct {
		info   sys.TokenInfo
		rights diagnose.Rights
		want   string
	}{
		{sys.TokenInfo{}, diagnose.Rights{Cmd: sys.BPF_BTF_LOAD}, "BPF_BTF_LOAD"},
		{sys.TokenInfo{AllowedCmds: 1}, diagnose.Rights{Cmd: sys.BPF_MAP_CREATE, Map: sys.BPF_MAP_TYPE_ARENA}, "BPF_MAP_TYPE_ARENA"},
		{sys.TokenInfo{AllowedCmds: 1 << 5}, diagnose.Rights{Cmd: sys.BPF_PROG_LOAD, Prog: sys.BPF_PROG_TYPE_XDP}, "BPF_PROG_TYPE_XDP"},
		{sys.TokenInfo{AllowedCmds: 1 << 5, AllowedProgs: 1 << 6}, diagnose.Rights{Cmd: sys.BPF_PROG_LOAD, Prog: sys.BPF_PROG_TYPE_XDP, At: sys.BPF_XDP}, "BPF_XDP"},
		{sys.TokenInfo{AllowedCmds: 1}, diagnose.Rights{Cmd: sys.BPF_MAP_CREATE, Map: 200}, "BPF_MAP_TYPE_"},
	} {
		got := diagnose.Ungranted(&tt.info, tt.rights)
		if got != tt.want && !(strings.HasSuffix(tt.want, "_") && got != "") {
			t.Errorf("%+v of %+v: got %q, want %q", tt.rights, tt.info, got, tt.want)
		}
	}
	full := sys.TokenInfo{AllowedCmds: ^uint64(0), AllowedMaps: ^uint64(0), AllowedProgs: ^uint64(0), AllowedAttachs: ^uint64(0)}
	if got := diagnose.Ungranted(&full, diagnose.Rights{Cmd: sys.BPF_PROG_LOAD, Prog: sys.BPF_PROG_TYPE_XDP}); got != "" {
		t.Errorf("got %q", got)
	}
}

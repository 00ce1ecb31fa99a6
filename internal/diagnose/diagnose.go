package diagnose

import (
	"errors"
	"strconv"

	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/tree"
	"github.com/skepbpf/skep/refusal"
)

// Ask is what was refused. Only what is set is considered.
type Ask struct {
	// Needs are the capabilities that the call is documented to take, in
	// addition to all others that it asks for. CAP_SYS_ADMIN stands in for
	// CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN.
	Needs Caps
	// Plain are those of Needs that CAP_SYS_ADMIN did not stand in for
	// before Linux 6.9, when bpf_net_capable and its like took over.
	Plain Caps
	// Open says that Needs count only because a sysctl forbids to others what
	// is open to all: kernel.unprivileged_bpf_disabled.
	Open bool
	// Perf says that the call is perf_event_open, and Paranoid that a sysctl
	// can open it to all.
	Perf, Paranoid bool
	// Memlock says that kernels before 5.11 charge it to RLIMIT_MEMLOCK.
	Memlock bool
	// Token is the BPF token that was used, nil for none, and Rights what it
	// has to grant, by the numbers of the command and the type.
	Token  *sys.FD
	Rights Rights
	// Probe gives an error that Is errors.ErrUnsupported if the kernel does
	// not have what was asked for. Its text begins with the name of that.
	Probe func() error
	// Quiet leaves an EPERM that nothing explains as it is: the call has other
	// reasons for it.
	Quiet bool
	// Root is "/" if it is nil.
	Root tree.Root
}

// Rights of a token: bits of struct bpf_token_info.
type Rights struct {
	Cmd  sys.Cmd
	Map  sys.MapType  // of MAP_CREATE
	Prog sys.ProgType // of PROG_LOAD
	At   sys.AttachType
}

// Explain gives err with its cause, as a *refusal.Error. What has one already,
// and errnos that mean something else than a refusal, stay as they are. A
// refusal without a cause says so.
func Explain(err error, a *Ask) error {
	if err == nil || a.known(err) {
		return err
	}
	f := facts{a.root()}
	var r *refusal.Error
	switch {
	case errors.Is(err, sys.EPERM), errors.Is(err, sys.EACCES) && a.Perf:
		if r = a.denied(f); r == nil && !a.Quiet {
			r = &refusal.Error{}
		}
	case errors.Is(err, sys.ENOMEM):
		r = a.memlock(f)
	case errors.Is(err, sys.EINVAL), errors.Is(err, sys.E2BIG):
		if r = a.unsupported(); r == nil && a.Probe != nil {
			r = &refusal.Error{}
		}
	case errors.Is(err, sys.ENOTSUPP):
		r = noJIT(f)
	}
	if r == nil {
		return err
	}
	r.Err = err
	return r
}

// known reports whether err has a cause already.
func (*Ask) known(err error) bool {
	_, ok := errors.AsType[*refusal.Error](err)
	return ok
}

func (a *Ask) root() tree.Root {
	if a.Root != nil {
		return a.Root
	}
	return kernel.FS("/")
}

// denied looks for what EPERM means: first what is certain, then what is left
// when everything else is in order.
func (a *Ask) denied(f facts) *refusal.Error {
	if a.Token != nil {
		if r := a.tokenRights(); r != nil {
			return r
		}
	}
	if a.Perf {
		if r := a.paranoid(f); r != nil {
			return r
		}
	}
	if r := a.lacking(f); r != nil {
		return r
	}
	if r := a.memlock(f); r != nil {
		return r
	}
	if level := f.lockdown(); a.Perf && level == "confidentiality" {
		return &refusal.Error{Cause: refusal.Lockdown, Detail: level}
	}
	if !a.Perf && allRefused() {
		return a.filtered(f)
	}
	return nil
}

// paranoid is about perf_event_open. Distributions have levels of the sysctl
// above 2, which is the highest of mainline, at which only CAP_SYS_ADMIN does.
func (a *Ask) paranoid(f facts) *refusal.Error {
	held, ok := f.caps()
	v := f.sysctl(paranoid)
	if n, err := strconv.Atoi(v); err != nil || n <= 2 || !ok || held&SysAdmin != 0 {
		return nil
	}
	return &refusal.Error{Cause: refusal.Paranoid, Caps: SysAdmin.Names(), Detail: v}
}

// standsIn are the capabilities that CAP_SYS_ADMIN includes (bpf_capable,
// perfmon_capable and bpf_net_capable of the kernel).
const standsIn = BPF | Perfmon | NetAdmin

func (a *Ask) lacking(f facts) *refusal.Error {
	held, ok := f.caps()
	if !ok || a.Needs == 0 {
		return nil
	}
	needs := a.Needs
	if f.before(5, 8) && needs&(BPF|Perfmon) != 0 {
		needs = needs&^(BPF|Perfmon) | SysAdmin // which was split only then
	}
	full := held
	if held&SysAdmin != 0 {
		full |= standsIn
		if a.Plain != 0 && f.before(6, 9) {
			full = full&^a.Plain | held
		}
	}
	if lack := needs &^ full; lack != 0 {
		return a.lack(f, lack)
	}
	if a.Token == nil && f.foreign() {
		return &refusal.Error{Cause: refusal.UserNamespace, Caps: needs.Names()}
	}
	return nil
}

// lack says that a capability is missing, and what else would do.
func (a *Ask) lack(f facts, lack Caps) *refusal.Error {
	r := &refusal.Error{Cause: refusal.Capability, Caps: lack.Names()}
	name, cause := "", refusal.Unknown
	switch {
	case a.Open && lack == BPF:
		name, cause = disabled, refusal.Unprivileged
	case a.Paranoid && lack == Perfmon:
		name, cause = paranoid, refusal.Paranoid
	}
	if v := f.sysctl(name); name != "" && v != "" && v != "0" {
		r.Cause, r.Detail = cause, v
	}
	return r
}

// memlock looks at the limit of kernels that charge maps and programs to it.
func (a *Ask) memlock(f facts) *refusal.Error {
	if !a.Memlock || !f.before(5, 11) {
		return nil
	}
	soft, _, err := sys.Memlock()
	if err != nil || soft == ^uint64(0) {
		return nil
	}
	return &refusal.Error{
		Cause: refusal.Memlock, Caps: SysResource.Names(), Detail: strconv.FormatUint(soft, 10),
	}
}

// allRefused makes a call for which no capability is needed, and which fails
// with EBADF.
func allRefused() bool {
	var info sys.ProgInfo
	return errors.Is(sys.ObjGetInfoByFD(-1, &info), sys.EPERM)
}

// filtered is the cause of that: before Linux 5.19 a sysctl keeps all of bpf(2)
// from those without CAP_BPF.
func (a *Ask) filtered(f facts) *refusal.Error {
	b := Ask{Needs: BPF, Open: true}
	if f.before(5, 19) && f.sysctl(disabled) != "0" {
		if r := b.lacking(f); r != nil {
			return r
		}
	}
	return &refusal.Error{Cause: refusal.Filtered}
}

// Sysctls that keep bpf(2) and perf_event_open from the unprivileged.
const (
	disabled = "kernel/unprivileged_bpf_disabled"
	paranoid = "kernel/perf_event_paranoid"
)

func (a *Ask) unsupported() *refusal.Error {
	if a.Probe == nil {
		return nil
	}
	err := a.Probe()
	if err == nil || !errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return unsupported(err)
}

func noJIT(f facts) *refusal.Error {
	if v := f.sysctl("net/core/bpf_jit_enable"); v == "0" {
		return &refusal.Error{Cause: refusal.NoJIT, Detail: v}
	}
	return nil
}

package link

import (
	"errors"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/prog"
)

// RawTracepointOptions says where a raw tracepoint program goes.
type RawTracepointOptions struct {
	Name string // of the tracepoint, without its category: "sched_switch"
	// Cookie is what bpf_get_attach_cookie gives. Requires Linux 6.10.
	Cookie uint64
}

// AttachRawTracepoint attaches a program of type RawTracepoint or
// RawTracepointWritable. The kernel has one form of it, RAW_TRACEPOINT_OPEN,
// whose descriptor is a bpf_link since Linux 5.7. Requires Linux 4.17.
func AttachRawTracepoint(p *prog.Program, o RawTracepointOptions) (Link, error) {
	l, err := openRawTracepoint(p, o.Name, o.Cookie)
	if err != nil {
		return nil, mkerr.WrapNamed("attach raw tracepoint %s: %w", o.Name, explainRaw(err))
	}
	return l, nil
}

func openRawTracepoint(p *prog.Program, name string, cookie uint64) (Link, error) {
	if err := checkPath(name); err != nil {
		return nil, errors.New("no tracepoint named")
	}
	pfd, pf, err := borrowProgram(p, prog.RawTracepoint, prog.RawTracepointWritable)
	if err != nil {
		return nil, err
	}
	defer pf.Release()
	fd, err := rawOpen(pfd, name, cookie)
	if err != nil {
		return nil, err
	}
	return wrapLink(fd, TypeRawTracepoint, FormRawTracepoint, nil), nil
}

// rawOpen is BPF_RAW_TRACEPOINT_OPEN; name "" attaches to the function that
// the program was loaded for. cookie is a u64 field of the attribute.
func rawOpen(pfd int, name string, cookie uint64) (*sys.FD, error) {
	attr := sys.RawTracepointOpenAttr{ProgFd: uint32(pfd), Cookie: cookie}
	if name != "" {
		attr.Name = sys.StringPtr(name)
	}
	return sys.RawTracepointOpen(&attr)
}

// TracingOptions says how a tracing program is attached; where was said when
// it was loaded.
type TracingOptions struct {
	// Cookie is what bpf_get_attach_cookie gives. Requires Linux 6.0.
	Cookie uint64
}

// AttachTracing attaches a program of type Tracing (tp_btf, fentry, fexit,
// fmod_ret, fsession) or LSM to what it was loaded for: something of the kernel,
// of a module, or, but for tp_btf, fmod_ret and LSM, of another program. Kernels before 5.19 refuse the
// link for these and get RAW_TRACEPOINT_OPEN, which does the same without a
// cookie. Requires Linux 5.5.
func AttachTracing(p *prog.Program, o TracingOptions) (Link, error) {
	l, err := attachTracing(p, o.Cookie)
	if err != nil {
		return nil, mkerr.Wrap("attach tracing: %w", explainTracing(err))
	}
	return l, nil
}

func attachTracing(p *prog.Program, cookie uint64) (Link, error) {
	pfd, pf, err := borrowProgram(p, prog.Tracing, prog.LSM)
	if err != nil {
		return nil, err
	}
	defer pf.Release()
	at := sys.AttachType(p.AttachType())
	typ := TypeTracing
	if at == sys.BPF_TRACE_RAW_TP {
		typ = TypeRawTracepoint
	}
	fd, err := sys.LinkCreate(&sys.LinkCreateTracingAttr{ProgFd: uint32(pfd), AttachType: at, Cookie: cookie})
	if err == nil {
		return wrapLink(fd, typ, FormLink, nil), nil
	}
	// bpf_raw_tp_link_attach and bpf_tracing_prog_attach are behind both
	// commands: where the first one was not refused for its form, the second
	// fails as well, and the first error stands.
	if !maybeMissing(err) || cookie != 0 {
		return nil, err
	}
	fd, rerr := rawOpen(pfd, "", 0)
	if rerr != nil {
		return nil, bothForms(err, rerr)
	}
	return wrapLink(fd, typ, FormRawTracepoint, nil), nil
}

// bothForms is the error of a kernel that took neither form of an attachment:
// the first, with the second if that is another.
func bothForms(err, older error) error {
	if maybeMissing(older) {
		return err
	}
	return mkerr.Errorf("%w (nor by the older form: %w)", err, older)
}

// FreplaceOptions says which function a program of type Ext replaces. The zero
// value is the function that it was loaded for, which the kernel forgets once
// the program was attached: later ones need a Target.
type FreplaceOptions struct {
	// Target is another program than the one that it was loaded for; the
	// kernel checks the function's type again. Requires Linux 5.10.
	Target *prog.Program
	// Name is the function of Target to replace, or:
	Name string
	// Function is its type in the BTF of Target.
	Function btf.ID
	// Cookie is what bpf_get_attach_cookie gives. Requires Linux 6.0.
	Cookie uint64
}

// AttachFreplace puts a program of type Ext in the place of a global function
// of another program. Errors about the Target are a *prog.TargetError. Requires
// Linux 5.6.
func AttachFreplace(p *prog.Program, o FreplaceOptions) (Link, error) {
	l, err := attachFreplace(p, &o)
	if err != nil {
		return nil, mkerr.Wrap("attach freplace: %w", explainTracing(err))
	}
	return l, nil
}

// target resolves the function.
func (o *FreplaceOptions) target() (btf.ID, error) {
	switch {
	case o.Target == nil && o.Name == "" && o.Function == 0:
		return 0, nil
	case o.Target == nil:
		return 0, errors.New("target and function go together")
	case (o.Name == "") == (o.Function == 0):
		return 0, errors.New("want the target's function, by its name or its type")
	case o.Name != "":
		return o.Target.Func(o.Name)
	}
	return o.Function, nil
}

func attachFreplace(p *prog.Program, o *FreplaceOptions) (Link, error) {
	pfd, pf, err := borrowProgram(p, prog.Ext)
	if err != nil {
		return nil, err
	}
	defer pf.Release()
	id, err := o.target()
	if err != nil {
		return nil, err
	}
	attr := sys.LinkCreateTracingAttr{ProgFd: uint32(pfd), TargetBtfId: uint32(id), Cookie: o.Cookie}
	if o.Target != nil {
		tfd, tf, err := borrowProgram(o.Target)
		if err != nil {
			return nil, mkerr.Wrap("target: %w", err)
		}
		defer tf.Release()
		attr.TargetFd = uint32(tfd)
	}
	fd, err := sys.LinkCreate(&attr)
	if err == nil {
		return wrapLink(fd, TypeTracing, FormLink, nil), nil
	}
	if !maybeMissing(err) || o.Target != nil || o.Cookie != 0 {
		return nil, o.explain(err)
	}
	fd, rerr := rawOpen(pfd, "", 0)
	if rerr != nil {
		return nil, o.explain(bothForms(err, rerr))
	}
	return wrapLink(fd, TypeTracing, FormRawTracepoint, nil), nil
}

// explain says what EINVAL means: the kernel writes no log for what it checks
// at attachment (bpf_tracing_prog_attach).
func (o *FreplaceOptions) explain(err error) error {
	switch {
	case o.Target == nil && (errors.Is(err, sys.EINVAL) || errors.Is(err, sys.ENOENT)): // ENOENT before Linux 5.15
		return mkerr.Wrap("%w: a program that was attached before needs a Target", err)
	case o.Target == nil || !errors.Is(err, sys.EINVAL):
		return err
	}
	return mkerr.Wrap("%w: the function is none that the program may replace: it must be global and have the prototype of the one that the program was loaded for", err)
}

// explainRaw says what errnos of raw tracepoints mean.
func explainRaw(err error) error {
	if errors.Is(err, sys.ENOENT) {
		return mkerr.Wrap("%w: the kernel has no such tracepoint", err)
	}
	return explainPerm(err, 0)
}

// explainTracing says what errnos of attachments to functions mean.
func explainTracing(err error) error {
	switch {
	case errors.Is(err, sys.ENOTSUPP):
		return mkerr.Wrap("%w: the kernel cannot patch its functions here", err)
	case errors.Is(err, sys.EBUSY):
		return mkerr.Wrap("%w: the function is traced or replaced by another program, or this one is attached already", err)
	}
	return explainPerm(err, 0)
}

package prog

import (
	"errors"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/btf/handle"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/probe"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/verifierlog"
)

// Options of Load; nil is the default.
type Options struct {
	// LogLevel other than 0 asks for the verifier's log of a program that it
	// accepts too: 1 for the instructions, 2 for every state, 4 for the
	// figures alone; see Program.Log. A rejection is always explained.
	LogLevel uint32
	// LogSize is how many bytes of log to ask for at first; 0 is 1 MiB. The
	// buffer grows if the log is longer.
	LogSize uint32
	// Kernel is where Target is looked up if it is not resolved; it may be
	// nil if it is.
	Kernel *btf.Kernel
	// BTF is Spec.Types in the kernel. If it is nil, Load hands Types over
	// for this program alone; NoBTF says not to.
	BTF   *handle.Handle
	NoBTF bool
	// Modules are BTF handles of kernel modules by name; modules that are not
	// among them are sought. They stay the caller's.
	Modules map[string]*handle.Handle
	// Features is what is known of the kernel, and learns. May be nil.
	Features *feature.Set
	// Token delegates the right to load programs (Linux 6.9); nil for none.
	// It stays the caller's.
	Token *sys.FD
	// Name gives names to what the loader numbered in calls that cannot be
	// resolved, for errors. May be nil.
	Name func(verifierlog.Poison) string
}

// Load verifies a program and puts it into the kernel.
//
// The form for what is known of the kernel goes first, without a log. If it is
// refused, it is sent again for the verifier's log, and the features that
// could explain the refusal are probed; a form without what is missing is then
// tried. What was given up stands in Program.Degraded.
//
// A rejection is a *verifierlog.Error; its Unwrap leads to the errno. Where the
// kernel gave no log, or its log shows a want of privilege or a limit, that is
// explained by a *refusal.Error, which errors.As finds.
func Load(s *Spec, o *Options) (*Program, error) {
	if o == nil {
		o = &Options{}
	}
	p, err := load(s, o)
	if err != nil {
		return nil, wrapLoad(s.Name, err)
	}
	return p, nil
}

// wrapLoad names the program in err. The verifier's error has the name already;
// that of the program's BTF has not.
func wrapLoad(name string, err error) error {
	if ve, ok := err.(*verifierlog.Error); ok && ve.Op == loadOp(name) {
		return err
	}
	return mkerr.WrapNamed("%s: %w", loadOp(name), err)
}

func loadOp(name string) string {
	if name == "" {
		return "prog: load"
	}
	return "program " + name + ": load"
}

func load(s *Spec, o *Options) (*Program, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	c := *s // target and version are filled in
	if s = &c; s.Target.ID == 0 && s.Target.Name != "" {
		if err := s.Resolve(o.Kernel); err != nil {
			return nil, mkerr.Wrap("target %w", err)
		}
	}
	if err := s.unique(); err != nil {
		return nil, mkerr.Wrap("target %w", err)
	}
	l := &loader{Options: o, set: o.Features}
	if l.set == nil {
		l.set = new(feature.Set)
	}
	defer l.release()
	return l.run(s)
}

// check finds what the kernel would only answer with EINVAL.
func (s *Spec) check() error {
	switch {
	case s.Type == Unspecified:
		return errors.New("no type: unknown section name?")
	case s.Type == StructOps && s.Target.ID == 0:
		return errors.New("no struct_ops map uses it")
	case s.Type == Ext && s.Target.Program == nil:
		return mkerr.Wrap("target %w", &TargetError{Function: s.Target.Name, Err: ErrNoTargetProgram})
	case len(s.Insns) == 0:
		return errors.New("no instructions")
	}
	return s.checkIndexed()
}

// loader is one Load.
type loader struct {
	*Options
	set      *feature.Set
	borrowed []*sys.FD        // released at the end
	owned    []*handle.Handle // closed at the end
	raised   bool             // the memlock limit was raised
	version  bool             // KernelVersion was filled in
	noBTF    string           // why the types are not in the kernel
}

func (l *loader) release() {
	for _, fd := range l.borrowed {
		fd.Release()
	}
	for _, h := range l.owned {
		_ = h.Close()
	}
}

// borrow keeps fd open until the Load is over. It is not inlined for the size
// of programs.
//
//go:noinline
func (l *loader) borrow(fd *sys.FD) (int, error) {
	raw, err := fd.Borrow()
	if err == nil {
		l.borrowed = append(l.borrowed, fd)
	}
	return raw, err
}

// run goes down the ladder: each round either ends or has learned something
// new, and there is only so much to learn.
func (l *loader) run(s *Spec) (*Program, error) {
	for {
		form, without := s.For(l.set)
		attr, err := l.attr(form)
		if err != nil {
			return nil, err
		}
		fd, log, err := l.verify(attr)
		if err == nil {
			if l.noBTF != "" {
				without = append(without, l.noBTF)
			}
			return &Program{fd: fd, name: s.Name, typ: s.Type, attach: form.Attach, log: log, degraded: without}, nil
		}
		if p := l.unboundLoad(form, attr, err); p != nil {
			p.degraded = without
			return p, nil
		}
		again, err2 := l.reconsider(form, s, err)
		if err2 != nil {
			return nil, err2
		}
		if !again {
			return nil, l.explain(form, err, log)
		}
	}
}

// reconsider looks for a reason of err that another form, or a higher limit,
// would remove.
func (l *loader) reconsider(form, s *Spec, err error) (again bool, fatal error) {
	switch {
	case errors.Is(err, sys.EPERM):
		return l.raiseMemlock(), nil
	case errors.Is(err, sys.EINVAL), errors.Is(err, sys.E2BIG):
		// What a kernel does not know it calls invalid, or too long a struct.
	default:
		return false, nil
	}
	if l.fillVersion(s) {
		return true, nil
	}
	token := 0
	if l.Token != nil {
		var terr error
		if token, terr = l.borrow(l.Token); terr != nil {
			return false, terr
		}
	}
	// A probe that is not conclusive explains nothing: the error stands.
	no, _ := probe.Ask(l.set, token, form.questions(l.set)...)
	return no, nil
}

// explain makes the error of a refusal.
func (l *loader) explain(s *Spec, err error, log verifierlog.Log) error {
	err = s.gone(s.mismatch(l.diagnose(s, err, log)), log)
	if l.noBTF != "" {
		err = mkerr.Errorf("%w (%s)", err, l.noBTF)
	}
	return &verifierlog.Error{Op: loadOp(s.Name), Err: err, Log: log, Name: l.Name}
}

package prog

import (
	"errors"
	"strings"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/mkerr"
)

// targetPrefix is what the kernel puts before the name of a target: for tp_btf
// "sched_switch" its BTF has a typedef "btf_trace_sched_switch". Targets of all
// other attach types are functions of their own name.
func targetPrefix(t AttachType) string {
	switch t {
	case AttachTraceRawTP:
		return btf.PrefixTrace
	case AttachLSMMAC, AttachLSMCGroup:
		return btf.PrefixLSM
	case AttachTraceIter:
		return btf.PrefixIter
	}
	return ""
}

// vmlinux is how btf.Kernel names what is in no module.
const vmlinux = "vmlinux"

// Resolve finds Target.Name in the kernel's BTF, or in that of Target.Module
// alone if it is set, and fills in Target.ID and Target.Module. With
// Target.Program it looks into that program's BTF, for which it asks the
// kernel; k may then be nil.
func (s *Spec) Resolve(k *btf.Kernel) error {
	t := &s.Target
	if t.Name == "" {
		return errors.New("no name")
	}
	if t.Program != nil {
		typ, err := t.Program.findFunc(t.Name)
		if err != nil {
			return err
		}
		t.ID = typ.ID()
		return nil
	}
	if s.Type == Ext {
		return &TargetError{Function: t.Name, Err: ErrNoTargetProgram}
	}
	if k == nil {
		return mkerr.Named("%s: no kernel BTF given", t.Name)
	}
	name := t.Name
	if t.Module != "" && !strings.Contains(name, ":") {
		name = t.Module + ":" + name
	}
	prefix := targetPrefix(s.Attach)
	list, err := k.Targets(prefix, name)
	if err != nil {
		return mkerr.Errorf("%s%s: %w", prefix, t.Name, err)
	}
	if err := oneTarget(t.Name, list); err != nil {
		return err
	}
	module := list[0].Module
	if module == vmlinux {
		module = ""
	}
	t.Module, t.ID = module, list[0].Type.ID()
	return nil
}

// oneTarget refuses types of one name that a program could not tell apart: with
// other prototypes, or in several modules.
func oneTarget(name string, list []btf.Place) error {
	first := &list[0]
	same := true
	for i := range list[1:] {
		p := &list[1+i]
		same = same && p.Module == first.Module && p.Type.String() == first.Type.String()
	}
	if same {
		return nil
	}
	e := &AmbiguousError{Name: name}
	for i := range list {
		f := Function{Name: list[i].Type.Name(), Type: list[i].Type.ID(), Proto: list[i].Type.String()}
		if list[i].Module != vmlinux {
			f.Module = list[i].Module
		}
		e.Candidates = append(e.Candidates, f)
	}
	return e
}

// HooksFunction reports whether Target names a function of the kernel, whose
// address the kernel looks up by the name (bpf_check_attach_target): whether
// Target.Unique means anything.
func (s *Spec) HooksFunction() bool {
	if s.Type != Tracing || s.Target.Program != nil {
		return false
	}
	switch s.Attach {
	case AttachTraceFentry, AttachTraceFexit, AttachModifyReturn, AttachTraceFsession:
		return true
	}
	return false
}

// unique does what Target.Unique asks.
func (s *Spec) unique() error {
	if !s.Target.Unique || !s.HooksFunction() {
		return nil
	}
	name := s.Target.Name
	if _, fn, ok := strings.Cut(name, ":"); ok {
		name = fn
	}
	found, err := Namesakes(name)
	if err != nil {
		return mkerr.WrapNamed("%s: is it unique: %w", name, err)
	}
	return s.Target.CheckUnique(found[name])
}

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
		return mkerr.Errorf("%s: no kernel BTF given", t.Name)
	}
	name := t.Name
	if t.Module != "" && !strings.Contains(name, ":") {
		name = t.Module + ":" + name
	}
	prefix := targetPrefix(s.Attach)
	module, typ, err := k.Target(prefix, name)
	if err != nil {
		return mkerr.Errorf("%s%s: %w", prefix, t.Name, err)
	}
	if module == vmlinux {
		module = ""
	}
	t.Module, t.ID = module, typ.ID()
	return nil
}

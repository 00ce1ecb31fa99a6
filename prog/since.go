package prog

import (
	"errors"
	"strings"

	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/verifierlog"
)

// attachSince are attach types of programs that are verified against a target,
// for which the kernel cannot be asked without one, and the releases that brought
// them.
var attachSince = [...]struct {
	at    AttachType
	since string
}{
	{AttachModifyReturn, "5.7"},
	{AttachLSMCGroup, "6.0"},
	{AttachTraceFsession, "7.0"},
	{AttachTraceFentryMulti, "7.2"},
	{AttachTraceFexitMulti, "7.2"},
	{AttachTraceFsessionMulti, "7.2"},
}

// otherReasons are what kernels say that do not know the attach type: those for
// many functions have no type of their own (bpf_check_attach_target), and all of
// the list above but LSM_CGROUP may sleep.
var otherReasons = [...]string{"must provide btf_id", "can be sleepable"}

// tooNew reports that the kernel does not know the attach type of s: it then
// refuses the program before it says anything about it.
func tooNew(s *Spec, err error, log verifierlog.Log) error {
	if !errors.Is(err, sys.EINVAL) || s.Type != Tracing && s.Type != LSM {
		return nil
	}
	for _, a := range attachSince {
		if a.at != s.Attach {
			continue
		}
		reason := ""
		if !log.Empty() {
			reason = log.Explain().Reason
		}
		unknown := reason == ""
		for _, o := range otherReasons {
			unknown = unknown || strings.Contains(reason, o) && s.Attach != AttachLSMCGroup
		}
		if unknown {
			return &feature.UnsupportedError{Name: "attach type " + a.at.String(), Since: a.since}
		}
	}
	return nil
}

// noAddress is what the kernel says of a function that its BTF has and its
// symbols have not.
const noAddress = "cannot be found"

// gone explains that: the compiler made others of the function.
func (s *Spec) gone(err error, log verifierlog.Log) error {
	if !s.HooksFunction() || !errors.Is(err, sys.ENOENT) || log.Empty() || !strings.Contains(log.Explain().Reason, noAddress) {
		return err
	}
	name := s.Target.Name
	if _, fn, ok := strings.Cut(name, ":"); ok {
		name = fn
	}
	found, _, rerr := kernel.ReadNamesakes(kernel.FS("/"), []string{name})
	if rerr != nil || len(found[name].Clones)+len(found[name].Renamed) == 0 {
		return err
	}
	made := ""
	for _, f := range append(functionsOf(found[name].Renamed), functionsOf(found[name].Clones)...) {
		made += ", " + f.String()
	}
	return mkerr.Errorf("%w: the compiler made other functions of %s, which kprobes can hook: %s", err, name, made[2:])
}

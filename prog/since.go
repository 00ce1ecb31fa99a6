package prog

import (
	"errors"
	"strings"

	"github.com/skepbpf/skep/internal/feature"
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

package diagnose

import (
	"errors"

	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/refusal"
)

// tokenRights names the first thing that the token does not grant. Kernels
// ignore a token that does not grant the command or type, and go by the
// capabilities alone. Before Linux 6.17 a token does not tell its rights.
func (a *Ask) tokenRights() *refusal.Error {
	fd, err := a.Token.Borrow()
	if err != nil {
		return nil
	}
	defer a.Token.Release()
	var in sys.TokenInfo
	if sys.ObjGetInfoByFD(fd, &in) != nil {
		return nil
	}
	if what := Ungranted(&in, a.Rights); what != "" {
		return &refusal.Error{Cause: refusal.Token, Detail: what}
	}
	return nil
}

// Ungranted is the first of what r needs that a token does not grant; "" if it
// grants all.
func Ungranted(in *sys.TokenInfo, r Rights) string {
	has := func(set uint64, n uint32) bool { return n < 64 && set>>n&1 != 0 }
	switch {
	case !has(in.AllowedCmds, uint32(r.Cmd)):
		return r.Cmd.String()
	case r.Cmd == sys.BPF_MAP_CREATE && !has(in.AllowedMaps, uint32(r.Map)):
		return r.Map.String()
	case r.Cmd == sys.BPF_PROG_LOAD && !has(in.AllowedProgs, uint32(r.Prog)):
		return r.Prog.String()
	case r.Cmd == sys.BPF_PROG_LOAD && !has(in.AllowedAttachs, uint32(r.At)):
		return r.At.String()
	}
	return ""
}

// unsupported keeps the name that err has for what the kernel lacks.
func unsupported(err error) *refusal.Error {
	r := &refusal.Error{Cause: refusal.Unsupported, Detail: "it"}
	if ue, ok := errors.AsType[*feature.UnsupportedError](err); ok {
		if r.Detail = ue.Name; ue.Since != "" {
			r.Detail += " (Linux " + ue.Since + " does)"
		}
	}
	return r
}

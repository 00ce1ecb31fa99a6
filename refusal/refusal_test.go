package refusal_test

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/skepbpf/skep/refusal"
)

func TestText(t *testing.T) {
	two := []string{"CAP_BPF", "CAP_PERFMON"}
	for _, tt := range []struct {
		err  refusal.Error
		want string
	}{
		{refusal.Error{}, "refused, cause unknown"},
		{refusal.Error{Cause: refusal.Capability, Caps: two}, "needs CAP_BPF and CAP_PERFMON"},
		{refusal.Error{Cause: refusal.Unprivileged, Caps: two[:1], Detail: "2"},
			"needs CAP_BPF, or the sysctl kernel.unprivileged_bpf_disabled to be 0; it is 2"},
		{refusal.Error{Cause: refusal.TooLong, Detail: "4096"}, "more instructions than 4096"},
		{refusal.Error{Cause: refusal.Unsupported, Detail: "arenas"}, "this kernel does not have arenas"},
		{refusal.Error{Cause: 200}, "no such cause"},
	} {
		tt.err.Err = fs.ErrPermission
		if got, want := tt.err.Error(), fs.ErrPermission.Error()+": "+tt.want; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if !errors.Is(&tt.err, fs.ErrPermission) {
			t.Error("the cause is lost")
		}
		if errors.Is(&tt.err, errors.ErrUnsupported) != (tt.err.Cause == refusal.Unsupported) {
			t.Errorf("%v: taken for what the kernel does not have, or not", &tt.err)
		}
	}
	names := map[string]bool{}
	for c := refusal.Unknown; c <= refusal.Exclusive; c++ {
		if names[c.String()] || c.String() == "" {
			t.Errorf("cause %d is called %q", c, c)
		}
		names[c.String()] = true
	}
}

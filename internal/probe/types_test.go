package probe

import (
	"errors"
	"testing"

	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/testutil"
)

// there fails unless err says yes, or no where the kernel may lack it.
func there(t *testing.T, what string, err error, must bool) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, errors.ErrUnsupported) && !must:
		t.Logf("%v", err)
	case errors.Is(err, sys.EPERM) && !must:
		t.Logf("%v: programs for trampolines may be forbidden", err)
	default:
		t.Errorf("%s: %v", what, err)
	}
}

func TestTypesHere(t *testing.T) {
	testutil.NeedRoot(t)
	before := systest.Take(systest.Watch{})
	old := map[sys.ProgType]bool{
		sys.BPF_PROG_TYPE_SOCKET_FILTER: true, sys.BPF_PROG_TYPE_XDP: true, sys.BPF_PROG_TYPE_SCHED_CLS: true,
	}
	for p := sys.BPF_PROG_TYPE_SOCKET_FILTER; p <= sys.BPF_PROG_TYPE_NETFILTER; p++ {
		there(t, p.String(), ProgType(p, 0), old[p])
	}
	for m := sys.BPF_MAP_TYPE_HASH; m <= sys.BPF_MAP_TYPE_RHASH; m++ {
		there(t, m.String(), MapType(m, 0), m <= sys.BPF_MAP_TYPE_ARRAY)
	}
	there(t, "prandom", Helper(sys.BPF_PROG_TYPE_XDP, sys.BPF_FUNC_get_prandom_u32, 0), true)
	there(t, "map lookup", Helper(sys.BPF_PROG_TYPE_XDP, sys.BPF_FUNC_map_lookup_elem, 0), true)
	for _, err := range []error{
		ProgType(9999, 0), MapType(9999, 0), Helper(sys.BPF_PROG_TYPE_XDP, 9999, 0),
		Helper(sys.BPF_PROG_TYPE_XDP, sys.BPF_FUNC_sk_redirect_map, 0),
		Helper(9999, sys.BPF_FUNC_map_lookup_elem, 0),
	} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("got %v", err)
		}
	}
	if err := Helper(sys.BPF_PROG_TYPE_LSM, 1, 0); err == nil || errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("helper of a type with targets: %v", err)
	}
	if diff := before.Diff(systest.Take(systest.Watch{})); len(diff) > 0 {
		t.Errorf("left behind: %v", diff)
	}
}

func TestTypesNotPermitted(t *testing.T) {
	systest.NewKernel(t)
	systest.Inject(t, systest.Fault{Cmd: systest.AnyCmd, N: 1, Rest: true, Errno: sys.EPERM})
	for _, err := range []error{
		ProgType(sys.BPF_PROG_TYPE_XDP, 0), Helper(sys.BPF_PROG_TYPE_XDP, 1, 0),
	} {
		if !errors.Is(err, sys.EPERM) || errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("got %v", err)
		}
	}
}

package probe

import (
	"errors"
	"strings"
	"testing"
	"unsafe"

	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/internal/version"
)

func everything() []feature.ID {
	ids := make([]feature.ID, feature.Count)
	for i := range ids {
		ids[i] = feature.ID(i)
	}
	return ids
}

func TestEveryFeatureHasATrial(t *testing.T) {
	for _, id := range everything() {
		if !trials[id].known() {
			t.Errorf("%s: no trial", id)
		}
	}
	if _, err := Ask(new(feature.Set), 0, feature.Count); err == nil {
		t.Error("an unknown feature was answered")
	}
}

// TestThisKernel asks the real kernel everything. What its release has must be
// there; distributions may have more.
func TestThisKernel(t *testing.T) {
	testutil.NeedRoot(t)
	release, _, _, err := sys.Uname()
	if err != nil {
		t.Fatal(err)
	}
	v, err := version.Parse(release)
	if err != nil {
		t.Fatal(err)
	}
	before := systest.Take(systest.Watch{})
	var set feature.Set
	if _, err := Ask(&set, 0, everything()...); err != nil {
		t.Error(err)
	}
	if diff := before.Diff(systest.Take(systest.Watch{})); len(diff) > 0 {
		t.Errorf("left behind: %v", diff)
	}
	for _, id := range everything() {
		since, err := version.Parse(id.Since())
		if err != nil {
			t.Fatal(err)
		}
		if v.AtLeast(since) && set.Get(id) != feature.Yes && id != feature.SyscallWrapper {
			t.Errorf("%s: %d, but Linux %s has it since %s", id, set.Get(id), v, since)
		}
	}
	in := systest.Inject(t, systest.Fault{Cmd: systest.AnyCmd, N: 1, Errno: sys.EPERM})
	if no, err := Ask(&set, 0, everything()...); no || err != nil || in.Matched() != 0 {
		t.Errorf("asked again: %v, %v, %d calls", no, err, in.Matched())
	}
}

// TestInconclusive gives errnos that say nothing about a feature.
func TestInconclusive(t *testing.T) {
	for _, errno := range []sys.Errno{sys.EPERM, sys.ENOMEM, sys.EMFILE} {
		k := systest.NewKernel(t)
		k.Refuse = func(sys.Cmd, unsafe.Pointer) sys.Errno { return errno }
		for _, id := range everything() {
			if id == feature.SyscallWrapper {
				continue // asks the symbols
			}
			var set feature.Set
			no, err := Ask(&set, 0, id)
			if no || err == nil || !strings.Contains(err.Error(), "probe "+id.String()+": ") || set.Get(id) != feature.Unknown {
				t.Errorf("%s, %v: learned %d, %v", id, errno, set.Get(id), err)
			}
		}
	}
}

// TestControl plays a kernel that answers EINVAL to everything, which must not
// be taken for a lack of names.
func TestControl(t *testing.T) {
	k := systest.NewKernel(t)
	refuseAll := true
	k.Refuse = func(cmd sys.Cmd, attr unsafe.Pointer) sys.Errno {
		if cmd == sys.BPF_PROG_LOAD && (refuseAll || (*sys.ProgLoadAttr)(attr).ProgName[0] != 0) {
			return sys.EINVAL
		}
		return 0
	}
	var set feature.Set
	if no, err := Ask(&set, 0, feature.ProgName); no || !errors.Is(err, sys.EINVAL) {
		t.Errorf("nothing works: %v, %v", no, err)
	}
	refuseAll = false
	if no, err := Ask(&set, 0, feature.ProgName); !no || err != nil || set.Get(feature.ProgName) != feature.No {
		t.Errorf("only names do not: %v, %v", no, err)
	}
	if no, err := Ask(&set, 0, feature.ProgName); no || err != nil {
		t.Errorf("asked again: %v, %v", no, err)
	}
}

func TestToken(t *testing.T) {
	k := systest.NewKernel(t)
	seen := map[sys.Cmd]bool{}
	k.Refuse = func(cmd sys.Cmd, attr unsafe.Pointer) sys.Errno {
		ok := true
		switch cmd {
		case sys.BPF_PROG_LOAD:
			a := (*sys.ProgLoadAttr)(attr)
			ok = a.ProgTokenFd == 77 && a.ProgFlags&sys.BPF_F_TOKEN_FD != 0
		case sys.BPF_MAP_CREATE:
			a := (*sys.MapCreateAttr)(attr)
			ok = a.MapTokenFd == 77 && a.MapFlags&sys.BPF_F_TOKEN_FD != 0
		case sys.BPF_BTF_LOAD:
			a := (*sys.BtfLoadAttr)(attr)
			ok = a.BtfTokenFd == 77 && a.BtfFlags&sys.BPF_F_TOKEN_FD != 0
		}
		if !ok {
			t.Errorf("%s without the token", cmd)
		}
		seen[cmd] = true
		return sys.EPERM
	}
	_, _ = Ask(new(feature.Set), 77, everything()...)
	if !seen[sys.BPF_PROG_LOAD] || !seen[sys.BPF_MAP_CREATE] || !seen[sys.BPF_BTF_LOAD] {
		t.Errorf("asked only with %v", seen)
	}
}

// TestFaults fails each call of the probes: what says nothing of a feature must
// not be learned, and nothing stays.
func TestFaults(t *testing.T) {
	testutil.NeedRoot(t)
	var want feature.Set
	if _, err := Ask(&want, 0, everything()...); err != nil {
		t.Fatal(err)
	}
	o := systest.Faults{Calls: []systest.Fault{{Cmd: systest.AnyCmd}}, Errnos: []sys.Errno{sys.EPERM}}
	systest.EachFault(t, o, func(t *testing.T, in *systest.Injector) {
		var set feature.Set
		_, err := Ask(&set, 0, everything()...)
		// What a probe needs hides its errno, which would be an answer.
		if err != nil && (in.Fired() == 0 || !strings.Contains(err.Error(), in.Fault().Errno.Error())) {
			t.Errorf("%s failed: %v", in.Victim(), err)
		}
		for _, id := range everything() {
			if got := set.Get(id); got != want.Get(id) && got != feature.Unknown {
				t.Errorf("%s: learned %d, it is %d", id, got, want.Get(id))
			}
		}
	})
}

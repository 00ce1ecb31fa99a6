package handle_test

import (
	"errors"
	"testing"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/btf/handle"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
)

func fakeModules(t *testing.T) *systest.Kernel {
	k := systest.NewKernel(t)
	for _, name := range []string{"vmlinux", "", "a", "b", "c"} {
		k.AddModule(name, blob("\x00"+name+"\x00"))
	}
	return k
}

func TestModules(t *testing.T) {
	systest.CheckLeaks(t, systest.Watch{})
	k := fakeModules(t)
	found, err := handle.Modules("b", "absent", "a", "b")
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 2 {
		t.Errorf("found %v", found)
	}
	for name, h := range found {
		in, err := h.Info()
		b, err2 := h.Bytes()
		if err := errors.Join(err, err2); err != nil || in.Name != name || !in.Kernel || string(b) != string(blob("\x00"+name+"\x00")) {
			t.Errorf("%s: %+v, %q, %v", name, in, b, err)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
	calls := len(k.Calls())
	if found, err := handle.Modules(); err != nil || len(found) != 0 || len(k.Calls()) != calls {
		t.Errorf("no names: %v, %v, %d calls", found, err, len(k.Calls())-calls)
	}
	if _, err := handle.Module("absent"); !errors.Is(err, btf.ErrNotFound) {
		t.Errorf("absent module: %v", err)
	}
}

// TestModulesFaults: whatever call fails, the error says so, and no descriptor
// stays.
func TestModulesFaults(t *testing.T) {
	o := systest.Faults{
		Calls:  []systest.Fault{{Cmd: systest.AnyCmd}},
		Errnos: []sys.Errno{sys.EPERM, sys.ENOMEM, sys.EINVAL},
		Setup:  func(t *testing.T) { fakeModules(t) },
		Sample: systest.All,
	}
	runs := systest.EachFault(t, o, func(t *testing.T, in *systest.Injector) {
		found, err := handle.Modules("b", "a")
		in.Disarm()
		if err != nil {
			in.Judge(t, err)
		} else if len(found) != 2 {
			t.Errorf("no error, and found %v", found)
		}
		for _, h := range found {
			if err := h.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	if runs < 30 {
		t.Errorf("%d runs", runs)
	}
}

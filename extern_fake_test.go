package skep_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
)

// madeUpKernel is the made-up kernel, with its module among other BTF.
func madeUpKernel(t *testing.T) (k *systest.Kernel, module []byte) {
	t.Helper()
	vmlinux, err := os.ReadFile("testdata/kernel/vmlinux.btf")
	if err != nil {
		t.Fatal(err)
	}
	if module, err = os.ReadFile(madeUpModule); err != nil {
		t.Fatal(err)
	}
	k = systest.NewKernel(t)
	k.CPUs = 6
	k.AddModule("vmlinux", vmlinux)
	k.AddModule("", vmlinux) // a program's
	k.AddModule("skep_mod", module)
	k.AddModule("skep_other", module)
	return k, module
}

// modulePlan is the plan of kfunc_module.c for the made-up kernel.
func modulePlan(t *testing.T, policy skep.Policy) *skep.Plan {
	t.Helper()
	spec := open(t, native("kfunc_module"))
	for _, p := range spec.Programs {
		p.Policy = policy
	}
	facts := madeUp(t)
	plan, err := spec.Plan(facts)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// TestModuleFDs: calls name the module by its one place in fd_array, loads of
// variables and function addresses by its descriptor; all programs share one
// descriptor, and none is left open.
func TestModuleFDs(t *testing.T) {
	systest.CheckLeaks(t, systest.Watch{})
	k, _ := madeUpKernel(t)
	c, err := modulePlan(t, skep.Required).Apply(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got := map[string]map[int]string{}
	for _, p := range k.Progs() {
		got[p.Name] = p.Modules
	}
	want := map[string]map[int]string{
		"calls": {5: "skep_mod", 7: "skep_mod", 12: "skep_mod"},
		"reads": {5: "skep_mod"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	opened := 0
	for _, cmd := range k.Calls() {
		if cmd == sys.BPF_BTF_GET_FD_BY_ID {
			opened++
		}
	}
	if opened != 3 { // as far as skep_mod
		t.Errorf("%d BTF objects were opened, want 3", opened)
	}
}

// TestModuleNotAsPlanned: the numbers of a module's types are good for these
// types alone. It concerns the programs that need the module.
func TestModuleNotAsPlanned(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(k *systest.Kernel, module []byte)
		want   string
		is     error
	}{
		{"gone", func(k *systest.Kernel, _ []byte) { k.RemoveModule("skep_mod") }, "module skep_mod: BTF: not found: is it loaded?", btf.ErrNotFound},
		{"built anew", func(k *systest.Kernel, module []byte) {
			k.RemoveModule("skep_mod")
			other := append([]byte(nil), module...)
			other[len(other)-2] ^= 1
			k.AddModule("skep_mod", other)
		}, "module skep_mod: its types are not those that the plan was made for: plan again", nil},
		{"not to be opened", func(k *systest.Kernel, _ []byte) {
			k.Refuse = func(cmd sys.Cmd, _ unsafe.Pointer) sys.Errno {
				if cmd == sys.BPF_BTF_GET_FD_BY_ID {
					return sys.EPERM
				}
				return 0
			}
		}, "module skep_mod: btf 1: BPF_BTF_GET_FD_BY_ID: operation not permitted", sys.EPERM},
	} {
		t.Run(tt.name, func(t *testing.T) {
			systest.CheckLeaks(t, systest.Watch{})
			k, module := madeUpKernel(t)
			tt.change(k, module)
			_, err := modulePlan(t, skep.Required).Apply(t.Context(), nil)
			if err == nil || !strings.Contains(err.Error(), "kfunc_module: program calls: "+tt.want) || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			c, err := modulePlan(t, skep.Optional).Apply(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			for name, o := range c.Report().Programs {
				if o.Loaded || o.Why == nil || !strings.Contains(o.Why.Error(), tt.want) {
					t.Errorf("%s: %+v", name, o)
				}
			}
		})
	}
}

package skep_test

import (
	"testing"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/testutil"
)

// TestFaultsKfunc lets each call fail by which an object with kernel functions
// is loaded, those that open the BTF of a module among them, where the functions
// are in one.
func TestFaultsKfunc(t *testing.T) {
	needKernel(t)
	needModuleBTF(t)
	testutil.Require(t, "6.4", "CONFIG_NF_CONNTRACK")
	types := btf.NewKernelAt(kernel.FS("/"))
	defer types.Close()
	spec := open(t, native("conntrack"))
	facts, err := skep.ReadFacts(spec.Needs(), &skep.FactOptions{BTF: types})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := spec.Plan(facts)
	if err != nil {
		t.Fatal(err)
	}
	o := systest.Faults{Calls: []systest.Fault{{Cmd: systest.AnyCmd}}, Errnos: []sys.Errno{sys.EPERM, sys.ENOMEM}}
	runs := systest.EachFault(t, o, func(t *testing.T, in *systest.Injector) {
		c, err := plan.Apply(t.Context(), &skep.Options{Parallel: 1})
		in.Disarm()
		if err != nil {
			in.Judge(t, err)
		} else if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	c, err := plan.Apply(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	t.Logf("%d cases", runs)
}

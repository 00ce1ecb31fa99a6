package skep_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/internal/testutil/fentry"
	"github.com/skepbpf/skep/prog"
)

// everyFault is set to run all cases of the tests here, which takes minutes.
const everyFault = "SKEP_EVERY_FAULT"

// sampled chooses each n-th case, so that calls, errnos and the two ways to
// fail take turns; all if that was asked for; fewer in guests, which are
// emulated, and with the race detector. n shares no factor with what is counted
// by eights.
func sampled(n int) func() bool {
	switch {
	case os.Getenv(everyFault) != "":
		n = 1
	case testutil.InGuest(), raceEnabled:
		n *= 11
	}
	seen := 0
	return func() bool {
		seen++
		return seen%n == 0
	}
}

// loadable is a Spec with all that loads on this kernel on; nil if nothing does.
func loadable(t *testing.T, path string) *skep.Spec {
	t.Helper()
	spec := open(t, path)
	if min := newest[spec.Name]; min != "" && !testutil.KernelAtLeast(t, min) {
		return nil
	}
	for _, p := range spec.Programs {
		if p.Type != prog.StructOps && !slices.Contains(made, spec.Name) {
			p.Policy = skep.Required
		}
	}
	for _, r := range refusals {
		loads := r.config != "" && testutil.HasConfig(t, r.config) && (!r.trampoline || testutil.HasTrampolines(t, fentry.Try))
		if r.object == spec.Name && !loads {
			spec.Programs[r.program].Policy = skep.Off
		}
	}
	return spec
}

// planFor is the plan of an object that is relocated against other types than
// the kernel's.
func planFor(t *testing.T, spec *skep.Spec) *skep.Plan {
	t.Helper()
	path := strings.TrimSuffix(native("kernel/made"), ".o") + ".btf"
	types := btf.NewKernel(fstest.MapFS{"sys/kernel/btf/vmlinux": {Data: readTest(t, path)}})
	defer types.Close()
	facts, err := skep.ReadFacts(spec.Needs(), &skep.FactOptions{BTF: types})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := spec.Plan(facts)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// planned is an object, with the plan of its load if that is not for the kernel's types.
type planned struct {
	spec           *skep.Spec
	plan           *skep.Plan
	name           string
	dir            string // of its pins
	programs, maps int    // of a load without a fault
}

func (p *planned) load(ctx context.Context) (*skep.Collection, error) {
	o := &skep.Options{PinDir: p.dir, Parallel: 1}
	if p.plan != nil {
		return p.plan.Apply(ctx, o)
	}
	return skep.LoadContext(ctx, p.spec, o)
}

// finish closes what was loaded, and unpins.
func (p *planned) finish(t *testing.T, c *skep.Collection) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	pins, err := filepath.Glob(p.dir + "/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, pin := range pins {
		if err := os.Remove(pin); err != nil {
			t.Error(err)
		}
	}
}

// whole checks that a collection lacks nothing but what its report tells of.
func (p *planned) whole(t *testing.T, c *skep.Collection) {
	t.Helper()
	if (len(c.Programs) != p.programs || len(c.Maps) != p.maps) && len(degraded(c.Report())) == 0 {
		t.Errorf("%d programs and %d maps, want %d and %d, and the report says nothing", len(c.Programs), len(c.Maps), p.programs, p.maps)
	}
}

// explained checks that an error says where in the load it happened.
func (p *planned) explained(t *testing.T, err error) {
	t.Helper()
	var step *skep.StepError
	if !errors.As(err, &step) || step.Object != p.name || step.Step == "" {
		t.Errorf("no StepError of %s: %v", p.name, err)
	}
}

// everyObject runs f for each object of testdata, as a subtest.
func everyObject(t *testing.T, f func(t *testing.T, p *planned)) {
	paths, err := filepath.Glob(native("*"))
	if err != nil || len(paths) < 60 {
		t.Fatalf("%d objects, %v", len(paths), err)
	}
	dir := filepath.Join(bpffs(t), "pins") // some kernels have files in the first
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		spec := loadable(t, path)
		// Emulated guests take a quarter; which, does not change when others come.
		if spec == nil || testutil.InGuest() && len(spec.Name)%4 != 0 {
			continue
		}
		t.Run(spec.Name, func(t *testing.T) {
			p := &planned{spec: spec, name: spec.Name, dir: dir}
			if slices.Contains(made, spec.Name) {
				p.plan = planFor(t, spec)
			}
			c, err := p.load(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			p.programs, p.maps = len(c.Programs), len(c.Maps)
			p.finish(t, c)
			f(t, p)
			if c, err = p.load(t.Context()); err != nil {
				t.Fatalf("a load after the faults: %v", err)
			}
			p.whole(t, c)
			p.finish(t, c)
		})
	}
}

// TestFaultsOfEveryObject fails the system calls by which each object of
// testdata is loaded. What holds of TestFaults holds of each.
func TestFaultsOfEveryObject(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "6.12")
	cases := 0
	sample := sampled(7)
	everyObject(t, func(t *testing.T, p *planned) {
		o := systest.Faults{Watch: systest.Watch{Pins: []string{p.dir}}, Sample: sample}
		cases += systest.EachFault(t, o, func(t *testing.T, in *systest.Injector) {
			c, err := p.load(t.Context())
			in.Disarm()
			in.Judge(t, err)
			if err != nil {
				p.explained(t, err)
				return
			}
			p.whole(t, c)
			p.finish(t, c)
		})
	})
	t.Logf("%d cases", cases)
}

// TestCancelEveryObject cancels the load of each object while each of its
// system calls is made, and at each look at its context.
func TestCancelEveryObject(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "6.12")
	cases := 0
	sample := sampled(3)
	everyObject(t, func(t *testing.T, p *planned) {
		watch := systest.Watch{Pins: []string{p.dir}}
		leaks := systest.Begin(t, watch)
		one := func(n int, what string, ctx context.Context) (more bool) {
			cases++
			c, err := p.load(ctx)
			more = ctx.Err() != nil
			switch {
			case err == nil:
				p.whole(t, c)
				p.finish(t, c)
			case !more || !errors.Is(err, context.Canceled):
				t.Errorf("%s %d: %v", what, n, err)
			default:
				p.explained(t, err)
			}
			if left := leaks.Held(); left != "" {
				t.Errorf("%s %d: left behind:\n%s", what, n, left)
			}
			return more && !t.Failed()
		}
		for n, more := 0, true; more; n++ {
			if sample() {
				more = one(n, "look", &countdown{context.Background(), n})
			}
		}
		for n, more := 1, true; more; n++ {
			if sample() {
				t.Run("", func(t *testing.T) { more = one(n, "call", systest.CancelAt(t, n)) })
			}
		}
		if left := leaks.Left(); left != "" {
			t.Errorf("left behind:\n%s", left)
		}
	})
	t.Logf("%d cases", cases)
}

package skep_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/elf"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/maps"
)

// together runs f in n goroutines and reports their errors.
func together(t *testing.T, n int, f func(i int) error) {
	t.Helper()
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			t.Errorf("goroutine %d: %v", i, err)
		}
	}
}

// TestConcurrentLoads shares all that may be shared: one Object, one kernel
// BTF, one Features. Run it with -race.
func TestConcurrentLoads(t *testing.T) {
	needKernel(t)
	needBTF(t)
	for _, name := range []string{"everything", "core", "mapinmap"} {
		obj, err := elf.Parse(readTest(t, native(name)))
		if err != nil {
			t.Fatal(err)
		}
		k := btf.NewKernelAt(kernel.FS("/"))
		var features skep.Features
		plans := make([]string, 8)
		dir := bpffs(t)
		together(t, len(plans), func(i int) error {
			spec, err := skep.NewSpec(obj)
			if err != nil {
				return err
			}
			spec.Name = name
			ofAge(t, spec)
			for _, m := range spec.Maps {
				m.Pinning = maps.NotPinned
			}
			facts, err := skep.ReadFacts(spec.Needs(), &skep.FactOptions{BTF: k, Features: &features})
			if err != nil {
				return err
			}
			plan, err := spec.Plan(facts)
			if err != nil {
				return err
			}
			plans[i] = plan.String()
			c, err := plan.Apply(context.Background(), &skep.Options{Features: &features, PinDir: dir})
			if err != nil {
				return err
			}
			return c.Close()
		})
		for i := range plans {
			if diff := cmp.Diff(plans[0], plans[i]); diff != "" {
				t.Errorf("%s: plan %d differs:\n%s", name, i, diff)
			}
		}
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestConcurrentApply applies one Plan many times at once, and uses one
// collection from many goroutines.
func TestConcurrentApply(t *testing.T) {
	needKernel(t)
	needBTF(t)
	spec := ofAge(t, open(t, native("everything")))
	for _, m := range spec.Maps {
		m.Pinning = maps.NotPinned
	}
	facts, err := skep.ReadFacts(spec.Needs(), nil)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := spec.Plan(facts)
	if err != nil {
		t.Fatal(err)
	}
	if err := facts.Close(); err != nil {
		t.Fatal(err)
	}
	shared, err := plan.Apply(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer shared.Close()
	together(t, 8, func(i int) error {
		c, err := plan.Apply(context.Background(), &skep.Options{Parallel: 1 + i%3})
		if err != nil {
			return err
		}
		defer c.Close()
		if len(c.Programs) != len(shared.Programs) || len(c.Maps) != len(shared.Maps) {
			return fmt.Errorf("%d programs, %d maps", len(c.Programs), len(c.Maps))
		}
		p, err := shared.Program("entry")
		if err != nil {
			return err
		}
		if r, err := p.Run(nil); err != nil || r.Return != 42 {
			return fmt.Errorf("entry returns %d, %v", r.Return, err)
		}
		_ = shared.Report().Programs["entry"].Loaded
		_ = plan.String()
		return nil
	})
}

// TestConcurrentPins: loads that race for a pinned name end up with one map.
func TestConcurrentPins(t *testing.T) {
	needKernel(t)
	dir := bpffs(t)
	ids := make([]uint32, 8)
	together(t, len(ids), func(i int) error {
		spec, err := skep.Open(native("pinned"))
		if err != nil {
			return err
		}
		c, err := skep.Load(spec, &skep.Options{PinDir: dir})
		if err != nil {
			return err
		}
		defer c.Close()
		info, err := c.Maps["shared_counts"].Info()
		if err != nil {
			return err
		}
		ids[i] = info.ID
		return c.Maps["private_counts"].Put(uint32(0), uint64(i))
	})
	for i, id := range ids {
		if id != ids[0] {
			t.Errorf("load %d uses map %d, load 0 uses map %d", i, id, ids[0])
		}
	}
	if err := os.Remove(dir + "/shared_counts"); err != nil {
		t.Error(err)
	}
}

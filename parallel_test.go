package skep_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/maps"
)

// largeMaps is a Spec of maps that are created at the same time.
func largeMaps(n int) *skep.Spec {
	s := &skep.Spec{Name: "large", Maps: map[string]*skep.MapSpec{}}
	for i := range n {
		s.Maps[fmt.Sprintf("m%02d", i)] = &skep.MapSpec{Spec: maps.Spec{Type: maps.Hash, KeySize: 4, ValueSize: 60, MaxEntries: 4096 + uint32(i)}}
	}
	return s
}

// TestParallelMaps creates large maps by many goroutines: all of them are there.
func TestParallelMaps(t *testing.T) {
	needKernel(t)
	for _, parallel := range []int{1, 2, 8, 0} {
		spec := largeMaps(12)
		dir := bpffs(t)
		spec.Maps["m03"].Pinning = maps.ByName
		coll, err := skep.Load(spec, &skep.Options{Parallel: parallel, PinDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]uint32{}
		for name, m := range coll.Maps {
			got[name] = m.MaxEntries()
			if o := coll.Report().Maps[name]; !o.Created {
				t.Errorf("Parallel %d: %s: %+v", parallel, name, o)
			}
		}
		want := map[string]uint32{}
		for name, m := range spec.Maps {
			want[name] = m.MaxEntries
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Parallel %d (-want +got):\n%s", parallel, diff)
		}
		if err := errors.Join(coll.Maps["m03"].Unpin(), coll.Close()); err != nil {
			t.Error(err)
		}
	}
}

// TestParallelMapErrors: of several maps that cannot be, the first is named, and
// nothing is left of the others (needKernel sees to that).
func TestParallelMapErrors(t *testing.T) {
	needKernel(t)
	for _, parallel := range []int{1, 8, 8, 8, 2, 0} {
		spec := largeMaps(12)
		for _, name := range []string{"m05", "m06", "m11"} {
			spec.Maps[name].Flags = 1 << 30
		}
		_, err := skep.Load(spec, &skep.Options{Parallel: parallel})
		if step, ok := errors.AsType[*skep.StepError](err); !ok || step.Step != "map" || step.Name != "m05" {
			t.Errorf("Parallel %d: %v", parallel, err)
		}
	}
}

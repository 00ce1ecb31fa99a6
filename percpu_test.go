package skep_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/testutil"
)

// TestPerCPUVariables: each CPU begins with the value of the object.
func TestPerCPUVariables(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "7.3") // percpu_array_map_direct_value_addr
	s := open(t, native("percpu"))
	if err := s.Set("counter", uint64(40)); err != nil {
		t.Fatal(err)
	}
	c := load(t, s, nil)
	if n := run(t, c, "count", 64); n != 41 {
		t.Errorf("the first run gives %d, want 41", n)
	}
	m, err := c.Map(".percpu")
	if err != nil {
		t.Fatal(err)
	}
	all, err := m.LookupBytes(make([]byte, 4))
	if err != nil {
		t.Fatal(err)
	}
	sum := uint64(0)
	for i := 0; i < len(all); i += 8 {
		sum += binary.NativeEndian.Uint64(all[i:])
	}
	if cpus := uint64(len(all) / 8); sum != 40*cpus+1 {
		t.Errorf("%d CPUs have %d in all, want 40 each and 1", cpus, sum)
	}
	var n uint64
	if err := c.Get("counter", &n); err == nil || !strings.Contains(err.Error(), "each CPU has a value of its own") {
		t.Errorf("got %v", err)
	}
}

package skep_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/verifierlog"
)

// TestMissingMap uses a map that is switched off: the verifier knows only a
// number, the error the map's name and the line of the source.
func TestMissingMap(t *testing.T) {
	needKernel(t)
	spec := open(t, native("xdp"))
	name := ""
	for _, n := range spec.MapNames() {
		if !strings.HasPrefix(n, ".") {
			name = n
		}
	}
	spec.Maps[name].Off = true
	coll, err := skep.Load(spec, nil)
	if err == nil {
		coll.Close()
		t.Fatalf("loaded without %s", name)
	}
	var ve *verifierlog.Error
	if !errors.As(err, &ve) || ve.Explain().Poison.Kind != verifierlog.PoisonMap {
		t.Fatalf("got %v", err)
	}
	want := []string{"map is used but was not created", "map " + name + " is switched off", "bpf_map_lookup_elem(&" + name}
	if testutil.KernelAtLeast(t, "6.12") {
		want = append(want, "xdp.c:") // older verifiers print the line, and not where it is
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("no %q in %v", w, err)
		}
	}
}

package probe

import (
	"os"
	"testing"

	"github.com/skepbpf/skep/internal/feature"
)

func TestEveryFeatureHasATrial(t *testing.T) {
	for id := feature.ID(0); id < feature.Count; id++ {
		if trials[id].try == nil {
			t.Errorf("%s: no trial", id)
		}
	}
}

func TestProbesAreConclusiveHere(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("root")
	}
	var s feature.Set
	for id := feature.ID(0); id < feature.Count; id++ {
		no, err := Ask(&s, 0, id)
		t.Log(id, s.Get(id), no, err)
	}
}

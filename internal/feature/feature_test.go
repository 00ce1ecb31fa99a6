package feature

import (
	"errors"
	"fmt"
	"testing"

	"github.com/skepbpf/skep/internal/version"
)

func TestEveryFeatureIsDescribed(t *testing.T) {
	for id := ID(0); id < Count; id++ {
		if id.String() == "" {
			t.Errorf("feature %d has no name", id)
		}
		if _, err := version.Parse(id.Since()); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestSetOnlyGrows(t *testing.T) {
	var s Set
	if !s.Has(BTF) || s.Get(BTF) != Unknown {
		t.Error("an unknown feature is not taken to be there")
	}
	if !s.Learn(BTF, No) || s.Learn(BTF, Yes) || s.Has(BTF) {
		t.Error("an answer changed")
	}
	if s.Learn(BTFFunc, Unknown) {
		t.Error("learned nothing, said it did")
	}
	var none *Set
	if !none.Has(BTF) || none.Learn(BTF, No) {
		t.Error("nil set")
	}
}

func TestUnsupportedError(t *testing.T) {
	err := fmt.Errorf("map x: create: %w", Unsupported(ArrayMmap))
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Error("not errors.ErrUnsupported")
	}
	if want := "map x: create: mmap of array maps: not supported by this kernel (needs Linux 5.5)"; err.Error() != want {
		t.Errorf("got %q", err)
	}
}

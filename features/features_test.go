package features_test

import (
	"errors"
	"testing"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/features"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/maps"
	"github.com/skepbpf/skep/prog"
)

func TestHave(t *testing.T) {
	testutil.NeedRoot(t)
	for what, err := range map[string]error{
		"XDP":    features.HaveProgType(prog.XDP),
		"hash":   features.HaveMapType(maps.Type(1)),
		"lookup": features.HaveHelper(prog.XDP, asm.FnMapLookupElem),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, err := range map[string]error{
		"program type 9999": features.HaveProgType(9999),
		"map type 9999":     features.HaveMapType(9999),
		"helper 9999":       features.HaveHelper(prog.XDP, 9999),
	} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

package kernel_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/kernel"
)

func TestParseNames(t *testing.T) {
	const text = "ffff1000 T first\nffff1000 T alias\nno line\nffff2000 t in_module\t[mod]\nffff3000 T last"
	got, err := kernel.ParseNames(strings.NewReader(text), []uint64{0xffff1000, 0xffff2000, 0xffff3000, 0xffff4000, 0})
	want := map[uint64]string{0xffff1000: "first", 0xffff2000: "in_module", 0xffff3000: "last"}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	long := "ffff1000 T " + strings.Repeat("x", 1<<17)
	if _, err := kernel.ParseNames(strings.NewReader(long), []uint64{1}); err == nil {
		t.Error("an endless line was taken")
	}
}

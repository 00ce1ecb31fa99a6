package prog

import (
	"errors"
	"testing"
	"testing/fstest"

	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/tree"
	"github.com/skepbpf/skep/refusal"
)

// TestHiddenDump plays kernels that show less.
func TestHiddenDump(t *testing.T) {
	systest.NewKernel(t)
	machine := func(caps, restrict string) tree.Root {
		return tree.From(fstest.MapFS{
			"proc/thread-self/status":       {Data: []byte("Name:\tx\nCapEff:\t" + caps + "\n")},
			"proc/sys/kernel/kptr_restrict": {Data: []byte(restrict + "\n")},
			"proc/kallsyms":                 {Data: []byte("0000000000000000 T __bpf_call_base\n")},
		})
	}
	insns := []byte{0x85, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0}
	for _, tt := range []struct {
		name   string
		raw    raw
		root   tree.Root
		cause  refusal.Cause
		missed string // capability
		hidden int
	}{
		{"no CAP_BPF", raw{}, machine("0", "0"), refusal.Capability, "CAP_BPF", -1},
		{"blinded", raw{info: sys.ProgInfo{XlatedProgLen: 16}}, machine("1ffffffffff", "2"), refusal.Hidden, "", -1},
		{"no CAP_SYSLOG", raw{insns: insns, info: sys.ProgInfo{JitedProgLen: 9}}, machine("8000000000", "1"), refusal.Capability, "CAP_SYSLOG", 2},
		{"kptr_restrict", raw{insns: insns, info: sys.ProgInfo{JitedProgLen: 9}}, machine("1ffffffffff", "2"), refusal.Hidden, "", 2},
		{"not known why", raw{insns: insns}, machine("1ffffffffff", "0"), refusal.Unknown, "", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := dump(&tt.raw, tt.root)
			if (err != nil) != (tt.hidden < 0) {
				t.Fatal(err)
			}
			if err == nil {
				if len(d.Hidden) != tt.hidden {
					t.Fatalf("hidden: %v", d.Hidden)
				}
				err = d.Hidden[0]
			}
			var r *refusal.Error
			if !errors.As(err, &r) || r.Cause != tt.cause || tt.missed != "" && !r.Missing(tt.missed) {
				t.Errorf("got %v", err)
			}
		})
	}
}

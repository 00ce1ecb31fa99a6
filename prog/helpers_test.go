package prog

import (
	"strings"
	"testing"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/internal/sys"
)

// TestHelperNames holds asm's table against the generated numbers: older
// headers, which asm's own test reads, do not number helpers.
func TestHelperNames(t *testing.T) {
	n := 0
	for id := range uint32(1000) {
		name, ok := strings.CutPrefix(sys.FuncID(id).String(), "BPF_FUNC_")
		if !ok || id == 0 {
			continue
		}
		n++
		if got, ok := asm.HelperByName(name); !ok || uint32(got) != id {
			t.Errorf("%s is %d, %v; want %d", name, got, ok, id)
		}
	}
	if n < 211 {
		t.Errorf("%d helpers, want 211", n)
	}
}

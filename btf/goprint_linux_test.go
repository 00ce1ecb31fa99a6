package btf

import (
	"testing"

	"github.com/skepbpf/skep/internal/testutil"
)

// TestGoKernel has the compiler hold sizes and offsets of the kernel's structs.
func TestGoKernel(t *testing.T) {
	testutil.NeedTime(t)
	testutil.Need64Bit(t)
	s, err := liveKernel(t).Vmlinux()
	if err != nil {
		t.Fatal(err)
	}
	if s = s.onHeap(); s == nil {
		t.Fatal(ErrClosed)
	}
	var roots []ID
	n := 0
	for typ := range s.All() {
		if typ.name != 0 && compound.has(typ.Kind()) {
			if n++; n%4 == 0 {
				roots = append(roots, typ.id)
			}
		}
	}
	files, types := goAsserts(t, s, roots)
	files["main.go"] = "package main\n\nfunc main() {}\n"
	goRun(t, files, "386", "arm") // where 64 bits are aligned to 4 bytes, and where not
	t.Logf("%d types asked for, %d printed", len(roots), types)
	if types < sample {
		t.Errorf("only %d types", types)
	}
}

// Package systest stands between the library and the kernel, for tests: a
// fault injector and the loop over all faults, a fake kernel that needs no
// privilege, contexts that end at a call, file systems that go wrong, and checks
// for leaks. Only tests may import it.
//
// It works on the seam of package sys, which is one for the process: a test
// that uses it cannot run in parallel with others, which install enforces.
package systest

import (
	"testing"
	"unsafe"

	"github.com/skepbpf/skep/internal/sys"
)

// install puts a layer on the seam until the test ends. make gets the layer
// below; nil fields there are the real kernel.
func install(t testing.TB, make func(below *sys.Seam) *sys.Seam) {
	t.Helper()
	t.Setenv("SKEP_TEST_SEAM", t.Name()) // panics in a parallel test
	below := sys.InstallSeam(nil)
	layer := &sys.Seam{}
	if below != nil {
		*layer = *below
	}
	sys.InstallSeam(make(layer))
	t.Cleanup(func() { sys.InstallSeam(below) })
}

// forward passes a bpf call to the layer below.
func forward(below *sys.Seam, cmd sys.Cmd, attr unsafe.Pointer, size uintptr, common *sys.CommonAttr) (uintptr, sys.Errno) {
	if below.BPF != nil {
		return below.BPF(cmd, attr, size, common)
	}
	return sys.DirectBPF(cmd, attr, size, common)
}

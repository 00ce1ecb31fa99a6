package skep_test

import (
	"encoding/binary"
	"os"
	"testing"
	"testing/fstest"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/testutil"
)

// native is the path of an object of testdata in this machine's byte order.
func native(name string) string {
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		return "testdata/" + name + ".eb.o"
	}
	return "testdata/" + name + ".el.o"
}

// needBTF skips on kernels built without BTF, for what only such a kernel's own
// types can do.
func needBTF(t *testing.T) {
	t.Helper()
	testutil.Require(t, "", "CONFIG_DEBUG_INFO_BTF")
}

// needJIT skips on kernels built without BPF's compiler, whose interpreter runs
// no callbacks.
func needJIT(t *testing.T) {
	t.Helper()
	testutil.Require(t, "", "CONFIG_BPF_JIT")
}

// broughtFacts are facts with types that were brought along, which
// $SKEP_KERNEL_BTF names for kernels built without; else nil.
func broughtFacts(t *testing.T, spec *skep.Spec) *skep.Facts {
	t.Helper()
	path := os.Getenv("SKEP_KERNEL_BTF")
	if path == "" {
		needBTF(t)
		return nil
	}
	types, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	k := btf.NewKernel(fstest.MapFS{"sys/kernel/btf/vmlinux": {Data: types}})
	t.Cleanup(func() { k.Close() })
	facts, err := skep.ReadFacts(spec.Needs(), &skep.FactOptions{BTF: k})
	if err != nil {
		t.Fatal(err)
	}
	return facts
}

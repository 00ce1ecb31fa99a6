package prog_test

import (
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"testing"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/prog"
)

var nativeOrder = binary.NativeEndian

// needKernel skips a test that cannot load programs here, and says why. With
// SKEP_REQUIRE=1 a missing privilege fails it.
func needKernel(t testing.TB) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux")
	}
	caps, err := sys.Capabilities()
	if err == nil && (caps>>sys.CAP_SYS_ADMIN&1 != 0 || caps>>sys.CAP_BPF&1 != 0) {
		return
	}
	if os.Getenv("SKEP_REQUIRE") == "1" {
		t.Fatal("needs CAP_BPF, and SKEP_REQUIRE is set")
	}
	t.Skip("needs CAP_BPF: run as root")
}

// openFDs counts the process's descriptors.
func openFDs(t testing.TB) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(list)
}

// noLeak fails the test if it ends with other descriptors than it began with.
func noLeak(t testing.TB) {
	before := openFDs(t)
	t.Cleanup(func() {
		if after := openFDs(t); after != before {
			t.Errorf("%d descriptors before, %d after", before, after)
		}
	})
}

// load loads a Spec, and closes the program at the end of the test.
func load(t testing.TB, s *prog.Spec, o *prog.Options) *prog.Program {
	t.Helper()
	p, err := prog.Load(s, o)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// unsupported skips if the kernel was built without something.
func unsupported(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, sys.ENOSYS) {
		t.Skip(err)
	}
}

// ret is a program that returns a constant.
func ret(n int32) asm.Instructions {
	return asm.Instructions{asm.Mov(asm.R0, n), asm.Exit()}
}

package prog_test

import (
	"encoding/binary"
	"os"
	"strconv"
	"testing"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/prog"
)

var nativeOrder = binary.NativeEndian

// needKernel skips a test that cannot load programs here.
func needKernel(t testing.TB) {
	t.Helper()
	testutil.NeedRoot(t)
}

// openFDs counts the process's descriptors.
func openFDs(t testing.TB) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
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

// ret is a program that returns a constant.
func ret(n int32) asm.Instructions {
	return asm.Instructions{asm.Mov(asm.R0, n), asm.Exit()}
}

func itoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

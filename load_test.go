package skep_test

import (
	"os"
	"testing"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/testutil"
)

// needKernel skips what needs a kernel and the right to load programs. What is
// left open at the test's end fails it.
func needKernel(t *testing.T) {
	t.Helper()
	testutil.NeedRoot(t)
	systest.CheckLeaks(t, systest.Watch{})
}

// bpffs is a directory of a bpffs of the test's own.
func bpffs(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := sys.Mount("bpf", dir, "bpf", ""); err != nil {
		testutil.Privilege(t, "cannot mount a bpffs: "+err.Error())
	}
	t.Cleanup(func() { sys.Unmount(dir) })
	return dir
}

func readTest(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// load loads spec for the length of the test.
func load(t *testing.T, spec *skep.Spec, o *skep.Options) *skep.Collection {
	t.Helper()
	c, err := skep.Load(spec, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

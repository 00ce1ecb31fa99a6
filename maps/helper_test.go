package maps

import (
	"os"
	"testing"

	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/testutil"
)

// needKernel skips a test that needs a real kernel and the right to make maps.
// What is left open at the test's end fails it.
func needKernel(t testing.TB) {
	t.Helper()
	testutil.NeedRoot(t)
	systest.CheckLeaks(t, systest.Watch{})
}

// mustNew makes a map.
func mustNew(t testing.TB, s *Spec, o *Options) *Map {
	t.Helper()
	m, err := New(s, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// pinDir is a directory of a bpffs.
func pinDir(t testing.TB) string {
	t.Helper()
	if magic, err := sys.StatfsMagic(DefaultPinDir); err != nil || magic != sys.BPF_FS_MAGIC {
		dir := t.TempDir()
		if err := sys.Mount("bpf", dir, "bpf", ""); err != nil {
			t.Fatalf("no bpffs, and none can be mounted: %v", err)
		}
		t.Cleanup(func() { sys.Unmount(dir) })
		return dir
	}
	dir, err := os.MkdirTemp(DefaultPinDir, "skep")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

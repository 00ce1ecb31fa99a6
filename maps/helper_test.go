package maps

import (
	"errors"
	"os"
	"runtime"
	"testing"

	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
)

// needKernel skips a test that needs a real kernel and the right to make maps;
// with SKEP_REQUIRE=1 the want of them is a failure. What is left open at the
// test's end fails it.
func needKernel(t testing.TB) {
	t.Helper()
	fd, err := sys.MapCreate(&sys.MapCreateAttr{MapType: sys.BPF_MAP_TYPE_ARRAY, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err == nil {
		fd.Close()
		systest.CheckLeaks(t, systest.Watch{})
		return
	}
	if os.Getenv("SKEP_REQUIRE") == "1" && runtime.GOOS == "linux" {
		t.Fatalf("maps cannot be created: %v", err)
	}
	t.Skipf("maps cannot be created: %v", err)
}

// mustNew makes a map, or skips what the kernel is too old for.
func mustNew(t testing.TB, s *Spec, o *Options) *Map {
	t.Helper()
	m, err := New(s, o)
	if err != nil {
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip(err)
		}
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
			t.Skipf("no bpffs, and none can be mounted: %v", err)
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

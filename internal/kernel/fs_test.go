package kernel

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/skepbpf/skep/internal/testutil"
)

type mapper interface {
	io.ReadCloser
	Map() ([]byte, error)
}

func openMapper(t *testing.T, root, name string) mapper {
	t.Helper()
	f, err := FS(root).Open(name)
	if err != nil {
		t.Fatal(err)
	}
	m, ok := f.(mapper)
	if !ok {
		t.Fatalf("%T cannot be mapped", f)
	}
	return m
}

func TestMap(t *testing.T) {
	dir := t.TempDir()
	want := bytes.Repeat([]byte("skep"), 5000)
	if err := os.WriteFile(filepath.Join(dir, "f"), want, 0o600); err != nil {
		t.Fatal(err)
	}
	f := openMapper(t, dir, "f")
	for range 2 {
		got, err := f.Map()
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := f.Map(); err == nil {
		t.Error("mapped after close")
	}
}

func TestMapFallsBackToReading(t *testing.T) {
	testutil.NeedLinux(t)
	// Files of procfs can neither be mapped nor tell their size.
	f := openMapper(t, "/proc", "filesystems")
	defer f.Close()
	var head [1]byte
	if _, err := f.Read(head[:]); err != nil {
		t.Fatal(err)
	}
	got, err := f.Map()
	want, rerr := os.ReadFile("/proc/filesystems")
	if err != nil || rerr != nil || !bytes.Equal(got, want) {
		t.Errorf("%q, %v, %v", got, err, rerr)
	}
}

func TestMapKernelBTF(t *testing.T) {
	testutil.Require(t, "5.4", "CONFIG_DEBUG_INFO_BTF")
	f := openMapper(t, "/", "sys/kernel/btf/vmlinux")
	defer f.Close()
	b, err := f.Map()
	if err != nil || len(b) < 1<<20 {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	if m := uint16(b[0]) | uint16(b[1])<<8; m != 0xeb9f && m != 0x9feb {
		t.Errorf("magic %#x", m)
	}
}

func BenchmarkMapKernelBTF(b *testing.B) {
	testutil.Require(b, "5.4", "CONFIG_DEBUG_INFO_BTF")
	for b.Loop() {
		f, err := FS("/").Open("sys/kernel/btf/vmlinux")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := f.(mapper).Map(); err != nil {
			b.Fatal(err)
		}
		f.Close()
	}
}

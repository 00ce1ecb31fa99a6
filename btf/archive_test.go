package btf

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/fuzztest"
)

func archive(t testing.TB, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteArchive(&b, files); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var hosts = []Host{
	{"ubuntu", "20.04", "x86_64", "5.4.0-42-generic"}, {"ubuntu", "20.04", "x86_64", "5.4.0-91-generic"},
	{"ubuntu", "18.04", "arm64", "4.15.0-20-generic"}, {"debian", "10", "x86_64", "4.19.0-20-amd64"},
}

func hostFiles(t testing.TB) map[string][]byte {
	files := make(map[string][]byte)
	for i, h := range hosts {
		files[h.Path()] = layouts(t, []string{".el", ".el", "-later.el", ".eb"}[i]).Bytes()
	}
	return files
}

func TestArchive(t *testing.T) {
	files := hostFiles(t)
	b := archive(t, files)
	if !bytes.Equal(b, archive(t, files)) {
		t.Error("another archive of the same files")
	}
	one := len(layouts(t, ".el").Bytes())
	if want := 3*one + 1000; len(b) > want {
		t.Errorf("%d bytes, want %d at most: two files are equal", len(b), want)
	}
	a, err := OpenArchive(b)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range files {
		names = append(names, name)
	}
	if err := fstest.TestFS(a, names...); err != nil {
		t.Error(err)
	}
	for _, fsys := range []fs.FS{a, inMemory(files)} {
		for _, h := range hosts {
			s, err := For(fsys, h)
			if err != nil || !bytes.Equal(s.Bytes(), files[h.Path()]) {
				t.Errorf("%+v: %v", h, err)
			}
		}
		for _, h := range []Host{{}, {ID: "..", Version: "x"}, {"ubuntu", "20.04", "x86_64", "5.4"}, {"ubuntu", "20.04", "x86_64", ""}} {
			if s, err := For(fsys, h); !errors.Is(err, ErrNoBTF) || s != nil {
				t.Errorf("%+v: %v", h, err)
			}
		}
	}
	if empty, err := OpenArchive(archive(t, nil)); err != nil || len(empty.Names()) != 0 {
		t.Error(err)
	}
	for _, names := range [][]string{{"/a"}, {"."}, {""}, {"a", "a/b"}, {"a/../b"}} {
		bad := make(map[string][]byte)
		for _, n := range names {
			bad[n] = nil
		}
		if err := WriteArchive(&bytes.Buffer{}, bad); err == nil {
			t.Errorf("%q: no error", names)
		}
	}
}

func inMemory(files map[string][]byte) fstest.MapFS {
	m := fstest.MapFS{}
	for name, b := range files {
		m[name] = &fstest.MapFile{Data: b}
	}
	return m
}

func TestReadHost(t *testing.T) {
	root := fstest.MapFS{
		"proc/sys/kernel/osrelease": {Data: []byte("5.4.0-42-generic\n")},
		"proc/sys/kernel/arch":      {Data: []byte("x86_64\n")},
		"usr/lib/os-release":        {Data: []byte("NAME=\"Ubuntu\"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"20.04\"\n")},
	}
	h, err := ReadHost(root)
	if diff := cmp.Diff(hosts[0], h); diff != "" || err != nil {
		t.Error(diff, err)
	}
	root["etc/os-release"] = &fstest.MapFile{Data: []byte("ID=\"debian\"\nVERSION_ID='10'\n")}
	delete(root, "proc/sys/kernel/arch")
	if h, err = ReadHost(root); err != nil || h.ID != "debian" || h.Version != "10" || h.Arch == "" {
		t.Errorf("%+v, %v", h, err)
	}
	if _, err := ReadHost(fstest.MapFS{}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// TestKernelOf: brought types serve relocations, and survive the Kernel.
func TestKernelOf(t *testing.T) {
	s := layouts(t, "-later.el")
	local := layouts(t, ".el")
	later, _ := local.ByName("later", KindStruct)
	k := KernelOf(s)
	f, err := NewRelocator(local, k).Resolve(&CORERelo{COREFieldByteOffset, later.ID(), "0:9"})
	if err != nil || f.Old != 232 || f.New != 248 {
		t.Errorf("%+v, %v", f, err)
	}
	if _, typ, err := k.FindType("added", KindStruct); err != nil || typ.Size() != 4 {
		t.Error(typ, err)
	}
	if _, _, err := k.FindType("removed", KindStruct); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if names, err := k.Modules(); err != nil || len(names) != 0 {
		t.Error(names, err)
	}
	if err := k.Close(); err != nil {
		t.Error(err)
	}
	if _, ok := s.ByName("added", KindStruct); !ok {
		t.Error("Close took the types")
	}
	if _, err := KernelOf(s).Vmlinux(); err != nil {
		t.Error(err)
	}
}

func FuzzArchive(f *testing.F) {
	whole := archive(f, hostFiles(f))
	f.Add(whole)
	f.Add(archive(f, map[string][]byte{"a/b": []byte("x"), "a/c/d": []byte("x"), "e": nil}))
	f.Add(whole[:100])
	f.Fuzz(func(t *testing.T, b []byte) {
		var a *Archive
		var err error
		fuzztest.Check(t, len(b), func() { a, err = OpenArchive(b) })
		if err != nil {
			return
		}
		files := make(map[string][]byte)
		for _, name := range a.Names() {
			if files[name], err = a.ReadFile(name); err != nil {
				t.Fatal(err)
			}
		}
		if len(a.Names()) < 50 && !strings.Contains(string(b), "\\") {
			if err := fstest.TestFS(a, a.Names()...); err != nil && len(files) > 0 {
				t.Fatal(err)
			}
		}
		again, err := OpenArchive(archive(t, files))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a.Names(), again.Names()); diff != "" {
			t.Fatal(diff)
		}
	})
}

package bpffs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/testutil"
)

// mount gives a BPF file system of the test's own.
func mount(t *testing.T) string {
	t.Helper()
	testutil.NeedLinux(t)
	testutil.NeedRoot(t)
	dir := t.TempDir()
	if err := sys.Mount("bpf", dir, "bpf", ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sys.Unmount(dir) })
	return dir
}

// pin pins a new map with so large values, which tell it from others.
func pin(t *testing.T, path string, size uint32) {
	t.Helper()
	fd, err := sys.MapCreate(&sys.MapCreateAttr{MapType: sys.BPF_MAP_TYPE_ARRAY, KeySize: 4, ValueSize: size, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer fd.Close()
	raw, err := fd.Borrow()
	if err != nil {
		t.Fatal(err)
	}
	defer fd.Release()
	if err := sys.ObjPin(&sys.ObjAttr{Pathname: sys.StringPtr(path), BpfFd: uint32(raw)}); err != nil {
		t.Fatal(err)
	}
}

// pins gives the value size of the map under each name, which is not one of the
// kernel's own files.
func pins(t *testing.T, dir string) map[string]uint32 {
	t.Helper()
	all := map[string]uint32{}
	names, err := sys.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".debug") {
			continue
		}
		fd, err := sys.ObjGet(&sys.ObjAttr{Pathname: sys.StringPtr(filepath.Join(dir, name))})
		if err != nil {
			t.Fatal(err)
		}
		raw, err := fd.Borrow()
		if err != nil {
			t.Fatal(err)
		}
		var info sys.MapInfo
		if err := sys.ObjGetInfoByFD(raw, &info); err != nil {
			t.Fatal(err)
		}
		fd.Release()
		fd.Close()
		all[name] = info.ValueSize
	}
	return all
}

func TestSwap(t *testing.T) {
	for _, tt := range []struct {
		name string
		old  bool
		do   func(s *Swap) error
		want map[string]uint32
	}{
		{"undone before", true, (*Swap).Undo, map[string]uint32{"m": 1}},
		{"put", true, (*Swap).Put, map[string]uint32{"m": 2, "m~old": 1}},
		{"done", true, func(s *Swap) error { return errors.Join(s.Put(), s.Done()) }, map[string]uint32{"m": 2}},
		{"undone", true, func(s *Swap) error { return errors.Join(s.Put(), s.Undo()) }, map[string]uint32{"m": 1}},
		{"fresh", false, func(s *Swap) error { return errors.Join(s.Put(), s.Done()) }, map[string]uint32{"m": 2}},
		{"fresh, undone", false, func(s *Swap) error { return errors.Join(s.Put(), s.Undo()) }, map[string]uint32{}},
		{"died in the midst", true, func(s *Swap) error {
			return errors.Join(sys.Link(s.Path, s.Path+oldSuffix), Recover(filepath.Dir(s.Path)))
		}, map[string]uint32{"m": 1}},
		{"died after it", true, func(s *Swap) error { return errors.Join(s.Put(), Recover(filepath.Dir(s.Path))) }, map[string]uint32{"m": 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := mount(t)
			s := &Swap{Path: filepath.Join(dir, "m")}
			if tt.old {
				pin(t, s.Path, 1)
			}
			pin(t, s.New(), 2)
			if err := tt.do(s); err != nil {
				t.Fatal(err)
			}
			if tt.name == "put" {
				defer s.Done()
			}
			if diff := cmp.Diff(tt.want, pins(t, dir)); diff != "" {
				t.Errorf("pins (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRecoverAll: one pin has its new place, another one waits for its own.
func TestRecoverAll(t *testing.T) {
	dir := mount(t)
	links := filepath.Join(dir, "links")
	if err := os.Mkdir(links, 0o700); err != nil {
		t.Fatal(err)
	}
	a, b := Swap{Path: filepath.Join(dir, "a")}, Swap{Path: filepath.Join(links, "b")}
	for _, s := range []*Swap{&a, &b} {
		pin(t, s.Path, 1)
		pin(t, s.New(), 2)
	}
	if err := a.Put(); err != nil {
		t.Fatal(err)
	}
	if err := Recover(dir, links, filepath.Join(dir, "absent")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]uint32{"b": 1}, pins(t, links)); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
	if err := os.RemoveAll(links); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]uint32{"a": 1}, pins(t, dir)); diff != "" {
		t.Errorf("pins (-want +got):\n%s", diff)
	}
}

func TestSwapDoesNotTakeAnothersName(t *testing.T) {
	dir := mount(t)
	s := Swap{Path: filepath.Join(dir, "m")}
	pin(t, s.New(), 2)
	s.stage = begun
	// It appears after Put has looked.
	pin(t, s.Path, 1)
	if err := sys.Link(s.New(), s.Path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second name: %v", err)
	}
}

func TestMakeDir(t *testing.T) {
	dir := mount(t)
	deep := filepath.Join(dir, "a", "b", "c")
	made, err := MakeDir(deep)
	if want := (Made{filepath.Join(dir, "a"), filepath.Join(dir, "a", "b"), deep}); err != nil || !slices.Equal(made, want) {
		t.Fatalf("made %q, %v", made, err)
	}
	if again, err := MakeDir(deep); err != nil || again != nil {
		t.Errorf("made %q again, %v", again, err)
	}
	made.Remove()
	if _, err := os.Stat(made[0]); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it stays: %v", err)
	}
	pin(t, filepath.Join(dir, "m"), 1)
	elsewhere := t.TempDir()
	for _, tt := range []struct {
		path   string
		reason Reason
		want   string
	}{
		{elsewhere + "/x/y", NotBPFFS, "is in no BPF file system: mount one, as by mount -t bpf bpf " + elsewhere},
		{dir + "/a.b/c", Dot, "names with a dot are not for pins"},
		{dir + "/m/c", NotADirectory, dir + "/m is no directory"},
	} {
		made, err := MakeDir(tt.path)
		var e *Error
		if made != nil || !errors.As(err, &e) || e.Reason != tt.reason || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: made %q, %v; want %q", tt.path, made, err, tt.want)
		}
	}
}

func TestLockDir(t *testing.T) {
	dir := mount(t)
	never := func() error { return nil }
	fd, err := sys.LockDir(dir, never)
	if err != nil {
		t.Fatal(err)
	}
	given := errors.New("given up")
	if _, err := sys.LockDir(dir, func() error { return given }); !errors.Is(err, given) {
		t.Errorf("a second lock: %v", err)
	}
	got := make(chan error)
	go func() {
		again, err := sys.LockDir(dir, never)
		got <- errors.Join(err, again.Close())
	}()
	if err := errors.Join(fd.Close(), <-got); err != nil {
		t.Error(err)
	}
}

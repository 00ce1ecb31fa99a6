package maps

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/elf"
	"github.com/skepbpf/skep/internal/step/upgrade"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/testutil"
)

// TestPinnedTypes: a map of each type that the kernel changes something of, or
// that has more to compare, is what its own Spec wants.
func TestPinnedTypes(t *testing.T) {
	needKernel(t)
	inner := &Spec{Type: Array, KeySize: 4, ValueSize: 8, MaxEntries: 3}
	for _, s := range []Spec{
		{Type: DevMap, KeySize: 4, ValueSize: 4, MaxEntries: 2},
		{Type: DevMapHash, KeySize: 4, ValueSize: 4, MaxEntries: 2},
		{Type: PerfEventArray, KeySize: 4, ValueSize: 4},
		{Type: LRUHash, KeySize: 4, ValueSize: 4, MaxEntries: 1001, Flags: NoCommonLRU},
		{Type: LRUPerCPUHash, KeySize: 4, ValueSize: 4, MaxEntries: 1001, Flags: NoCommonLRU},
		{Type: Hash, KeySize: 4, ValueSize: 4, MaxEntries: 7, Flags: NoPrealloc | ReadOnlyProg},
		{Type: Array, KeySize: 4, ValueSize: 4, MaxEntries: 1, Freeze: true},
		{Type: ArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 2, Inner: inner},
		{Type: HashOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 2, Inner: inner},
		{Type: RingBuf, MaxEntries: uint32(os.Getpagesize())},
		{Type: LPMTrie, KeySize: 8, ValueSize: 4, MaxEntries: 2, Flags: NoPrealloc},
	} {
		t.Run(s.Type.String(), func(t *testing.T) {
			s.Name, s.Pinning = "same", ByName
			o := &Options{PinDir: pinDir(t)}
			first := mustNew(t, &s, o)
			t.Cleanup(func() { _ = first.Unpin() })
			if s.Inner != nil {
				if err := first.PutMap(1, mustNew(t, s.Inner, nil)); err != nil {
					t.Fatal(err)
				}
			}
			second, err := New(&s, o)
			if err != nil {
				t.Fatal(err)
			}
			defer second.Close()
			if !second.Reused() {
				t.Error("not reused")
			}
			shape, err := second.Shape()
			if err != nil {
				t.Fatal(err)
			}
			if want := (s.Freeze); (shape.Frozen == upgrade.Yes) != want || shape.Frozen == upgrade.Untold {
				t.Errorf("frozen: %v", shape.Frozen)
			}
			if s.Inner != nil && (shape.Inner == nil || shape.Inner.ValueSize != 8) {
				t.Errorf("inner: %+v", shape.Inner)
			}
		})
	}
}

// TestIncompatiblePins has what makes a pinned map another one.
func TestIncompatiblePins(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "4.18") // BTF of maps
	types := layouts(t)
	value := func(name string) Spec {
		v, ok := types.ByName(name, btf.KindStruct)
		if !ok {
			t.Fatalf("no struct %s", name)
		}
		u32, _ := types.ByName("unsigned int", btf.KindInt)
		return Spec{Type: Hash, KeySize: 4, ValueSize: v.Size(), MaxEntries: 4, Types: types, Key: u32.ID(), Value: v.ID()}
	}
	base := Spec{Type: Array, KeySize: 4, ValueSize: 8, MaxEntries: 4}
	of := func(f func(*Spec)) Spec { s := base; f(&s); return s }
	inner := func(size uint32) Spec {
		return Spec{Type: ArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 1, Inner: &Spec{Type: Hash, KeySize: 4, ValueSize: size, MaxEntries: 9}}
	}
	for _, tt := range []struct {
		name       string
		have, want Spec
		differs    []Difference
	}{
		{"nothing", base, base, nil},
		{"type", base, of(func(s *Spec) { s.Type = Hash }), []Difference{{Property: "type", Want: "Hash", Have: "Array"}}},
		{"sizes", base, of(func(s *Spec) { s.ValueSize, s.MaxEntries = 16, 5 }),
			[]Difference{{Property: "value size", Want: "16", Have: "8"}, {Property: "max entries", Want: "5", Have: "4"}}},
		{"flags", base, of(func(s *Spec) { s.Flags = Mmapable }), []Difference{{Property: "flags", Want: "0x400", Have: "0x0"}}},
		{"frozen", base, of(func(s *Spec) { s.Freeze = true }), []Difference{{Property: "frozen", Want: "yes", Have: "no"}}},
		{"names of members", value("renamed_old"), value("renamed_new"), nil},
		{"layout", value("swapped_old"), value("swapped_new"),
			[]Difference{{Property: "value layout", Want: "member bytes at byte 0", Have: "member packets at byte 0"}}},
		{"inner maps", inner(4), inner(8), []Difference{{Property: "inner value size", Want: "8", Have: "4"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := &Options{PinDir: pinDir(t)}
			tt.have.Name, tt.want.Name = "m", "m"
			tt.have.Pinning, tt.want.Pinning = ByName, ByName
			first := mustNew(t, &tt.have, o)
			t.Cleanup(func() { _ = first.Unpin() })
			if tt.have.Inner != nil {
				if err := first.PutMap(0, mustNew(t, tt.have.Inner, nil)); err != nil {
					t.Fatal(err)
				}
			}
			m, err := New(&tt.want, o)
			if err == nil {
				m.Close()
			}
			var ie *IncompatibleError
			if errors.As(err, &ie) {
				if diff := cmp.Diff(tt.differs, ie.Differences); diff != "" {
					t.Errorf("differences (-want +got):\n%s", diff)
				}
			} else if err != nil || tt.differs != nil {
				t.Errorf("%v, want %v", err, tt.differs)
			}
		})
	}
}

func layouts(t *testing.T) *btf.Spec {
	t.Helper()
	order := "el"
	if runtime.GOARCH == "s390x" {
		order = "eb"
	}
	b, err := os.ReadFile("../testdata/layouts." + order + ".o")
	if err != nil {
		t.Fatal(err)
	}
	o, err := elf.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return o.Types
}

// TestPinPlaces has where maps can and cannot be pinned.
func TestPinPlaces(t *testing.T) {
	needKernel(t)
	dir := pinDir(t)
	readonly := t.TempDir()
	if err := sys.Mount("bpf", readonly, "bpf", ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sys.Unmount(readonly) })
	if err := sys.Remount(readonly, true); err != nil {
		t.Fatal(err)
	}
	elsewhere := t.TempDir()
	file := filepath.Join(elsewhere, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	base := Spec{Name: "place", Type: Array, KeySize: 4, ValueSize: 8, MaxEntries: 4, Pinning: ByName}
	for _, tt := range []struct {
		name, dir, path string
		want            string // of the error
		typed           bool
	}{
		{"there", dir, "", "", false},
		{"made", dir + "/a/b", "", "", false},
		{"a path of its own", elsewhere, dir + "/c/mine", "", false},
		{"no BPF file system", elsewhere, "", elsewhere + " is in no BPF file system: mount one, as by mount -t bpf bpf " + elsewhere, true},
		{"nothing made there", elsewhere + "/x/y", "", "is in no BPF file system", true},
		{"a file", "", file, "is in no BPF file system", true},
		{"a dot", dir + "/v1.2", "", "names with a dot are not for pins", true},
		{"read-only", readonly, "", "read-only file system", false},
		{"read-only, to be made", readonly + "/x", "", "read-only file system", false},
		{"a pin for a directory", dir + "/pinned", "", "is no directory", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if strings.HasSuffix(tt.dir, "/pinned") {
				p := base
				p.PinPath = tt.dir
				m := mustNew(t, &p, nil)
				defer m.Unpin()
			}
			s := base
			s.PinPath = tt.path
			m, err := New(&s, &Options{PinDir: tt.dir})
			if tt.want != "" {
				var pe *PinError
				if err == nil || !strings.Contains(err.Error(), tt.want) || errors.As(err, &pe) != tt.typed {
					t.Fatalf("%v, want %q", err, tt.want)
				}
				if names, _ := os.ReadDir(elsewhere); len(names) != 1 {
					t.Errorf("left there: %v", names)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if path := s.PinnedAt(tt.dir); m.PinPath() != path || m.Reused() {
				t.Errorf("pinned at %q, want %q; reused %v", m.PinPath(), path, m.Reused())
			}
			if err := m.Unpin(); err != nil {
				t.Error(err)
			}
			if left, _ := filepath.Glob(dir + "/*[^g]"); len(left) != 0 { // the kernel's own end in .debug
				t.Errorf("left: %v", left)
			}
		})
	}
	if _, err := OpenPinned(dir+"/absent", 0); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

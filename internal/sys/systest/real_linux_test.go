package systest

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/sys"
)

// needRoot skips, or with SKEP_REQUIRE=1 fails, where maps cannot be made.
func needRoot(t *testing.T) {
	t.Helper()
	fd, err := sys.MapCreate(&sys.MapCreateAttr{MapType: sys.BPF_MAP_TYPE_ARRAY, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	fd.Close()
	switch {
	case err == nil:
	case os.Getenv("SKEP_REQUIRE") == "1":
		t.Fatal(err)
	default:
		t.Skipf("no privilege or no support: %v", err)
	}
}

func TestInjectorPassesToTheRealKernel(t *testing.T) {
	needRoot(t)
	CheckLeaks(t, Watch{})
	in := Inject(t, Fault{Cmd: sys.BPF_MAP_FREEZE, N: 1, Errno: sys.ENOMEM})
	fd := createMap(t, "real")
	defer fd.Close()
	attr := sys.MapElemAttr{MapFd: raw(t, fd)}
	if err := sys.MapFreeze(&attr); !errors.Is(err, sys.ENOMEM) {
		t.Errorf("first freeze: %v", err)
	}
	if err := sys.MapFreeze(&attr); err != nil {
		t.Errorf("second freeze: %v", err)
	}
	if err := put(raw(t, fd), 1, 1, 0); !errors.Is(err, sys.EPERM) {
		t.Errorf("update of a frozen map: %v", err)
	}
	if in.Victim() != "BPF_MAP_FREEZE" || in.Matched() != 2 || len(in.Calls()) != 4 {
		t.Errorf("victim %q, %d matched, calls %v", in.Victim(), in.Matched(), in.Calls())
	}
}

func TestSnapshotSeesObjectsAndPins(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	if err := sys.Mount("bpf", dir, "bpf", ""); err != nil {
		t.Skip(err)
	}
	defer sys.Unmount(dir)
	w := Watch{Pins: []string{dir}, Objects: true}
	before := Take(w)
	fd := createMap(t, "watched")
	if err := sys.ObjPin(&sys.ObjAttr{Pathname: sys.StringPtr(dir + "/m"), BpfFd: raw(t, fd)}); err != nil {
		t.Fatal(err)
	}
	fd.Close()
	diff := before.Diff(Take(w))
	if !strings.Contains(diff, "+1 pin "+dir+"/m") || !strings.Contains(diff, "+1 map id ") {
		t.Errorf("diff %q", diff)
	}
	if err := os.Remove(dir + "/m"); err != nil {
		t.Fatal(err)
	}
	// Others may load BPF on this machine meanwhile: only the pin is sure.
	if diff := before.Compare(Watch{Pins: w.Pins}); strings.Contains(diff, "+1 pin") {
		t.Errorf("after removal: %q", diff)
	}
}

package systest

import (
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/testutil"
)

func TestInjectorPassesToTheRealKernel(t *testing.T) {
	testutil.NeedRoot(t)
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

// A map that others could load beside: only what this process made counts.
func TestLeaksOfObjects(t *testing.T) {
	testutil.NeedRoot(t)
	dir := t.TempDir()
	if err := sys.Mount("bpf", dir, "bpf", ""); err != nil {
		t.Fatal(err)
	}
	defer sys.Unmount(dir)
	l := Begin(t, Watch{Pins: []string{dir}})
	l.ledger.grace = 200 * time.Millisecond
	in := Inject(t, Fault{Cmd: AnyCmd})
	fd := createMap(t, "watched")
	if err := sys.ObjPin(&sys.ObjAttr{Pathname: sys.StringPtr(dir + "/m"), BpfFd: raw(t, fd)}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"BPF_MAP_CREATE", "BPF_OBJ_PIN"}, in.Calls()); diff != "" {
		t.Errorf("the check's own calls are counted:\n%s", diff)
	}
	id, _ := mapKind.id(int(raw(t, fd)))
	o := numbered{mapKind, id}
	if who := l.ledger.holders(o, nil); !strings.Contains(who, "descriptor ") || !strings.Contains(who, "pin "+dir+"/m") {
		t.Errorf("held by descriptor and pin: %q", who)
	}
	fd.Close()
	left := l.Left()
	for _, want := range []string{"+1 pin " + dir + "/m", "+1 " + o.String() + ", held by pin " + dir + "/m\n", "TestLeaksOfObjects"} {
		if !strings.Contains(left, want) {
			t.Errorf("no %q in:\n%s", want, left)
		}
	}
	if err := os.Remove(dir + "/m"); err != nil {
		t.Fatal(err)
	}
	l.ledger.grace = defaultGrace
	if left := l.Left(); left != "" {
		t.Errorf("after removal: %s", left)
	}
}

// A program that a socket keeps, or BPF_PROG_ATTACH, is held by no descriptor of
// the bpf kind.
func TestLeaksOfAttachments(t *testing.T) {
	testutil.NeedRoot(t)
	testutil.Require(t, "", "CONFIG_CGROUP_BPF")
	cgroup, err := os.MkdirTemp(cgroup2(t), "skep-systest-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(cgroup)
	insns := []byte{0xb7, 0, 0, 0, 1, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0}
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		insns[4], insns[7] = 0, 1
	}
	l := Begin(t, Watch{})
	l.ledger.grace = 200 * time.Millisecond
	p, err := sys.ProgLoad(&sys.ProgLoadAttr{ProgType: sys.BPF_PROG_TYPE_CGROUP_SKB, InsnCnt: 2, Insns: sys.BytesPtr(insns), License: sys.StringPtr("GPL")})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := sys.OpenPath(cgroup, sys.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	attr := sys.ProgAttachAttr{TargetFd: raw(t, dir), AttachBpfFd: raw(t, p), AttachType: sys.BPF_CGROUP_INET_EGRESS}
	if err := sys.ProgAttach(&attr); err != nil {
		t.Fatal(err)
	}
	id, _ := progKind.id(int(raw(t, p)))
	again, err := p.Dup()
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	again.Close()
	left := l.Left()
	for _, want := range []string{
		"+1 " + numbered{progKind, id}.String() + ", held by attached to file ",
		"+1 attachment of program ", "BPF_CGROUP_INET_EGRESS", "TestLeaksOfAttachments",
	} {
		if !strings.Contains(left, want) {
			t.Errorf("no %q in:\n%s", want, left)
		}
	}
	if err := sys.ProgDetach(&sys.ProgAttachAttr{TargetFd: attr.TargetFd, AttachType: attr.AttachType}); err != nil {
		t.Fatal(err)
	}
	dir.Close()
	l.ledger.grace = defaultGrace
	if left := l.Left(); left != "" {
		t.Errorf("after detaching: %s", left)
	}
}

// cgroup2 is where cgroups of version 2 are mounted, or it mounts them.
func cgroup2(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 3 && f[2] == "cgroup2" {
			return f[1]
		}
	}
	dir := t.TempDir()
	if err := sys.Mount("cgroup2", dir, "cgroup2", ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sys.Unmount(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

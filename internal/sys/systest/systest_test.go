package systest

import (
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/testutil"
)

func createMap(t *testing.T, name string) *sys.FD {
	t.Helper()
	fd, err := sys.MapCreate(&sys.MapCreateAttr{MapType: sys.BPF_MAP_TYPE_HASH, KeySize: 4, ValueSize: 4, MaxEntries: 2, MapName: sys.ObjName(name)})
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

func raw(t *testing.T, fd *sys.FD) uint32 {
	t.Helper()
	n, err := fd.Borrow()
	if err != nil {
		t.Fatal(err)
	}
	fd.Release()
	return uint32(n)
}

func put(fd uint32, key, value uint32, flags uint64) error {
	return sys.MapUpdateElem(&sys.MapElemAttr{MapFd: fd, Key: sys.PtrTo(&key), Value: sys.PtrTo(&value), Flags: flags})
}

func TestFakeMapStores(t *testing.T) {
	testutil.NeedLinux(t) // descriptors of the fake kernel are memfds
	CheckLeaks(t, Watch{})
	k := NewKernel(t)
	fd := createMap(t, "counts")
	defer fd.Close()
	m := raw(t, fd)
	for _, step := range []struct {
		key, value uint32
		flags      uint64
		want       error
	}{
		{1, 10, sys.BPF_EXIST, sys.ENOENT},
		{1, 10, sys.BPF_NOEXIST, nil},
		{1, 11, sys.BPF_NOEXIST, sys.EEXIST},
		{1, 12, sys.BPF_ANY, nil},
		{2, 20, sys.BPF_ANY, nil},
		{3, 30, sys.BPF_ANY, sys.E2BIG},
	} {
		if err := put(m, step.key, step.value, step.flags); !errors.Is(err, step.want) {
			t.Errorf("update %+v: %v", step, err)
		}
	}
	var keys []uint32
	var prev *uint32
	for {
		next := new(uint32)
		attr := sys.MapGetNextKeyAttr{MapFd: m, Key: sys.PtrTo(prev), NextKey: sys.PtrTo(next)}
		if err := sys.MapGetNextKey(&attr); err != nil {
			break
		}
		keys, prev = append(keys, *next), next
	}
	if diff := cmp.Diff([]uint32{1, 2}, keys); diff != "" {
		t.Error(diff)
	}
	fake := k.Maps()[0]
	if v := k.Lookup(fake, binary.NativeEndian.AppendUint32(nil, 1)); fake.Name != "counts" || len(v) != 4 || v[0]+v[3] != 12 {
		t.Errorf("map %q holds %v", fake.Name, v)
	}
	if err := sys.MapFreeze(&sys.MapElemAttr{MapFd: m}); err != nil {
		t.Fatal(err)
	}
	if err := put(m, 1, 1, 0); !errors.Is(err, sys.EPERM) {
		t.Errorf("update of a frozen map: %v", err)
	}
}

func TestFakeMapsCanBeMapped(t *testing.T) {
	testutil.NeedLinux(t) // descriptors of the fake kernel are memfds
	CheckLeaks(t, Watch{})
	NewKernel(t)
	fd, err := sys.MapCreate(&sys.MapCreateAttr{MapType: sys.BPF_MAP_TYPE_ARRAY, KeySize: 4, ValueSize: 100, MaxEntries: 1, MapFlags: sys.BPF_F_MMAPABLE})
	if err != nil {
		t.Fatal(err)
	}
	defer fd.Close()
	m, err := sys.Mmap(fd, 0, 100, sys.PROT_READ|sys.PROT_WRITE, sys.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	m.Bytes()[99] = 1
}

func TestForbidReportsCalls(t *testing.T) {
	var spy spyTB
	spy.TB = t
	Forbid(&spy)
	_, err := sys.MapCreate(&sys.MapCreateAttr{})
	if !errors.Is(err, sys.EPERM) || spy.errors != 1 {
		t.Errorf("%v, %d errors reported", err, spy.errors)
	}
}

// spyTB counts errors in place of failing.
type spyTB struct {
	testing.TB
	errors int
}

func (s *spyTB) Errorf(string, ...any) { s.errors++ }

func TestFakeProgramKeepsItsMap(t *testing.T) {
	testutil.NeedLinux(t) // descriptors of the fake kernel are memfds
	CheckLeaks(t, Watch{})
	k := NewKernel(t)
	m := createMap(t, "m")
	insns := make([]byte, 32)
	insns[0], insns[1] = 0x18, sys.BPF_PSEUDO_MAP_FD<<4|1
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		insns[1] = 1<<4 | sys.BPF_PSEUDO_MAP_FD
	}
	binary.NativeEndian.PutUint32(insns[4:], raw(t, m))
	insns[16], insns[24] = 0xb7, 0x95
	attr := sys.ProgLoadAttr{ProgType: sys.BPF_PROG_TYPE_XDP, InsnCnt: 4, Insns: sys.BytesPtr(insns), License: sys.StringPtr("GPL"), ProgName: sys.ObjName("p")}
	p, err := sys.ProgLoad(&attr)
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
	if len(k.Maps()) != 1 || len(k.Progs()) != 1 || k.Progs()[0].License != "GPL" {
		t.Errorf("maps %v, programs %v", k.Maps(), k.Progs())
	}
	var info sys.ProgInfo
	if err := sys.ObjGetInfoByFD(int(raw(t, p)), &info); err != nil || sys.NameString(info.Name[:]) != "p" || info.NrMapIds != 1 {
		t.Errorf("info %+v, %v", info, err)
	}
	l, err := sys.LinkCreate(&sys.LinkCreateTcxAttr{ProgFd: raw(t, p), TargetFd: 1, AttachType: sys.BPF_TCX_INGRESS})
	if err != nil {
		t.Fatal(err)
	}
	if err := sys.ObjPin(&sys.ObjAttr{Pathname: sys.StringPtr("/sys/fs/bpf/l"), BpfFd: raw(t, l)}); err != nil {
		t.Fatal(err)
	}
	p.Close()
	l.Close()
	if len(k.Links()) != 1 || len(k.Progs()) != 1 || len(k.Maps()) != 1 {
		t.Error("a pin does not keep the link, its program and its map")
	}
	if l, err = sys.ObjGet(&sys.ObjAttr{Pathname: sys.StringPtr("/sys/fs/bpf/l")}); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := k.Unpin("/sys/fs/bpf/l"); err != nil {
		t.Fatal(err)
	}
	if len(k.Links())+len(k.Progs())+len(k.Maps()) != 0 {
		t.Error("objects outlive their last reference")
	}
}

func TestInjectorFailsTheNthCall(t *testing.T) {
	testutil.NeedLinux(t) // descriptors of the fake kernel are memfds
	create := func() error {
		fd, err := sys.MapCreate(&sys.MapCreateAttr{MapType: sys.BPF_MAP_TYPE_ARRAY, KeySize: 4, ValueSize: 4, MaxEntries: 1})
		fd.Close()
		return err
	}
	for _, tt := range []struct {
		name  string
		fault Fault
		want  [4]error
	}{
		{"none", Fault{Cmd: AnyCmd}, [4]error{}},
		{"once", Fault{Cmd: sys.BPF_MAP_CREATE, N: 2, Errno: sys.EPERM}, [4]error{nil, sys.EPERM, nil, nil}},
		{"rest", Fault{Cmd: AnyCmd, N: 3, Rest: true, Errno: sys.ENOMEM}, [4]error{nil, nil, sys.ENOMEM, sys.ENOMEM}},
		{"other command", Fault{Cmd: sys.BPF_PROG_LOAD, N: 1, Errno: sys.EPERM}, [4]error{}},
		{"other call", Fault{Call: "memfd_create", N: 2, Errno: sys.EMFILE}, [4]error{nil, sys.EMFILE, nil, nil}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			CheckLeaks(t, Watch{})
			NewKernel(t)
			in := Inject(t, tt.fault)
			failed := 0
			for i, want := range tt.want {
				err := create()
				if !errors.Is(err, want) || (err == nil) != (want == nil) {
					t.Errorf("call %d: %v, want %v", i+1, err, want)
				}
				if err != nil {
					failed++
				}
			}
			if in.Fired() != failed {
				t.Errorf("fired %d times, %d calls failed", in.Fired(), failed)
			}
		})
	}
}

// A once-failing EAGAIN or EINTR is not seen by the caller; an endless one ends.
func TestRetries(t *testing.T) {
	testutil.NeedLinux(t) // descriptors of the fake kernel are memfds
	load := func() error {
		insns := []byte{0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0}
		fd, err := sys.ProgLoad(&sys.ProgLoadAttr{ProgType: sys.BPF_PROG_TYPE_XDP, InsnCnt: 2, Insns: sys.BytesPtr(insns), License: sys.StringPtr("GPL")})
		fd.Close()
		return err
	}
	for _, tt := range []struct {
		name  string
		fault Fault
		want  error
		fired int
	}{
		{"EAGAIN once", Fault{Cmd: AnyCmd, N: 1, Errno: sys.EAGAIN}, nil, 1},
		{"EAGAIN always", Fault{Cmd: AnyCmd, N: 1, Rest: true, Errno: sys.EAGAIN}, sys.EAGAIN, 5},
		{"EINTR once", Fault{Cmd: AnyCmd, N: 1, Errno: sys.EINTR}, nil, 1},
		{"EINTR always", Fault{Cmd: AnyCmd, N: 1, Rest: true, Errno: sys.EINTR}, sys.EINTR, 64},
	} {
		t.Run(tt.name, func(t *testing.T) {
			CheckLeaks(t, Watch{})
			NewKernel(t)
			in := Inject(t, tt.fault)
			if err := load(); !errors.Is(err, tt.want) || in.Fired() != tt.fired {
				t.Errorf("%v after %d failures, want %v after %d", err, in.Fired(), tt.want, tt.fired)
			}
		})
	}
	t.Run("EAGAIN of another command", func(t *testing.T) {
		NewKernel(t)
		in := Inject(t, Fault{Cmd: AnyCmd, N: 1, Errno: sys.EAGAIN})
		_, err := sys.MapCreate(&sys.MapCreateAttr{})
		if !errors.Is(err, sys.EAGAIN) || in.Fired() != 1 {
			t.Errorf("%v after %d failures", err, in.Fired())
		}
	})
}

func TestLeakIsReportedWithItsStack(t *testing.T) {
	testutil.NeedLinux(t) // descriptors of the fake kernel are memfds
	tracer := TraceFDs(t)
	before := Take(Watch{})
	fd, err := sys.MemfdCreate("leaked")
	if err != nil {
		t.Fatal(err)
	}
	diff := before.Diff(Take(Watch{}))
	if !strings.Contains(diff, "+1 fd") || !strings.Contains(diff, "leaked") {
		t.Errorf("diff %q", diff)
	}
	if r := tracer.Report(); !strings.Contains(r, "TestLeakIsReportedWithItsStack") {
		t.Errorf("report %q", r)
	}
	m, err := sys.Mmap(nil, 0, os.Getpagesize(), sys.PROT_READ, sys.MAP_PRIVATE|sys.MAP_ANONYMOUS)
	if err != nil {
		t.Fatal(err)
	}
	fd.Close()
	m.Close()
	if diff := before.Compare(Watch{}) + tracer.Report(); diff != "" {
		t.Errorf("after closing: %s", diff)
	}
}

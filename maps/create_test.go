package maps

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/btf/handle"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/testutil"
)

// needFake is a fake kernel, whose descriptors are memfds of Linux.
func needFake(t *testing.T) *systest.Kernel {
	t.Helper()
	testutil.NeedLinux(t)
	return systest.NewKernel(t)
}

// refuse plays a kernel that answers MAP_CREATE with errno where hit says so.
func refuse(errno sys.Errno, hit func(*sys.MapCreateAttr) bool) func(sys.Cmd, unsafe.Pointer) sys.Errno {
	return func(cmd sys.Cmd, attr unsafe.Pointer) sys.Errno {
		if cmd == sys.BPF_MAP_CREATE && hit((*sys.MapCreateAttr)(attr)) {
			return errno
		}
		return 0
	}
}

func TestNewGivesUpOnlyWhatTheKernelLacks(t *testing.T) {
	noBTF := refuse(sys.EINVAL, func(a *sys.MapCreateAttr) bool { return a.BtfFd != 0 })
	for _, tt := range []struct {
		name   string
		typ    Type
		refuse func(sys.Cmd, unsafe.Pointer) sys.Errno
		lost   []string
		flags  uint32
		btf    bool
		err    error
	}{
		{"everything there", Array, nil, nil, Mmapable, true, nil},
		{"no names", Array, func(cmd sys.Cmd, attr unsafe.Pointer) sys.Errno {
			if cmd == sys.BPF_MAP_CREATE && (*sys.MapCreateAttr)(attr).MapName[0] != 0 ||
				cmd == sys.BPF_PROG_LOAD && (*sys.ProgLoadAttr)(attr).ProgName[0] != 0 {
				return sys.EINVAL
			}
			return 0
		},
			[]string{"name: program and map names: not supported by this kernel (needs Linux 4.15)"}, Mmapable, true, nil},
		{"no mmap", Array, refuse(sys.EINVAL, func(a *sys.MapCreateAttr) bool { return a.MapFlags&Mmapable != 0 }),
			[]string{"flag Mmapable: mmap of array maps: not supported by this kernel (needs Linux 5.5)"}, 0, true, nil},
		{"no BTF", Array, func(cmd sys.Cmd, _ unsafe.Pointer) sys.Errno {
			if cmd == sys.BPF_BTF_LOAD {
				return sys.EINVAL
			}
			return 0
		}, []string{"BTF: BTF: not supported by this kernel (needs Linux 4.18)"}, Mmapable, false, nil},
		{"type takes no BTF", Array, refuse(sys.ENOTSUPP, func(a *sys.MapCreateAttr) bool { return a.BtfFd != 0 }),
			[]string{"BTF: the kernel takes none for a Array"}, Mmapable, false, nil},
		{"something wrong with the BTF", Array, noBTF, nil, 0, false, sys.EINVAL},
		{"no memory", Array, refuse(sys.ENOMEM, func(a *sys.MapCreateAttr) bool { return a.BtfFd != 0 }), nil, 0, false, sys.ENOMEM},
		{"no such type", Array, refuse(sys.EINVAL, func(a *sys.MapCreateAttr) bool { return a.ValueSize == 16 }), nil, 0, false, sys.EINVAL},
	} {
		t.Run(tt.name, func(t *testing.T) {
			systest.CheckLeaks(t, systest.Watch{})
			k := needFake(t)
			k.Refuse = tt.refuse
			m, err := New(&Spec{
				Name: "m", Type: tt.typ, KeySize: 4, ValueSize: 16, MaxEntries: 1, Flags: Mmapable,
				Types: blob(t), Key: 1, Value: 3,
			}, nil)
			if !errors.Is(err, tt.err) || tt.err == nil && err != nil {
				t.Fatalf("got %v, want %v", err, tt.err)
			}
			if err != nil {
				if !strings.HasPrefix(err.Error(), "map m: create: ") {
					t.Error(err)
				}
				return
			}
			defer m.Close()
			if d := cmp.Diff(tt.lost, m.Degraded()); d != "" {
				t.Error(d)
			}
			made := k.Maps()[0]
			if made.Attr.MapFlags != tt.flags || (made.Attr.BtfFd != 0) != tt.btf {
				t.Errorf("flags %#x, BTF %d", made.Attr.MapFlags, made.Attr.BtfFd)
			}
		})
	}
}

func TestNewProbesNothingThatIsKnown(t *testing.T) {
	k := needFake(t)
	f := lacking(feature.ProgName, feature.ArrayMmap, feature.BTF)
	before := len(k.Calls())
	m, err := New(&Spec{Name: "m", Type: Array, KeySize: 4, ValueSize: 16, MaxEntries: 1, Flags: Mmapable,
		Types: blob(t), Key: 1, Value: 3}, &Options{Features: f})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if d := cmp.Diff([]sys.Cmd{sys.BPF_MAP_CREATE}, k.Calls()[before:]); d != "" {
		t.Error(d)
	}
	if len(m.Degraded()) != 3 || m.Name() != "m" {
		t.Errorf("%q: %v", m.Name(), m.Degraded())
	}
}

func TestNewUsesTheHandleItIsGiven(t *testing.T) {
	k := needFake(t)
	types := blob(t)
	h, err := handle.Load(types, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	in := &Spec{Type: Hash, KeySize: 4, ValueSize: 16, MaxEntries: 1, Types: types, Key: 1, Value: 3}
	for _, s := range []*Spec{in, {Type: HashOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 1, Inner: in}} {
		m, err := New(s, &Options{BTF: h})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
	}
	if n := len(k.BTFs()); n != 1 {
		t.Errorf("%d BTF objects", n)
	}
}

func TestMapsAsLargeAsTheMachine(t *testing.T) {
	k := needFake(t)
	for i, typ := range []Type{PerfEventArray, CPUMap} {
		m, err := New(&Spec{Type: typ, KeySize: 4, ValueSize: 4}, &Options{CPUs: 7})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if got := k.Maps()[i].Attr.MaxEntries; got != 7 || m.MaxEntries() != 7 {
			t.Errorf("%v: %d entries", typ, got)
		}
	}
}

// TestPinRaceIsLost lets another loader pin between the look and the pin.
func TestPinRaceIsLost(t *testing.T) {
	for _, compatible := range []bool{true, false} {
		t.Run(fmt.Sprint(compatible), func(t *testing.T) {
			systest.CheckLeaks(t, systest.Watch{})
			k := needFake(t)
			s := &Spec{Name: "m", Type: Hash, KeySize: 4, ValueSize: 4, MaxEntries: 1, Pinning: ByName}
			theirs := s.Copy()
			theirs.Pinning = NotPinned
			if !compatible {
				theirs.ValueSize = 8
			}
			other, err := New(theirs, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			if err := other.Pin("/pins/m"); err != nil {
				t.Fatal(err)
			}
			looked := false
			k.Refuse = func(cmd sys.Cmd, _ unsafe.Pointer) sys.Errno {
				if cmd == sys.BPF_OBJ_GET && !looked {
					looked = true
					return sys.ENOENT // it comes right after
				}
				return 0
			}
			m, err := New(s, &Options{PinDir: "/pins"})
			t.Cleanup(func() { m.Close() })
			var ie *IncompatibleError
			switch {
			case compatible && (err != nil || !m.Reused()):
				t.Errorf("%v", err)
			case !compatible && !errors.As(err, &ie):
				t.Errorf("%v", err)
			}
			if d := cmp.Diff([]string{"/pins/m"}, k.Pins()); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestNewLeavesNothingBehind fails every call of a New in turn.
func TestNewLeavesNothingBehind(t *testing.T) {
	types := blob(t)
	inner := &Spec{Type: Array, KeySize: 4, ValueSize: 16, MaxEntries: 1, Types: types, Key: 1, Value: 3}
	for _, s := range []*Spec{
		{Name: "data", Type: Array, KeySize: 4, ValueSize: 16, MaxEntries: 1, Types: types, Key: 1, Value: 3,
			Contents: make([]byte, 16), Freeze: true},
		{Name: "outer", Type: HashOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 1, Inner: inner, Pinning: ByName},
	} {
		t.Run(s.Name, func(t *testing.T) {
			var k *systest.Kernel
			systest.EachFault(t, systest.Faults{Setup: func(t *testing.T) { k = needFake(t) }}, func(t *testing.T, in *systest.Injector) {
				m, err := New(s, &Options{PinDir: "/pins"})
				in.Disarm()
				if in.Fault().Call == "" { // else the fake kernel itself is short of something
					in.Judge(t, err)
				}
				if err != nil && !strings.HasPrefix(err.Error(), "map "+s.Name+": ") {
					t.Error(err)
				}
				if err != nil && len(k.Pins()) != 0 {
					t.Errorf("pins left: %v", k.Pins())
				}
				m.Close()
			})
		})
	}
}

func TestAnswersAreOfTheStandardKinds(t *testing.T) {
	if !errors.Is(ErrKeyNotExist, sys.ENOENT) || !errors.Is(ErrKeyExist, sys.EEXIST) || errors.Is(ErrKeyExist, ErrKeyNotExist) {
		t.Error("errnos")
	}
}

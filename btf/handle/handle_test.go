package handle_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/btf/handle"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/verifierlog"
)

// blob is BTF of words and strings.
func blob(strs string, words ...uint32) []byte {
	b := binary.NativeEndian.AppendUint16(nil, 0xeb9f)
	b = append(b, 1, 0)
	n := uint32(len(words) * 4)
	for _, w := range append([]uint32{24, 0, n, n, uint32(len(strs))}, words...) {
		b = binary.NativeEndian.AppendUint32(b, w)
	}
	return append(b, strs...)
}

func spec(t *testing.T, strs string, words ...uint32) *btf.Spec {
	t.Helper()
	s, err := btf.Parse(blob(strs, words...))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// floats is an int, a float and a pointer to it.
func floats(t *testing.T) *btf.Spec {
	return spec(t, "\x00int\x00float\x00", 1, 1<<24, 4, 1<<24|32, 5, 16<<24, 4, 0, 2<<24, 2)
}

func noLeak(t *testing.T) {
	before := systest.Take(systest.Watch{})
	t.Cleanup(func() {
		if diff := before.Diff(systest.Take(systest.Watch{})); len(diff) > 0 {
			t.Errorf("left behind: %v", diff)
		}
	})
}

func TestLoadAndReadBack(t *testing.T) {
	testutil.NeedRoot(t)
	noLeak(t)
	s := floats(t)
	h, err := handle.Load(s, &handle.Options{LogLevel: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if !testutil.KernelAtLeast(t, "5.13") {
		if diff := cmp.Diff([]string{"BTF: floats"}, h.Without()); diff != "" {
			t.Error(diff)
		}
		return
	}
	if h.ID() == 0 || h.Without() != nil || !strings.Contains(h.Log(), "float") {
		t.Errorf("id %d, without %q, log %q", h.ID(), h.Without(), h.Log())
	}
	in, err := h.Info()
	if diff := cmp.Diff(handle.Info{ID: h.ID(), Size: uint32(len(s.Bytes()))}, in); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	again, err := handle.FromID(h.ID())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	back, err := again.Spec(nil)
	if err != nil || !bytes.Equal(back.Bytes(), s.Bytes()) {
		t.Errorf("read back %x, %v", back.Bytes(), err)
	}
	if err := errors.Join(h.Close(), h.Close(), (*handle.Handle)(nil).Close()); err != nil {
		t.Error(err)
	}
	if _, err := h.Info(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("info after close: %v", err)
	}
}

func TestRejected(t *testing.T) {
	testutil.NeedRoot(t)
	testutil.Require(t, "5.13") // which knows floats
	noLeak(t)
	// A size that the kernel does not take for a float.
	s := spec(t, "\x00float\x00", 1, 16<<24, 3)
	_, err := handle.Load(s, nil)
	var ve *verifierlog.Error
	if !errors.As(err, &ve) || !errors.Is(err, sys.EINVAL) || !strings.Contains(ve.Log.String(), "Invalid type_size") {
		t.Fatalf("%+v", err)
	}
	if !strings.HasPrefix(err.Error(), "btf: load: BPF_BTF_LOAD: invalid argument: ") {
		t.Error(err)
	}
}

func TestKernelsOwn(t *testing.T) {
	testutil.NeedRoot(t)
	testutil.Require(t, "5.11", "CONFIG_DEBUG_INFO_BTF") // which gives it an id
	noLeak(t)
	h, err := handle.Module("vmlinux")
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if in, err := h.Info(); err != nil || !in.Kernel || in.Name != "vmlinux" || in.ID != h.ID() {
		t.Errorf("%+v, %v", in, err)
	}
	s, err := h.Spec(nil)
	if err != nil || s.Len() < 1000 {
		t.Errorf("%d types, %v", s.Len(), err)
	}
	if _, err := handle.Module("no_such_module"); !errors.Is(err, btf.ErrNotFound) {
		t.Errorf("no such module: %v", err)
	}
	for h, err := range handle.All() {
		if err != nil {
			t.Fatal(err)
		}
		_ = h.Close()
		break
	}
}

// TestOlderKernel plays one that lacks floats and global functions.
func TestOlderKernel(t *testing.T) {
	k := systest.NewKernel(t)
	k.Refuse = func(cmd sys.Cmd, attr unsafe.Pointer) sys.Errno {
		if cmd != sys.BPF_BTF_LOAD {
			return 0
		}
		a := (*sys.BtfLoadAttr)(attr)
		s, err := btf.Parse(bytes.Clone(unsafe.Slice((*byte)(a.Btf.Raw()), a.BtfSize)))
		if err != nil {
			return sys.EINVAL
		}
		for typ := range s.All() {
			if typ.Kind() == btf.KindFloat || typ.Kind() == btf.KindFunc && typ.Linkage() == 1 {
				return sys.EINVAL
			}
		}
		return 0
	}
	set := new(feature.Set)
	s := floats(t)
	for range 2 {
		h, err := handle.Load(s, &handle.Options{Features: set})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"BTF: floats"}, h.Without()); diff != "" {
			t.Error(diff)
		}
		list := k.BTFs()
		if len(list) != 1 || len(list[0].Bytes) != len(s.Bytes()) {
			t.Errorf("%d objects", len(list))
		}
		_ = h.Close()
	}
	if set.Get(feature.BTFFloat) != feature.No || set.Get(feature.BTFGlobalFunc) != feature.No || set.Get(feature.BTFFunc) != feature.Yes {
		t.Error("learned something else")
	}
	calls := k.Calls()
	k.Refuse = func(sys.Cmd, unsafe.Pointer) sys.Errno { return sys.EINVAL }
	if _, err := handle.Load(s, nil); !errors.Is(err, sys.EINVAL) {
		t.Errorf("a kernel that takes nothing: %v", err)
	}
	if n := len(k.Calls()) - len(calls); n > 60 {
		t.Errorf("%d calls", n)
	}
}

func TestNoBTFAtAll(t *testing.T) {
	k := systest.NewKernel(t)
	k.Refuse = func(cmd sys.Cmd, _ unsafe.Pointer) sys.Errno {
		if cmd == sys.BPF_BTF_LOAD {
			return sys.EINVAL
		}
		return 0
	}
	_, err := handle.Load(floats(t), nil)
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
}

func TestFaults(t *testing.T) {
	types := floats(t)
	systest.EachFault(t, systest.Faults{
		Calls:  []systest.Fault{{Cmd: systest.AnyCmd}},
		Errnos: []sys.Errno{sys.EPERM, sys.ENOMEM, sys.EINTR, sys.EAGAIN},
		Setup:  func(t *testing.T) { systest.NewKernel(t) },
	}, func(t *testing.T, in *systest.Injector) {
		h, err := handle.Load(types, nil)
		in.Disarm()
		in.Judge(t, err)
		if (h == nil) == (err == nil) {
			t.Errorf("handle %v, error %v", h, err)
		}
		h.Close()
	})
}

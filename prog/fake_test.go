package prog_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/prog"
	"github.com/skepbpf/skep/refusal"
	"github.com/skepbpf/skep/verifierlog"
)

// calls reports whether a program calls a helper.
func calls(p *systest.Prog, id asm.FuncID) bool {
	ins, err := asm.Decode(p.Insns, nativeOrder)
	return err == nil && slices.ContainsFunc(ins, func(in asm.Instruction) bool {
		return in.Op == asm.OpCall && in.Src == 0 && in.Imm == int64(id)
	})
}

// TestOldKernel loads on a kernel that knows neither bpf_probe_read_kernel nor
// names: both are found out, one refusal after the other.
func TestOldKernel(t *testing.T) {
	k := systest.NewKernel(t)
	k.Verify = func(p *systest.Prog) (string, sys.Errno) {
		switch {
		case p.Name != "":
			return "", sys.E2BIG
		case calls(p, asm.FnProbeReadKernel):
			return "0: (85) call bpf_probe_read_kernel#113\nunknown func bpf_probe_read_kernel#113\n", sys.EINVAL
		}
		return "", 0
	}
	set := new(feature.Set)
	s := &prog.Spec{
		Name: "old", Type: prog.Kprobe, License: "GPL",
		Insns: asm.Instructions{asm.Call(asm.FnProbeReadKernel), asm.Exit()},
	}
	for i := range 2 {
		p, err := prog.Load(s, &prog.Options{Features: set})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{
			"bpf_probe_read_{kernel,user}: bpf_probe_read instead, in 1 calls",
			"name of the program: left out",
		}
		if diff := cmp.Diff(want, p.Degraded()); diff != "" {
			t.Error(diff)
		}
		if got := k.Progs(); len(got) != 1 || got[0].Name != "" || !calls(got[0], asm.FnProbeRead) {
			t.Errorf("%+v", got)
		}
		_ = p.Close()
		if loads := slices.Clone(k.Calls()); i == 1 && loads[len(loads)-1] != sys.BPF_PROG_LOAD {
			t.Errorf("the second load was not a single call: %v", loads)
		}
	}
}

func TestAttributes(t *testing.T) {
	k := systest.NewKernel(t)
	var got sys.ProgLoadAttr
	k.Verify = func(p *systest.Prog) (string, sys.Errno) {
		got = p.Attr
		return "", 0
	}
	target, err := prog.Load(&prog.Spec{Type: prog.XDP, Insns: ret(2)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	fd, _ := target.ProgFD().Borrow()
	defer target.ProgFD().Release()
	p, err := prog.Load(&prog.Spec{
		Name: "a-name.that is too long", Type: prog.Ext, Attach: prog.AttachXDP, Flags: sys.BPF_F_SLEEPABLE, Ifindex: 3,
		KernelVersion: 7, Target: prog.Target{Name: "f", ID: 12, Program: target}, Insns: ret(0),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	want := sys.ProgLoadAttr{
		ProgType: sys.BPF_PROG_TYPE_EXT, ExpectedAttachType: sys.BPF_XDP, ProgFlags: sys.BPF_F_SLEEPABLE,
		InsnCnt: 2, ProgIfindex: 3, KernVersion: 7, AttachBtfId: 12, AttachBtfObjFd: uint32(fd),
		ProgName: sys.ObjName("a_name.that_is_too_long"),
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestDenied(t *testing.T) {
	k := systest.NewKernel(t)
	k.Verify = func(p *systest.Prog) (string, sys.Errno) {
		if p.Attr.ProgType == sys.BPF_PROG_TYPE_XDP {
			return "", sys.EPERM
		}
		return "", 0
	}
	_, err := prog.Load(&prog.Spec{Name: "x", Type: prog.XDP, License: "GPL", Insns: ret(2)}, nil)
	var denied *refusal.Error
	if !errors.As(err, &denied) || !errors.Is(err, sys.EPERM) {
		t.Fatalf("got %v", err)
	}
	caps, _ := sys.Capabilities()
	full := caps>>sys.CAP_SYS_ADMIN&1 != 0
	if text := err.Error(); full && !strings.HasSuffix(text, ": refused, cause unknown") || !full && !strings.Contains(text, "needs CAP_") {
		t.Errorf("capabilities %#x: %s", caps, text)
	}
}

// TestOldLog grows the buffer on a kernel that does not say how much it wants.
func TestOldLog(t *testing.T) {
	k := systest.NewKernel(t)
	text := strings.Repeat("0: (b7) r0 = 0\n", 100_000) + "R1 !read_ok\n"
	sizes := []int(nil)
	k.Refuse = func(cmd sys.Cmd, attr unsafe.Pointer) sys.Errno {
		if cmd != sys.BPF_PROG_LOAD {
			return 0
		}
		a := (*sys.ProgLoadAttr)(attr)
		sizes = append(sizes, int(a.LogSize))
		if a.LogLevel == 0 {
			return sys.EACCES
		}
		buf := unsafe.Slice((*byte)(a.LogBuf.Raw()), a.LogSize)
		if n := copy(buf[:len(buf)-1], text); n < len(text) {
			return sys.ENOSPC
		}
		return sys.EACCES
	}
	_, err := prog.Load(&prog.Spec{Name: "x", Type: prog.XDP, Insns: ret(2)}, nil)
	var ve *verifierlog.Error
	if !errors.As(err, &ve) || !errors.Is(err, sys.EACCES) || ve.Explain().Reason != "R1 !read_ok" {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]int{0, 1 << 20, 2 << 20}, sizes[:3]); diff != "" {
		t.Error(diff)
	}
}

// TestFaults fails every system call of a load in turn.
func TestFaults(t *testing.T) {
	types := testTypes(t)
	systest.EachFault(t, systest.Faults{
		Calls:  []systest.Fault{{Cmd: systest.AnyCmd}},
		Errnos: []sys.Errno{sys.EPERM, sys.ENOMEM, sys.EAGAIN, sys.EINTR, sys.EINVAL},
		Setup:  func(t *testing.T) { systest.NewKernel(t) },
	}, func(t *testing.T, in *systest.Injector) {
		p, err := prog.Load(&prog.Spec{
			Name: "x", Type: prog.XDP, Insns: ret(2), Types: types, Funcs: []btf.FuncInfo{{Type: 1}},
		}, nil)
		in.Disarm()
		in.Judge(t, err)
		if (p == nil) == (err == nil) {
			t.Fatalf("program %v, error %v", p, err)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "program x: load: ") {
			t.Errorf("error %v", err)
		}
		p.Close()
	})
}

// testTypes is BTF of one int.
func testTypes(t *testing.T) *btf.Spec {
	t.Helper()
	var b []byte
	b = nativeOrder.AppendUint16(b, 0xeb9f)
	b = append(b, 1, 0)
	for _, w := range []uint32{24, 0, 16, 16, 5, 1, 1 << 24, 4, 1<<24 | 32} {
		b = nativeOrder.AppendUint32(b, w)
	}
	s, err := btf.Parse(append(b, "\x00int\x00"...))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

package link

import (
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/prog"
)

// stat makes a system call.
func stat() { os.Stat("/") }

func TestRawTracepoint(t *testing.T) {
	testutil.NeedRoot(t)
	c := newCounter(t)
	p := counting(t, c, prog.Spec{Type: prog.RawTracepoint}, 0)
	l, err := AttachRawTracepoint(p, RawTracepointOptions{Name: "sys_enter"})
	if err != nil {
		t.Fatal(err)
	}
	in := checkInfo(t, l, TypeRawTracepoint, FormRawTracepoint)
	if d, ok := in.Details.(RawTracepointInfo); !ok || d.Name != "sys_enter" {
		t.Errorf("details %+v", in.Details)
	}
	if err := l.Update(p); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("update: %v", err)
	}
	if err := l.Detach(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("detach: %v", err)
	}
	fires(t, c, l, stat)

	_, err = AttachRawTracepoint(p, RawTracepointOptions{Name: "no_such_tracepoint"})
	if !errors.Is(err, sys.ENOENT) {
		t.Errorf("no such tracepoint: %v", err)
	}
	if _, err := AttachRawTracepoint(nil, RawTracepointOptions{Name: "sys_enter"}); err == nil {
		t.Error("nil program attached")
	}
	if _, err := AttachRawTracepoint(p, RawTracepointOptions{}); err == nil {
		t.Error("attached to nothing")
	}
	p.Close()
	if _, err := AttachRawTracepoint(p, RawTracepointOptions{Name: "sys_enter"}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed program: %v", err)
	}
}

func TestRawTracepointCookie(t *testing.T) {
	testutil.NeedRoot(t)
	c := newCounter(t)
	p := counting(t, c, prog.Spec{Type: prog.RawTracepoint}, 0)
	l, err := AttachRawTracepoint(p, RawTracepointOptions{Name: "sys_enter", Cookie: 0x5eb})
	if !testutil.KernelAtLeast(t, "6.10") {
		if !errors.Is(err, sys.EINVAL) {
			t.Errorf("cookie on a kernel without: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if d := checkInfo(t, l, TypeRawTracepoint, FormRawTracepoint).Details.(RawTracepointInfo); d.Cookie != 0x5eb && testutil.KernelAtLeast(t, "6.16") {
		t.Errorf("cookie %#x", d.Cookie)
	}
	fires(t, c, l, stat)
}

func rawTPSpec(name string) prog.Spec {
	return prog.Spec{Type: prog.Tracing, Attach: prog.AttachTraceRawTP, Target: prog.Target{Name: name}}
}

func TestTracingRawTP(t *testing.T) {
	testutil.NeedRoot(t)
	testutil.Require(t, "", "CONFIG_DEBUG_INFO_BTF")
	c := newCounter(t)
	p := counting(t, c, rawTPSpec("sys_enter"), 0)
	l, err := AttachTracing(p, TracingOptions{})
	if err != nil {
		t.Fatal(err)
	}
	checkInfo(t, l, TypeRawTracepoint, trampolineForm(t))
	fires(t, c, l, stat)
}

func TestTracingBeforeLinks(t *testing.T) {
	testutil.NeedRoot(t)
	testutil.Require(t, "", "CONFIG_DEBUG_INFO_BTF")
	c := newCounter(t)
	p := counting(t, c, rawTPSpec("sys_enter"), 0)
	withoutLinks(t)
	if _, err := AttachTracing(p, TracingOptions{Cookie: 1}); !errors.Is(err, sys.EINVAL) {
		t.Errorf("cookie on a kernel without: %v", err)
	}
	l, err := AttachTracing(p, TracingOptions{})
	if err != nil {
		t.Fatal(err)
	}
	checkInfo(t, l, TypeRawTracepoint, FormRawTracepoint)
	fires(t, c, l, stat)
}

func TestIterTask(t *testing.T) {
	testutil.NeedRoot(t)
	testutil.Require(t, "", "CONFIG_DEBUG_INFO_BTF")
	c := newCounter(t)
	spec := prog.Spec{Type: prog.Tracing, Attach: prog.AttachTraceIter, Target: prog.Target{Name: "task"}}
	p := counting(t, c, spec, 0)
	l, err := AttachIter(p, IterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	in := checkInfo(t, l, TypeIter, FormLink)
	if d, ok := in.Details.(IterInfo); !ok || d.Target != "task" {
		t.Errorf("details %+v", in.Details)
	}
	trigger := func() {
		r, err := l.Open()
		if errors.Is(err, os.ErrClosed) {
			return // as it should, after close
		}
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if _, err := io.ReadAll(r); err != nil {
			t.Error(err)
		}
	}
	counts(t, c, trigger)
	pin := bpffs(t) + "/iter"
	if err := l.Pin(pin); err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadFile(pin); err != nil { // a pinned iterator reads like a file
		t.Error(err)
	}
	other, err := OpenPinned(pin)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := other.(*Iter); !ok {
		t.Errorf("opened a %T", other)
	}
	if err := errors.Join(other.Unpin(), other.Close()); err != nil {
		t.Error(err)
	}
	c2 := newCounter(t)
	if err := l.Update(counting(t, c2, spec, 0)); err != nil {
		t.Error(err)
	}
	counts(t, c2, trigger)
	fires(t, c2, l, trigger)
}

// writingIter writes a byte for each task.
func writingIter(t *testing.T) *prog.Program {
	t.Helper()
	s := prog.Spec{
		Name: "writing", License: "GPL", Type: prog.Tracing, Attach: prog.AttachTraceIter,
		Target: prog.Target{Name: "task"},
		Insns: asm.Instructions{
			asm.LoadMem(asm.R2, asm.R1, 8, asm.SizeDW), // ctx->task
			asm.LoadMem(asm.R1, asm.R1, 0, asm.SizeDW), // ctx->meta
			asm.LoadMem(asm.R1, asm.R1, 0, asm.SizeDW), // ->seq
			{Op: asm.JumpIf(asm.JNe, asm.R2, 0, "").Op, Dst: asm.R2, Off: 2},
			asm.Mov(asm.R0, 0),
			asm.Exit(),
			asm.StoreImm(asm.RFP, -8, 'x', asm.SizeDW),
			asm.MovReg(asm.R2, asm.RFP),
			asm.Add(asm.R2, -8),
			asm.Mov(asm.R3, 1),
			asm.Call(asm.FuncID(sys.BPF_FUNC_seq_write)),
			asm.Mov(asm.R0, 0),
			asm.Exit(),
		},
	}
	k := btf.NewKernelAt(kernel.FS("/"))
	defer k.Close()
	p, err := prog.Load(&s, &prog.Options{Kernel: k})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func TestIterReads(t *testing.T) {
	testutil.NeedRoot(t)
	testutil.Require(t, "", "CONFIG_DEBUG_INFO_BTF")
	p := writingIter(t)
	read := func(o IterOptions) string {
		t.Helper()
		l, err := AttachIter(p, o)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		r, err := l.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if all := read(IterOptions{}); len(all) < 5 {
		t.Errorf("read %q", all)
	}
	for what, o := range map[string]IterOptions{"thread": {TID: os.Getpid()}, "process": {PID: os.Getpid()}} {
		if !testutil.KernelAtLeast(t, "6.1") {
			l, err := AttachIter(p, o)
			if testutil.Lacks(t, "6.1", err); err == nil {
				l.Close()
			}
			continue
		}
		if one := read(o); what == "thread" && one != "x" || strings.Trim(one, "x") != "" || one == "" {
			t.Errorf("one %s: read %q", what, one)
		}
	}
	for i, o := range []IterOptions{
		{TID: 1, PID: 1}, {PID: 1, CgroupPath: "/"}, {Map: newCounter(t), PID: 1}, {PID: -1},
	} {
		if _, err := AttachIter(p, o); err == nil {
			t.Errorf("options %s accepted", strconv.Itoa(i))
		}
	}
}

package prog_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/prog"
)

func kernelTypes(t *testing.T) *btf.Kernel {
	t.Helper()
	testutil.Require(t, "5.4", "CONFIG_DEBUG_INFO_BTF")
	k := btf.NewKernel(os.DirFS("/"))
	if _, err := k.Vmlinux(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	return k
}

func TestResolveInKernel(t *testing.T) {
	k := kernelTypes(t)
	for _, tt := range []struct {
		typ    prog.Type
		attach prog.AttachType
		name   string
		want   string
		kind   btf.Kind
		config string
	}{
		{prog.Tracing, prog.AttachTraceRawTP, "sched_switch", "btf_trace_sched_switch", btf.KindTypedef, ""},
		{prog.Tracing, prog.AttachTraceFentry, "bpf_prog_load", "bpf_prog_load", btf.KindFunc, ""},
		{prog.Tracing, prog.AttachTraceIter, "task", "bpf_iter_task", btf.KindFunc, ""},
		{prog.LSM, prog.AttachLSMMAC, "bprm_check_security", "bpf_lsm_bprm_check_security", btf.KindFunc, "CONFIG_BPF_LSM"},
	} {
		s := prog.Spec{Type: tt.typ, Attach: tt.attach, Target: prog.Target{Name: tt.name}}
		err := s.Resolve(k)
		if tt.config != "" && !testutil.HasConfig(t, tt.config) {
			if !errors.Is(err, btf.ErrNotFound) {
				t.Errorf("%s without %s: %v", tt.name, tt.config, err)
			}
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		types, _ := k.Vmlinux()
		got, ok := types.Type(s.Target.ID)
		if !ok || got.Name() != tt.want || got.Kind() != tt.kind || s.Target.Module != "" {
			t.Errorf("%s: %s %q in %q", tt.name, got.Kind(), got.Name(), s.Target.Module)
		}
	}
	s := prog.Spec{Name: "x", Type: prog.Tracing, Attach: prog.AttachTraceRawTP, Target: prog.Target{Name: "no_such_event"}, Insns: ret(0)}
	_, err := prog.Load(&s, &prog.Options{Kernel: k})
	if !errors.Is(err, btf.ErrNotFound) || !strings.HasPrefix(err.Error(), "program x: load: target btf_trace_no_such_event: ") {
		t.Errorf("got %v", err)
	}
}

func TestLoadTracing(t *testing.T) {
	needKernel(t)
	k := kernelTypes(t)
	noLeak(t)
	for name, s := range map[string]prog.Spec{
		"sched_switch": {Type: prog.Tracing, Attach: prog.AttachTraceRawTP, Insns: ret(0)},
		"task":         {Type: prog.Tracing, Attach: prog.AttachTraceIter, Insns: ret(0)},
	} {
		s.Name, s.License, s.Target.Name = name, "GPL", name
		p := load(t, &s, &prog.Options{Kernel: k})
		in, err := p.Info()
		if err != nil || in.AttachBTFID == 0 && testutil.KernelAtLeast(t, "6.0") {
			t.Errorf("%s: %+v, %v", name, in, err)
		}
		if s.Target.ID != 0 {
			t.Error("Load changed the Spec")
		}
	}
}

// withTypes is a program with BTF, functions and lines.
func withTypes(t *testing.T) *prog.Spec {
	return &prog.Spec{
		Name: "typed", Type: prog.XDP, License: "GPL", Insns: ret(2),
		Types: lineTypes(t), Funcs: []btf.FuncInfo{{Off: 0, Type: 3}},
		Lines: []btf.LineInfo{{Off: 0, Line: btf.Line{File: 10, Text: 20, LineCol: 3 << 10}}},
	}
}

func TestResolveInProgram(t *testing.T) {
	needKernel(t)
	noLeak(t)
	target := load(t, withTypes(t), nil)
	if in, err := target.Info(); err != nil || in.BTFID == 0 {
		t.Fatalf("no BTF: %+v, %v", in, err)
	}
	s := prog.Spec{Name: "ext", Type: prog.Ext, Target: prog.Target{Name: "prog", Program: target}, License: "GPL", Insns: ret(1)}
	if err := s.Resolve(nil); err != nil || s.Target.ID != 3 {
		t.Errorf("type %d, %v", s.Target.ID, err)
	}
	s.Target.Name, s.Target.ID = "absent", 0
	if err := s.Resolve(nil); !errors.Is(err, btf.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	_ = target.Close()
	if _, err := prog.Load(&s, nil); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed target: %v", err)
	}
}

func TestSharedOrNoBTF(t *testing.T) {
	needKernel(t)
	noLeak(t)
	p := load(t, withTypes(t), &prog.Options{NoBTF: true})
	if in, err := p.Info(); err != nil || in.BTFID != 0 {
		t.Errorf("BTF %d, %v", in.BTFID, err)
	}
}

// TestKfunc calls a function of the kernel by its type's id.
func TestKfunc(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "6.2", "CONFIG_DEBUG_INFO_BTF")
	k := kernelTypes(t)
	noLeak(t)
	_, fn, err := k.FindType("bpf_rcu_read_lock", btf.KindFunc)
	if err != nil {
		t.Fatal(err)
	}
	_, un, err := k.FindType("bpf_rcu_read_unlock", btf.KindFunc)
	if err != nil {
		t.Fatal(err)
	}
	call := func(id btf.ID) asm.Instruction {
		in := asm.CallKfunc("")
		in.Ref, in.Imm = asm.Ref{}, int64(id)
		return in
	}
	s := &prog.Spec{
		Name: "kfunc", Type: prog.Syscall, Flags: sys.BPF_F_SLEEPABLE, License: "GPL",
		Insns: asm.Instructions{call(fn.ID()), call(un.ID()), asm.Mov(asm.R0, 3), asm.Exit()},
	}
	p := load(t, s, nil)
	if res, err := p.Run(nil); err != nil || res.Return != 3 {
		t.Errorf("%+v, %v", res, err)
	}
	// A list of modules whose BTF cannot be had must not go unnoticed.
	s.Modules = []string{"no_such_module"}
	if _, err := prog.Load(s, nil); !errors.Is(err, btf.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

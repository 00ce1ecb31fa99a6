package prog_test

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/prog"
	"github.com/skepbpf/skep/verifierlog"
)

func TestLoadTypes(t *testing.T) {
	needKernel(t)
	for _, tt := range []struct {
		typ    prog.Type
		attach prog.AttachType
		ret    int32
		flags  uint32
		since  string
	}{
		{typ: prog.SocketFilter},
		{typ: prog.Kprobe},
		{typ: prog.SchedCLS},
		{typ: prog.SchedACT},
		{typ: prog.Tracepoint},
		{typ: prog.XDP, ret: 2},
		{typ: prog.XDP, attach: prog.AttachXDPDevmap, ret: 2},
		{typ: prog.PerfEvent},
		{typ: prog.CGroupSKB, attach: prog.AttachCGroupInetEgress, ret: 1},
		{typ: prog.CGroupSock, attach: prog.AttachCGroupInetSockCreate, ret: 1},
		{typ: prog.LWTXmit},
		{typ: prog.SockOps},
		{typ: prog.CGroupDevice, ret: 1},
		{typ: prog.RawTracepoint},
		{typ: prog.CGroupSockAddr, attach: prog.AttachCGroupInet4Connect, ret: 1},
		{typ: prog.CGroupSysctl, attach: prog.AttachCGroupSysctl, ret: 1},
		{typ: prog.CGroupSockopt, attach: prog.AttachCGroupGetsockopt, ret: 1},
		{typ: prog.Syscall, flags: sys.BPF_F_SLEEPABLE, since: "5.14"},
		{typ: prog.SKLookup, attach: prog.AttachSKLookup, ret: 1},
	} {
		t.Run(tt.typ.String()+"/"+tt.attach.String(), func(t *testing.T) {
			testutil.Require(t, tt.since)
			noLeak(t)
			p, err := prog.Load(&prog.Spec{
				Name: "skep_types", Type: tt.typ, Attach: tt.attach, Flags: tt.flags, License: "GPL", Insns: ret(tt.ret),
			}, nil)
			if err != nil {
				t.Fatalf("%+v", err)
			}
			in, err := p.Info()
			if err != nil || in.Type != tt.typ || in.Name != "skep_types" || in.ID == 0 || !in.GPL || in.XlatedLen == 0 {
				t.Errorf("info %+v, %v", in, err)
			}
			if p.AttachType() != tt.attach || p.Type() != tt.typ || p.Degraded() != nil {
				t.Errorf("%s %s %q", p.AttachType(), p.Type(), p.Degraded())
			}
			if err := errors.Join(p.Close(), p.Close()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSpecWithoutTheNecessary(t *testing.T) {
	for want, s := range map[string]prog.Spec{
		"program x: load: no type: unknown section name?": {Name: "x", Insns: ret(0)},
		"prog: load: no instructions":                     {Type: prog.XDP},
		"program s: load: no struct_ops map uses it":      {Name: "s", Type: prog.StructOps, Insns: ret(0)},
		"program t: load: target f: no kernel BTF given":  {Name: "t", Type: prog.Tracing, Target: prog.Target{Name: "f"}, Insns: ret(0)},
		`program m: load: insn 0: map "counts": not given`: {
			Name: "m", Type: prog.XDP, Insns: asm.Instructions{asm.LoadMap(asm.R1, "counts"), asm.Exit()},
		},
		`program f: load: insn 0: function "helper" is not linked`: {
			Name: "f", Type: prog.XDP, Insns: asm.Instructions{asm.CallFunc("helper"), asm.Exit()},
		},
	} {
		if _, err := prog.Load(&s, nil); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func TestRejection(t *testing.T) {
	needKernel(t)
	noLeak(t)
	_, err := prog.Load(&prog.Spec{
		Name: "bad", Type: prog.SocketFilter, License: "GPL",
		Insns: asm.Instructions{
			asm.Mov(asm.R1, 7),
			asm.LoadMem(asm.R0, asm.R1, 0, asm.SizeDW),
			asm.Exit(),
		},
	}, nil)
	var ve *verifierlog.Error
	if !errors.As(err, &ve) || !errors.Is(err, sys.EACCES) || !errors.Is(err, fs.ErrPermission) {
		t.Fatalf("got %v", err)
	}
	want := "program bad: load: BPF_PROG_LOAD: permission denied: R1 invalid mem access 'scalar' (insn 1: (79) r0 = *(u64 *)(r1 +0))"
	if !testutil.KernelAtLeast(t, "5.18") {
		want = strings.Replace(want, "scalar", "inv", 1) // as it was called
	}
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	x := ve.Explain()
	if x.Register != "R1" || x.State == "" && testutil.KernelAtLeast(t, "5.18") || x.Insn != 1 || x.Hint == "" {
		t.Errorf("%+v", x)
	}
	if _, ok := ve.Log.Stats(); !ok {
		t.Errorf("no figures in\n%s", ve.Log)
	}
}

// branchy is a program whose log at level 2 is long.
func branchy(n int) asm.Instructions {
	ins := asm.Instructions{asm.Mov(asm.R0, 0)}
	for range n {
		ins = append(ins, asm.Add(asm.R0, 1), asm.MovReg(asm.R2, asm.R0))
	}
	return ins
}

func TestLogGrows(t *testing.T) {
	needKernel(t)
	noLeak(t)
	s := &prog.Spec{Name: "long", Type: prog.SocketFilter, License: "GPL"}
	s.Insns = append(branchy(3000), asm.LoadMem(asm.R0, asm.R2, 0, asm.SizeDW), asm.Exit())
	for _, o := range []prog.Options{{LogSize: 256}, {LogSize: 256, LogLevel: 2}, {}} {
		_, err := prog.Load(s, &o)
		var ve *verifierlog.Error
		if !errors.As(err, &ve) || !errors.Is(err, sys.EACCES) {
			t.Fatalf("%+v: %v", o, err)
		}
		if text := ve.Log.String(); !strings.HasPrefix(text, "0: ") && !strings.HasPrefix(text, "func#") || len(text) < 100_000 {
			t.Errorf("%+v: the log is cut: %d bytes, %.60q", o, len(text), text)
		}
	}
	s.Insns = append(branchy(3000), asm.Mov(asm.R0, 0), asm.Exit())
	p := load(t, s, &prog.Options{LogSize: 256, LogLevel: 1})
	if st, ok := p.Log().Stats(); !ok || st.Insns != 6003 {
		t.Errorf("%+v, %v", st, ok)
	}
}

func TestClosedWhileUsed(t *testing.T) {
	needKernel(t)
	noLeak(t)
	p := load(t, &prog.Spec{Name: "used", Type: prog.XDP, License: "GPL", Insns: ret(2)}, nil)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				if _, err := p.Run(nil); err != nil && !errors.Is(err, fs.ErrClosed) {
					t.Error(err)
				}
				if _, err := p.Info(); err != nil && !errors.Is(err, fs.ErrClosed) {
					t.Error(err)
				}
			}
		})
	}
	_ = p.Close()
	wg.Wait()
	if _, err := p.Info(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("info after close: %v", err)
	}
}

func TestImage(t *testing.T) {
	s := prog.Spec{
		Type: prog.XDP,
		Insns: asm.Instructions{
			asm.LoadMap(asm.R1, "a"),
			asm.LoadMapValue(asm.R2, "b", 12),
			asm.Exit(),
		},
	}
	fds := map[string]int{"a": 5, "b": 6}
	var asked []string
	b, err := s.Image(func(name string) (int, error) {
		asked = append(asked, name)
		return fds[name], nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := asm.Decode(b, nativeOrder)
	if err != nil {
		t.Fatal(err)
	}
	want := asm.Instructions{asm.LoadMapFD(asm.R1, 5), asm.LoadMapValueFD(asm.R2, 6, 12), asm.Exit()}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a", "b"}, asked); diff != "" {
		t.Error(diff)
	}
	if s.Insns[0].Ref.Kind != asm.RefMap || s.Insns[0].Imm == 5 {
		t.Error("Image changed the Spec")
	}
	again, err := s.Image(func(name string) (int, error) { return fds[name], nil })
	if err != nil || !bytes.Equal(b, again) {
		t.Errorf("a second image differs: %v", err)
	}
}

// TestParallel loads one Spec many times at once, with one set of features.
func TestParallel(t *testing.T) {
	needKernel(t)
	noLeak(t)
	s, set := withTypes(t), new(feature.Set)
	bad := *s
	bad.Insns = append(asm.Instructions{asm.Exit()}, bad.Insns...) // unreachable: EINVAL
	bad.Attach, bad.AttachOptional = prog.AttachXDP, true
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				p, err := prog.Load(s, &prog.Options{Features: set})
				if err != nil {
					t.Error(err)
				}
				_ = p.Close()
				if _, err := prog.Load(&bad, &prog.Options{Features: set}); !errors.Is(err, sys.EINVAL) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if set.Get(feature.BTFFunc) != feature.Yes || set.Get(feature.ExpAttachType) != feature.Yes {
		t.Error("a rejection asked nothing")
	}
}

package skep_test

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/internal/testutil/fentry"
	"github.com/skepbpf/skep/link"
)

// attachOne attaches the only program of a collection.
func attachOne(t *testing.T, c *skep.Collection, name string) link.Link {
	t.Helper()
	links, err := c.Attach(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { links.Close() })
	if links.ByProgram[name] == nil {
		t.Fatalf("%s is not attached: %v", name, links.Skipped[name])
	}
	return links.ByProgram[name]
}

// TestKprobeMulti attaches by the patterns of section names.
func TestKprobeMulti(t *testing.T) {
	for _, tt := range []struct {
		program, counter string
		since            string
		times            uint64 // each call counts
	}{
		{"on_kprobe", "kprobe_hits", "5.18", 1},
		{"on_kretprobe", "kretprobe_hits", "5.18", 1},
		{"on_exact", "exact_hits", "5.18", 1},
		{"on_ksession", "ksession_hits", "6.10", 2},
	} {
		t.Run(tt.program, func(t *testing.T) {
			needKernel(t)
			spec := open(t, native("multi"))
			if err := errors.Join(spec.Only(tt.program), spec.Set("target_pid", uint32(os.Getpid()))); err != nil {
				t.Fatal(err)
			}
			c := load(t, spec, nil)
			if !testutil.HasConfig(t, "CONFIG_FPROBE") || !testutil.KernelAtLeast(t, tt.since) {
				links, err := c.Attach(nil)
				links.Close()
				if !testutil.Lacks(t, tt.since, err) && (!errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "CONFIG_FPROBE")) {
					t.Errorf("without CONFIG_FPROBE: %v", err)
				}
				return
			}
			l := attachOne(t, c, tt.program)
			info, err := l.Info()
			if err != nil || info.Type != link.TypeKprobeMulti {
				t.Errorf("%+v, %v", info, err)
			}
			d, _ := info.Details.(link.KprobeMultiInfo)
			if testutil.KernelAtLeast(t, "6.6") && (d.Count == 0 || d.Count > 5) {
				t.Errorf("%d functions", d.Count)
			}
			count := func() uint64 { return readVar[uint64](t, spec, c, tt.counter) }
			os.Stat("/")
			n := count()
			if n == 0 || n%tt.times != 0 {
				t.Errorf("counted %d", n)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			n = count()
			os.Stat("/")
			if got := count(); got != n {
				t.Errorf("%d after close, %d before", got, n)
			}
		})
	}
}

// TestUprobeMulti does so in user code.
func TestUprobeMulti(t *testing.T) {
	for _, tt := range []struct {
		program, counter string
		since            string
		times            uint64
	}{
		{"on_uprobe_multi", "uprobe_hits", "6.6", 1},
		{"on_uretprobe_multi", "uretprobe_hits", "6.6", 1},
		{"on_usession", "usession_hits", "6.13", 2},
	} {
		t.Run(tt.program, func(t *testing.T) {
			needKernel(t)
			spec := open(t, native("multi"))
			if err := spec.Only(tt.program); err != nil {
				t.Fatal(err)
			}
			c := load(t, spec, nil)
			if !testutil.KernelAtLeast(t, tt.since) {
				links, err := c.Attach(nil)
				links.Close()
				testutil.Lacks(t, tt.since, err)
				return
			}
			l := attachOne(t, c, tt.program)
			if info, err := l.Info(); err != nil || info.Type != link.TypeUprobeMulti {
				t.Errorf("%+v, %v", info, err)
			}
			count := func() uint64 { return readVar[uint64](t, spec, c, tt.counter) }
			if err := exec.Command("/bin/sh", "-c", ":").Run(); err != nil {
				t.Fatal(err)
			}
			if n := count(); n < tt.times {
				t.Errorf("counted %d", n)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			n := count()
			if err := exec.Command("/bin/sh", "-c", ":").Run(); err != nil {
				t.Fatal(err)
			}
			if got := count(); got != n {
				t.Errorf("%d after close, %d before", got, n)
			}
		})
	}
}

// session is struct session of fsession.c.
type session struct{ Entries, Returns, Cookies uint64 }

// sessions is fsession.c with one program.
func sessions(t *testing.T, program string) *skep.Spec {
	t.Helper()
	needKernel(t)
	testutil.RequireTrampolines(t, fentry.Try)
	spec := open(t, native("fsession"))
	if err := errors.Join(spec.Only(program), spec.Set("target_pid", uint32(os.Getpid()))); err != nil {
		t.Fatal(err)
	}
	forThisArch(spec)
	return spec
}

// TestSession: one program sees a function's entry and its return, and what it
// left for itself.
func TestSession(t *testing.T) {
	for _, tt := range []struct{ program, variable, since string }{
		{"on_session", "one", "7.0"},
		{"on_sleepable_session", "sleepable", "7.0"},
		{"on_many", "many", "7.2"},
	} {
		t.Run(tt.program, func(t *testing.T) {
			spec := sessions(t, tt.program)
			if !testutil.KernelAtLeast(t, tt.since) {
				lacksTrampoline(t, spec, tt.since)
				return
			}
			c := load(t, spec, nil)
			l := attachOne(t, c, tt.program)
			read := func() session { return readVar[session](t, spec, c, tt.variable) }
			call(t)
			s := read()
			if s.Entries == 0 || s.Entries != s.Returns || s.Cookies != 7*s.Returns {
				t.Errorf("%+v", s)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			s = read()
			call(t)
			if got := read(); got != s {
				t.Errorf("%+v after close, %+v before", got, s)
			}
		})
	}
}

// lacksTrampoline wants the error to say that the kernel is too old, also where
// it lacks the functions that the program calls.
func lacksTrampoline(t *testing.T, spec *skep.Spec, since string) {
	t.Helper()
	for _, p := range spec.Programs {
		if p.Policy == skep.Off {
			continue
		}
		// The kernel functions are as new: without them the type is what is left.
		p.Insns = minimal()
	}
	c, err := skep.Load(spec, nil)
	if err == nil {
		c.Close()
	}
	testutil.Lacks(t, since, err)
}

// TestTracingMulti attaches by the patterns of section names.
func TestTracingMulti(t *testing.T) {
	for _, tt := range []struct {
		program, counter string
		typ              link.Type
	}{
		{"on_entries", "entry_hits", link.TypeTracingMulti},
		{"on_exits", "exit_hits", link.TypeTracingMulti},
		{"on_sleepable", "sleepable_hits", link.TypeTracingMulti},
	} {
		t.Run(tt.program, func(t *testing.T) {
			spec := sessions(t, tt.program)
			if !testutil.KernelAtLeast(t, "7.2") {
				lacksTrampoline(t, spec, "7.2")
				return
			}
			c := load(t, spec, nil)
			l := attachOne(t, c, tt.program)
			info, err := l.Info()
			d, _ := info.Details.(link.TracingMultiInfo)
			if err != nil || info.Type != tt.typ || d.Count == 0 || d.BTF == 0 || d.Attach != program(t, c, tt.program).AttachType() {
				t.Errorf("%+v, %v", info, err)
			}
			t.Logf("%+v", info)
			count := func() uint64 { return readVar[uint64](t, spec, c, tt.counter) }
			call(t)
			if count() == 0 {
				t.Error("did not fire")
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			n := count()
			call(t)
			if got := count(); got != n {
				t.Errorf("%d after close, %d before", got, n)
			}
		})
	}
}

// forThisArch writes this machine's prefix of system calls in place of x86's.
func forThisArch(spec *skep.Spec) {
	prefix, ok := map[string]string{"arm64": "__arm64_sys_", "s390x": "__s390x_sys_"}[runtime.GOARCH]
	if !ok {
		return
	}
	for _, p := range spec.Programs {
		p.Target.Name = strings.Replace(p.Target.Name, "__x64_sys_", prefix, 1)
		p.Match.Target = strings.Replace(p.Match.Target, "__x64_sys_", prefix, 1)
	}
}

// minimal returns 0.
func minimal() asm.Instructions { return asm.Instructions{asm.Mov(asm.R0, 0), asm.Exit()} }

package skep_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/internal/testutil/fentry"
	"github.com/skepbpf/skep/link"
	"github.com/skepbpf/skep/prog"
)

const (
	xdpDrop = 1
	xdpPass = 2
	xdpTx   = 3
)

// hookTarget is hooked.c, loaded.
func hookTarget(t *testing.T) *skep.Collection {
	t.Helper()
	needKernel(t)
	needJIT(t)
	testutil.RequireTrampolines(t, fentry.Try)
	return load(t, open(t, native("hooked")), nil)
}

// hooksOf is hooks.c with just these programs, for a target.
func hooksOf(t *testing.T, target *prog.Program, programs ...string) *skep.Spec {
	t.Helper()
	spec := open(t, native("hooks"))
	if err := spec.Only(programs...); err != nil {
		t.Fatal(err)
	}
	for _, name := range programs {
		spec.Programs[name].Target.Program = target
	}
	return spec
}

func program(t *testing.T, c *skep.Collection, name string) *prog.Program {
	t.Helper()
	p, err := c.Program(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestFreplace replaces a function of another program by section, with the
// target given by each of the ways to have a program.
func TestFreplace(t *testing.T) {
	c := hookTarget(t)
	target := program(t, c, "hooked")
	id, err := target.ID()
	if err != nil {
		t.Fatal(err)
	}
	pin := filepath.Join(bpffs(t), "hooked")
	if err := target.Pin(pin); err != nil {
		t.Fatal(err)
	}
	for how, open := range map[string]func() (*prog.Program, error){
		"loaded": func() (*prog.Program, error) { return target, nil },
		"id":     func() (*prog.Program, error) { return prog.FromID(id) },
		"pinned": func() (*prog.Program, error) { return prog.OpenPinned(pin) },
	} {
		t.Run(how, func(t *testing.T) {
			p, err := open()
			if err != nil {
				t.Fatal(err)
			}
			spec := hooksOf(t, p, "replacement")
			hooks := load(t, spec, nil)
			if p != target {
				p.Close() // the program that replaces keeps it
			}
			links, err := hooks.Attach(nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := run(t, c, "hooked", 64); got != xdpPass {
				t.Errorf("replaced: %d", got)
			}
			info, err := links.ByProgram["replacement"].Info()
			if err != nil || info.Type != link.TypeTracing {
				t.Errorf("%+v, %v", info, err)
			}
			if d, ok := info.Details.(link.TracingInfo); testutil.KernelAtLeast(t, "5.13") && (!ok || d.Target == 0) {
				t.Errorf("%+v", info.Details)
			}
			if err := links.Close(); err != nil {
				t.Error(err)
			}
			if got := run(t, c, "hooked", 64); got != xdpDrop {
				t.Errorf("closed: %d", got)
			}
		})
	}
	if err := target.Unpin(); err != nil {
		t.Error(err)
	}
}

// TestFreplaceNamed: a section without a function takes one from the Spec.
func TestFreplaceNamed(t *testing.T) {
	c := hookTarget(t)
	target := program(t, c, "hooked")
	spec := hooksOf(t, target, "unnamed")
	if _, err := skep.Load(spec, nil); err == nil || !strings.Contains(err.Error(), "names no target: set Target.Name") {
		t.Errorf("no name: %v", err)
	}
	spec.Programs["unnamed"].Target.Name = "verdict"
	hooks := load(t, spec, nil)
	l, err := link.AttachFreplace(program(t, hooks, "unnamed"), link.FreplaceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if got := run(t, c, "hooked", 64); got != xdpTx {
		t.Errorf("replaced: %d", got)
	}
}

// TestFreplaceRetarget attaches one program to one function after the other.
func TestFreplaceRetarget(t *testing.T) {
	c := hookTarget(t)
	p := program(t, load(t, hooksOf(t, program(t, c, "hooked"), "replacement"), nil), "replacement")
	first, err := link.AttachFreplace(p, link.FreplaceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	second := program(t, c, "hooked_too")
	for _, tt := range []struct {
		name string
		o    link.FreplaceOptions
		want string
	}{
		{"attached before", link.FreplaceOptions{}, "a program that was attached before needs a Target"},
		{"no function", link.FreplaceOptions{Target: second}, "want the target's function"},
		{"two functions", link.FreplaceOptions{Target: second, Name: "second_verdict", Function: 1}, "want the target's function"},
		{"no target", link.FreplaceOptions{Name: "second_verdict"}, "target and function go together"},
		{"misspelt", link.FreplaceOptions{Target: second, Name: "secnd_verdict"}, "secnd_verdict: program hooked_too: not found; it has second_verdict, hooked_too"},
	} {
		l, err := link.AttachFreplace(p, tt.o)
		if err == nil {
			l.Close()
			t.Errorf("%s: attached", tt.name)
		} else if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	l, err := link.AttachFreplace(p, link.FreplaceOptions{Target: second, Name: "second_verdict"})
	if err != nil {
		t.Fatal(err)
	}
	if a, b := run(t, c, "hooked", 64), run(t, c, "hooked_too", 64); a != xdpPass || b != xdpPass {
		t.Errorf("both replaced: %d, %d", a, b)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	id, err := second.Func("second_verdict")
	if err != nil {
		t.Fatal(err)
	}
	if l, err = link.AttachFreplace(p, link.FreplaceOptions{Target: second, Function: id}); err != nil {
		t.Fatal(err)
	}
	if got := run(t, c, "hooked_too", 64); got != xdpPass {
		t.Errorf("by type: %d", got)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if got := run(t, c, "hooked_too", 64); got != xdpDrop {
		t.Errorf("closed: %d", got)
	}
}

// TestTraceProgram traces the functions of a program: its own, a global and a
// static one.
func TestTraceProgram(t *testing.T) {
	c := hookTarget(t)
	target := program(t, c, "hooked")
	spec := hooksOf(t, target, "entry", "leave", "entry_global", "leave_global", "entry_static", "leave_static")
	hooks := load(t, spec, nil)
	links, err := hooks.Attach(nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(links.ByProgram) != 6 {
		t.Errorf("attached %d", len(links.ByProgram))
	}
	read := func() map[string]int64 {
		got := map[string]int64{}
		for name := range spec.Vars {
			if name != "LICENSE" {
				got[name] = readVar[int64](t, spec, hooks, name)
			}
		}
		return got
	}
	if got := run(t, c, "hooked", 64); got != xdpDrop {
		t.Errorf("traced: %d", got)
	}
	want := map[string]int64{
		"entered": 1, "entered_global": 1, "entered_static": 11,
		"returned": xdpDrop, "returned_global": xdpDrop, "returned_static": 22,
	}
	if diff := cmp.Diff(want, read()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// A traced function cannot be replaced at the same time.
	p := program(t, load(t, hooksOf(t, target, "replacement"), nil), "replacement")
	l, err := link.AttachFreplace(p, link.FreplaceOptions{})
	if err == nil {
		l.Close()
	}
	if !errors.Is(err, sys.EBUSY) || !strings.Contains(err.Error(), "traced or replaced") {
		t.Errorf("replace what is traced: %v", err)
	}
	if err := links.Close(); err != nil {
		t.Error(err)
	}
	run(t, c, "hooked", 64)
	if diff := cmp.Diff(want, read()); diff != "" {
		t.Errorf("after close (-want +got):\n%s", diff)
	}
}

// TestTargetErrors: each way a target can be wrong has an error of its own.
func TestTargetErrors(t *testing.T) {
	c := hookTarget(t)
	target := program(t, c, "hooked")
	bare, err := prog.Load(&prog.Spec{
		Name: "bare", Type: prog.XDP, License: "GPL", Insns: asm.Instructions{asm.Mov(asm.R0, xdpDrop), asm.Exit()},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer bare.Close()
	for _, tt := range []struct {
		program string
		target  *prog.Program
		is      error
		want    string
		have    []string
	}{
		{"replacement", nil, prog.ErrNoTargetProgram, "target verdict: no target program given: set Target.Program", nil},
		{"replacement", bare, prog.ErrTargetNoBTF, "target verdict: program bare: the target program has no BTF", nil},
		{"entry", bare, prog.ErrTargetNoBTF, "target hooked: program bare: the target program has no BTF", nil},
		{"misspelt", target, btf.ErrNotFound, "target verdicts: program hooked: not found; it has verdict, doubled, hooked", []string{"verdict", "doubled", "hooked"}},
		{"mismatched", target, prog.ErrTargetType, "long mismatched(struct xdp_md *, struct xdp_md *) cannot stand for int verdict(struct xdp_md *)", nil},
		{"of_static", target, prog.ErrTargetStatic, "doubled: program hooked: a static function cannot be replaced", nil},
	} {
		t.Run(tt.program, func(t *testing.T) {
			c, err := skep.Load(hooksOf(t, tt.target, tt.program), nil)
			if err == nil {
				c.Close()
			}
			if !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("%v", err)
			}
			var te *prog.TargetError
			if !errors.As(err, &te) {
				t.Fatalf("no TargetError: %v", err)
			}
			if tt.have != nil && !slices.Equal(te.Have, tt.have) {
				t.Errorf("have %q", te.Have)
			}
		})
	}
	// Of fentry without a target program the kernel's own functions are meant.
	_, err = skep.Load(hooksOf(t, nil, "entry"), nil)
	if !errors.Is(err, btf.ErrNotFound) || !strings.Contains(err.Error(), "func hooked: not found in kernel BTF") {
		t.Errorf("fentry without a target program: %v", err)
	}
}

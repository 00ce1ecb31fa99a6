package skep_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/link"
	"github.com/skepbpf/skep/prog"
)

// TestHandleMatches: which sections of off.c a handler takes.
func TestHandleMatches(t *testing.T) {
	for _, tt := range []struct {
		section string
		want    string // program=target, in the object's order
	}{
		{"skep_unknown", "unknown="}, {"skep_unknown+", "unknown="}, {"skep_unknown/", ""},
		{"xdp/", "prefix_only=lo"}, {"xdp+", "prefix_only=lo"}, {"xdp", ""}, {"xd+", ""},
		{"socket", "starts_off= refused= starts_on="}, {"", "unknown="}, {"nothing", ""},
	} {
		s := open(t, "testdata/off.el.o")
		var got []string
		n, err := s.Handle(skep.SectionHandler{Section: tt.section, Type: prog.SocketFilter, Init: func(p *skep.ProgramSpec) error {
			got = append(got, p.Name+"="+p.Match.Target)
			return nil
		}})
		if err != nil || strings.Join(got, " ") != tt.want || n != len(got) {
			t.Errorf("%q takes %d, %v (%v), want %q", tt.section, n, got, err, tt.want)
		}
	}
}

func TestHandle(t *testing.T) {
	needKernel(t)
	s := open(t, native("off"))
	attached := ""
	if _, err := s.Handle(skep.SectionHandler{
		Section: "skep_unknown", Type: prog.SocketFilter,
		Link: func(p *prog.Program, target string) (link.Link, error) {
			attached = p.Name()
			return nil, link.ErrNoTarget
		},
	}); err != nil {
		t.Fatal(err)
	}
	if s.Programs["unknown"].Policy != skep.Off {
		t.Error("a section marked ? is on")
	}
	s.Programs["unknown"].Policy = skep.Required
	c := load(t, s, nil)
	links, err := c.Attach(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer links.Close()
	if attached != "unknown" || !errors.Is(links.Skipped["unknown"], link.ErrNoTarget) {
		t.Errorf("attached %q, skipped %v", attached, links.Skipped)
	}
	failure := errors.New("no")
	_, err = open(t, "testdata/off.el.o").Handle(skep.SectionHandler{Section: "socket", Init: func(*skep.ProgramSpec) error { return failure }})
	if !errors.Is(err, failure) || !strings.Contains(err.Error(), `program starts_off: section "?socket"`) {
		t.Errorf("got %v", err)
	}
}

// TestEdit: what is loaded is what Edit makes of it, and the plan stays as it is.
func TestEdit(t *testing.T) {
	needKernel(t)
	s := open(t, native("off"))
	if err := s.Only("starts_on"); err != nil {
		t.Fatal(err)
	}
	answer := func(n int32) func(*prog.Spec) error {
		return func(p *prog.Spec) error {
			p.Insns = asm.Instructions{asm.Mov(asm.R0, n), asm.Exit()}
			p.Funcs, p.Lines = nil, nil
			return nil
		}
	}
	c := load(t, s, &skep.Options{Edit: answer(77)})
	if n := run(t, c, "starts_on", 64); n != 77 {
		t.Errorf("runs to %d", n)
	}
	// A clone begins with what was planned, not with what Edit made of it.
	for want, edit := range map[uint32]func(*prog.Spec) error{1: nil, 78: answer(78)} {
		p, err := c.Clone("starts_on", edit)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := p.Run(&prog.RunOptions{Data: make([]byte, 64)}); err != nil || r.Return != want {
			t.Errorf("the clone runs to %d, %v, want %d", r.Return, err, want)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	failure := errors.New("no")
	_, err := skep.Load(s, &skep.Options{Edit: func(*prog.Spec) error { return failure }})
	if !errors.Is(err, failure) || err.Error() != "off: program starts_on: no" {
		t.Errorf("got %v", err)
	}
	if _, err := c.Clone("nobody", nil); err == nil {
		t.Error("a clone of nothing")
	}
	if _, err := c.Clone("starts_off", nil); !errors.Is(err, skep.ErrOff) {
		t.Errorf("got %v", err)
	}
}

package link

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/prog"
)

// A pinned link of a perf event goes on without the process's descriptors: the
// kernel holds the event.
func TestPinnedEvents(t *testing.T) {
	testutil.NeedRoot(t)
	testutil.Require(t, "5.15")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		typ    prog.Type
		legacy bool
		attach func(p *prog.Program) (Link, error)
	}{
		{"tracepoint", prog.Tracepoint, false, func(p *prog.Program) (Link, error) {
			return AttachTracepoint(p, TracepointOptions{Category: "sched", Name: "sched_switch"})
		}},
		{"uprobe", prog.Kprobe, false, func(p *prog.Program) (Link, error) {
			return AttachUprobe(p, UprobeOptions{Path: self, Address: probedAddress()})
		}},
		{"uprobe by tracefs", prog.Kprobe, true, func(p *prog.Program) (Link, error) {
			return AttachUprobe(p, UprobeOptions{Path: self, Address: probedAddress(), Legacy: true})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pin := bpffs(t) + "/link"
			c := newCounter(t)
			l, err := tt.attach(counting(t, c, prog.Spec{Type: tt.typ}, 0))
			if err != nil {
				t.Fatal(err)
			}
			trigger := func() { runtime.KeepAlive(probed()); time.Sleep(time.Millisecond) }
			if err := errors.Join(l.Pin(pin), l.Close()); err != nil {
				t.Fatal(err)
			}
			counts(t, c, trigger)
			l, err = OpenPinned(pin)
			if err != nil {
				t.Fatal(err)
			}
			checkInfo(t, l, TypePerfEvent, FormLink)
			counts(t, c, trigger)
			if err := errors.Join(l.Unpin(), l.Close()); err != nil {
				t.Fatal(err)
			}
			silent(t, c, trigger)
			if tt.legacy {
				removeDefinitions(t)
			}
		})
	}
}

// removeDefinitions does what the process that pinned a link would have to: no
// one else knows of the definition in tracefs.
func removeDefinitions(t *testing.T) {
	t.Helper()
	n := 0
	tfs, err := kernel.OpenTracefs("")
	if err != nil {
		t.Fatal(err)
	}
	defer tfs.Close()
	events, err := tfs.Control("uprobe_events")
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	for line := range strings.Lines(tracefsFile(t, "uprobe_events")) {
		name, _, _ := strings.Cut(line, " ")
		if _, event, ok := strings.Cut(name, ":skep/"); ok {
			n++
			def := legacyProbe{events, event}
			if err := def.remove(); err != nil {
				t.Error(err)
			}
		}
	}
	if n != 1 {
		t.Errorf("%d definitions", n)
	}
}

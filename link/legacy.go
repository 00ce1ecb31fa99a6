package link

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"

	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
)

// legacyGroup holds the events that this package defines in tracefs.
const legacyGroup = "skep"

// legacyProbe is a line in kprobe_events or uprobe_events. The file stays open
// for as long: a process that has no descriptors left can still take it back.
type legacyProbe struct {
	events *kernel.TraceControl
	name   string // of the event
}

// remove takes the line back; EBUSY while an event uses it.
func (l *legacyProbe) remove() error {
	if err := l.events.Append("-:" + legacyGroup + "/" + l.name + "\n"); err != nil {
		return err
	}
	return l.events.Close()
}

// giveUp removes a definition that nobody will ask for again.
func (l *legacyProbe) giveUp() error {
	return mkerr.Join(l.remove(), l.events.Close())
}

// definition is the line that defines a probe (Documentation/trace/
// kprobetrace.rst, uprobetracer.rst).
func (p *probe) definition(name string) (string, error) {
	if strings.ContainsAny(p.target, " \t\n\x00") {
		return "", mkerr.Named("%q: tracefs cannot take blanks in it", p.target)
	}
	kind := "p"
	if p.ret() {
		kind = "r"
	}
	place := fmt.Sprintf("%#x", p.offset)
	switch {
	case !p.kernel():
		place = p.target + ":" + place
		if p.refCtr != 0 {
			place += fmt.Sprintf("(%#x)", p.refCtr)
		}
	case p.target != "":
		place = p.target + "+" + place
	}
	return kind + ":" + legacyGroup + "/" + name + " " + place + "\n", nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// openLegacy defines the probe in tracefs and opens it as a tracepoint.
func (p *probe) openLegacy(e *probeEvent) error {
	t, err := kernel.OpenTracefs(p.fs)
	if err != nil {
		return err
	}
	defer t.Close()
	// The pid says who left a line behind, should the process die; the rest
	// keeps the lines of one process apart.
	name := "p" + strconv.Itoa(os.Getpid()) + "_" + strconv.FormatUint(rand.Uint64(), 16)
	line, err := p.definition(name)
	if err != nil {
		return err
	}
	events, err := t.Control(p.source() + "_events")
	if err != nil {
		return p.explain(err)
	}
	if err := events.Append(line); err != nil {
		return mkerr.Join(p.explain(err), events.Close())
	}
	def := &legacyProbe{events, name}
	e.def = def
	if err := p.openDefined(t, e); err != nil {
		return mkerr.Join(err, def.giveUp())
	}
	return nil
}

func (p *probe) openDefined(t *kernel.Tracefs, e *probeEvent) error {
	id, err := tracepointID(t, legacyGroup, e.def.name)
	if err != nil {
		return err
	}
	pid, cpu := p.scope()
	e.fd, err = openTracepoint(id, pid, cpu)
	return err
}

// tracepointID reads the number of a tracepoint.
func tracepointID(t *kernel.Tracefs, category, name string) (uint64, error) {
	b, err := t.ReadFile("events/" + category + "/" + name + "/id")
	if err != nil {
		return 0, err
	}
	id, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 32)
	if err != nil {
		return 0, mkerr.Errorf("%s: id of %s/%s: %q is no number", t, category, name, b)
	}
	return id, nil
}

func openTracepoint(id uint64, pid, cpu int) (*sys.FD, error) {
	attr := sys.PerfEventAttr{Type: uint32(sys.PERF_TYPE_TRACEPOINT), Config: id}
	fd, err := sys.PerfEventOpen(&attr, pid, cpu, -1, 0)
	return fd, explainPerf(err, true)
}

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

// legacyProbe is a line in kprobe_events or uprobe_events.
type legacyProbe struct {
	file string // of tracefs
	name string // of the event
	fs   string // where tracefs is; "": find it
}

// remove takes the line back; EBUSY while an event uses it.
func (l *legacyProbe) remove() error {
	t, err := kernel.OpenTracefs(l.fs)
	if err != nil {
		return err
	}
	defer t.Close()
	return t.Append(l.file, "-:"+legacyGroup+"/"+l.name+"\n")
}

// definition is the line that defines a probe (Documentation/trace/
// kprobetrace.rst, uprobetracer.rst).
func (p *probe) definition(name string) (string, error) {
	if strings.ContainsAny(p.target, " \t\n\x00") {
		return "", mkerr.Errorf("%q: tracefs cannot take blanks in it", p.target)
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
	def := &legacyProbe{
		file: p.source() + "_events",
		name: "p" + strconv.Itoa(os.Getpid()) + "_" + strconv.FormatUint(rand.Uint64(), 16),
		fs:   p.fs,
	}
	line, err := p.definition(def.name)
	if err != nil {
		return err
	}
	if err := t.Append(def.file, line); err != nil {
		return p.explain(err)
	}
	e.def = def
	if err := p.openDefined(t, e); err != nil {
		return mkerr.Join(err, def.remove())
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

package link

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"

	"github.com/skepbpf/skep/internal/diagnose"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/tree"
)

// pmu is one of the dynamic perf event sources "kprobe" and "uprobe" (Linux
// 4.17).
type pmu struct {
	typ      uint32
	retprobe uint64 // mask in config
}

const pmuDir = "sys/bus/event_source/devices/"

// findPMU reads a PMU's numbers from sysfs; the error Is fs.ErrNotExist if the
// kernel has no such PMU.
func findPMU(root tree.Root, name string) (pmu, error) {
	b, err := readAttr(root, pmuDir+name+"/type")
	if err != nil {
		return pmu{}, err
	}
	typ, err := strconv.ParseUint(b, 10, 32)
	if err != nil {
		return pmu{}, mkerr.Errorf("%s PMU: type %q is no number", name, b)
	}
	b, err = readAttr(root, pmuDir+name+"/format/retprobe")
	if err != nil {
		return pmu{}, err
	}
	bit, err := parseFormatBit(b)
	if err != nil {
		return pmu{}, mkerr.WrapNamed("%s PMU: %w", name, err)
	}
	return pmu{uint32(typ), 1 << bit}, nil
}

// parseFormatBit parses a one-bit format attribute, such as "config:0".
func parseFormatBit(s string) (uint, error) {
	num, ok := strings.CutPrefix(s, "config:")
	bit, err := strconv.ParseUint(num, 10, 6)
	if !ok || err != nil {
		return 0, mkerr.Named("format %q is not config:BIT", s)
	}
	return uint(bit), nil
}

// readAttr reads a one-line file of sysfs.
func readAttr(root tree.Root, name string) (string, error) {
	s, err := kernel.ReadSmall(root, name)
	return strings.TrimSpace(s), err
}

// probe is a kprobe or uprobe to be made.
type probe struct {
	kind   PerfEventKind // PerfUprobe to PerfKretprobe
	target string        // path, or kernel function; "" for an address
	offset uint64        // in the file, from the function, or the address
	refCtr uint64        // offset of the semaphore in the file, uprobes only
	pid    int           // 0: every process; uprobes only
	legacy bool          // through tracefs even if there is a PMU
	fs     string        // where tracefs is; "": find it
}

// refCtrBits is PERF_UPROBE_REF_CTR_OFFSET_BITS of kernel/events/core.c: the
// offset fills the upper half of config.
const refCtrBits = 32

func (p *probe) ret() bool    { return p.kind == PerfUretprobe || p.kind == PerfKretprobe }
func (p *probe) kernel() bool { return p.kind == PerfKprobe || p.kind == PerfKretprobe }

// name of the PMU, and prefix of the file in tracefs.
func (p *probe) source() string {
	if p.kernel() {
		return "kprobe"
	}
	return "uprobe"
}

// config is the kernel option that the PMU needs.
func (p *probe) config() string {
	if p.kernel() {
		return "CONFIG_KPROBES"
	}
	return "CONFIG_UPROBES"
}

// open makes the perf event of a probe: by the PMU, else through tracefs.
func (p *probe) open() (*probeEvent, error) {
	if p.refCtr >= 1<<refCtrBits {
		return nil, mkerr.Errorf("reference counter at %#x: beyond 4 GiB", p.refCtr)
	}
	e := &probeEvent{info: PerfEventInfo{Event: p.kind, Name: p.target, Offset: p.offset}}
	if p.kernel() && p.target == "" {
		e.info.Addr, e.info.Offset = p.offset, 0
	}
	if p.legacy {
		if err := p.openLegacy(e); err != nil {
			return nil, err
		}
		return e, nil
	}
	src, err := findPMU(kernel.FS("/"), p.source())
	if errors.Is(err, fs.ErrNotExist) {
		if lerr := p.openLegacy(e); lerr != nil {
			return nil, mkerr.Errorf("no %s PMU (needs %s), and %w", p.source(), p.config(), lerr)
		}
		return e, nil
	}
	if err != nil {
		return nil, err
	}
	attr := sys.PerfProbeAttr{Type: src.typ, Config: p.refCtr << refCtrBits, ProbeOffset: p.offset}
	if p.ret() {
		attr.Config |= src.retprobe
	}
	if p.target != "" {
		attr.KprobeFunc = sys.StringPtr(p.target)
	}
	pid, cpu := p.scope()
	e.fd, err = sys.PerfProbeOpen(&attr, pid, cpu, -1, 0)
	if err != nil {
		return nil, p.explain(err)
	}
	return e, nil
}

// scope is the pid and cpu of the perf event. A probe fires on every CPU
// whatever CPU its event is on: the program sees all of them.
func (p *probe) scope() (pid, cpu int) {
	if p.pid > 0 {
		return p.pid, -1
	}
	return -1, 0
}

// explain adds to errnos that the kernel gives for want of a better one.
func (p *probe) explain(err error) error {
	switch {
	case p.kernel() && errors.Is(err, sys.EADDRNOTAVAIL):
		return mkerr.Wrap("%w: the function's name is not unique: give an address", err)
	case p.kernel() && errors.Is(err, sys.EILSEQ):
		return mkerr.Wrap("%w: the address is not the beginning of an instruction", err)
	}
	if !p.kernel() {
		// Seen on Linux 6.18: CAP_PERFMON is not enough for a uprobe.
		return diagnose.Explain(err, &diagnose.Ask{Needs: diagnose.SysAdmin, Perf: true})
	}
	return explainPerf(err, false)
}

// explainPerm says why something was not permitted. needs are the capabilities
// that the kernel asks for when it attaches; most kinds of links need none
// beyond those that loading took.
//
//go:noinline
func explainPerm(err error, needs diagnose.Caps) error {
	return diagnose.Explain(err, &diagnose.Ask{Needs: needs, Plain: needs & diagnose.NetAdmin})
}

// explainPerf does so for perf_event_open. paranoid says that a sysctl can open
// it to all.
func explainPerf(err error, paranoid bool) error {
	return diagnose.Explain(err, &diagnose.Ask{Needs: diagnose.Perfmon, Perf: true, Paranoid: paranoid})
}

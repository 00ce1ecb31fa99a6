package link

import (
	"errors"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/prog"
)

// PerfConfig says what a perf event counts. Make one by Hardware, Software,
// HardwareCache, or fill it in for another PMU (Type from
// /sys/bus/event_source/devices/NAME/type).
type PerfConfig struct {
	Type             uint32 // PERF_TYPE_…
	Config           uint64
	Config1, Config2 uint64
}

// HardwareEvent is an event that CPUs count (enum perf_hw_id).
type HardwareEvent uint64

// The hardware events. Virtual machines often have none.
const (
	CPUCycles             HardwareEvent = HardwareEvent(sys.PERF_COUNT_HW_CPU_CYCLES)
	Instructions          HardwareEvent = HardwareEvent(sys.PERF_COUNT_HW_INSTRUCTIONS)
	CacheReferences       HardwareEvent = HardwareEvent(sys.PERF_COUNT_HW_CACHE_REFERENCES)
	CacheMisses           HardwareEvent = HardwareEvent(sys.PERF_COUNT_HW_CACHE_MISSES)
	BranchInstructions    HardwareEvent = HardwareEvent(sys.PERF_COUNT_HW_BRANCH_INSTRUCTIONS)
	BranchMisses          HardwareEvent = HardwareEvent(sys.PERF_COUNT_HW_BRANCH_MISSES)
	BusCycles             HardwareEvent = HardwareEvent(sys.PERF_COUNT_HW_BUS_CYCLES)
	StalledCyclesFrontend HardwareEvent = HardwareEvent(sys.PERF_COUNT_HW_STALLED_CYCLES_FRONTEND)
	StalledCyclesBackend  HardwareEvent = HardwareEvent(sys.PERF_COUNT_HW_STALLED_CYCLES_BACKEND)
	RefCPUCycles          HardwareEvent = HardwareEvent(sys.PERF_COUNT_HW_REF_CPU_CYCLES)
)

// SoftwareEvent is an event that the kernel counts (enum perf_sw_ids).
type SoftwareEvent uint64

// The software events. Clocks count nanoseconds.
const (
	CPUClock        SoftwareEvent = SoftwareEvent(sys.PERF_COUNT_SW_CPU_CLOCK)
	TaskClock       SoftwareEvent = SoftwareEvent(sys.PERF_COUNT_SW_TASK_CLOCK)
	PageFaults      SoftwareEvent = SoftwareEvent(sys.PERF_COUNT_SW_PAGE_FAULTS)
	ContextSwitches SoftwareEvent = SoftwareEvent(sys.PERF_COUNT_SW_CONTEXT_SWITCHES)
	CPUMigrations   SoftwareEvent = SoftwareEvent(sys.PERF_COUNT_SW_CPU_MIGRATIONS)
	PageFaultsMinor SoftwareEvent = SoftwareEvent(sys.PERF_COUNT_SW_PAGE_FAULTS_MIN)
	PageFaultsMajor SoftwareEvent = SoftwareEvent(sys.PERF_COUNT_SW_PAGE_FAULTS_MAJ)
	AlignmentFaults SoftwareEvent = SoftwareEvent(sys.PERF_COUNT_SW_ALIGNMENT_FAULTS)
	EmulationFaults SoftwareEvent = SoftwareEvent(sys.PERF_COUNT_SW_EMULATION_FAULTS)
	CgroupSwitches  SoftwareEvent = SoftwareEvent(sys.PERF_COUNT_SW_CGROUP_SWITCHES) // Requires Linux 5.13.
)

// CacheEvent is an event of a CPU cache: which cache, which access, and
// whether it hit or missed.
type CacheEvent struct{ Cache, Op, Result uint8 }

// Values of CacheEvent's fields (linux/perf_event.h).
const (
	CacheL1D  uint8 = sys.PERF_COUNT_HW_CACHE_L1D
	CacheL1I  uint8 = sys.PERF_COUNT_HW_CACHE_L1I
	CacheLL   uint8 = sys.PERF_COUNT_HW_CACHE_LL
	CacheDTLB uint8 = sys.PERF_COUNT_HW_CACHE_DTLB
	CacheITLB uint8 = sys.PERF_COUNT_HW_CACHE_ITLB
	CacheBPU  uint8 = sys.PERF_COUNT_HW_CACHE_BPU
	CacheNode uint8 = sys.PERF_COUNT_HW_CACHE_NODE

	CacheRead     uint8 = sys.PERF_COUNT_HW_CACHE_OP_READ
	CacheWrite    uint8 = sys.PERF_COUNT_HW_CACHE_OP_WRITE
	CachePrefetch uint8 = sys.PERF_COUNT_HW_CACHE_OP_PREFETCH

	CacheAccess uint8 = sys.PERF_COUNT_HW_CACHE_RESULT_ACCESS
	CacheMiss   uint8 = sys.PERF_COUNT_HW_CACHE_RESULT_MISS
)

// Hardware is the config of a hardware event.
func Hardware(e HardwareEvent) PerfConfig {
	return PerfConfig{Type: uint32(sys.PERF_TYPE_HARDWARE), Config: uint64(e)}
}

// Software is the config of a software event.
func Software(e SoftwareEvent) PerfConfig {
	return PerfConfig{Type: uint32(sys.PERF_TYPE_SOFTWARE), Config: uint64(e)}
}

// HardwareCache is the config of a cache event.
func HardwareCache(e CacheEvent) PerfConfig {
	config := uint64(e.Cache) | uint64(e.Op)<<8 | uint64(e.Result)<<16
	return PerfConfig{Type: uint32(sys.PERF_TYPE_HW_CACHE), Config: config}
}

// PerfEventOptions says which event a program samples, and where.
type PerfEventOptions struct {
	// FD is a perf event that the caller made, and keeps; 0 makes one from
	// the rest. It is started here. Before Linux 5.15 the program stays with
	// it until it is closed: closing the link only stops it.
	FD int

	Config PerfConfig
	// One of these says how often the program runs: every SamplePeriod
	// events, or Frequency times a second.
	SamplePeriod uint64
	Frequency    uint64
	// PID limits the event to a process (or thread); 0 is whoever runs on CPU.
	PID int
	// CPU limits the event to one; AnyCPU only with a PID. An event of no PID
	// is of one CPU: profile a machine by one link for each.
	CPU int
	// Inherit goes on to count in children of PID that are born later.
	Inherit bool
	// Cookie is what bpf_get_attach_cookie gives. Requires Linux 5.15.
	Cookie uint64
}

// AnyCPU is the CPU of an event that follows its process.
const AnyCPU = -1

// AttachPerfEvent attaches a program of type PerfEvent to a perf event.
// Requires Linux 4.9.
func AttachPerfEvent(p *prog.Program, o PerfEventOptions) (Link, error) {
	e, err := o.open()
	if err != nil {
		return nil, mkerr.Wrap("attach perf event: %w", err)
	}
	l, err := attachEvent(p, e, o.Cookie)
	if err != nil {
		return nil, mkerr.Wrap("attach perf event: %w", err)
	}
	return l, nil
}

func (o *PerfEventOptions) open() (*probeEvent, error) {
	info := PerfEventInfo{Event: PerfOther, Type: o.Config.Type, Config: o.Config.Config}
	if o.FD != 0 {
		fd, err := dupUser(o.FD)
		return &probeEvent{fd: fd, info: info, lent: true}, err
	}
	if (o.SamplePeriod == 0) == (o.Frequency == 0) {
		return nil, errors.New("want a sample period or a frequency")
	}
	attr := sys.PerfEventAttr{
		Type: o.Config.Type, Config: o.Config.Config, Config1: o.Config.Config1, Config2: o.Config.Config2,
		SamplePeriod: o.SamplePeriod,
	}
	if o.Frequency != 0 {
		attr.SamplePeriod = o.Frequency // a union: sample_freq
		attr.Bits |= sys.PerfBitFreq.Mask()
	}
	if o.Inherit {
		attr.Bits |= sys.PerfBitInherit.Mask()
	}
	pid := o.PID
	switch {
	case pid < 0 || o.CPU < AnyCPU:
		return nil, mkerr.Errorf("no process %d, or CPU %d", pid, o.CPU)
	case pid == 0 && o.CPU == AnyCPU:
		return nil, errors.New("an event of every process is of one CPU")
	case pid == 0:
		pid = -1
	}
	fd, err := sys.PerfEventOpen(&attr, pid, o.CPU, -1, 0)
	if err != nil {
		if errors.Is(err, sys.ENOENT) {
			return nil, mkerr.Wrap("%w: the machine cannot count this event", err)
		}
		return nil, explainPerf(err, true)
	}
	return &probeEvent{fd: fd, info: info}, nil
}

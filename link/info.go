package link

import (
	"fmt"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/prog"
)

// ID is the kernel's number of a bpf_link. Zero is none.
type ID uint32

// Info describes an attachment.
type Info struct {
	Type    Type
	ID      ID     // 0 for forms without a bpf_link
	Program uint32 // id of the program; 0 if the link has none, or was detached
	Form    Form
	// Details is one of the …Info types of this package, as Type says; nil if
	// the kernel tells nothing more.
	Details Details
	// Skipped are functions that a pattern, or a lenient list, stands for and
	// that were left out since they cannot be traced. Only the Link that was
	// attached knows them.
	Skipped []string
}

// Details is what Info tells of one kind of link.
type Details interface{ details() }

// RawTracepointInfo describes a raw tracepoint link.
type RawTracepointInfo struct {
	Name   string
	Cookie uint64 // Requires Linux 6.16.
}

// TracingInfo describes a tracing, LSM or freplace link.
type TracingInfo struct {
	Attach prog.AttachType
	Target uint32 // id of the BTF object, or of the program, that holds the function
	BTF    uint32 // type id of the function
	Cookie uint64 // Requires Linux 6.16.
}

// CgroupInfo describes a cgroup link.
type CgroupInfo struct {
	Cgroup uint64 // id of the cgroup: the inode of its directory; 0 if it is gone
	Attach prog.AttachType
}

// IterInfo describes an iterator link.
type IterInfo struct {
	Target string // such as "task" or "bpf_map_elem"
	Map    uint32 // id of the map whose elements it walks
	Cgroup uint64 // id of the cgroup where it begins, for Target "cgroup"
	TID    uint32 // the only task, for the task targets
	PID    uint32 // the only process, for the task targets
}

// NetnsInfo describes a network namespace link.
type NetnsInfo struct {
	Inode  uint32 // of the namespace; 0 if it is gone
	Attach prog.AttachType
}

// XDPInfo describes an XDP link.
type XDPInfo struct {
	Index uint32 // of the interface; 0 if it is gone
	// Mode is how the program runs; XDPDefault if that cannot be told: the
	// interface is in another network namespace, or gone.
	Mode XDPMode
}

// TCXInfo describes a tcx link.
type TCXInfo struct {
	Index  uint32 // of the interface; 0 if it is gone
	Attach prog.AttachType
}

// NetkitInfo describes a netkit link.
type NetkitInfo struct {
	Index  uint32 // of the interface; 0 if it is gone
	Attach prog.AttachType
}

// NetfilterInfo describes a netfilter link.
type NetfilterInfo struct {
	Family, Hook uint32
	Priority     int32
	Flags        uint32
}

// StructOpsInfo describes a struct_ops link.
type StructOpsInfo struct{ Map uint32 }

// SockmapInfo describes a sockmap link, or what PROG_ATTACH attached to a map.
type SockmapInfo struct {
	Map    uint32 // id of the map
	Attach prog.AttachType
}

// KprobeMultiInfo describes a kprobe.multi link.
type KprobeMultiInfo struct {
	Count  uint32 // functions
	Flags  uint32 // BPF_F_KPROBE_MULTI_…
	Missed uint64 // calls that did not run the program
}

// TracingMultiInfo describes a link that traces several functions.
type TracingMultiInfo struct {
	Attach prog.AttachType
	Count  uint32 // functions
	BTF    uint32 // id of the BTF object that they are in
}

// UprobeMultiInfo describes an uprobe.multi link.
type UprobeMultiInfo struct {
	Path  string
	Count uint32 // places
	Flags uint32 // BPF_F_UPROBE_MULTI_…
	PID   uint32 // 0: every process
}

// PerfEventInfo describes a link on a perf event. The kernel tells this since
// Linux 6.6; for older ones, and for FormPerfIoctl, it is what was asked for.
type PerfEventInfo struct {
	Event  PerfEventKind
	Name   string // tracepoint, kernel function, or path of the executable
	Offset uint64 // of the probe, from the function or in the file
	Addr   uint64 // of a kprobe, 0 if hidden
	Cookie uint64
	Type   uint32 // of another event: PERF_TYPE_…
	Config uint64 // of another event: PERF_COUNT_…
}

// PerfEventKind says what a perf event is.
type PerfEventKind uint8

// The kinds of perf events that programs are attached to.
const (
	PerfUnknown PerfEventKind = iota
	PerfUprobe
	PerfUretprobe
	PerfKprobe
	PerfKretprobe
	PerfTracepoint
	PerfOther // hardware, software, …
)

// String is a short name, such as "uretprobe".
func (k PerfEventKind) String() string {
	names := [...]string{"unknown", "uprobe", "uretprobe", "kprobe", "kretprobe", "tracepoint", "event"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("perf event kind %d", uint8(k))
}

func (RawTracepointInfo) details() {}
func (TracingInfo) details()       {}
func (CgroupInfo) details()        {}
func (IterInfo) details()          {}
func (NetnsInfo) details()         {}
func (XDPInfo) details()           {}
func (TCXInfo) details()           {}
func (NetkitInfo) details()        {}
func (NetfilterInfo) details()     {}
func (StructOpsInfo) details()     {}
func (SockmapInfo) details()       {}
func (KprobeMultiInfo) details()   {}
func (UprobeMultiInfo) details()   {}
func (TracingMultiInfo) details()  {}
func (PerfEventInfo) details()     {}

func (l *bpfLink) Info() (Info, error) {
	fd, err := l.fd.Borrow()
	if err != nil {
		return Info{}, mkerr.Wrap("link info: %w", err)
	}
	defer l.fd.Release()
	in, err := readInfo(fd)
	if err != nil {
		// Linux 5.7 has bpf_link, but not yet its info.
		return Info{}, mkerr.Wrap("link info: %w", err)
	}
	in.Form, in.Skipped = l.form, l.skipped
	if l.event != nil {
		in.Details = l.event.details(in.Details)
	}
	return in, nil
}

// readInfo asks the kernel about the bpf_link of fd.
func readInfo(fd int) (Info, error) {
	var head sys.LinkInfo
	if err := sys.ObjGetInfoByFD(fd, &head); err != nil {
		return Info{}, err
	}
	in := Info{Type: Type(head.Type), ID: ID(head.Id), Program: head.ProgId}
	if int(in.Type) >= len(infoReaders) || infoReaders[in.Type] == nil {
		return in, nil // newer than this package
	}
	d, err := infoReaders[in.Type](fd)
	if err != nil {
		return Info{}, mkerr.Errorf("%s: %w", in.Type, err)
	}
	in.Details = d
	return in, nil
}

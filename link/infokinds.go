package link

import (
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/prog"
)

// Buffers for the names that link infos carry.
const (
	nameBuf = 512  // KSYM_NAME_LEN: kernel functions, tracepoints, iterators
	pathBuf = 4096 // PATH_MAX
)

// infoReaders has one function for each kind of link: it asks for the struct
// of the kind and translates it.
var infoReaders = [...]func(fd int) (Details, error){
	TypeRawTracepoint: rawTracepointInfo,
	TypeTracing:       tracingInfo,
	TypeCgroup:        cgroupInfo,
	TypeIter:          iterInfo,
	TypeNetns:         netnsInfo,
	TypeXDP:           xdpInfo,
	TypePerfEvent:     perfEventInfo,
	TypeKprobeMulti:   kprobeMultiInfo,
	TypeStructOps:     structOpsInfo,
	TypeNetfilter:     netfilterInfo,
	TypeTCX:           tcxInfo,
	TypeUprobeMulti:   uprobeMultiInfo,
	TypeNetkit:        netkitInfo,
	TypeSockmap:       sockmapInfo,
	TypeTracingMulti:  tracingMultiInfo,
}

func rawTracepointInfo(fd int) (Details, error) {
	name := make([]byte, nameBuf)
	in := sys.LinkInfoRawTracepoint{TpName: sys.BytesPtr(name), TpNameLen: nameBuf}
	err := sys.ObjGetInfoByFD(fd, &in)
	return RawTracepointInfo{sys.NameString(name), in.Cookie}, err
}

func tracingInfo(fd int) (Details, error) {
	var in sys.LinkInfoTracing
	err := sys.ObjGetInfoByFD(fd, &in)
	return TracingInfo{prog.AttachType(in.AttachType), in.TargetObjId, in.TargetBtfId, in.Cookie}, err
}

func cgroupInfo(fd int) (Details, error) {
	var in sys.LinkInfoCgroup
	err := sys.ObjGetInfoByFD(fd, &in)
	return CgroupInfo{in.CgroupId, prog.AttachType(in.AttachType)}, err
}

func iterInfo(fd int) (Details, error) {
	name := make([]byte, nameBuf)
	in := sys.LinkInfoIter{TargetName: sys.BytesPtr(name), TargetNameLen: nameBuf}
	if err := sys.ObjGetInfoByFD(fd, &in); err != nil {
		return nil, err
	}
	out := IterInfo{Target: sys.NameString(name)}
	// The kernel's union: which member holds depends on the target.
	switch out.Target {
	case "bpf_map_elem", "bpf_sk_storage_map", "sockmap":
		out.Map = in.MapId
	case "cgroup":
		out.Cgroup = in.CgroupId
	case "task", "task_file", "task_vma":
		task := sys.LinkInfoIterTask{TargetName: sys.BytesPtr(name), TargetNameLen: nameBuf}
		if err := sys.ObjGetInfoByFD(fd, &task); err != nil {
			return nil, err
		}
		out.TID, out.PID = task.Tid, task.Pid
	}
	return out, nil
}

func netnsInfo(fd int) (Details, error) {
	var in sys.LinkInfoNetns
	err := sys.ObjGetInfoByFD(fd, &in)
	return NetnsInfo{in.NetnsIno, prog.AttachType(in.AttachType)}, err
}

func xdpInfo(fd int) (Details, error) {
	var in sys.LinkInfoXdp
	err := sys.ObjGetInfoByFD(fd, &in)
	return XDPInfo{Index: in.Ifindex, Mode: xdpModeOf(in.Ifindex, in.ProgId)}, err
}

func kprobeMultiInfo(fd int) (Details, error) {
	var in sys.LinkInfoKprobeMulti
	err := sys.ObjGetInfoByFD(fd, &in)
	return KprobeMultiInfo{in.Count, in.Flags, in.Missed}, err
}

func structOpsInfo(fd int) (Details, error) {
	var in sys.LinkInfoStructOps
	err := sys.ObjGetInfoByFD(fd, &in)
	return StructOpsInfo{in.MapId}, err
}

func netfilterInfo(fd int) (Details, error) {
	var in sys.LinkInfoNetfilter
	err := sys.ObjGetInfoByFD(fd, &in)
	return NetfilterInfo{in.Pf, in.Hooknum, in.Priority, in.Flags}, err
}

func tcxInfo(fd int) (Details, error) {
	var in sys.LinkInfoTcx
	err := sys.ObjGetInfoByFD(fd, &in)
	return TCXInfo{in.Ifindex, prog.AttachType(in.AttachType)}, err
}

func uprobeMultiInfo(fd int) (Details, error) {
	path := make([]byte, pathBuf)
	in := sys.LinkInfoUprobeMulti{Path: sys.BytesPtr(path), PathSize: pathBuf}
	err := sys.ObjGetInfoByFD(fd, &in)
	return UprobeMultiInfo{sys.NameString(path), in.Count, in.Flags, in.Pid}, err
}

func tracingMultiInfo(fd int) (Details, error) {
	var in sys.LinkInfoTracingMulti
	err := sys.ObjGetInfoByFD(fd, &in)
	return TracingMultiInfo{prog.AttachType(in.AttachType), in.Count, in.BtfObjId}, err
}

func netkitInfo(fd int) (Details, error) {
	var in sys.LinkInfoNetkit
	err := sys.ObjGetInfoByFD(fd, &in)
	return NetkitInfo{in.Ifindex, prog.AttachType(in.AttachType)}, err
}

func sockmapInfo(fd int) (Details, error) {
	var in sys.LinkInfoSockmap
	err := sys.ObjGetInfoByFD(fd, &in)
	return SockmapInfo{in.MapId, prog.AttachType(in.AttachType)}, err
}

// perfEventInfo asks twice: the first answer tells the kind of event, which
// decides what the rest of the struct means.
func perfEventInfo(fd int) (Details, error) {
	var in sys.LinkInfoPerfEvent
	if err := sys.ObjGetInfoByFD(fd, &in); err != nil {
		return nil, err
	}
	kind := sys.PerfLinkType(in.PerfEventType)
	switch kind {
	case sys.BPF_PERF_EVENT_UPROBE, sys.BPF_PERF_EVENT_URETPROBE:
		return perfUprobeInfo(fd, kind)
	case sys.BPF_PERF_EVENT_KPROBE, sys.BPF_PERF_EVENT_KRETPROBE:
		return perfKprobeInfo(fd, kind)
	case sys.BPF_PERF_EVENT_TRACEPOINT:
		name := make([]byte, nameBuf)
		tp := sys.LinkInfoPerfTracepoint{TpName: sys.BytesPtr(name), NameLen: nameBuf}
		err := sys.ObjGetInfoByFD(fd, &tp)
		return PerfEventInfo{Event: PerfTracepoint, Name: sys.NameString(name), Cookie: tp.Cookie}, err
	case sys.BPF_PERF_EVENT_EVENT:
		return PerfEventInfo{Event: PerfOther, Type: uint32(in.EventType), Config: in.Config, Cookie: in.Cookie}, nil
	}
	return PerfEventInfo{}, nil
}

func perfUprobeInfo(fd int, kind sys.PerfLinkType) (Details, error) {
	path := make([]byte, pathBuf)
	in := sys.LinkInfoPerfUprobe{FileName: sys.BytesPtr(path), NameLen: pathBuf}
	err := sys.ObjGetInfoByFD(fd, &in)
	out := PerfEventInfo{Event: PerfUprobe, Name: sys.NameString(path), Offset: uint64(in.Offset), Cookie: in.Cookie}
	if kind == sys.BPF_PERF_EVENT_URETPROBE {
		out.Event = PerfUretprobe
	}
	return out, err
}

func perfKprobeInfo(fd int, kind sys.PerfLinkType) (Details, error) {
	name := make([]byte, nameBuf)
	in := sys.LinkInfoPerfKprobe{FuncName: sys.BytesPtr(name), NameLen: nameBuf}
	err := sys.ObjGetInfoByFD(fd, &in)
	out := PerfEventInfo{Event: PerfKprobe, Name: sys.NameString(name), Offset: uint64(in.Offset), Addr: in.Addr, Cookie: in.Cookie}
	if kind == sys.BPF_PERF_EVENT_KRETPROBE {
		out.Event = PerfKretprobe
	}
	return out, err
}

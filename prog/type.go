package prog

import "github.com/skepbpf/skep/internal/sys"

// Type is a kind of program (enum bpf_prog_type): which context the program
// gets, which helpers it may call, where it can be attached.
type Type uint32

// The program types of Linux 7.3.
const (
	Unspecified           = Type(sys.BPF_PROG_TYPE_UNSPEC)
	SocketFilter          = Type(sys.BPF_PROG_TYPE_SOCKET_FILTER)
	Kprobe                = Type(sys.BPF_PROG_TYPE_KPROBE)
	SchedCLS              = Type(sys.BPF_PROG_TYPE_SCHED_CLS)
	SchedACT              = Type(sys.BPF_PROG_TYPE_SCHED_ACT)
	Tracepoint            = Type(sys.BPF_PROG_TYPE_TRACEPOINT)
	XDP                   = Type(sys.BPF_PROG_TYPE_XDP)
	PerfEvent             = Type(sys.BPF_PROG_TYPE_PERF_EVENT)
	CGroupSKB             = Type(sys.BPF_PROG_TYPE_CGROUP_SKB)
	CGroupSock            = Type(sys.BPF_PROG_TYPE_CGROUP_SOCK)
	LWTIn                 = Type(sys.BPF_PROG_TYPE_LWT_IN)
	LWTOut                = Type(sys.BPF_PROG_TYPE_LWT_OUT)
	LWTXmit               = Type(sys.BPF_PROG_TYPE_LWT_XMIT)
	SockOps               = Type(sys.BPF_PROG_TYPE_SOCK_OPS)
	SKSKB                 = Type(sys.BPF_PROG_TYPE_SK_SKB)
	CGroupDevice          = Type(sys.BPF_PROG_TYPE_CGROUP_DEVICE)
	SKMsg                 = Type(sys.BPF_PROG_TYPE_SK_MSG)
	RawTracepoint         = Type(sys.BPF_PROG_TYPE_RAW_TRACEPOINT)
	CGroupSockAddr        = Type(sys.BPF_PROG_TYPE_CGROUP_SOCK_ADDR)
	LWTSeg6Local          = Type(sys.BPF_PROG_TYPE_LWT_SEG6LOCAL)
	LircMode2             = Type(sys.BPF_PROG_TYPE_LIRC_MODE2)
	SKReuseport           = Type(sys.BPF_PROG_TYPE_SK_REUSEPORT)
	FlowDissector         = Type(sys.BPF_PROG_TYPE_FLOW_DISSECTOR)
	CGroupSysctl          = Type(sys.BPF_PROG_TYPE_CGROUP_SYSCTL)
	RawTracepointWritable = Type(sys.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE)
	CGroupSockopt         = Type(sys.BPF_PROG_TYPE_CGROUP_SOCKOPT)
	Tracing               = Type(sys.BPF_PROG_TYPE_TRACING)
	StructOps             = Type(sys.BPF_PROG_TYPE_STRUCT_OPS)
	Ext                   = Type(sys.BPF_PROG_TYPE_EXT)
	LSM                   = Type(sys.BPF_PROG_TYPE_LSM)
	SKLookup              = Type(sys.BPF_PROG_TYPE_SK_LOOKUP)
	Syscall               = Type(sys.BPF_PROG_TYPE_SYSCALL)
	Netfilter             = Type(sys.BPF_PROG_TYPE_NETFILTER)
)

// String is the kernel's name without its prefix, in lower case, such as
// "sched_cls".
func (t Type) String() string {
	return lower(sys.ProgType(t).String(), "BPF_PROG_TYPE_", "type", uint32(t))
}

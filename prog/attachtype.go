package prog

import (
	"strconv"
	"strings"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/sys"
)

// AttachType is the kind of hook that a program is for (enum
// bpf_attach_type).
type AttachType uint32

// AttachNone is the zero AttachType. The kernel gives 0 a meaning too:
// AttachCGroupInetIngress.
const AttachNone AttachType = 0

// The attach types of Linux 7.3.
const (
	AttachCGroupInetIngress          = AttachType(sys.BPF_CGROUP_INET_INGRESS)
	AttachCGroupInetEgress           = AttachType(sys.BPF_CGROUP_INET_EGRESS)
	AttachCGroupInetSockCreate       = AttachType(sys.BPF_CGROUP_INET_SOCK_CREATE)
	AttachCGroupSockOps              = AttachType(sys.BPF_CGROUP_SOCK_OPS)
	AttachSKSKBStreamParser          = AttachType(sys.BPF_SK_SKB_STREAM_PARSER)
	AttachSKSKBStreamVerdict         = AttachType(sys.BPF_SK_SKB_STREAM_VERDICT)
	AttachCGroupDevice               = AttachType(sys.BPF_CGROUP_DEVICE)
	AttachSKMsgVerdict               = AttachType(sys.BPF_SK_MSG_VERDICT)
	AttachCGroupInet4Bind            = AttachType(sys.BPF_CGROUP_INET4_BIND)
	AttachCGroupInet6Bind            = AttachType(sys.BPF_CGROUP_INET6_BIND)
	AttachCGroupInet4Connect         = AttachType(sys.BPF_CGROUP_INET4_CONNECT)
	AttachCGroupInet6Connect         = AttachType(sys.BPF_CGROUP_INET6_CONNECT)
	AttachCGroupInet4PostBind        = AttachType(sys.BPF_CGROUP_INET4_POST_BIND)
	AttachCGroupInet6PostBind        = AttachType(sys.BPF_CGROUP_INET6_POST_BIND)
	AttachCGroupUDP4Sendmsg          = AttachType(sys.BPF_CGROUP_UDP4_SENDMSG)
	AttachCGroupUDP6Sendmsg          = AttachType(sys.BPF_CGROUP_UDP6_SENDMSG)
	AttachLircMode2                  = AttachType(sys.BPF_LIRC_MODE2)
	AttachFlowDissector              = AttachType(sys.BPF_FLOW_DISSECTOR)
	AttachCGroupSysctl               = AttachType(sys.BPF_CGROUP_SYSCTL)
	AttachCGroupUDP4Recvmsg          = AttachType(sys.BPF_CGROUP_UDP4_RECVMSG)
	AttachCGroupUDP6Recvmsg          = AttachType(sys.BPF_CGROUP_UDP6_RECVMSG)
	AttachCGroupGetsockopt           = AttachType(sys.BPF_CGROUP_GETSOCKOPT)
	AttachCGroupSetsockopt           = AttachType(sys.BPF_CGROUP_SETSOCKOPT)
	AttachTraceRawTP                 = AttachType(sys.BPF_TRACE_RAW_TP)
	AttachTraceFentry                = AttachType(sys.BPF_TRACE_FENTRY)
	AttachTraceFexit                 = AttachType(sys.BPF_TRACE_FEXIT)
	AttachModifyReturn               = AttachType(sys.BPF_MODIFY_RETURN)
	AttachLSMMAC                     = AttachType(sys.BPF_LSM_MAC)
	AttachTraceIter                  = AttachType(sys.BPF_TRACE_ITER)
	AttachCGroupInet4Getpeername     = AttachType(sys.BPF_CGROUP_INET4_GETPEERNAME)
	AttachCGroupInet6Getpeername     = AttachType(sys.BPF_CGROUP_INET6_GETPEERNAME)
	AttachCGroupInet4Getsockname     = AttachType(sys.BPF_CGROUP_INET4_GETSOCKNAME)
	AttachCGroupInet6Getsockname     = AttachType(sys.BPF_CGROUP_INET6_GETSOCKNAME)
	AttachXDPDevmap                  = AttachType(sys.BPF_XDP_DEVMAP)
	AttachCGroupInetSockRelease      = AttachType(sys.BPF_CGROUP_INET_SOCK_RELEASE)
	AttachXDPCPUMap                  = AttachType(sys.BPF_XDP_CPUMAP)
	AttachSKLookup                   = AttachType(sys.BPF_SK_LOOKUP)
	AttachXDP                        = AttachType(sys.BPF_XDP)
	AttachSKSKBVerdict               = AttachType(sys.BPF_SK_SKB_VERDICT)
	AttachSKReuseportSelect          = AttachType(sys.BPF_SK_REUSEPORT_SELECT)
	AttachSKReuseportSelectOrMigrate = AttachType(sys.BPF_SK_REUSEPORT_SELECT_OR_MIGRATE)
	AttachPerfEvent                  = AttachType(sys.BPF_PERF_EVENT)
	AttachTraceKprobeMulti           = AttachType(sys.BPF_TRACE_KPROBE_MULTI)
	AttachLSMCGroup                  = AttachType(sys.BPF_LSM_CGROUP)
	AttachStructOps                  = AttachType(sys.BPF_STRUCT_OPS)
	AttachNetfilter                  = AttachType(sys.BPF_NETFILTER)
	AttachTCXIngress                 = AttachType(sys.BPF_TCX_INGRESS)
	AttachTCXEgress                  = AttachType(sys.BPF_TCX_EGRESS)
	AttachTraceUprobeMulti           = AttachType(sys.BPF_TRACE_UPROBE_MULTI)
	AttachCGroupUnixConnect          = AttachType(sys.BPF_CGROUP_UNIX_CONNECT)
	AttachCGroupUnixSendmsg          = AttachType(sys.BPF_CGROUP_UNIX_SENDMSG)
	AttachCGroupUnixRecvmsg          = AttachType(sys.BPF_CGROUP_UNIX_RECVMSG)
	AttachCGroupUnixGetpeername      = AttachType(sys.BPF_CGROUP_UNIX_GETPEERNAME)
	AttachCGroupUnixGetsockname      = AttachType(sys.BPF_CGROUP_UNIX_GETSOCKNAME)
	AttachNetkitPrimary              = AttachType(sys.BPF_NETKIT_PRIMARY)
	AttachNetkitPeer                 = AttachType(sys.BPF_NETKIT_PEER)
	AttachTraceKprobeSession         = AttachType(sys.BPF_TRACE_KPROBE_SESSION)
	AttachTraceUprobeSession         = AttachType(sys.BPF_TRACE_UPROBE_SESSION)
	AttachTraceFsession              = AttachType(sys.BPF_TRACE_FSESSION)
	AttachTraceFentryMulti           = AttachType(sys.BPF_TRACE_FENTRY_MULTI)
	AttachTraceFexitMulti            = AttachType(sys.BPF_TRACE_FEXIT_MULTI)
	AttachTraceFsessionMulti         = AttachType(sys.BPF_TRACE_FSESSION_MULTI)
)

// String is the kernel's name without its prefix, in lower case, such as
// "trace_fentry".
func (t AttachType) String() string {
	return lower(sys.AttachType(t).String(), "BPF_", "attach type", uint32(t))
}

func lower(name, prefix, what string, n uint32) string {
	short, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return what + " " + strconv.FormatUint(uint64(n), 10)
	}
	return bin.Lower(short)
}

package elf

// Properties of a section name.
const (
	takesTarget = 1 << iota // the name may be followed by '/' and a target
	sleepable
	xdpFrags
	needsBTF
	attachable // the attach type is mandatory
	attachOpt  // the attach type may be left out
	autoAttach // attaching needs nothing but the target
)

// Program flags of the kernel's BPF_PROG_LOAD.
const (
	flagSleepable   = 1 << 4 // Requires Linux 5.10.
	flagXDPHasFrags = 1 << 5 // Requires Linux 5.18.
)

// Program types of enum bpf_prog_type that a section name can mean.
const (
	progSocketFilter          = 1
	progKprobe                = 2
	progSchedCls              = 3
	progSchedAct              = 4
	progTracepoint            = 5
	progXdp                   = 6
	progPerfEvent             = 7
	progCgroupSkb             = 8
	progCgroupSock            = 9
	progLwtIn                 = 10
	progLwtOut                = 11
	progLwtXmit               = 12
	progSockOps               = 13
	progSkSkb                 = 14
	progCgroupDevice          = 15
	progSkMsg                 = 16
	progRawTracepoint         = 17
	progCgroupSockAddr        = 18
	progLwtSeg6local          = 19
	progLircMode2             = 20
	progSkReuseport           = 21
	progFlowDissector         = 22
	progCgroupSysctl          = 23
	progRawTracepointWritable = 24
	progCgroupSockopt         = 25
	progTracing               = 26
	progStructOps             = 27
	progExt                   = 28
	progLsm                   = 29
	progSkLookup              = 30
	progSyscall               = 31
	progNetfilter             = 32
)

// Attach types of enum bpf_attach_type that a section name can mean.
const (
	attachCgroupInetIngress          = 0
	attachCgroupInetEgress           = 1
	attachCgroupInetSockCreate       = 2
	attachCgroupSockOps              = 3
	attachSkSkbStreamParser          = 4
	attachSkSkbStreamVerdict         = 5
	attachCgroupDevice               = 6
	attachSkMsgVerdict               = 7
	attachCgroupInet4Bind            = 8
	attachCgroupInet6Bind            = 9
	attachCgroupInet4Connect         = 10
	attachCgroupInet6Connect         = 11
	attachCgroupInet4PostBind        = 12
	attachCgroupInet6PostBind        = 13
	attachCgroupUdp4Sendmsg          = 14
	attachCgroupUdp6Sendmsg          = 15
	attachLircMode2                  = 16
	attachFlowDissector              = 17
	attachCgroupSysctl               = 18
	attachCgroupUdp4Recvmsg          = 19
	attachCgroupUdp6Recvmsg          = 20
	attachCgroupGetsockopt           = 21
	attachCgroupSetsockopt           = 22
	attachTraceRawTp                 = 23
	attachTraceFentry                = 24
	attachTraceFexit                 = 25
	attachModifyReturn               = 26
	attachLsmMac                     = 27
	attachTraceIter                  = 28
	attachCgroupInet4Getpeername     = 29
	attachCgroupInet6Getpeername     = 30
	attachCgroupInet4Getsockname     = 31
	attachCgroupInet6Getsockname     = 32
	attachXdpDevmap                  = 33
	attachCgroupInetSockRelease      = 34
	attachXdpCpumap                  = 35
	attachSkLookup                   = 36
	attachXdp                        = 37
	attachSkSkbVerdict               = 38
	attachSkReuseportSelect          = 39
	attachSkReuseportSelectOrMigrate = 40
	attachTraceKprobeMulti           = 42
	attachLsmCgroup                  = 43
	attachNetfilter                  = 45
	attachTcxIngress                 = 46
	attachTcxEgress                  = 47
	attachTraceUprobeMulti           = 48
	attachCgroupUnixConnect          = 49
	attachCgroupUnixSendmsg          = 50
	attachCgroupUnixRecvmsg          = 51
	attachCgroupUnixGetpeername      = 52
	attachCgroupUnixGetsockname      = 53
	attachNetkitPrimary              = 54
	attachNetkitPeer                 = 55
	attachTraceKprobeSession         = 56
	attachTraceUprobeSession         = 57
	attachTraceFsession              = 58
	attachTraceFentryMulti           = 59
	attachTraceFexitMulti            = 60
	attachTraceFsessionMulti         = 61
)

// sectionRow is one section name that programs can have.
type sectionRow struct {
	name         string
	pattern      string // name and '+', for rows that take a target
	prog, attach uint32
	flags        uint8
}

// sectionTable holds every section name that libbpf 1.8 gives a meaning.
//
// This package cannot import the generated constants of the syscall room, so
// the numbers stand here once more; a test compares them.
var sectionTable = [...]sectionRow{
	{"socket", "", progSocketFilter, 0, 0},
	{"sk_reuseport/migrate", "", progSkReuseport, attachSkReuseportSelectOrMigrate, attachable},
	{"sk_reuseport", "", progSkReuseport, attachSkReuseportSelect, attachable},
	{"kprobe", "kprobe+", progKprobe, 0, takesTarget | autoAttach},
	{"uprobe", "uprobe+", progKprobe, 0, takesTarget | autoAttach},
	{"uprobe.s", "uprobe.s+", progKprobe, 0, takesTarget | sleepable | autoAttach},
	{"kretprobe", "kretprobe+", progKprobe, 0, takesTarget | autoAttach},
	{"uretprobe", "uretprobe+", progKprobe, 0, takesTarget | autoAttach},
	{"uretprobe.s", "uretprobe.s+", progKprobe, 0, takesTarget | sleepable | autoAttach},
	{"kprobe.multi", "kprobe.multi+", progKprobe, attachTraceKprobeMulti, takesTarget | autoAttach},
	{"kretprobe.multi", "kretprobe.multi+", progKprobe, attachTraceKprobeMulti, takesTarget | autoAttach},
	{"kprobe.session", "kprobe.session+", progKprobe, attachTraceKprobeSession, takesTarget | autoAttach},
	{"uprobe.multi", "uprobe.multi+", progKprobe, attachTraceUprobeMulti, takesTarget | autoAttach},
	{"uretprobe.multi", "uretprobe.multi+", progKprobe, attachTraceUprobeMulti, takesTarget | autoAttach},
	{"uprobe.session", "uprobe.session+", progKprobe, attachTraceUprobeSession, takesTarget | autoAttach},
	{"uprobe.multi.s", "uprobe.multi.s+", progKprobe, attachTraceUprobeMulti, takesTarget | sleepable | autoAttach},
	{"uretprobe.multi.s", "uretprobe.multi.s+", progKprobe, attachTraceUprobeMulti, takesTarget | sleepable | autoAttach},
	{"uprobe.session.s", "uprobe.session.s+", progKprobe, attachTraceUprobeSession, takesTarget | sleepable | autoAttach},
	{"ksyscall", "ksyscall+", progKprobe, 0, takesTarget | autoAttach},
	{"kretsyscall", "kretsyscall+", progKprobe, 0, takesTarget | autoAttach},
	{"usdt", "usdt+", progKprobe, 0, takesTarget | autoAttach},
	{"usdt.s", "usdt.s+", progKprobe, 0, takesTarget | sleepable | autoAttach},
	{"tc/ingress", "", progSchedCls, attachTcxIngress, 0},
	{"tc/egress", "", progSchedCls, attachTcxEgress, 0},
	{"tcx/ingress", "", progSchedCls, attachTcxIngress, 0},
	{"tcx/egress", "", progSchedCls, attachTcxEgress, 0},
	{"tc", "", progSchedCls, 0, 0},
	{"classifier", "", progSchedCls, 0, 0},
	{"action", "", progSchedAct, 0, 0},
	{"netkit/primary", "", progSchedCls, attachNetkitPrimary, 0},
	{"netkit/peer", "", progSchedCls, attachNetkitPeer, 0},
	{"tracepoint", "tracepoint+", progTracepoint, 0, takesTarget | autoAttach},
	{"tp", "tp+", progTracepoint, 0, takesTarget | autoAttach},
	{"tracepoint.s", "tracepoint.s+", progTracepoint, 0, takesTarget | sleepable | autoAttach},
	{"tp.s", "tp.s+", progTracepoint, 0, takesTarget | sleepable | autoAttach},
	{"raw_tracepoint", "raw_tracepoint+", progRawTracepoint, 0, takesTarget | autoAttach},
	{"raw_tp", "raw_tp+", progRawTracepoint, 0, takesTarget | autoAttach},
	{"raw_tracepoint.s", "raw_tracepoint.s+", progRawTracepoint, 0, takesTarget | sleepable | autoAttach},
	{"raw_tp.s", "raw_tp.s+", progRawTracepoint, 0, takesTarget | sleepable | autoAttach},
	{"raw_tracepoint.w", "raw_tracepoint.w+", progRawTracepointWritable, 0, takesTarget | autoAttach},
	{"raw_tp.w", "raw_tp.w+", progRawTracepointWritable, 0, takesTarget | autoAttach},
	{"tp_btf", "tp_btf+", progTracing, attachTraceRawTp, takesTarget | needsBTF | autoAttach},
	{"tp_btf.s", "tp_btf.s+", progTracing, attachTraceRawTp, takesTarget | needsBTF | sleepable | autoAttach},
	{"fentry", "fentry+", progTracing, attachTraceFentry, takesTarget | needsBTF | autoAttach},
	{"fmod_ret", "fmod_ret+", progTracing, attachModifyReturn, takesTarget | needsBTF | autoAttach},
	{"fexit", "fexit+", progTracing, attachTraceFexit, takesTarget | needsBTF | autoAttach},
	{"fentry.s", "fentry.s+", progTracing, attachTraceFentry, takesTarget | needsBTF | sleepable | autoAttach},
	{"fmod_ret.s", "fmod_ret.s+", progTracing, attachModifyReturn, takesTarget | needsBTF | sleepable | autoAttach},
	{"fexit.s", "fexit.s+", progTracing, attachTraceFexit, takesTarget | needsBTF | sleepable | autoAttach},
	{"fsession", "fsession+", progTracing, attachTraceFsession, takesTarget | needsBTF | autoAttach},
	{"fsession.s", "fsession.s+", progTracing, attachTraceFsession, takesTarget | needsBTF | sleepable | autoAttach},
	{"fsession.multi", "fsession.multi+", progTracing, attachTraceFsessionMulti, takesTarget | autoAttach},
	{"fsession.multi.s", "fsession.multi.s+", progTracing, attachTraceFsessionMulti, takesTarget | sleepable | autoAttach},
	{"fentry.multi", "fentry.multi+", progTracing, attachTraceFentryMulti, takesTarget | autoAttach},
	{"fexit.multi", "fexit.multi+", progTracing, attachTraceFexitMulti, takesTarget | autoAttach},
	{"fentry.multi.s", "fentry.multi.s+", progTracing, attachTraceFentryMulti, takesTarget | sleepable | autoAttach},
	{"fexit.multi.s", "fexit.multi.s+", progTracing, attachTraceFexitMulti, takesTarget | sleepable | autoAttach},
	{"freplace", "freplace+", progExt, 0, takesTarget | needsBTF | autoAttach},
	{"lsm", "lsm+", progLsm, attachLsmMac, takesTarget | needsBTF | autoAttach},
	{"lsm.s", "lsm.s+", progLsm, attachLsmMac, takesTarget | needsBTF | sleepable | autoAttach},
	{"lsm_cgroup", "lsm_cgroup+", progLsm, attachLsmCgroup, takesTarget | needsBTF},
	{"iter", "iter+", progTracing, attachTraceIter, takesTarget | needsBTF | autoAttach},
	{"iter.s", "iter.s+", progTracing, attachTraceIter, takesTarget | needsBTF | sleepable | autoAttach},
	{"syscall", "", progSyscall, 0, sleepable},
	{"xdp.frags/devmap", "", progXdp, attachXdpDevmap, xdpFrags},
	{"xdp/devmap", "", progXdp, attachXdpDevmap, attachable},
	{"xdp.frags/cpumap", "", progXdp, attachXdpCpumap, xdpFrags},
	{"xdp/cpumap", "", progXdp, attachXdpCpumap, attachable},
	{"xdp.frags", "", progXdp, attachXdp, xdpFrags},
	{"xdp", "", progXdp, attachXdp, attachOpt},
	{"perf_event", "", progPerfEvent, 0, 0},
	{"lwt_in", "", progLwtIn, 0, 0},
	{"lwt_out", "", progLwtOut, 0, 0},
	{"lwt_xmit", "", progLwtXmit, 0, 0},
	{"lwt_seg6local", "", progLwtSeg6local, 0, 0},
	{"sockops", "", progSockOps, attachCgroupSockOps, attachOpt},
	{"sk_skb/stream_parser", "", progSkSkb, attachSkSkbStreamParser, attachOpt},
	{"sk_skb/stream_verdict", "", progSkSkb, attachSkSkbStreamVerdict, attachOpt},
	{"sk_skb/verdict", "", progSkSkb, attachSkSkbVerdict, attachOpt},
	{"sk_skb", "", progSkSkb, 0, 0},
	{"sk_msg", "", progSkMsg, attachSkMsgVerdict, attachOpt},
	{"lirc_mode2", "", progLircMode2, attachLircMode2, attachOpt},
	{"flow_dissector", "", progFlowDissector, attachFlowDissector, attachOpt},
	{"cgroup_skb/ingress", "", progCgroupSkb, attachCgroupInetIngress, attachOpt},
	{"cgroup_skb/egress", "", progCgroupSkb, attachCgroupInetEgress, attachOpt},
	{"cgroup/skb", "", progCgroupSkb, 0, 0},
	{"cgroup/sock_create", "", progCgroupSock, attachCgroupInetSockCreate, attachable},
	{"cgroup/sock_release", "", progCgroupSock, attachCgroupInetSockRelease, attachable},
	{"cgroup/sock", "", progCgroupSock, attachCgroupInetSockCreate, attachOpt},
	{"cgroup/post_bind4", "", progCgroupSock, attachCgroupInet4PostBind, attachable},
	{"cgroup/post_bind6", "", progCgroupSock, attachCgroupInet6PostBind, attachable},
	{"cgroup/bind4", "", progCgroupSockAddr, attachCgroupInet4Bind, attachable},
	{"cgroup/bind6", "", progCgroupSockAddr, attachCgroupInet6Bind, attachable},
	{"cgroup/connect4", "", progCgroupSockAddr, attachCgroupInet4Connect, attachable},
	{"cgroup/connect6", "", progCgroupSockAddr, attachCgroupInet6Connect, attachable},
	{"cgroup/connect_unix", "", progCgroupSockAddr, attachCgroupUnixConnect, attachable},
	{"cgroup/sendmsg4", "", progCgroupSockAddr, attachCgroupUdp4Sendmsg, attachable},
	{"cgroup/sendmsg6", "", progCgroupSockAddr, attachCgroupUdp6Sendmsg, attachable},
	{"cgroup/sendmsg_unix", "", progCgroupSockAddr, attachCgroupUnixSendmsg, attachable},
	{"cgroup/recvmsg4", "", progCgroupSockAddr, attachCgroupUdp4Recvmsg, attachable},
	{"cgroup/recvmsg6", "", progCgroupSockAddr, attachCgroupUdp6Recvmsg, attachable},
	{"cgroup/recvmsg_unix", "", progCgroupSockAddr, attachCgroupUnixRecvmsg, attachable},
	{"cgroup/getpeername4", "", progCgroupSockAddr, attachCgroupInet4Getpeername, attachable},
	{"cgroup/getpeername6", "", progCgroupSockAddr, attachCgroupInet6Getpeername, attachable},
	{"cgroup/getpeername_unix", "", progCgroupSockAddr, attachCgroupUnixGetpeername, attachable},
	{"cgroup/getsockname4", "", progCgroupSockAddr, attachCgroupInet4Getsockname, attachable},
	{"cgroup/getsockname6", "", progCgroupSockAddr, attachCgroupInet6Getsockname, attachable},
	{"cgroup/getsockname_unix", "", progCgroupSockAddr, attachCgroupUnixGetsockname, attachable},
	{"cgroup/sysctl", "", progCgroupSysctl, attachCgroupSysctl, attachable},
	{"cgroup/getsockopt", "", progCgroupSockopt, attachCgroupGetsockopt, attachable},
	{"cgroup/setsockopt", "", progCgroupSockopt, attachCgroupSetsockopt, attachable},
	{"cgroup/dev", "", progCgroupDevice, attachCgroupDevice, attachOpt},
	{"struct_ops", "struct_ops+", progStructOps, 0, takesTarget},
	{"struct_ops.s", "struct_ops.s+", progStructOps, 0, takesTarget | sleepable},
	{"sk_lookup", "", progSkLookup, attachSkLookup, attachable},
	{"netfilter", "", progNetfilter, attachNetfilter, 0},
}

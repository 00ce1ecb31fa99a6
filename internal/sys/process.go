package sys

// Capabilities that decide what a loader may do (linux/capability.h).
const (
	CAP_NET_ADMIN    = 12
	CAP_SYS_ADMIN    = 21
	CAP_SYS_RESOURCE = 24
	CAP_SYSLOG       = 34
	CAP_PERFMON      = 38
	CAP_BPF          = 39
)

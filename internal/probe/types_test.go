package probe_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/probe"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/internal/testutil/fentry"
)

// needs is what a kernel must be to have a type: of a release ("" = 5.10) and
// built with options (include/linux/bpf_types.h).
type needs struct{ since, config string }

func (n needs) met(t *testing.T) bool {
	t.Helper()
	for _, o := range strings.Fields(n.config) {
		if !testutil.HasConfig(t, o) {
			return false
		}
	}
	return n.since == "" || testutil.KernelAtLeast(t, n.since)
}

// progNeeds has the types that not every kernel with a network has.
var progNeeds = map[sys.ProgType]needs{
	sys.BPF_PROG_TYPE_KPROBE:                  {config: "CONFIG_BPF_EVENTS"},
	sys.BPF_PROG_TYPE_TRACEPOINT:              {config: "CONFIG_BPF_EVENTS"},
	sys.BPF_PROG_TYPE_PERF_EVENT:              {config: "CONFIG_BPF_EVENTS"},
	sys.BPF_PROG_TYPE_RAW_TRACEPOINT:          {config: "CONFIG_BPF_EVENTS"},
	sys.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE: {config: "CONFIG_BPF_EVENTS"},
	sys.BPF_PROG_TYPE_TRACING:                 {config: "CONFIG_BPF_EVENTS CONFIG_DEBUG_INFO_BTF"},
	sys.BPF_PROG_TYPE_CGROUP_SKB:              {config: "CONFIG_CGROUP_BPF"},
	sys.BPF_PROG_TYPE_CGROUP_SOCK:             {config: "CONFIG_CGROUP_BPF"},
	sys.BPF_PROG_TYPE_CGROUP_SOCK_ADDR:        {config: "CONFIG_CGROUP_BPF"},
	sys.BPF_PROG_TYPE_CGROUP_DEVICE:           {config: "CONFIG_CGROUP_BPF"},
	sys.BPF_PROG_TYPE_CGROUP_SYSCTL:           {config: "CONFIG_CGROUP_BPF"},
	sys.BPF_PROG_TYPE_CGROUP_SOCKOPT:          {config: "CONFIG_CGROUP_BPF"},
	sys.BPF_PROG_TYPE_LIRC_MODE2:              {config: "CONFIG_BPF_LIRC_MODE2"},
	sys.BPF_PROG_TYPE_SK_REUSEPORT:            {config: "CONFIG_INET"},
	sys.BPF_PROG_TYPE_SK_LOOKUP:               {config: "CONFIG_INET"},
	sys.BPF_PROG_TYPE_STRUCT_OPS:              {config: "CONFIG_BPF_JIT CONFIG_DEBUG_INFO_BTF"},
	sys.BPF_PROG_TYPE_EXT:                     {config: "CONFIG_BPF_JIT CONFIG_DEBUG_INFO_BTF"},
	sys.BPF_PROG_TYPE_LSM:                     {config: "CONFIG_BPF_LSM CONFIG_DEBUG_INFO_BTF"},
	sys.BPF_PROG_TYPE_SYSCALL:                 {since: "5.14"},
	sys.BPF_PROG_TYPE_NETFILTER:               {"6.4", "CONFIG_NETFILTER_BPF_LINK"},
}

// mapNeeds is the same of maps.
var mapNeeds = map[sys.MapType]needs{
	sys.BPF_MAP_TYPE_PERF_EVENT_ARRAY:      {config: "CONFIG_PERF_EVENTS"},
	sys.BPF_MAP_TYPE_STACK_TRACE:           {config: "CONFIG_PERF_EVENTS"},
	sys.BPF_MAP_TYPE_CGROUP_ARRAY:          {config: "CONFIG_CGROUPS"},
	sys.BPF_MAP_TYPE_SOCKMAP:               {config: "CONFIG_INET CONFIG_BPF_STREAM_PARSER"},
	sys.BPF_MAP_TYPE_SOCKHASH:              {config: "CONFIG_INET CONFIG_BPF_STREAM_PARSER"},
	sys.BPF_MAP_TYPE_XSKMAP:                {config: "CONFIG_XDP_SOCKETS"},
	sys.BPF_MAP_TYPE_CGROUP_STORAGE:        {config: "CONFIG_CGROUP_BPF"},
	sys.BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE: {config: "CONFIG_CGROUP_BPF"},
	sys.BPF_MAP_TYPE_REUSEPORT_SOCKARRAY:   {config: "CONFIG_INET"},
	sys.BPF_MAP_TYPE_STRUCT_OPS:            {config: "CONFIG_BPF_JIT CONFIG_DEBUG_INFO_BTF"},
	sys.BPF_MAP_TYPE_INODE_STORAGE:         {config: "CONFIG_BPF_LSM"},
	sys.BPF_MAP_TYPE_TASK_STORAGE:          {since: "5.11"},
	sys.BPF_MAP_TYPE_BLOOM_FILTER:          {since: "5.16"},
	sys.BPF_MAP_TYPE_USER_RINGBUF:          {since: "6.1"},
	sys.BPF_MAP_TYPE_CGRP_STORAGE:          {"6.2", "CONFIG_CGROUPS"},
	sys.BPF_MAP_TYPE_ARENA:                 {since: "6.9"},
	sys.BPF_MAP_TYPE_INSN_ARRAY:            {since: "6.19"},
	sys.BPF_MAP_TYPE_RHASH:                 {since: "7.2"},
}

// answers checks what was learned of a type.
func answers(t *testing.T, what string, err error, have bool) {
	t.Helper()
	if have != (err == nil) || !have && !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%s: the kernel has it: %v, but the answer is %v", what, have, err)
	}
}

func TestTypesHere(t *testing.T) {
	testutil.NeedRoot(t)
	refused := !testutil.HasTrampolines(t, fentry.Try)
	before := systest.Take(systest.Watch{})
	for p := sys.BPF_PROG_TYPE_SOCKET_FILTER; p <= sys.BPF_PROG_TYPE_NETFILTER; p++ {
		err := probe.ProgType(p, 0)
		if errors.Is(err, sys.EPERM) && refused && (p == sys.BPF_PROG_TYPE_EXT || p == sys.BPF_PROG_TYPE_LSM) {
			continue // for trampolines, which the host forbids
		}
		answers(t, p.String(), err, progNeeds[p].met(t))
	}
	for m := sys.BPF_MAP_TYPE_HASH; m <= sys.BPF_MAP_TYPE_RHASH; m++ {
		if m == sys.BPF_MAP_TYPE_ARENA && strconv.IntSize == 32 {
			continue // by the kernel, which may have 64 bits
		}
		answers(t, m.String(), probe.MapType(m, 0), mapNeeds[m].met(t))
	}
	answers(t, "prandom", probe.Helper(sys.BPF_PROG_TYPE_XDP, sys.BPF_FUNC_get_prandom_u32, 0), true)
	answers(t, "map lookup", probe.Helper(sys.BPF_PROG_TYPE_XDP, sys.BPF_FUNC_map_lookup_elem, 0), true)
	for _, err := range []error{
		probe.ProgType(9999, 0), probe.MapType(9999, 0), probe.Helper(sys.BPF_PROG_TYPE_XDP, 9999, 0),
		probe.Helper(sys.BPF_PROG_TYPE_XDP, sys.BPF_FUNC_sk_redirect_map, 0),
		probe.Helper(9999, sys.BPF_FUNC_map_lookup_elem, 0),
	} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("got %v", err)
		}
	}
	if err := probe.Helper(sys.BPF_PROG_TYPE_LSM, 1, 0); err == nil || errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("helper of a type with targets: %v", err)
	}
	if diff := before.Diff(systest.Take(systest.Watch{})); len(diff) > 0 {
		t.Errorf("left behind: %v", diff)
	}
}

func TestTypesNotPermitted(t *testing.T) {
	systest.NewKernel(t)
	systest.Inject(t, systest.Fault{Cmd: systest.AnyCmd, N: 1, Rest: true, Errno: sys.EPERM})
	for _, err := range []error{
		probe.ProgType(sys.BPF_PROG_TYPE_XDP, 0), probe.Helper(sys.BPF_PROG_TYPE_XDP, 1, 0),
	} {
		if !errors.Is(err, sys.EPERM) || errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("got %v", err)
		}
	}
}

package testutil

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// Capabilities by number (linux/capability.h).
const (
	capSysAdmin = 21
	capPerfmon  = 38
	capBPF      = 39
)

// NeedRoot skips a test that takes root with all of its power: of the initial
// user namespace, as bpf(2) and mount(2) ask for, and with its capabilities.
// With SKEP_REQUIRE=1 it fails instead.
func NeedRoot(tb testing.TB) {
	tb.Helper()
	NeedLinux(tb)
	status, users := procSelf(tb, "status"), procSelf(tb, "uid_map")
	if why := notRoot(os.Geteuid(), status, users); why != "" {
		Privilege(tb, why)
	}
}

func procSelf(tb testing.TB, name string) string {
	tb.Helper()
	b, err := os.ReadFile("/proc/self/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

// notRoot says what a process lacks, of whose user, status and uid_map it is told.
func notRoot(euid int, status, users string) string {
	if euid != 0 {
		return "needs root"
	}
	// The initial namespace maps all ids to themselves (user_namespaces(7)).
	if f := strings.Fields(users); len(f) != 3 || f[0] != "0" || f[1] != "0" || f[2] != "4294967295" {
		return "needs root of the initial user namespace"
	}
	if !holds(status, capSysAdmin) {
		return "needs CAP_SYS_ADMIN"
	}
	return ""
}

// holds reports whether a process, of which /proc has status, has a capability
// in effect.
func holds(status string, capability uint) bool {
	for line := range strings.Lines(status) {
		if value, ok := strings.CutPrefix(line, "CapEff:"); ok {
			set, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			return err == nil && set>>capability&1 == 1
		}
	}
	return false
}

// notTracer says what a process lacks to load programs for tracing:
// CAP_SYS_ADMIN stands for both that were split off it in Linux 5.8.
func notTracer(status string) string {
	if holds(status, capSysAdmin) {
		return ""
	}
	for c, name := range map[uint]string{capBPF: "CAP_BPF", capPerfmon: "CAP_PERFMON"} {
		if !holds(status, c) {
			return fmt.Sprintf("needs %s", name)
		}
	}
	return ""
}

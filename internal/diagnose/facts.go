// Package diagnose finds out why the kernel refused something. It is asked
// only after a failure. It reads a few small files and makes at most two calls
// of bpf(2) and what Ask.Probe makes, leaves nothing behind, and does not
// fail: what it cannot find out is unknown.
package diagnose

import (
	"strconv"
	"strings"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/tree"
	"github.com/skepbpf/skep/internal/version"
	"github.com/skepbpf/skep/refusal"
)

// Caps is a set of capabilities: bit N is capability N of linux/capability.h.
type Caps uint64

// The capabilities that BPF asks for.
const (
	NetAdmin    Caps = 1 << sys.CAP_NET_ADMIN
	SysAdmin    Caps = 1 << sys.CAP_SYS_ADMIN
	SysResource Caps = 1 << sys.CAP_SYS_RESOURCE
	Syslog      Caps = 1 << sys.CAP_SYSLOG
	Perfmon     Caps = 1 << sys.CAP_PERFMON
	BPF         Caps = 1 << sys.CAP_BPF
)

var capNames = [...]struct {
	bit  Caps
	name string
}{
	{BPF, "CAP_BPF"}, {Perfmon, "CAP_PERFMON"}, {NetAdmin, "CAP_NET_ADMIN"},
	{SysAdmin, "CAP_SYS_ADMIN"}, {SysResource, "CAP_SYS_RESOURCE"}, {Syslog, "CAP_SYSLOG"},
}

// Names lists the set. Inlined, it has been 3 KB of the package.
//
//go:noinline
func (c Caps) Names() []string {
	var names []string
	for _, n := range capNames {
		if c&n.bit != 0 {
			names = append(names, n.name)
		}
	}
	return names
}

// facts reads what is known of this process and kernel, each fact when it is
// asked for.
type facts struct{ root tree.Root }

func (f facts) small(name string) string {
	s, err := kernel.ReadSmall(f.root, name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(s)
}

// caps are the effective capabilities of the calling thread.
func (f facts) caps() (Caps, bool) {
	_, rest, ok := strings.Cut(f.small("proc/thread-self/status"), "\nCapEff:")
	if !ok {
		c, err := sys.Capabilities() // no procfs
		return Caps(c), err == nil
	}
	line, _, _ := strings.Cut(rest, "\n")
	c, err := strconv.ParseUint(strings.TrimSpace(line), 16, 64)
	return Caps(c), err == nil
}

// foreign reports whether the process is known to be in another user namespace
// than the initial one. A namespace that maps every user to itself looks like
// the initial one.
func (f facts) foreign() bool {
	m := bin.Fields(f.small("proc/self/uid_map"))
	return len(m) > 0 && (len(m) != 3 || m[0] != "0" || m[1] != "0" || m[2] != "4294967295")
}

// release is the kernel's version, or zero if it cannot be known.
func (f facts) release() version.V {
	v, err := kernel.Version(f.root)
	if err != nil {
		return version.V{}
	}
	return v
}

// before reports whether the kernel is known to be older than v.
func (f facts) before(major, minor uint16) bool {
	r := f.release()
	return r != version.V{} && !r.AtLeast(version.V{Major: major, Minor: minor})
}

// sysctl is the value of a sysctl, "" if it cannot be read.
//
//go:noinline
func (f facts) sysctl(name string) string { return f.small("proc/sys/" + name) }

// lockdown is the level that is in force: "none", "integrity",
// "confidentiality", or "" where there is no lockdown.
func (f facts) lockdown() string {
	_, rest, ok := strings.Cut(f.small("sys/kernel/security/lockdown"), "[")
	if !ok {
		return ""
	}
	level, _, _ := strings.Cut(rest, "]")
	return level
}

// Addresses says why the kernel hides its addresses, and all that could tell
// them, from this process (kernel/kallsyms.c, kallsyms_show_value).
func Addresses(root tree.Root) error {
	f := facts{root}
	v := f.sysctl("kernel/kptr_restrict")
	held, ok := f.caps()
	switch {
	case ok && v != "" && v != "0" && v != "1":
		return &refusal.Error{Cause: refusal.Hidden, Detail: v}
	case ok && held&Syslog == 0:
		return &refusal.Error{Cause: refusal.Capability, Caps: Syslog.Names()}
	case ok && f.foreign():
		return &refusal.Error{Cause: refusal.UserNamespace, Caps: Syslog.Names()}
	}
	return &refusal.Error{}
}

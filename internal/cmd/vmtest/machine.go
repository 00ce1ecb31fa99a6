package main

import (
	"fmt"
	"slices"
	"strings"
)

// arch is what differs between architectures.
type arch struct {
	name    string // as Debian and Go call it
	flavour string // what the names of kernel packages end in
	qemu    []string
	console string   // the kernel's name of the serial console
	pkg     string   // Debian package with QEMU
	unpack  bool     // boot the ELF file inside the image
	params  string   // of the kernel, more of them
	env     []string // of the tests, more of it

	// Debian builds its kernel without BTF: it is made of the headers.
	kernelBTF bool
}

// serial goes to standard output; QEMU's own options keep it from reading a
// configuration or making devices that nobody asked for.
var serial = []string{"-serial", "stdio"}

var arches = map[string]*arch{
	"amd64": {
		name: "amd64", flavour: "cloud-amd64", console: "ttyS0", pkg: "qemu-system-x86", unpack: true,
		// On a busy host the kernel waits in vain for ticks of its timer, and
		// panics: "IO-APIC + timer doesn't work".
		params: " no_timer_check",
		qemu:   append([]string{"qemu-system-x86_64", "-M", "q35", "-cpu", "max"}, serial...),
	},
	"arm64": {
		name: "arm64", flavour: "cloud-arm64", console: "ttyAMA0", pkg: "qemu-system-arm",
		qemu: append([]string{"qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a57"}, serial...),
	},
	"s390x": {
		name: "s390x", flavour: "s390x", console: "ttysclp0", pkg: "qemu-system-misc", kernelBTF: true,
		// A signal that comes while Linux 6.1 steps over the instruction under a
		// uprobe has its handler run in the zeros between functions, and
		// SIGILL ends the process (seen with SIGURG in register 2). Go sends
		// that signal to preempt goroutines.
		env: []string{"GODEBUG=asyncpreemptoff=1"},
		qemu: []string{"qemu-system-s390x", "-M", "s390-ccw-virtio", "-cpu", "max",
			"-chardev", "stdio,id=c0", "-device", "sclpconsole,chardev=c0"},
	},
}

// target is a kernel of the matrix: the newest point release of a series.
type target struct {
	name   string // for -kernel
	arch   string
	series string // "6.12", or "7" for the newest 7.x
}

// targets are in the order of a whole run.
var targets = []target{
	{"6.12", "amd64", "6.12"},
	{"6.1", "amd64", "6.1"},
	{"5.10", "amd64", "5.10"},
	{"6.x", "amd64", "6"},
	{"7.x", "amd64", "7"},
	{"arm64", "arm64", "6.12"},
	{"s390x", "s390x", "6.1"},
}

// findTargets takes the value of -kernel: names, series such as "6.18", "all"
// or "x86" for those of this architecture.
func findTargets(list string) ([]target, error) {
	var out []target
	for name := range strings.SplitSeq(list, ",") {
		switch i := slices.IndexFunc(targets, func(t target) bool { return t.name == name }); {
		case i >= 0:
			out = append(out, targets[i])
		case name == "all":
			out = append(out, targets...)
		case name == "x86":
			out = append(out, slices.DeleteFunc(slices.Clone(targets), func(t target) bool { return t.arch != "amd64" })...)
		case isSeries(name):
			out = append(out, target{name, "amd64", name})
		default:
			return nil, fmt.Errorf("no kernel %q: want all, x86, a series such as 6.12, or one of %s", name, targetNames())
		}
	}
	return out, nil
}

func isSeries(s string) bool {
	return s != "" && strings.Trim(s, "0123456789.") == "" && s[0] != '.' && s[len(s)-1] != '.'
}

func targetNames() string {
	var names []string
	for _, t := range targets {
		names = append(names, t.name)
	}
	return strings.Join(names, ", ")
}

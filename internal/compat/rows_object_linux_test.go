package compat

import (
	"runtime"
	"testing"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/prog"
)

func isOwn(_ *testing.T, o *outcome, got uint64) bool { return got == uint64(o.PID) }

func some(_ *testing.T, _ *outcome, got uint64) bool { return got > 0 }

// since is the first kernel whose JIT compiler for this architecture knows something.
func since(amd64, arm64 string) string {
	switch runtime.GOARCH {
	case "amd64":
		return amd64
	case "arm64":
		return arm64
	}
	return "999.0"
}

const marks = "libbpf forgets the mark (?) of a section behind the first of its maps, which are then on"

var (
	jit    = []string{"CONFIG_BPF_JIT"}
	jitBTF = []string{"CONFIG_BPF_JIT", kernelBTF}
)

// ops is a row of a TCP congestion control that is used.
func ops(rule, object, name string, vars map[string]any, options ...string) claim {
	return claim{rule: "struct_ops: " + rule, object: object, options: options, steps: []string{"congest:" + name}, want: []any{0},
		vars: vars, kernel: since("5.13", "6.3"), config: jitBTF}
}

// structOpsRows, arenas and jump tables.
var structOpsRows = []claim{
	ops("members by name, in any order", "structops", "skep_cc", map[string]any{"avoids": some, "inits": some},
		"off=skep_later", "off=skep_unknown", "off=skep_spare"),
	func() claim {
		c := ops("several that are off", "structops", "skep_cc", map[string]any{"avoids": some})
		c.libbpf = marks
		return c
	}(),
	func() claim {
		c := ops("of a kernel to come, with a program for what is missing", "structops", "skep_later", map[string]any{"avoids": some, "futures": 0},
			"on=skep_later", "off=skep_cc", "off=skep_unknown", "off=skep_spare")
		c.libbpf = lostMember
		return c
	}(),
	{rule: "struct_ops: set, and missing in the kernel", object: "structops_shapes", options: []string{"on=skep_future", "off=skep_nested", "off=skep_bits", "off=skep_linked"},
		fails: "member future is set, and the kernel has no such member", kernel: "5.13", config: jitBTF},
	ops("with structs in it, of which one is missing and zero", "structops_shapes", "skep_nested", map[string]any{"avoids": some}, "on=skep_nested", "off=skep_future", "off=skep_bits", "off=skep_linked"),
	{rule: "struct_ops: bit fields", object: "structops_shapes", options: []string{"on=skep_bits", "off=skep_future", "off=skep_nested", "off=skep_linked"},
		fails: "bit fields cannot be set", kernel: "6.4", config: jitBTF},
	{rule: "struct_ops: unknown to the kernel", object: "structops", options: []string{"on=skep_unknown", "off=skep_cc", "off=skep_later", "off=skep_spare"},
		fails: "bpf_struct_ops_no_such_ops", kernel: "5.13", config: jitBTF},
	func() claim {
		c := ops("attached by a link", "structops_link", "skep_link", map[string]any{"first_inits": some}, "off=second")
		c.kernel = since("6.4", "6.4")
		return c
	}(),
	func() claim {
		c := ops("by a link, and off", "structops_shapes", "skep_linked", map[string]any{"avoids": some}, "on=skep_linked", "off=skep_bits", "off=skep_future", "off=skep_nested")
		c.kernel = since("6.4", "6.4")
		return c
	}(),

	{rule: "arena: pointers and variables", object: "arena", steps: []string{"ctx:sum:", "ctx:allocate:"}, want: []any{42, 0},
		kernel: since("6.9", "6.10"), config: jitBTF},
	{rule: "arena: at a fixed address, variables where the kernel can reach them", object: "arena_at", steps: []string{"ctx:where:"},
		want: []any{func(t *testing.T) uint32 {
			if testutil.KernelAtLeast(t, "7.0") { // offsets of wide loads have all their range
				return 15
			}
			return 0
		}}, kernel: since("6.9", "6.10"), config: jitBTF},
	{rule: "jump tables", object: "jumptable", steps: []string{"ctx:jump:0300000000000000", "ctx:jump:1000000000000000", "ctx:jump:1f00000000000000", "ctx:jump:2000000000000000"},
		want: []any{1329, 11, 161, 99}, kernel: since("6.19", "7.0"), config: jit},
}

// objectRows are what objects may hold.
var objectRows = []claim{
	{rule: "weak maps, functions and variables", object: "weakmaps", steps: []string{"packet:count", "packet:count"}, want: []any{1, 2}},
	{rule: "sections .bss.X, .data.X, .rodata.X", object: "globals", steps: []string{"packet:count", "packet:read_back"}, want: []any{int(55 + 1000 + 's'), 1},
		vars: map[string]any{"scratch": 3 + 9 + 42 - 7, "hits": 1}},
	{rule: "bpftool gen object: static functions and variables of one name", object: "linked", steps: []string{"packet:prog_a", "packet:prog_b"}, want: []any{51, 156}},
	{rule: "bpftool gen object: tables of maps and programs", object: "linkmaps", steps: []string{"packet:enter_a", "packet:enter_b", "packet:enter_a"}, want: []any{3, 4, 6}},
	{rule: "programs that are off", object: "off", steps: []string{"packet:starts_on", "none:starts_off"}, want: []any{1, 1}},
	{rule: "a program that is off, turned on", object: "off", options: []string{"+starts_off"}, steps: []string{"packet:starts_off", "none:starts_on"}, want: []any{0, 1}},
	{rule: "BTF.ext without a header for CO-RE", object: "btfext", steps: []string{"packet:answer"}, want: []any{102}},
	{rule: "lists of allocated objects", object: "lists", steps: []string{"packet:in_order"}, want: []any{1230}, kernel: "6.6", config: jitBTF},
	{rule: "trees of allocated objects", object: "rbtree", steps: []string{"packet:in_order"}, want: []any{3580}, kernel: "6.6", config: jitBTF},
	{rule: "pointers to allocated objects", object: "kptr", steps: []string{"packet:stash", "packet:take", "packet:take"}, want: []any{77, 78, 0}, kernel: "6.6", config: jitBTF},
	{rule: "timers", object: "timer", steps: []string{"packet:arm", "until:fired"}, want: []any{0, 35}, kernel: "5.15", config: jit},
	{rule: "work queues", object: "wq", steps: []string{"packet:start", "until:done"}, want: []any{0, 46}, kernel: "6.10", config: jitBTF},
	{rule: "spin locks", object: "fields", steps: []string{"packet:add", "packet:arm"}, want: []any{0, 0}, kernel: "5.15", config: jit},
	{rule: "exceptions with a callback", object: "exceptions", steps: []string{"packet:throws"}, want: []any{42}, kernel: since("6.7", "6.9"), config: jitBTF},
	{rule: "one program at a function's entry and return", object: "fsession", options: []string{"+on_session"}, steps: []string{"attach:on_session"}, want: []any{0},
		kernel: "7.2", config: jitBTF, hooks: true},
	{rule: "security hooks of a cgroup", object: "lsmcgroup", options: []string{"+on_connect"}, steps: []string{"none:on_connect"}, want: []any{0},
		kernel: "6.0", config: []string{"CONFIG_BPF_LSM", kernelBTF}, hooks: true},
	{rule: "contexts by declaration tag", object: "argctx", steps: []string{"packet:by_tag", "packet:by_tag_too"}, want: []any{90, 50}, config: []string{kernelBTF}},
	{rule: "hidden and static functions", object: "subprogs", steps: []string{"packet:uses_none", "packet:uses_one"}, want: []any{50, 2500}},
	{rule: "callbacks", object: "callbacks", steps: []string{"packet:each_index", "packet:each_elem"}, want: []any{90, 0}, kernel: "5.17", config: jit},
	{rule: "maps in maps and tables of programs", object: "mapinmap", steps: []string{"packet:entry:66", "packet:entry:67", "packet:entry:68"}, want: []any{1, 0, 2}},
	{rule: "ring buffers rounded up to pages", object: "ringbuf", steps: []string{"packet:emit", "packet:emit_quiet"}, want: []any{1, 1}},
	{rule: "instructions of -mcpu=v4", object: "isa4", steps: []string{"packet:signed_math"}, want: []any{0}, kernel: since("6.6", "6.7"), config: jit},
	{rule: "the fields of a map's definition", object: "maptypes", steps: []string{"packet:use"}, want: []any{0}, kernel: "5.16"},
	{rule: "variables of each CPU", object: "percpu", steps: []string{"packet:count"}, want: []any{8}, kernel: "7.3"},
}

// reverseRows are what libbpf does not load, and others do.
var reverseRows = []claim{
	{rule: "reverse: a static function in a section of its own", object: "staticprog", options: []string{"+quiet"}, steps: []string{"packet:quiet"}, want: []any{100},
		libbpf: "it refuses an object with such a function"},
	{rule: "reverse: a kernel function is missing that others call", object: "kfunc_bad", options: []string{"+needs_none"}, steps: []string{"packet:needs_none"}, want: []any{5},
		libbpf: "it resolves the externs of the whole object", config: []string{kernelBTF}},
	{rule: "reverse: a kernel function is missing that only dead code calls", object: "prune_absent", hand: (*skep.Spec).Prune,
		steps: []string{"packet:guarded"}, want: []any{3}, libbpf: "it resolves externs before it is known what is dead", config: []string{kernelBTF}},
	{rule: "reverse: an option is missing that others use", object: "kconfig_strong", options: []string{"+needs_none"}, steps: []string{"packet:needs_none"}, want: []any{nil},
		libbpf: "it resolves the externs of the whole object"},
	{rule: "reverse: a variable has another type for others", object: "ksym_other_type", options: []string{"+none"}, steps: []string{"ctx:none:"}, want: []any{0},
		libbpf: "it resolves the externs of the whole object", config: []string{kernelBTF}},
	{rule: "reverse: maps of before BTF", object: "legacy", steps: []string{"packet:count"}, want: []any{0}, libbpf: "it dropped the section maps"},
	{rule: "reverse: section xdp/lo", object: "sections", options: []string{"+device"}, steps: []string{"packet:device"}, want: []any{3},
		libbpf: "no entry of its table matches"},
	{rule: "reverse: section socket1", object: "sections", options: []string{"+numbered"}, steps: []string{"packet:numbered"}, want: []any{50},
		hand:   func(s *skep.Spec) { s.Programs["numbered"].Type = prog.SocketFilter },
		libbpf: "no entry of its table matches, and the oracle sets no type"},
	{rule: "reverse: section kprobe_sys_bpf", object: "sections", options: []string{"+underscore"}, steps: []string{"none:underscore"}, want: []any{0},
		hand:   func(s *skep.Spec) { s.Programs["underscore"].Type = prog.Kprobe },
		libbpf: "no entry of its table matches, and the oracle sets no type"},
	{rule: "reverse: a ring buffer with a type for its values", object: "ringvalue", steps: []string{"packet:emit"}, want: []any{16},
		libbpf: "it passes the value's size on, and the kernel wants none", kernel: "5.8"},
	{rule: "reverse: a map of CPUs without a size", object: "cpumap", steps: []string{"packet:redirect"}, want: []any{1},
		libbpf: "it passes 0 on, and the kernel wants a size"},
	{rule: "reverse: maps that are static", object: "staticmap", steps: []string{"packet:count", "packet:count", "packet:through"}, want: []any{1, 2, 7},
		libbpf: "it wants global linkage"},
	{rule: "reverse: a table names a program that is off", object: "linkmaps", options: []string{"+enter_a"}, steps: []string{"packet:enter_a"}, want: []any{0},
		libbpf: "it fails to fill the slot"},
	{rule: "reverse: a table of programs in the same object, one off", object: "mapinmap", options: []string{"+entry", "+tail_two"},
		steps: []string{"packet:entry:66", "packet:entry:68"}, want: []any{0, 2}, libbpf: "it fails to fill the slot"},
}

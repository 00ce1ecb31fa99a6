package compat

import (
	"strconv"
	"testing"

	"github.com/skepbpf/skep/internal/kernel"
)

// versionCode is LINUX_VERSION_CODE, with what distributions know better.
func versionCode(t *testing.T) uint32 {
	t.Helper()
	v, err := kernel.Version(kernel.FS("/"))
	if err != nil {
		t.Fatal(err)
	}
	return v.Code()
}

// isOption compares with a number of the kernel's own configuration.
func isOption(name string) func(*testing.T, *outcome, uint64) bool {
	return func(t *testing.T, _ *outcome, got uint64) bool {
		t.Helper()
		root := kernel.FS("/")
		release, err := kernel.Release(root)
		if err != nil {
			t.Fatal(err)
		}
		text, _, err := kernel.ReadConfig(root, release)
		if err != nil {
			t.Fatal(err)
		}
		return strconv.FormatUint(got, 10) == kernel.ParseConfig(text, []string{name})[name]
	}
}

// isAddress compares with /proc/kallsyms.
func isAddress(name string) func(*testing.T, *outcome, uint64) bool {
	return func(t *testing.T, _ *outcome, got uint64) bool {
		t.Helper()
		syms, err := kernel.ReadSymbols(kernel.FS("/"), []string{name}, kernel.ScanAll)
		if err != nil {
			t.Fatal(err)
		}
		return got != 0 && got == syms.Found[name].Addr
	}
}

// isCPUs compares with the number of possible CPUs.
func isCPUs(t *testing.T, _ *outcome, got uint64) bool {
	t.Helper()
	n, err := kernel.PossibleCPUs(kernel.FS("/"))
	if err != nil {
		t.Fatal(err)
	}
	return got == uint64(n)
}

// kcfg is a row of one type of .kconfig extern: program, the line of the
// configuration, and what it becomes.
func kcfg(program, value string, want int64) claim {
	return kconfigRow("kconfig: "+program+" of "+value, program, value, claim{steps: []string{"packet:" + program}, want: []any{want}})
}

// badKcfg is one that is refused.
func badKcfg(program, value, fails string) claim {
	return kconfigRow("kconfig: "+program+" of "+value+" is refused", program, value, claim{fails: fails})
}

var kconfigOptions = map[string]string{
	"boolean": "BOOL", "tristate": "TRISTATE", "character": "CHAR", "s8": "S8", "u8": "U8", "s16": "S16", "u16": "U16",
	"s32": "S32", "u32": "U32", "s64": "S64", "u64": "U64", "string": "STRING",
}

func kconfigRow(rule, program, value string, c claim) claim {
	c.rule, c.object = rule, "kconfig_each"
	c.options = []string{"+" + program, "kconfig=CONFIG_SKEP_" + kconfigOptions[program] + "=" + value + "\n"}
	return c
}

const (
	kernelBTF = "CONFIG_DEBUG_INFO_BTF"
	notFit    = "does not fit"
)

// externRows are the externs of .kconfig and .ksyms.
var externRows = []claim{
	{rule: "virtual: LINUX_KERNEL_VERSION", object: "virtual", steps: []string{"packet:version"}, want: []any{versionCode}},
	{rule: "virtual: LINUX_HAS_BPF_COOKIE", object: "virtual", steps: []string{"packet:cookie"}, want: []any{1}, kernel: "5.15"},
	{rule: "virtual: LINUX_HAS_SYSCALL_WRAPPER", object: "virtual", steps: []string{"packet:wrapper"}, want: []any{1},
		config: []string{"CONFIG_KPROBES"}}, // libbpf asks by a kprobe
	{rule: "virtual: LINUX_KERNEL_VERSION weak", object: "virtual_weak", steps: []string{"packet:version"}, want: []any{versionCode}},
	{rule: "virtual: LINUX_HAS_BPF_COOKIE weak", object: "virtual_weak", steps: []string{"packet:cookie"}, want: []any{1}, kernel: "5.15"},
	{rule: "virtual: LINUX_HAS_SYSCALL_WRAPPER weak", object: "virtual_weak", steps: []string{"packet:wrapper"}, want: []any{1},
		config: []string{"CONFIG_KPROBES"}},
	{rule: "virtual: unknown and weak", object: "kconfig_types", options: []string{"kconfig=CONFIG_SKEP_S32=-3\n"},
		steps: []string{"packet:types"}, want: []any{1}}, // its value: TestRunKconfigTypes

	{rule: "CONFIG_: the kernel's own", object: "kconfig", steps: []string{"packet:read_config"}, want: []any{nil},
		vars: map[string]any{"seen_hz": isOption("CONFIG_HZ")}, config: []string{"CONFIG_BPF_JIT"}},
	{rule: "CONFIG_: the text given goes first", object: "kconfig", options: []string{"kconfig=CONFIG_HZ=1234\n"},
		steps: []string{"packet:read_config"}, want: []any{nil}, vars: map[string]any{"seen_hz": 1234}, config: []string{"CONFIG_BPF_JIT"}},
	{rule: "CONFIG_: missing and weak", object: "kconfig", steps: []string{"packet:read_config"}, want: []any{nil},
		vars: map[string]any{"seen_absent": 0}, config: []string{"CONFIG_BPF_JIT"}},
	{rule: "CONFIG_: missing and strong", object: "kconfig_strong", options: []string{"+needs_absent"}, fails: "extern CONFIG_SKEP_ABSENT: not set"},
	{rule: "CONFIG_: strong, and the text has it", object: "kconfig_strong", options: []string{"+needs_absent", "kconfig=CONFIG_SKEP_ABSENT=5\n"},
		steps: []string{"packet:needs_absent"}, want: []any{5}},

	kcfg("boolean", "y", 1), kcfg("boolean", "n", 0), badKcfg("boolean", "m", "CONFIG_SKEP_BOOL"), badKcfg("boolean", "1", "CONFIG_SKEP_BOOL"),
	kcfg("tristate", "n", 0), kcfg("tristate", "y", 1), kcfg("tristate", "m", 2), badKcfg("tristate", "2", "CONFIG_SKEP_TRISTATE"),
	kcfg("character", "y", 'y'), kcfg("character", "m", 'm'), kcfg("character", "65", 'A'), badKcfg("character", "128", notFit),
	kcfg("s8", "-128", -128), badKcfg("s8", "128", notFit),
	kcfg("u8", "255", 255), badKcfg("u8", "256", notFit), badKcfg("u8", "-1", notFit),
	kcfg("s16", "-32768", -32768), badKcfg("s16", "-32769", notFit),
	kcfg("u16", "65535", 65535), badKcfg("u16", "65536", notFit),
	kcfg("s32", "-2147483648", -2147483648), badKcfg("s32", "2147483648", notFit),
	kcfg("u32", "0xffffffff", 0xffffffff), kcfg("u32", "010", 8), badKcfg("u32", "4294967296", notFit),
	kcfg("s64", "-9223372036854775807", 1), kcfg("u64", "18446744073709551615", 0xffffffff), badKcfg("u64", "18446744073709551616", "CONFIG_SKEP_U64"),
	{rule: "kconfig: 64 bits, upper halves", object: "kconfig_each",
		options: []string{"+upper", "kconfig=CONFIG_SKEP_S64=-0x8000000000000000\nCONFIG_SKEP_U64=0xffffffff00000000\n"},
		steps:   []string{"packet:upper"}, want: []any{0x7fffffff}},
	kcfg("string", `"abc"`, 'a'<<24|'b'<<16), kcfg("string", `"abcdefg"`, 'a'<<24|'b'<<16|'d'<<8), badKcfg("string", "y", "CONFIG_SKEP_STRING"),

	{rule: "ksym: typeless", object: "ksyms", options: []string{"+typeless"}, steps: []string{"ctx:typeless:"}, want: []any{0},
		vars: map[string]any{"text_addr": isAddress("schedule")}, kernel: "6.2"},
	{rule: "ksym: typeless, missing and weak", object: "ksyms", options: []string{"+typeless"}, steps: []string{"ctx:typeless:"}, want: []any{0},
		vars: map[string]any{"absent_addr": 0}, kernel: "6.2"},
	{rule: "ksym: typeless, missing and strong", object: "ksym_made", fails: "extern skep_symbol: not among the kernel's symbols"},
	{rule: "ksym: as /proc/kallsyms has it", object: "ksym_made", symbols: "ffffffff12345678 D skep_symbol\n", steps: []string{"packet:low"}, want: []any{0x12345678}},
	{rule: "ksym: with the suffix of a linker", object: "ksym_made", symbols: "ffffffff12345678 d skep_symbol.llvm.1234\n",
		steps: []string{"packet:low"}, want: []any{0x12345678}},
	{rule: "ksym: twice at one address", object: "ksym_made", symbols: "ffffffff12345678 D skep_symbol\nffffffff12345678 d skep_symbol\n",
		steps: []string{"packet:low"}, want: []any{0x12345678}},
	{rule: "ksym: at two addresses", object: "ksym_made", symbols: "ffffffff12345678 d skep_symbol\nffffffff12345680 d skep_symbol\n",
		fails: "ambiguous: several symbols have this name"},
	{rule: "ksym: typed, per CPU", object: "ksyms_typed", options: []string{"+per_cpu", "+this_cpu"}, steps: []string{"ctx:per_cpu:", "ctx:this_cpu:"},
		want: []any{0, 0}, vars: map[string]any{"running": func(_ *testing.T, _ *outcome, n uint64) bool { return n < 10000 }},
		kernel: "6.1", config: []string{kernelBTF, "CONFIG_KALLSYMS_ALL"}},
	{rule: "ksym: typed, missing and weak", object: "ksyms", options: []string{"+typed_absent"}, steps: []string{"ctx:typed_absent:"}, want: []any{0},
		vars: map[string]any{"seen": 0}, kernel: "6.2", config: []string{kernelBTF}},
	{rule: "ksym: typed, missing and strong", object: "kfunc_bad", options: []string{"+absent_variable"}, fails: "var skep_absent_variable: not found in kernel BTF",
		config: []string{kernelBTF}},
	{rule: "ksym: typed otherwise", object: "ksym_other_type", options: []string{"+other_type"},
		fails: "var of vmlinux is another than the object declares: int, not const long[2]", kernel: "6.1", config: []string{kernelBTF}},
	{rule: "ksym: typed, of a module", object: "ksyms_module", steps: []string{"ctx:per_cpu:"}, want: []any{0}, vars: map[string]any{"cpus": isCPUs},
		kernel: "6.12", config: []string{kernelBTF, "CONFIG_KALLSYMS_ALL", "CONFIG_NETFILTER_XTABLES"}},

	{rule: "kfunc: called, in a subprogram too", object: "kfunc", options: []string{"+called"}, steps: []string{"packet:called"}, want: []any{11},
		kernel: "6.4", config: []string{kernelBTF}},
	{rule: "kfunc: flavours; weak and missing, or incompatible", object: "kfunc", options: []string{"+exists"}, steps: []string{"packet:exists"}, want: []any{3},
		kernel: "6.4", config: []string{kernelBTF}},
	{rule: "kfunc: weak, missing, and called", object: "kfunc", options: []string{"+poisoned"},
		fails: "kfunc skep_absent_kfunc: func skep_absent_kfunc: not found", kernel: "6.4", config: []string{kernelBTF}},
	{rule: "kfunc: incompatible", object: "kfunc_bad", options: []string{"+wrong_type"}, fails: "it takes 0 parameters, not 1",
		kernel: "6.4", config: []string{kernelBTF}},
	{rule: "kfunc: missing and strong", object: "kfunc_bad", options: []string{"+absent_func"}, fails: "func skep_absent_kfunc: not found in kernel BTF",
		kernel: "6.4", config: []string{kernelBTF}},
	{rule: "kfunc: with types of its own", object: "kfunc", options: []string{"+cpumask", "+task"}, steps: []string{"attach:cpumask", "attach:task"}, want: []any{0, 0},
		vars: map[string]any{"bits": 1}, kernel: "6.4", config: []string{kernelBTF}},
	{rule: "kfunc: of what may be a module", object: "conntrack", steps: []string{"packet:makes", "packet:finds_none", "packet:finds_symbol"}, want: []any{3, 3, 0},
		vars: map[string]any{"address": isAddress("nf_conntrack_find_get")}, kernel: "6.4", config: []string{kernelBTF, "CONFIG_NF_CONNTRACK"}},
}

// Package require tells which release of Linux brought what objects use: types,
// helpers, flags, instructions. It knows mainline alone:
// distributions bring parts to older kernels, and configurations leave parts
// out of newer ones.
package require

// Since is a mainline release such as "5.8"; "" is not known.
type Since string

// from says that everything from a number up to the next row's came with one
// release. The kernel's enumerations only grow, so rows grow in both columns.
type from struct {
	first   uint32
	release Since
}

// of finds the row of n.
func of(table []from, n uint32) Since {
	var s Since
	for _, f := range table {
		if f.first > n {
			break
		}
		s = f.release
	}
	return s
}

// helpers: enum bpf_func_id. The list is closed.
var helpers = []from{
	{1, "3.19"}, {4, "4.1"}, {12, "4.2"}, {17, "4.3"}, {23, "4.4"}, {26, "4.5"}, {27, "4.6"}, {31, "4.8"}, {37, "4.9"},
	{42, "4.10"}, {45, "4.11"}, {46, "4.12"}, {48, "4.13"}, {51, "4.14"}, {54, "4.15"}, {58, "4.16"}, {60, "4.17"},
	{65, "4.18"}, {81, "4.19"}, {84, "4.20"}, {91, "5.0"}, {93, "5.1"}, {99, "5.2"}, {109, "5.3"}, {111, "5.5"}, {116, "5.6"},
	{119, "5.7"}, {125, "5.8"}, {136, "5.9"}, {142, "5.10"}, {156, "5.11"}, {163, "5.12"}, {164, "5.13"}, {166, "5.14"},
	{169, "5.15"}, {176, "5.16"}, {180, "5.17"}, {186, "5.18"}, {194, "5.19"}, {204, "6.0"}, {208, "6.1"}, {210, "6.2"}, {212, ""},
}

// Helper of a number of enum bpf_func_id.
func Helper(id int32) Since { return of(helpers, uint32(max(id, 0))) }

// progTypes: enum bpf_prog_type.
var progTypes = []from{
	{1, "3.19"}, {2, "4.1"}, {5, "4.7"}, {6, "4.8"}, {7, "4.9"}, {8, "4.10"}, {13, "4.13"}, {14, "4.14"}, {15, "4.15"}, {16, "4.17"},
	{19, "4.18"}, {21, "4.19"}, {22, "4.20"}, {23, "5.2"}, {25, "5.3"}, {26, "5.5"}, {27, "5.6"}, {29, "5.7"}, {30, "5.9"},
	{31, "5.14"}, {32, "6.4"}, {33, ""},
}

// ProgType of a number of enum bpf_prog_type.
func ProgType(t uint32) Since { return of(progTypes, t) }

// attachTypes: enum bpf_attach_type.
var attachTypes = []from{
	{0, "4.10"}, {3, "4.13"}, {4, "4.14"}, {6, "4.15"}, {7, "4.17"}, {14, "4.18"}, {17, "4.20"}, {18, "5.2"}, {21, "5.3"},
	{23, "5.5"}, {26, "5.7"}, {28, "5.8"}, {34, "5.9"}, {38, "5.13"}, {39, "5.14"}, {41, "5.15"}, {42, "5.18"}, {43, "6.0"},
	{44, "6.4"}, {46, "6.6"}, {49, "6.7"}, {56, "6.10"}, {57, "6.13"}, {58, "7.0"}, {59, "7.2"}, {62, ""},
}

// AttachType of a number of enum bpf_attach_type.
func AttachType(t uint32) Since { return of(attachTypes, t) }

// AttachOf is AttachType, for programs of a type. SK_REUSEPORT_SELECT is what
// their type did before it had attach types (Linux 4.19).
func AttachOf(progType, t uint32) Since {
	if progType == 21 && t == 39 {
		return ProgType(progType)
	}
	return AttachType(t)
}

// mapTypes: enum bpf_map_type.
var mapTypes = []from{
	{1, "3.19"}, {3, "4.2"}, {4, "4.3"}, {5, "4.6"}, {8, "4.8"}, {9, "4.10"}, {11, "4.11"}, {12, "4.12"}, {14, "4.14"},
	{16, "4.15"}, {17, "4.18"}, {19, "4.19"}, {21, "4.20"}, {24, "5.2"}, {25, "5.4"}, {26, "5.6"}, {27, "5.8"}, {28, "5.10"},
	{29, "5.11"}, {30, "5.16"}, {31, "6.1"}, {32, "6.2"}, {33, "6.9"}, {34, "6.19"}, {35, "7.2"}, {36, ""},
}

// MapType of a number of enum bpf_map_type.
func MapType(t uint32) Since { return of(mapTypes, t) }

// Flag is one bit of the flags of a map or a program.
type Flag struct {
	Name  string
	Since Since
}

// mapFlags by bit: BPF_F_ of MAP_CREATE in linux/bpf.h.
var mapFlags = [...]Flag{
	{"BPF_F_NO_PREALLOC", "4.6"}, {"BPF_F_NO_COMMON_LRU", "4.10"}, {"BPF_F_NUMA_NODE", "4.14"}, {"BPF_F_RDONLY", "4.15"},
	{"BPF_F_WRONLY", "4.15"}, {"BPF_F_STACK_BUILD_ID", "4.17"}, {"BPF_F_ZERO_SEED", "5.0"}, {"BPF_F_RDONLY_PROG", "5.2"},
	{"BPF_F_WRONLY_PROG", "5.2"}, {"BPF_F_CLONE", "5.4"}, {"BPF_F_MMAPABLE", "5.5"}, {"BPF_F_PRESERVE_ELEMS", "5.10"},
	{"BPF_F_INNER_MAP", "5.10"}, {"BPF_F_LINK", "6.4"}, {"BPF_F_PATH_FD", "6.5"}, {"BPF_F_VTYPE_BTF_OBJ_FD", "6.9"},
	{"BPF_F_TOKEN_FD", "6.9"}, {"BPF_F_SEGV_ON_FAULT", "6.9"}, {"BPF_F_NO_USER_CONV", "6.9"}, {"BPF_F_RB_OVERWRITE", "6.19"},
}

// progFlags by bit: BPF_F_ of PROG_LOAD.
var progFlags = [...]Flag{
	{"BPF_F_STRICT_ALIGNMENT", "4.12"}, {"BPF_F_ANY_ALIGNMENT", "5.0"}, {"BPF_F_TEST_RND_HI32", "5.3"}, {"BPF_F_TEST_STATE_FREQ", "5.4"},
	{"BPF_F_SLEEPABLE", "5.10"}, {"BPF_F_XDP_HAS_FRAGS", "5.18"}, {"BPF_F_XDP_DEV_BOUND_ONLY", "6.3"}, {"BPF_F_TEST_REG_INVARIANTS", "6.8"},
	8: {}, 16: {"BPF_F_TOKEN_FD", "6.9"},
}

// MapFlags are those that are set in flags.
func MapFlags(flags uint32) []Flag { return bits(mapFlags[:], flags) }

// ProgFlags are those that are set in flags.
func ProgFlags(flags uint32) []Flag { return bits(progFlags[:], flags) }

func bits(table []Flag, flags uint32) (set []Flag) {
	for i, f := range table {
		if flags>>i&1 != 0 && f.Name != "" {
			set = append(set, f)
		}
	}
	return set
}

// sleepable are the types whose programs may sleep, where that came later than
// the flag (bpf_check_attach_target and its like).
var sleepable = []from{{0, ""}, {2, "6.0"}, {3, ""}, {26, "5.10"}, {27, "6.3"}, {28, "5.10"}, {31, "5.14"}}

// Sleepable is when programs of a type could first sleep.
func Sleepable(progType uint32) Since { return of(sleepable, progType) }

// unchecked are types whose expected_attach_type kernels do not look at until they
// are attached (bpf_prog_load_check_attach, its default), or did not before the
// attach type came.
var unchecked = [...]uint32{1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17, 19, 20, 21, 22, 23, 24}

// Unchecked reports whether programs of a type load with any attach type.
func Unchecked(progType uint32) bool {
	for _, t := range unchecked {
		if t == progType {
			return true
		}
	}
	return false
}

// Fallback is the helper that loaders put in place of another on kernels that
// lack that, 0 if there is none: bpf_probe_read and bpf_probe_read_str.
func Fallback(id int32) int32 {
	switch id {
	case 112, 113:
		return 4
	case 114, 115:
		return 45
	}
	return 0
}

// option is what a range of numbers takes beside CONFIG_BPF_SYSCALL.
type option struct {
	first  uint32
	config string
}

func configOf(table []option, n uint32) string {
	s := ""
	for _, o := range table {
		if o.first > n {
			break
		}
		s = o.config
	}
	return s
}

// progConfig: include/linux/bpf_types.h.
var progConfig = []option{
	{2, "CONFIG_BPF_EVENTS"}, {3, "CONFIG_NET"}, {5, "CONFIG_BPF_EVENTS"}, {6, "CONFIG_NET"}, {7, "CONFIG_BPF_EVENTS"},
	{8, "CONFIG_CGROUP_BPF"}, {10, "CONFIG_NET"}, {15, "CONFIG_CGROUP_BPF"}, {16, "CONFIG_NET"},
	{17, "CONFIG_BPF_EVENTS"}, {18, "CONFIG_CGROUP_BPF"}, {19, "CONFIG_NET"}, {20, "CONFIG_BPF_LIRC_MODE2"}, {21, "CONFIG_INET"},
	{22, "CONFIG_NET"}, {23, "CONFIG_CGROUP_BPF"}, {24, "CONFIG_BPF_EVENTS"}, {25, "CONFIG_CGROUP_BPF"}, {26, "CONFIG_BPF_EVENTS"},
	{27, "CONFIG_BPF_JIT"}, {28, "CONFIG_BPF_JIT"}, {29, "CONFIG_BPF_LSM"}, {30, "CONFIG_INET"}, {31, ""},
	{32, "CONFIG_NETFILTER_BPF_LINK"}, {33, ""},
}

// ProgConfig is the option for programs of a type; for those that hook
// functions (fentry, fexit, fmod_ret), what trampolines take.
func ProgConfig(progType, attach uint32) string {
	if progType == 26 && attach >= 24 && attach <= 26 {
		return "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS"
	}
	return configOf(progConfig, progType)
}

// mapConfig: include/linux/bpf_types.h.
var mapConfig = []option{
	{7, "CONFIG_PERF_EVENTS"}, {8, "CONFIG_CGROUPS"}, {9, ""}, {14, "CONFIG_NET"},
	{17, "CONFIG_XDP_SOCKETS"}, {18, "CONFIG_NET"}, {19, "CONFIG_CGROUP_BPF"}, {20, "CONFIG_INET"}, {21, "CONFIG_CGROUP_BPF"},
	{22, ""}, {24, "CONFIG_NET"}, {26, "CONFIG_BPF_JIT"}, {27, ""}, {28, "CONFIG_BPF_LSM"}, {29, ""}, {32, "CONFIG_CGROUPS"},
	{33, "CONFIG_MMU"}, {34, ""},
}

// MapConfig is the option for maps of a type.
func MapConfig(t uint32) string { return configOf(mapConfig, t) }

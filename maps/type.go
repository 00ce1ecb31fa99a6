package maps

import (
	"fmt"

	"github.com/skepbpf/skep/internal/sys"
)

// Type is the kind of a map: enum bpf_map_type of include/uapi/linux/bpf.h.
type Type uint32

// The map types, each with the mainline release that brought it.
const (
	Unspecified         = Type(sys.BPF_MAP_TYPE_UNSPEC)
	Hash                = Type(sys.BPF_MAP_TYPE_HASH)                  // 3.19
	Array               = Type(sys.BPF_MAP_TYPE_ARRAY)                 // 3.19
	ProgArray           = Type(sys.BPF_MAP_TYPE_PROG_ARRAY)            // 4.2: programs for tail calls
	PerfEventArray      = Type(sys.BPF_MAP_TYPE_PERF_EVENT_ARRAY)      // 4.3: perf event fds
	PerCPUHash          = Type(sys.BPF_MAP_TYPE_PERCPU_HASH)           // 4.6
	PerCPUArray         = Type(sys.BPF_MAP_TYPE_PERCPU_ARRAY)          // 4.6
	StackTrace          = Type(sys.BPF_MAP_TYPE_STACK_TRACE)           // 4.6
	CgroupArray         = Type(sys.BPF_MAP_TYPE_CGROUP_ARRAY)          // 4.8: cgroup fds
	LRUHash             = Type(sys.BPF_MAP_TYPE_LRU_HASH)              // 4.10
	LRUPerCPUHash       = Type(sys.BPF_MAP_TYPE_LRU_PERCPU_HASH)       // 4.10
	LPMTrie             = Type(sys.BPF_MAP_TYPE_LPM_TRIE)              // 4.11
	ArrayOfMaps         = Type(sys.BPF_MAP_TYPE_ARRAY_OF_MAPS)         // 4.12
	HashOfMaps          = Type(sys.BPF_MAP_TYPE_HASH_OF_MAPS)          // 4.12
	DevMap              = Type(sys.BPF_MAP_TYPE_DEVMAP)                // 4.14
	SockMap             = Type(sys.BPF_MAP_TYPE_SOCKMAP)               // 4.14: socket fds
	CPUMap              = Type(sys.BPF_MAP_TYPE_CPUMAP)                // 4.15
	XSKMap              = Type(sys.BPF_MAP_TYPE_XSKMAP)                // 4.18: AF_XDP socket fds
	SockHash            = Type(sys.BPF_MAP_TYPE_SOCKHASH)              // 4.18: socket fds
	CgroupStorage       = Type(sys.BPF_MAP_TYPE_CGROUP_STORAGE)        // 4.19; CgrpStorage replaces it
	ReusePortSockArray  = Type(sys.BPF_MAP_TYPE_REUSEPORT_SOCKARRAY)   // 4.19: socket fds
	PerCPUCgroupStorage = Type(sys.BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE) // 4.20; CgrpStorage replaces it
	Queue               = Type(sys.BPF_MAP_TYPE_QUEUE)                 // 4.20
	Stack               = Type(sys.BPF_MAP_TYPE_STACK)                 // 4.20
	SkStorage           = Type(sys.BPF_MAP_TYPE_SK_STORAGE)            // 5.2: keys are socket fds
	DevMapHash          = Type(sys.BPF_MAP_TYPE_DEVMAP_HASH)           // 5.4
	StructOps           = Type(sys.BPF_MAP_TYPE_STRUCT_OPS)            // 5.6
	RingBuf             = Type(sys.BPF_MAP_TYPE_RINGBUF)               // 5.8
	InodeStorage        = Type(sys.BPF_MAP_TYPE_INODE_STORAGE)         // 5.10: keys are file fds
	TaskStorage         = Type(sys.BPF_MAP_TYPE_TASK_STORAGE)          // 5.11: keys are pidfds
	BloomFilter         = Type(sys.BPF_MAP_TYPE_BLOOM_FILTER)          // 5.16
	UserRingBuf         = Type(sys.BPF_MAP_TYPE_USER_RINGBUF)          // 6.1
	CgrpStorage         = Type(sys.BPF_MAP_TYPE_CGRP_STORAGE)          // 6.2: keys are cgroup fds
	Arena               = Type(sys.BPF_MAP_TYPE_ARENA)                 // 6.9
	InsnArray           = Type(sys.BPF_MAP_TYPE_INSN_ARRAY)            // 6.19
	RHash               = Type(sys.BPF_MAP_TYPE_RHASH)                 // 7.2
)

// traits are the ways in which map types differ for user space.
type traits uint16

const (
	perCPU    traits = 1 << iota // one value per possible CPU
	keyless                      // key size 0
	fdArray                      // four-byte values: fds in, ids out (IS_FD_MAP of kernel/bpf/syscall.c)
	mapValues                    // values are maps
	noBTF                        // refuses BTF ids (map_check_no_btf)
	openKey                      // takes a value type without a key type (map_check_btf of its own)
	noEntries                    // max_entries must be 0
	noValue                      // no values at all
	indexed                      // keys are indexes: all exist, values may not
	bucketed                     // batches go bucket by bucket: none is seen twice (hashtab.c)
	netAdmin                     // needs CAP_NET_ADMIN beside CAP_BPF (map_create)
)

// typeTable is indexed by Type. The name is that of the constant.
var typeTable = [...]struct {
	name string
	traits
}{
	Unspecified:         {"Unspecified", 0},
	Hash:                {"Hash", bucketed},
	Array:               {"Array", indexed | openKey},
	ProgArray:           {"ProgArray", indexed | fdArray},
	PerfEventArray:      {"PerfEventArray", indexed | fdArray | noBTF},
	PerCPUHash:          {"PerCPUHash", bucketed | perCPU},
	PerCPUArray:         {"PerCPUArray", indexed | perCPU | openKey},
	StackTrace:          {"StackTrace", noBTF},
	CgroupArray:         {"CgroupArray", indexed | fdArray | noBTF},
	LRUHash:             {"LRUHash", bucketed},
	LRUPerCPUHash:       {"LRUPerCPUHash", bucketed | perCPU},
	LPMTrie:             {"LPMTrie", 0},
	ArrayOfMaps:         {"ArrayOfMaps", indexed | fdArray | mapValues | noBTF},
	HashOfMaps:          {"HashOfMaps", bucketed | fdArray | mapValues | noBTF},
	DevMap:              {"DevMap", indexed | noBTF | netAdmin},
	SockMap:             {"SockMap", indexed | noBTF | netAdmin},
	CPUMap:              {"CPUMap", indexed | noBTF},
	XSKMap:              {"XSKMap", indexed | noBTF | netAdmin},
	SockHash:            {"SockHash", noBTF | netAdmin},
	CgroupStorage:       {"CgroupStorage", noEntries},
	ReusePortSockArray:  {"ReusePortSockArray", indexed},
	PerCPUCgroupStorage: {"PerCPUCgroupStorage", perCPU | noEntries},
	Queue:               {"Queue", keyless | noBTF},
	Stack:               {"Stack", keyless | noBTF},
	SkStorage:           {"SkStorage", noEntries},
	DevMapHash:          {"DevMapHash", noBTF | netAdmin},
	StructOps:           {"StructOps", 0},
	RingBuf:             {"RingBuf", keyless | noValue | noBTF},
	InodeStorage:        {"InodeStorage", noEntries},
	TaskStorage:         {"TaskStorage", noEntries},
	BloomFilter:         {"BloomFilter", keyless | openKey},
	UserRingBuf:         {"UserRingBuf", keyless | noValue | noBTF},
	CgrpStorage:         {"CgrpStorage", noEntries},
	Arena:               {"Arena", keyless | noValue | noBTF},
	InsnArray:           {"InsnArray", indexed},
	RHash:               {"RHash", 0},
}

func (t Type) has(f traits) bool {
	return int(t) < len(typeTable) && typeTable[t].traits&f != 0
}

// String is the constant's name, such as "LRUHash".
func (t Type) String() string {
	if int(t) < len(typeTable) {
		return typeTable[t].name
	}
	return fmt.Sprintf("Type(%d)", uint32(t))
}

// PerCPU reports whether a key has one value for each possible CPU.
func (t Type) PerCPU() bool { return t.has(perCPU) }

// Flags of Spec.Flags, with the mainline release that brought each.
const (
	NoPrealloc    uint32 = sys.BPF_F_NO_PREALLOC      // 4.6: allocate elements one by one
	NoCommonLRU   uint32 = sys.BPF_F_NO_COMMON_LRU    // 4.10: one LRU list per CPU
	NUMANode      uint32 = sys.BPF_F_NUMA_NODE        // 4.14: Spec.NumaNode counts
	ReadOnly      uint32 = sys.BPF_F_RDONLY           // 4.15: this descriptor only reads
	WriteOnly     uint32 = sys.BPF_F_WRONLY           // 4.15: this descriptor only writes
	StackBuildID  uint32 = sys.BPF_F_STACK_BUILD_ID   // 4.17: build ids in place of addresses
	ZeroSeed      uint32 = sys.BPF_F_ZERO_SEED        // 5.0: hash without a seed; for tests
	ReadOnlyProg  uint32 = sys.BPF_F_RDONLY_PROG      // 5.2: programs only read
	WriteOnlyProg uint32 = sys.BPF_F_WRONLY_PROG      // 5.2: programs only write
	Clone         uint32 = sys.BPF_F_CLONE            // 5.4: socket storage follows accept
	Mmapable      uint32 = sys.BPF_F_MMAPABLE         // 5.5: see Map.Memory
	PreserveElems uint32 = sys.BPF_F_PRESERVE_ELEMS   // 5.10: perf events outlive their opener
	InnerMap      uint32 = sys.BPF_F_INNER_MAP        // 5.10: inner arrays of different sizes
	Link          uint32 = sys.BPF_F_LINK             // 6.4: struct_ops attached by a link
	VtypeBTFObjFD uint32 = sys.BPF_F_VTYPE_BTF_OBJ_FD // 6.9: struct_ops type of a module
	SegvOnFault   uint32 = sys.BPF_F_SEGV_ON_FAULT    // 6.9: arenas
	NoUserConv    uint32 = sys.BPF_F_NO_USER_CONV     // 6.9: arenas
	RBOverwrite   uint32 = sys.BPF_F_RB_OVERWRITE     // 6.19: ring buffers that forget the oldest
)

// OpFlags say how an element is stored or read.
type OpFlags uint64

// Flags of lookups and updates; Any is the default.
const (
	Any     OpFlags = sys.BPF_ANY        // create or replace
	NoExist OpFlags = sys.BPF_NOEXIST    // create only
	Exist   OpFlags = sys.BPF_EXIST      // replace only
	Lock    OpFlags = sys.BPF_F_LOCK     // under the value's bpf_spin_lock; Linux 5.1
	AllCPUs OpFlags = sys.BPF_F_ALL_CPUS // one value for all CPUs; Linux 7.0
)

// OnCPU makes an operation on a per-CPU map concern the value of one CPU only,
// which is then ValueSize bytes long. Requires Linux 7.0.
func OnCPU(cpu uint32) OpFlags { return sys.BPF_F_CPU | OpFlags(cpu)<<32 }

// Package feature is the vocabulary of what a kernel may have: ids, names,
// the release that brought each, and a set of answers. It asks nothing;
// probing is internal/probe's.
package feature

import (
	"errors"
	"fmt"
	"sync"
)

// ID names one thing that a kernel has or lacks.
type ID uint8

// The features skep chooses forms by.
const (
	ProgName         ID = iota // names of programs and maps
	GlobalData                 // .data, .rodata, .bss as maps
	BTF                        // BPF_BTF_LOAD
	BTFFunc                    // FUNC and FUNC_PROTO, func_info and line_info
	BTFGlobalFunc              // FUNC with global linkage
	BTFDatasec                 // VAR and DATASEC
	BTFFloat                   // FLOAT
	BTFDeclTag                 // DECL_TAG
	BTFTypeTag                 // TYPE_TAG
	BTFEnum64                  // ENUM64 and signed ENUM
	BTFQmarkDatasec            // '?' in the name of a DATASEC
	BTFLayout                  // layout section of the header
	ArrayMmap                  // BPF_F_MMAPABLE
	ExpAttachType              // expected_attach_type of PROG_LOAD
	ProbeReadKernel            // bpf_probe_read_{kernel,user}[_str]
	ProgBindMap                // BPF_PROG_BIND_MAP
	ModuleBTF                  // BTF of modules
	MemcgAccount               // memory is charged to the cgroup, not RLIMIT_MEMLOCK
	PerfLink                   // LINK_CREATE of perf events
	BPFCookie                  // bpf_get_attach_cookie
	SyscallWrapper             // syscalls take one struct pt_regs
	UprobeMulti                // LINK_CREATE of many uprobes
	ArgCtxTag                  // declaration tag arg:ctx
	Ldimm64FullRange           // BPF_PSEUDO_MAP_VALUE offsets beyond 2^29
	Count                      // number of features
)

type entry struct{ name, since string }

// The releases are those of reference tables of libbpf's feature probes and
// of include/uapi/linux/bpf.h's history.
var table = [Count]entry{
	ProgName:         {"program and map names", "4.15"},
	GlobalData:       {"global data maps", "5.2"},
	BTF:              {"BTF", "4.18"},
	BTFFunc:          {"BTF functions", "5.0"},
	BTFGlobalFunc:    {"BTF global functions", "5.6"},
	BTFDatasec:       {"BTF variables", "5.2"},
	BTFFloat:         {"BTF floats", "5.13"},
	BTFDeclTag:       {"BTF declaration tags", "5.16"},
	BTFTypeTag:       {"BTF type tags", "5.17"},
	BTFEnum64:        {"BTF 64-bit enums", "6.0"},
	BTFQmarkDatasec:  {"BTF section names with '?'", "6.9"},
	BTFLayout:        {"BTF layout section", "7.1"},
	ArrayMmap:        {"mmap of array maps", "5.5"},
	ExpAttachType:    {"expected attach type", "4.17"},
	ProbeReadKernel:  {"bpf_probe_read_kernel", "5.5"},
	ProgBindMap:      {"binding maps to programs", "5.10"},
	ModuleBTF:        {"module BTF", "5.11"},
	MemcgAccount:     {"memory accounting by cgroup", "5.11"},
	PerfLink:         {"perf event links", "5.15"},
	BPFCookie:        {"attach cookies", "5.15"},
	SyscallWrapper:   {"syscall wrappers", "4.17"},
	UprobeMulti:      {"multi-uprobe links", "6.6"},
	ArgCtxTag:        {"arg:ctx tags", "6.8"},
	Ldimm64FullRange: {"full-range map value offsets", "7.0"},
}

// String is the feature's name in plain words.
//
//go:noinline
func (id ID) String() string {
	if id < Count {
		return table[id].name
	}
	return fmt.Sprintf("feature %d", uint8(id))
}

// Since is the mainline release that brought the feature, such as "5.15".
// Distributions backport: only a probe is proof.
func (id ID) Since() string {
	if id < Count {
		return table[id].since
	}
	return ""
}

// Answer is what is known of a feature.
type Answer uint8

// The zero Answer is Unknown.
const (
	Unknown Answer = iota
	Yes
	No
)

// Set holds answers. An answer never changes once it is known, so whatever is
// tried again after a new answer comes to an end. The zero Set knows nothing;
// a nil Set knows nothing and learns nothing. It is safe for concurrent use.
type Set struct {
	mu sync.RWMutex
	a  [Count]Answer
}

// Get is the answer for id.
func (s *Set) Get(id ID) Answer {
	if s == nil || id >= Count {
		return Unknown
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.a[id]
}

// Learn records a, and reports whether it is new. Unknown is never recorded.
func (s *Set) Learn(id ID, a Answer) bool {
	if s == nil || id >= Count || a == Unknown {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.a[id] != Unknown {
		return false
	}
	s.a[id] = a
	return true
}

// Has is false only for a feature known to be missing: what was never asked
// is taken to be there.
func (s *Set) Has(id ID) bool { return s.Get(id) != No }

// UnsupportedError says that the kernel lacks something.
// errors.Is(err, errors.ErrUnsupported) holds.
type UnsupportedError struct {
	Name  string // what is missing
	Since string // mainline release that has it, or ""
}

// Unsupported makes the error for a feature of the table.
func Unsupported(id ID) *UnsupportedError { return &UnsupportedError{id.String(), id.Since()} }

func (e *UnsupportedError) Error() string {
	if e.Since == "" {
		return e.Name + ": not supported by this kernel"
	}
	return fmt.Sprintf("%s: not supported by this kernel (needs Linux %s)", e.Name, e.Since)
}

// Is makes the error match errors.ErrUnsupported.
func (e *UnsupportedError) Is(target error) bool { return target == errors.ErrUnsupported }

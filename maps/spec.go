// Package maps creates BPF maps and works with their contents.
//
// A Spec says what a map should be, New creates it, and a Map is the kernel's
// object. Operations on bytes are the base; Typed gives a View of Go types that
// is checked against the map's BTF once and then costs no more than the bytes.
package maps

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
)

// Pinning says where a map outlives its creator.
type Pinning uint8

const (
	NotPinned Pinning = iota // the map goes with its last user
	ByName                   // at PinDir/Name: taken from there if it exists
)

// Slot is an element that holds another object of the same collection.
type Slot struct {
	Index   uint32 // of a StructOps value: where the function pointer is, in bytes
	Name    string // of a map or program
	Program bool   // it is a program
}

// Spec says what a map should be. It is plain data: it may be changed until it
// is given to New, which does not change it.
type Spec struct {
	Name       string // cut to 15 bytes, and other than letters, digits, '_' and '.' replaced, for the kernel
	Type       Type
	KeySize    uint32 // bytes
	ValueSize  uint32 // bytes; of one CPU for per-CPU types
	MaxEntries uint32 // bytes of a ring buffer, pages of an arena; 0 in a PerfEventArray or CPUMap is the number of CPUs
	Flags      uint32 // NoPrealloc and so on
	NumaNode   uint32 // counts if Flags has NUMANode
	MapExtra   uint64 // hashes of a BloomFilter, address of an Arena, hint of an RHash
	IfIndex    uint32 // device for offloaded maps

	Types *btf.Spec // where Key and Value are; nil if the map has no BTF
	Key   btf.ID
	Value btf.ID
	// VmlinuxValue is the kernel's type of a StructOps map's value, in
	// Options.ValueBTF if that is a module's. Types is needed too.
	VmlinuxValue btf.ID

	Inner   *Spec // what the maps in a map of maps are like
	Pinning Pinning
	// PinPath is where the map is pinned, in place of PinDir/Name, and whatever
	// Pinning says; "" is as Pinning says.
	PinPath string
	// Contents is the value of key 0, on every CPU, for data sections; New stores it. nil is
	// what the kernel makes: zeros.
	Contents []byte
	// Freeze makes New close the map to further writes by user space.
	Freeze bool
	// Slots are filled by those who have the objects: New leaves them.
	Slots []Slot
	// ExclusiveHash lets only the program with this SHA-256 use the map.
	// Requires Linux 6.18.
	ExclusiveHash []byte
}

// Copy is a deep copy, but for the immutable Types. The copy of nil is nil.
func (s *Spec) Copy() *Spec {
	if s == nil {
		return nil
	}
	c := *s
	c.Inner = s.Inner.Copy()
	c.Contents = bytes.Clone(s.Contents)
	c.Slots = slices.Clone(s.Slots)
	c.ExclusiveHash = bytes.Clone(s.ExclusiveHash)
	return &c
}

// SpecError says what is wrong with a Spec before any kernel is asked.
type SpecError struct {
	Field string // such as "KeySize"
	Msg   string
}

func (e *SpecError) Error() string { return e.Field + ": " + e.Msg }

// maxInner is how deep maps of maps go in the kernel (bpf_map_meta_alloc).
const maxInner = 1

// Validate reports what no kernel would accept. What depends on the kernel's
// release is left to the kernel.
func (s *Spec) Validate() error { return s.validate(0) }

func (s *Spec) validate(depth int) error {
	if s == nil {
		return &SpecError{"Spec", "is nil"}
	}
	t := s.Type
	switch {
	case t == Unspecified:
		return badField("Type", "not set")
	case t.has(keyless) && s.KeySize != 0:
		return badField("KeySize", "%d, but a %v has no keys", s.KeySize, t)
	case t.has(noValue) && s.ValueSize != 0:
		return badField("ValueSize", "%d, but a %v has no values", s.ValueSize, t)
	case t.has(noEntries) && s.MaxEntries != 0:
		return badField("MaxEntries", "%d, but a %v has no such limit: leave it 0", s.MaxEntries, t)
	case t.has(mapValues) && s.Inner == nil:
		return badField("Inner", "not set, but a %v holds maps", t)
	case !t.has(mapValues) && s.Inner != nil:
		return badField("Inner", "set, but a %v holds no maps", t)
	case s.Inner != nil && depth == maxInner:
		return badField("Inner", "a map of maps cannot hold maps of maps")
	case s.Types == nil && (s.Key != 0 || s.Value != 0):
		return badField("Types", "not set, but Key or Value is")
	case s.Contents != nil && (t != Array && t != PerCPUArray || s.MaxEntries != 1):
		return badField("Contents", "only an Array or PerCPUArray of one element takes them")
	case s.Contents != nil && uint64(len(s.Contents)) != uint64(s.ValueSize):
		return badField("Contents", "%d bytes for values of %d", len(s.Contents), s.ValueSize)
	case s.Pinning > ByName:
		return badField("Pinning", "unknown value %d", s.Pinning)
	case s.PinPath == "" && s.Pinning == ByName && !validPinName(s.Name):
		return badField("Name", "%q cannot be a file name to pin by", s.Name)
	case strings.IndexByte(s.PinPath, 0) >= 0:
		return badField("PinPath", "%q is no path", s.PinPath)
	case len(s.ExclusiveHash) != 0 && len(s.ExclusiveHash) != 32:
		return badField("ExclusiveHash", "%d bytes, want 32", len(s.ExclusiveHash))
	}
	if s.Inner != nil {
		if err := s.Inner.validate(depth + 1); err != nil {
			return mkerr.Wrap("inner map: %w", err)
		}
	}
	return nil
}

// badField is not inlined for the size of programs.
//
//go:noinline
func badField(field, format string, args ...any) error {
	return &SpecError{field, fmt.Sprintf(format, args...)}
}

// For is s in the form for a kernel that lacks what f says it lacks, and what
// was given up. It is pure and does not change s; what f does not know is taken
// to be there.
func (s *Spec) For(f *feature.Set) (*Spec, []string) {
	c := s.Copy()
	var lost []string
	give := func(what string) { lost = append(lost, what) }
	if c.Name != "" && !f.Has(feature.ProgName) {
		give("name: " + missing(feature.ProgName))
		c.Name = ""
	}
	if c.Flags&Mmapable != 0 && c.Type != Arena && !f.Has(feature.ArrayMmap) {
		give("flag Mmapable: " + missing(feature.ArrayMmap))
		c.Flags &^= Mmapable
	}
	if c.Types != nil {
		if why := c.withoutBTF(f); why != "" {
			if c.Value != 0 && !c.Type.has(noBTF) {
				give("BTF: " + why)
			}
			c.Types, c.Key, c.Value = nil, 0, 0
		}
	}
	if c.Inner != nil {
		var inner []string
		c.Inner, inner = c.Inner.For(f)
		for _, what := range inner {
			give("inner map: " + what)
		}
	}
	return c, lost
}

func missing(id feature.ID) string { return feature.Unsupported(id).Error() }

// withoutBTF says why the map must be created without BTF ids; "" if it need
// not. The checks are those of map_check_btf in kernel/bpf/syscall.c.
func (s *Spec) withoutBTF(f *feature.Set) string {
	switch {
	case !f.Has(feature.BTF):
		return missing(feature.BTF)
	case s.VmlinuxValue != 0:
		return "" // the kernel wants the object's BTF, and describes the value itself
	case s.Value == 0:
		return "no type for the value"
	case s.Type.has(noBTF):
		return fmt.Sprintf("the kernel takes none for a %v", s.Type)
	case s.Key == 0 && !s.Type.has(openKey):
		return "no type for the key"
	}
	if s.Key != 0 {
		if n, err := s.Types.Sizeof(s.Key); err != nil || n != s.KeySize {
			return fmt.Sprintf("the key's type does not have %d bytes", s.KeySize)
		}
	}
	if n, err := s.Types.Sizeof(s.Value); err != nil || n != s.ValueSize {
		return fmt.Sprintf("the value's type does not have %d bytes", s.ValueSize)
	}
	return ""
}

// kernelAdded are flags that the kernel sets by itself for some types: a reader
// of them must not take them for a difference (dev_map_init_map in
// kernel/bpf/devmap.c, insn_array_alloc in kernel/bpf/bpf_insn_array.c).
func kernelAdded(t Type) uint32 {
	if t == DevMap || t == DevMapHash || t == InsnArray {
		return sys.BPF_F_RDONLY_PROG
	}
	return 0
}

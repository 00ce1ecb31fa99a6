package elffile

import (
	"github.com/skepbpf/skep/internal/bin"
)

// Type is the kind of an ELF file.
type Type uint16

// File types.
const (
	TypeRel  Type = 1 // relocatable object
	TypeExec Type = 2 // executable
	TypeDyn  Type = 3 // shared library or position-independent executable
)

// Machine is the instruction set of an ELF file.
type Machine uint16

// Machines this module cares about.
const (
	MachineNone Machine = 0 // what LLVM before 3.9 wrote for BPF
	MachineBPF  Machine = 247
)

// SectionType is sh_type.
type SectionType uint32

// Section types.
const (
	SectionNull        SectionType = 0
	SectionProgBits    SectionType = 1
	SectionSymTab      SectionType = 2
	SectionStrTab      SectionType = 3
	SectionRela        SectionType = 4
	SectionNote        SectionType = 7
	SectionNoBits      SectionType = 8
	SectionRel         SectionType = 9
	SectionDynSym      SectionType = 11
	SectionSymTabShndx SectionType = 18
)

// Section flags.
const (
	FlagWrite      = 1 << 0
	FlagAlloc      = 1 << 1
	FlagExec       = 1 << 2
	FlagCompressed = 1 << 11
)

// Section is a section header. Sizes and offsets are in bytes; nothing says
// that they lie in the file until Data was asked for.
type Section struct {
	Name           string
	Type           SectionType
	Link, Info     uint32
	Flags          uint64
	Addr           uint64
	Offset, Size   uint64
	Align, EntSize uint64
}

// Segment types.
const (
	ProgLoad = 1
	ProgNote = 4
)

// Prog is a program header, which describes a segment.
type Prog struct {
	Type, Flags   uint32
	Offset        uint64 // in the file
	Vaddr, Paddr  uint64
	Filesz, Memsz uint64
	Align         uint64
}

// FileOffset translates a virtual address of an executable or shared library
// into an offset in the file, which is what uprobes are attached to.
func (f *File) FileOffset(addr uint64) (uint64, bool) {
	for i := range f.Progs {
		p := &f.Progs[i]
		if p.Type == ProgLoad && addr >= p.Vaddr && addr-p.Vaddr < p.Filesz {
			return addr - p.Vaddr + p.Offset, true
		}
	}
	return 0, false
}

// checkLayout makes sure that the sections of a relocatable object lie in the
// file and share no byte with each other: no compiler or linker makes such
// files, and it bounds what reading all sections can cost by the file's size.
func (f *File) checkLayout(h *header) error {
	order := make([]int32, 0, len(f.Sections))
	for n := range f.Sections {
		i := (n + 2) % len(f.Sections) // LLVM's section 1 is the names, behind all others
		s := &f.Sections[i]
		if i == 0 || s.Type == SectionNull || s.Type == SectionNoBits || s.Size == 0 {
			continue
		}
		if !f.src.holds(s.Offset, s.Size) {
			return bin.Errorf(s.Name, 0, "%#x bytes at file offset %#x are beyond the end of the file (%#x)",
				s.Size, s.Offset, f.src.size)
		}
		if s.Offset < h.size {
			return bin.Errorf(s.Name, 0, "section at file offset %#x overlaps the ELF header", s.Offset)
		}
		order = append(order, int32(i))
	}
	bin.Sort(order, func(a, b *int32) bool { return f.Sections[*a].Offset < f.Sections[*b].Offset })
	for i := 1; i < len(order); i++ {
		prev, s := &f.Sections[order[i-1]], &f.Sections[order[i]]
		if prev.Offset+prev.Size > s.Offset {
			return bin.Errorf(s.Name, 0, "section at file offset %#x overlaps section %q (%#x bytes at %#x)",
				s.Offset, prev.Name, prev.Size, prev.Offset)
		}
	}
	return nil
}

package elffile

import (
	"encoding/binary"
	"math/bits"

	"github.com/skepbpf/skep/internal/bin"
)

const (
	identSize = 16

	// Extensions for counts that do not fit 16 bits: the real value is in
	// section header 0 (gABI, "ELF Header").
	shnXIndex = 0xffff
	pnXNum    = 0xffff
)

// header is what the ELF header says of the two header tables.
type header struct {
	size               uint64 // of the ELF header itself
	phOff, shOff       uint64
	phEntSize, phNum   uint64
	shEntSize, shNum   uint64
	shStrNdx           uint64
	wantPhEnt, wantShE uint64
}

func (f *File) readHeader() (*header, error) {
	ident, err := f.src.read("ELF header", 0, min(identSize, f.src.size))
	if err != nil {
		return nil, err
	}
	if len(ident) < identSize || string(ident[:4]) != "\x7fELF" {
		return nil, bin.Errorf("ELF header", 0, "not an ELF file")
	}
	h := &header{}
	switch Class(ident[4]) {
	case Class32:
		h.size, h.wantPhEnt, h.wantShE = 52, 32, 40
	case Class64:
		h.size, h.wantPhEnt, h.wantShE = 64, 56, 64
	default:
		return nil, bin.Errorf("ELF header", 4, "unknown class %d", ident[4])
	}
	f.Class = Class(ident[4])
	switch ident[5] {
	case 1:
		f.Order = binary.LittleEndian
	case 2:
		f.Order, f.big = binary.BigEndian, true
	default:
		return nil, bin.Errorf("ELF header", 5, "unknown byte order %d", ident[5])
	}
	if ident[6] != 1 {
		return nil, bin.Errorf("ELF header", 6, "unknown ELF version %d", ident[6])
	}
	b, err := f.src.read("ELF header", 0, h.size)
	if err != nil {
		return nil, err
	}
	c := bin.NewCursor("ELF header", identSize, b[identSize:], f.Order)
	f.Type = Type(c.U16())
	f.Machine = Machine(c.U16())
	c.Skip(4) // e_version, again
	f.Entry = f.word(c)
	h.phOff, h.shOff = f.word(c), f.word(c)
	c.Skip(4 + 2) // e_flags, e_ehsize
	h.phEntSize, h.phNum = uint64(c.U16()), uint64(c.U16())
	h.shEntSize, h.shNum = uint64(c.U16()), uint64(c.U16())
	h.shStrNdx = uint64(c.U16())
	return h, c.Err()
}

// word reads an address, offset or size of the file's class.
func (f *File) word(c *bin.Cursor) uint64 {
	if f.Class == Class32 {
		return uint64(c.U32())
	}
	return c.U64()
}

// table reads num records of size entSize at off, after checking that they are
// of the size this class has and that they lie in the file.
func (f *File) table(what string, off, num, entSize, want uint64) ([]byte, error) {
	if entSize != want {
		return nil, bin.Errorf("ELF header", 0, "%s of %d bytes each, want %d", what, entSize, want)
	}
	if num > f.src.size/want {
		return nil, bin.Errorf("ELF header", 0, "%d %s do not fit the file (%#x bytes)", num, what, f.src.size)
	}
	return f.src.read(what, off, num*want)
}

func (f *File) readSections(h *header) error {
	if h.shOff == 0 {
		return nil
	}
	if h.shNum == 0 || h.shStrNdx == shnXIndex || h.phNum == pnXNum {
		b, err := f.table("section headers", h.shOff, 1, h.shEntSize, h.wantShE)
		if err != nil {
			return err
		}
		var first Section
		f.sectionHeader(b, &first)
		if h.shNum == 0 {
			h.shNum = first.Size
		}
		if h.shStrNdx == shnXIndex {
			h.shStrNdx = uint64(first.Link)
		}
		if h.phNum == pnXNum {
			h.phNum = uint64(first.Info)
		}
	}
	b, err := f.table("section headers", h.shOff, h.shNum, h.shEntSize, h.wantShE)
	if err != nil || h.shNum == 0 {
		return err
	}
	f.Sections = make([]Section, h.shNum)
	names := make([]uint32, h.shNum)
	for i := range f.Sections {
		names[i] = f.sectionHeader(b[i*int(h.wantShE):][:h.wantShE], &f.Sections[i])
	}
	return f.nameSections(h, names)
}

// sectionHeader reads Elf64_Shdr or Elf32_Shdr, and gives the place of the name.
func (f *File) sectionHeader(b []byte, s *Section) (name uint32) {
	b = b[:40:cap(b)] // sizeof(Elf32_Shdr)
	name, s.Type = f.u32(b), SectionType(f.u32(b[4:]))
	if f.Class == Class32 {
		s.Flags, s.Addr = uint64(f.u32(b[8:])), uint64(f.u32(b[12:]))
		s.Offset, s.Size = uint64(f.u32(b[16:])), uint64(f.u32(b[20:]))
		s.Link, s.Info = f.u32(b[24:]), f.u32(b[28:])
		s.Align, s.EntSize = uint64(f.u32(b[32:])), uint64(f.u32(b[36:]))
		return name
	}
	b = b[:64]
	s.Flags, s.Addr = f.u64(b[8:]), f.u64(b[16:])
	s.Offset, s.Size = f.u64(b[24:]), f.u64(b[32:])
	s.Link, s.Info = f.u32(b[40:]), f.u32(b[44:])
	s.Align, s.EntSize = f.u64(b[48:]), f.u64(b[56:])
	return name
}

func (f *File) u16(b []byte) uint16 {
	v := binary.LittleEndian.Uint16(b)
	if f.big {
		v = bits.ReverseBytes16(v)
	}
	return v
}

func (f *File) u32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if f.big {
		v = bits.ReverseBytes32(v)
	}
	return v
}

func (f *File) u64(b []byte) uint64 {
	v := binary.LittleEndian.Uint64(b)
	if f.big {
		v = bits.ReverseBytes64(v)
	}
	return v
}

func (f *File) nameSections(h *header, names []uint32) error {
	if h.shStrNdx == 0 {
		return nil // a file without section names
	}
	if h.shStrNdx >= h.shNum {
		return bin.Errorf("ELF header", 0, "section names are in section %d of %d", h.shStrNdx, h.shNum)
	}
	f.Sections[h.shStrNdx].Name = "section names" // for errors, until the real one is known
	table, err := f.Strings(int(h.shStrNdx))
	if err != nil {
		return err
	}
	f.strNdx, f.strTable = uint32(h.shStrNdx), table
	for i := range f.Sections {
		name, ok := cstring(table, names[i])
		if !ok {
			return bin.Errorf("section headers", int64(i)*int64(h.wantShE),
				"section %d: name offset %#x is no string of the table (%#x bytes)", i, names[i], len(table))
		}
		f.Sections[i].Name = name
	}
	return nil
}

func (f *File) readProgs(h *header) error {
	if h.phOff == 0 || h.phNum == 0 {
		return nil
	}
	b, err := f.table("program headers", h.phOff, h.phNum, h.phEntSize, h.wantPhEnt)
	if err != nil {
		return err
	}
	c := bin.NewCursor("program headers", 0, b, f.Order)
	f.Progs = make([]Prog, h.phNum)
	for i := range f.Progs {
		p := &f.Progs[i]
		p.Type = c.U32()
		if f.Class == Class64 {
			p.Flags = c.U32() // moved here for alignment in ELF64
		}
		p.Offset, p.Vaddr, p.Paddr = f.word(c), f.word(c), f.word(c)
		p.Filesz, p.Memsz = f.word(c), f.word(c)
		if f.Class == Class32 {
			p.Flags = c.U32()
		}
		p.Align = f.word(c)
	}
	return c.Err()
}

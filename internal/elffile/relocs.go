package elffile

import "github.com/skepbpf/skep/internal/bin"

// Reloc is one relocation.
type Reloc struct {
	Offset uint64 // in the section to patch
	Symbol uint32 // index in the symbol table
	Type   uint32
	Addend int64 // of a SHT_RELA entry; SHT_REL keeps it in the patched bytes
}

// Relocs is a relocation section. Reading an entry allocates nothing.
type Relocs struct {
	file   *File
	b      []byte
	width  int
	name   string
	Target int  // index of the section to patch
	Rela   bool // entries carry addends
}

// Relocs gives the entries of section i, which must be of type SHT_REL or
// SHT_RELA.
func (f *File) Relocs(i int) (*Relocs, error) {
	b, err := f.Data(i)
	if err != nil {
		return nil, err
	}
	s := &f.Sections[i]
	t := &Relocs{file: f, b: b, name: s.Name, Target: int(s.Info), Rela: s.Type == SectionRela}
	if !t.Rela && s.Type != SectionRel {
		return nil, bin.Errorf(s.Name, 0, "section %d holds no relocations", i)
	}
	word := 8
	if f.Class == Class32 {
		word = 4
	}
	t.width = 2 * word
	if t.Rela {
		t.width = 3 * word
	}
	if s.EntSize != uint64(t.width) || len(b)%t.width != 0 {
		return nil, bin.Errorf(s.Name, 0, "relocations of %d bytes in a section of %d bytes, want a multiple of %d",
			s.EntSize, len(b), t.width)
	}
	if s.Info == 0 || int64(s.Info) >= int64(len(f.Sections)) {
		return nil, bin.Errorf(s.Name, 0, "relocations for section %d of %d", s.Info, len(f.Sections))
	}
	return t, nil
}

// Len is the number of relocations.
func (t *Relocs) Len() int { return len(t.b) / t.width }

// At reads relocation i; an index out of range gives the zero Reloc.
func (t *Relocs) At(i int) Reloc {
	if i < 0 || i >= t.Len() {
		return Reloc{}
	}
	b, f := t.b[i*t.width:(i+1)*t.width], t.file
	var r Reloc
	if t.file.Class == Class64 {
		info := f.u64(b[8:])
		r = Reloc{Offset: f.u64(b), Symbol: uint32(info >> 32), Type: uint32(info)}
		if t.Rela {
			r.Addend = int64(f.u64(b[16:]))
		}
		return r
	}
	info := f.u32(b[4:])
	r = Reloc{Offset: uint64(f.u32(b)), Symbol: info >> 8, Type: info & 0xff}
	if t.Rela {
		r.Addend = int64(int32(f.u32(b[8:])))
	}
	return r
}

package elffile

import (
	"iter"

	"github.com/skepbpf/skep/internal/bin"
)

// Symbol types (low four bits of st_info).
const (
	SymNoType  = 0
	SymObject  = 1
	SymFunc    = 2
	SymSection = 3
	SymFile    = 4
	SymIFunc   = 10
)

// Symbol bindings (high four bits of st_info).
const (
	BindLocal  = 0
	BindGlobal = 1
	BindWeak   = 2
)

// Symbol visibilities (low two bits of st_other).
const (
	VisDefault   = 0
	VisInternal  = 1
	VisHidden    = 2
	VisProtected = 3
)

// Special section indexes of symbols.
const (
	SectionUndef   = 0
	sectionReserve = 0xff00 // from here on, an index is no section
	SectionAbs     = 0xfff1
	SectionCommon  = 0xfff2
	symSize32      = 16
	symSize64      = 24
)

// Symbol is one entry of a symbol table.
type Symbol struct {
	NameOff     uint32 // in the table's strings; see Symbols.Name
	Section     uint32 // section index, resolved through SHT_SYMTAB_SHNDX
	Info, Other uint8
	Special     bool // Section is not an index but SectionAbs, SectionCommon, …
	Value, Size uint64
}

// Type is the symbol's type: SymFunc, SymObject, ….
func (s *Symbol) Type() uint8 { return s.Info & 0xf }

// Bind is the symbol's binding: BindLocal, BindGlobal, BindWeak.
func (s *Symbol) Bind() uint8 { return s.Info >> 4 }

// Visibility is the symbol's visibility: VisDefault, VisHidden, ….
func (s *Symbol) Visibility() uint8 { return s.Other & 3 }

// Defined reports whether the symbol stands for something in a section.
func (s *Symbol) Defined() bool { return s.Section != SectionUndef && !s.Special }

// Symbols is a symbol table. Reading an entry allocates nothing.
type Symbols struct {
	file  *File
	name  string // of the section
	b     []byte
	ext   []byte // SHT_SYMTAB_SHNDX contents, or nil
	strs  string
	width int
}

// Symbols gives the file's symbol table (SHT_SYMTAB). A file without one gives
// an empty table; two are an error.
func (f *File) Symbols() (*Symbols, error) { return f.symbols(SectionSymTab) }

// DynamicSymbols gives the symbols that the dynamic linker uses (SHT_DYNSYM).
func (f *File) DynamicSymbols() (*Symbols, error) { return f.symbols(SectionDynSym) }

func (f *File) symbols(typ SectionType) (*Symbols, error) {
	index := 0
	for i := range f.Sections {
		if f.Sections[i].Type != typ {
			continue
		}
		if index != 0 {
			return nil, bin.Errorf(f.Sections[i].Name, 0, "section %d is a second symbol table after section %d", i, index)
		}
		index = i
	}
	if index == 0 {
		return &Symbols{file: f}, nil
	}
	s := &f.Sections[index]
	t := &Symbols{file: f, name: s.Name, width: symSize64}
	if f.Class == Class32 {
		t.width = symSize32
	}
	if s.EntSize != uint64(t.width) || s.Size%uint64(t.width) != 0 {
		return nil, bin.Errorf(s.Name, 0, "symbols of %d bytes in a table of %d bytes, want a multiple of %d",
			s.EntSize, s.Size, t.width)
	}
	var err error
	if t.b, err = f.Data(index); err != nil {
		return nil, err
	}
	if s.Link == 0 {
		return nil, bin.Errorf(s.Name, 0, "symbol table without names")
	}
	if t.strs, err = f.Strings(int(s.Link)); err != nil {
		return nil, err
	}
	t.ext, err = f.extendedIndexes(index)
	return t, err
}

// extendedIndexes finds the section indexes that do not fit a symbol's 16 bits.
func (f *File) extendedIndexes(symtab int) ([]byte, error) {
	for i := range f.Sections {
		if s := &f.Sections[i]; s.Type == SectionSymTabShndx && int(s.Link) == symtab {
			return f.Data(i)
		}
	}
	return nil, nil
}

// Len is the number of entries, the null entry 0 included.
func (t *Symbols) Len() int {
	if t.width == 0 {
		return 0
	}
	return len(t.b) / t.width
}

// At reads entry i, which must be at least 0 and less than Len.
func (t *Symbols) At(i int) (Symbol, error) {
	if i < 0 || i >= t.Len() {
		return Symbol{}, bin.Errorf(t.name, 0, "no symbol %d of %d", i, t.Len())
	}
	b, f := t.b[i*t.width:(i+1)*t.width], t.file
	s := Symbol{NameOff: f.u32(b)}
	var shndx uint16
	if t.width == symSize64 {
		b = b[:symSize64]
		s.Info, s.Other, shndx = b[4], b[5], f.u16(b[6:])
		s.Value, s.Size = f.u64(b[8:]), f.u64(b[16:])
	} else {
		b = b[:symSize32]
		s.Value, s.Size = uint64(f.u32(b[4:])), uint64(f.u32(b[8:]))
		s.Info, s.Other, shndx = b[12], b[13], f.u16(b[14:])
	}
	s.Section = uint32(shndx)
	switch {
	case shndx == shnXIndex:
		if len(t.ext) < (i+1)*4 {
			return Symbol{}, bin.Errorf(t.name, int64(i*t.width), "symbol %d: its section index is missing", i)
		}
		s.Section = f.u32(t.ext[i*4:])
	case shndx >= sectionReserve:
		s.Special = true
	}
	if !s.Special && int64(s.Section) >= int64(len(t.file.Sections)) {
		return Symbol{}, bin.Errorf(t.name, int64(i*t.width), "symbol %d: no section %d of %d",
			i, s.Section, len(t.file.Sections))
	}
	return s, nil
}

// Name is the name of s, a part of one string that all names share.
func (t *Symbols) Name(s Symbol) (string, error) {
	name, ok := cstring(t.strs, s.NameOff)
	if !ok {
		return "", bin.Errorf(t.name, 0, "name offset %#x is no string of the table (%#x bytes)", s.NameOff, len(t.strs))
	}
	return name, nil
}

// All iterates over all entries from 1 on with their names. An entry that
// cannot be read ends the iteration; the error is in *err.
func (t *Symbols) All(err *error) iter.Seq2[Symbol, string] {
	return func(yield func(Symbol, string) bool) {
		for i := 1; i < t.Len(); i++ {
			s, e := t.At(i)
			if e != nil {
				*err = e
				return
			}
			name, e := t.Name(s)
			if e != nil {
				*err = e
				return
			}
			if !yield(s, name) {
				return
			}
		}
	}
}

package btf

import "encoding/binary"

// FuncInfo says which FUNC type describes the code from Off on.
type FuncInfo struct {
	Off  uint32 // bytes, from the start of the ELF section
	Type ID
}

// Line is a place in the C source. File and Text are string offsets.
type Line struct {
	File, Text uint32
	LineCol    uint32 // line << 10 | column
}

// Line is the line number, from 1.
func (l Line) Line() uint32 { return l.LineCol >> 10 }

// Column is the column, 0 if the compiler gave none.
func (l Line) Column() uint32 { return l.LineCol & 0x3ff }

// LineInfo is the Line that the code from Off on comes from.
type LineInfo struct {
	Off uint32 // bytes, from the start of the ELF section
	Line
}

// CORERelo asks for one number of the target kernel: what Access of the local
// type Root comes to there.
type CORERelo struct {
	Kind   COREKind
	Root   ID
	Access string // indexes as "0:1:2"; "0" for types
}

// COREInfo is the CORERelo of the instruction at Off.
type COREInfo struct {
	Off uint32 // bytes, from the start of the ELF section
	CORERelo
}

// Ext is the contents of .BTF.ext.
type Ext struct {
	Sections []ExtSection
	form     extForm
}

// extForm is what two .BTF.ext that say the same may differ in.
type extForm struct {
	header uint32              // its length, 0: as clang's
	empty  [len(extParts)]bool // tables that are there, without records
}

// ExtSection holds the records of one ELF section, each list sorted by Off and
// without duplicates.
type ExtSection struct {
	Name  string
	Funcs []FuncInfo
	Lines []LineInfo
	CORE  []COREInfo
}

// Section gives the records of the named section, or nil.
func (e *Ext) Section(name string) *ExtSection {
	for i := range e.Sections {
		if e.Sections[i].Name == name {
			return &e.Sections[i]
		}
	}
	return nil
}

// Note is what an asm.NoteID stands for: where an instruction comes from and
// what has to be relocated in it.
type Note struct {
	Line    Line
	HasLine bool
	CORE    *CORERelo
}

// ParseExt reads .BTF.ext, whose strings and types are in s. Records longer
// than known are accepted; so is a header that ends before the CO-RE part.
// Errors are *bin.FormatError with section ".BTF.ext".
func ParseExt(b []byte, s *Spec) (*Ext, error) {
	order, err := byteOrder(extSection, b)
	if err != nil {
		return nil, err
	}
	p := extParser{b: b, s: s, order: order, big: order == binary.BigEndian, byName: make(map[string]int)}
	form := extForm{header: order.Uint32(b[4:])}
	for i := range extParts {
		if form.empty[i], err = p.part(&extParts[i]); err != nil {
			return nil, err
		}
	}
	if err := p.sort(); err != nil {
		return nil, err
	}
	return &Ext{p.out, form}, nil
}

package link

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/skepbpf/skep/internal/elffile"
	"github.com/skepbpf/skep/internal/sys"
)

// ErrAmbiguous says that a name stands for several functions.
var ErrAmbiguous = errors.New("name is ambiguous")

// Section types of the GNU symbol versions (LSB Core, "Symbol Versioning").
const (
	sectionVersym elffile.SectionType = 0x6fffffff
	sectionVerdef elffile.SectionType = 0x6ffffffd

	versymHidden  = 0x8000 // not the default version
	versymVersion = 0x7fff
)

// functionOffset finds where function name begins in the ELF file at path.
func functionOffset(path, name string) (uint64, error) {
	return inFile(path, func(e *elffile.File) (uint64, error) { return elfFunction(e, name) })
}

// addressOffset finds the file offset of a virtual address of the ELF file at
// path.
func addressOffset(path string, addr uint64) (uint64, error) {
	return inFile(path, func(e *elffile.File) (uint64, error) {
		if off, ok := e.FileOffset(addr); ok {
			return off, nil
		}
		return 0, fmt.Errorf("address %#x is not in the file", addr)
	})
}

// inFile asks an ELF file. Nothing of the file is kept: symbol tables of large
// programs run to many megabytes.
func inFile(path string, ask func(*elffile.File) (uint64, error)) (uint64, error) {
	f, err := sys.OpenFile(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if !st.Mode.IsRegular() {
		return 0, fmt.Errorf("%s: not a regular file", path)
	}
	e, err := elffile.Open(f, st.Size)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	off, err := ask(e)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	return off, nil
}

// elfFunction finds the file offset of a function: in the dynamic symbols,
// and if they have none of that name, in the symbol table.
//
// name is "func", "func@VER" or "func@@VER". Without a version the default one
// is meant. A weak symbol gives way to a global one; two of equal rank at
// different places are ErrAmbiguous.
func elfFunction(e *elffile.File, name string) (uint64, error) {
	base, version, versioned := strings.Cut(name, "@")
	version = strings.TrimPrefix(version, "@")
	if base == "" || versioned && version == "" {
		return 0, fmt.Errorf("function %q: want name or name@version", name)
	}
	stripped := false
	for _, dynamic := range [...]bool{true, false} {
		t, err := openTable(e, dynamic)
		if err != nil {
			return 0, err
		}
		stripped = t.syms.Len() == 0
		best, err := t.find(base, version)
		if err != nil {
			return 0, fmt.Errorf("function %q: %w", name, err)
		}
		if best == nil {
			continue
		}
		off, ok := fileOffset(e, best)
		if !ok {
			return 0, fmt.Errorf("function %q: address %#x is not in the file", name, best.Value)
		}
		return off, nil
	}
	if stripped {
		return 0, fmt.Errorf("function %q: not among the dynamic symbols, and the file is stripped of others: %w", name, fs.ErrNotExist)
	}
	return 0, fmt.Errorf("function %q: %w", name, fs.ErrNotExist)
}

// fileOffset is where a symbol's code is in the file: by the segment that
// loads it, else by its section, as files of debug symbols and objects have no
// usable segments.
func fileOffset(e *elffile.File, s *elffile.Symbol) (uint64, bool) {
	if off, ok := e.FileOffset(s.Value); ok {
		return off, true
	}
	sec := &e.Sections[s.Section]
	if len(e.Progs) != 0 || s.Value < sec.Addr || s.Value-sec.Addr >= sec.Size {
		return 0, false
	}
	return s.Value - sec.Addr + sec.Offset, true
}

// symbolTable is one of a file's two symbol tables, with the versions of the
// dynamic one.
type symbolTable struct {
	syms     *elffile.Symbols
	file     *elffile.File
	versyms  []byte            // u16 for each symbol, or nil
	versions map[uint16]string // by index; read when first needed
}

func openTable(e *elffile.File, dynamic bool) (*symbolTable, error) {
	t := &symbolTable{file: e}
	var err error
	if !dynamic {
		t.syms, err = e.Symbols()
		return t, err
	}
	if t.syms, err = e.DynamicSymbols(); err != nil {
		return nil, err
	}
	for i := range e.Sections {
		if e.Sections[i].Type == sectionVersym {
			t.versyms, err = e.Data(i)
			return t, err
		}
	}
	return t, nil
}

// find gives the symbol that base and version mean; nil if there is none.
func (t *symbolTable) find(base, version string) (*elffile.Symbol, error) {
	var (
		best     elffile.Symbol
		bestRank int
		clash    bool
	)
	for i := 1; i < t.syms.Len(); i++ {
		s, err := t.syms.At(i)
		if err != nil {
			return nil, err
		}
		if s.Type() != elffile.SymFunc || !s.Defined() {
			continue
		}
		name, err := t.syms.Name(s)
		if err != nil {
			return nil, err
		}
		rank, err := t.rank(i, name, base, version)
		if err != nil {
			return nil, err
		}
		if rank == 0 {
			continue
		}
		if s.Bind() != elffile.BindWeak {
			rank++
		}
		switch {
		case rank > bestRank:
			best, bestRank, clash = s, rank, false
		case rank == bestRank && s.Value != best.Value:
			clash = clash || s.Bind() != elffile.BindWeak
		}
	}
	switch {
	case clash:
		return nil, ErrAmbiguous
	case bestRank == 0:
		return nil, nil
	}
	return &best, nil
}

// rank says how well symbol i matches: 0 not at all, 2 by name, 4 by name and
// as the default version or the version asked for.
func (t *symbolTable) rank(i int, name, base, version string) (int, error) {
	if !strings.HasPrefix(name, base) {
		return 0, nil
	}
	// A linker writes "func@VER" into the symbol table, "func" into the dynamic one.
	own := name[len(base):]
	if own != "" && own[0] != '@' {
		return 0, nil
	}
	hidden := own != "" && !strings.HasPrefix(own, "@@")
	if own == "" && len(t.versyms) >= 2*(i+1) {
		v := t.file.Order.Uint16(t.versyms[2*i:])
		hidden = v&versymHidden != 0
		if version != "" {
			if err := t.readVersions(); err != nil {
				return 0, err
			}
			own = "@" + t.versions[v&versymVersion]
		}
	}
	switch {
	case version != "" && strings.TrimLeft(own, "@") != version:
		return 0, nil
	case version == "" && hidden:
		return 2, nil
	}
	return 4, nil
}

package link

import (
	"io/fs"
	"strings"

	"github.com/skepbpf/skep/internal/elffile"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/prog"
)

// ErrAmbiguous says that a name stands for several functions: of the kernel, or
// of a file.
var ErrAmbiguous = prog.ErrAmbiguous

// Section types of the GNU symbol versions (LSB Core, "Symbol Versioning").
const (
	sectionVersym elffile.SectionType = 0x6fffffff
	sectionVerdef elffile.SectionType = 0x6ffffffd

	versymHidden  = 0x8000 // not the default version
	versymVersion = 0x7fff
)

// functionOffsets finds where functions begin in the ELF file at path: all of
// them in one pass over its symbols.
func functionOffsets(path string, names []string) (offsets []uint64, err error) {
	err = inFile(path, func(e *elffile.File) error {
		offsets, err = elfFunctions(e, names)
		return err
	})
	return offsets, err
}

// addressOffset finds the file offset of a virtual address of the ELF file at
// path.
func addressOffset(path string, addr uint64) (off uint64, err error) {
	err = inFile(path, func(e *elffile.File) error {
		var ok bool
		if off, ok = e.FileOffset(addr); !ok {
			return mkerr.Errorf("address %#x is not in the file", addr)
		}
		return nil
	})
	return off, err
}

// inFile asks an ELF file. Nothing of the file is kept: symbol tables of large
// programs run to many megabytes.
func inFile(path string, ask func(*elffile.File) error) error {
	f, err := sys.OpenFile(path)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if !st.Mode.IsRegular() {
		return mkerr.Named("%s: not a regular file", path)
	}
	e, err := elffile.Open(f, st.Size)
	if err != nil {
		return mkerr.WrapNamed("%s: %w", path, err)
	}
	if err := ask(e); err != nil {
		return mkerr.WrapNamed("%s: %w", path, err)
	}
	return nil
}

// elfFunctions finds the file offsets of functions: in the dynamic symbols, and
// of those that they have none of, in the symbol table. The error is that of the
// first name that has one, as if they were sought one after the other.
//
// A name is "func", "func@VER" or "func@@VER". Without a version the default one
// is meant. A weak symbol gives way to a global one; two of equal rank at
// different places are ErrAmbiguous.
func elfFunctions(e *elffile.File, names []string) ([]uint64, error) {
	all, failed := newWanted(names)
	if len(all) == 0 {
		return nil, failed
	}
	pending, stripped := all, false
	for _, dynamic := range [...]bool{true, false} {
		t, err := openTable(e, dynamic)
		if err != nil {
			return nil, err
		}
		stripped = t.syms.Len() == 0
		if err := t.find(pending); err != nil {
			return nil, mkerr.WrapNamed("function %q: %w", pending[0].name, err)
		}
		var later []*wanted
		for _, w := range pending {
			if err := w.settle(e); err != nil {
				failed = mkerr.WrapNamed("function %q: %w", w.name, err)
				break // what comes after it does not matter any more
			}
			if w.rank == 0 {
				later = append(later, w)
			}
		}
		if pending = later; len(pending) == 0 {
			break
		}
	}
	switch {
	case len(pending) == 0:
	case stripped:
		failed = mkerr.WrapNamed("function %q: not among the dynamic symbols, and the file is stripped of others: %w", pending[0].name, fs.ErrNotExist)
	default:
		failed = mkerr.WrapNamed("function %q: %w", pending[0].name, fs.ErrNotExist)
	}
	if failed != nil {
		return nil, failed
	}
	offsets := make([]uint64, len(all))
	for i, w := range all {
		offsets[i] = w.offset
	}
	return offsets, nil
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

	versionErr error // of that
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

// rank says how well symbol i matches, whose name is right: 0 not at all, 2 by
// name, 4 by name and as the default version or the version asked for. own is
// what follows the name: a linker writes "func@VER" into the symbol table, "func"
// into the dynamic one.
func (t *symbolTable) rank(i int, own, version string) (int, error) {
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

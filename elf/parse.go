package elf

import (
	"io"
	"strings"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/elffile"
)

// Parse reads the BPF object in b, which must not change afterwards: the
// Object refers to it. Errors about the file's contents have a
// *bin.FormatError in their chain that names section and offset.
func Parse(b []byte) (*Object, error) {
	f, err := elffile.OpenBytes(b)
	if err != nil {
		return nil, err
	}
	// LLVM before 3.9 wrote no machine.
	if f.Type != elffile.TypeRel || f.Class != elffile.Class64 ||
		f.Machine != elffile.MachineBPF && f.Machine != elffile.MachineNone {
		return nil, bin.Errorf("ELF header", 0, "not a BPF object: type %d, class %d, machine %d",
			f.Type, f.Class, f.Machine)
	}
	p := &parser{file: f, obj: &Object{Order: f.Order}, budget: len(b) + 1<<10}
	for _, step := range [...]func(*parser) error{
		(*parser).collectSections,
		(*parser).collectSymbols,
		(*parser).collectFuncs,
		(*parser).parseTypes,
		(*parser).collectExterns,
		(*parser).fixDataSecs,
		(*parser).fixExterns,
		(*parser).finishTypes,
		(*parser).parseMaps,
		(*parser).parseLegacyMaps,
		(*parser).addDataMaps,
		(*parser).addKconfigMap,
		(*parser).addStructOps,
		(*parser).addArenaData,
		(*parser).addVars,
		(*parser).decodeFuncs,
		(*parser).fillSlots,
		(*parser).listExterns,
	} {
		if err := step(p); err != nil {
			return nil, err
		}
	}
	return p.obj, nil
}

// Read reads the BPF object of size bytes in r. It is Parse for readers; r is
// not used after it returns.
func Read(r io.ReaderAt, size int64) (*Object, error) {
	if size < 0 {
		return nil, bin.Errorf("ELF header", 0, "file size %d", size)
	}
	b, err := io.ReadAll(io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, err
	}
	return Parse(b)
}

// parser is the state of one Parse: what the steps hand to each other.
type parser struct {
	file *elffile.File
	obj  *Object

	kinds         []secKind    // by section index
	text          uint32       // index of .text, 0 without one
	arena         uint32       // index of .addr_space.1
	btf           []byte       // contents of .BTF, nil without
	ext           []byte       // contents of .BTF.ext
	rels          []relSection // relocations of sections that have some, by target
	relocs        []reloc      // of the section that is read
	syms          []symbol     // by symbol index
	order         []int32      // symbols of functions and objects by (section, value)
	funcs         []function   // parallel to obj.Funcs
	defs          []FuncDef    // what funcs point to
	notes         int          // of obj.Notes, how many are in use
	names         nameSet      // of functions
	vars          nameSet      // of variables
	mapNs         nameSet      // of maps
	maps          []placedMap  // maps that references can name, by (section, offset)
	hasExternMaps bool
	data          []*MapDef // by section index: the map of a data section
	varDefs       []VarDef  // what obj.Vars will point to
	jumps         map[jumpKey]string

	types    *btf.Spec // as the file has it
	edit     *btf.Editor
	extInfo  *btf.Ext
	dataSecs []dataSec
	tagged   bool       // there are DECL_TAGs
	placed   []bool     // by type id: the VAR is in a DATASEC
	ksyms    []btf.Type // .ksyms DATASECs
	kconfig  kconfigMap
	externs  []extern
	externBy map[int32]int // symbol index → externs

	byName map[uint32]map[string]*symbol // symbols of large sections; see finder
	budget int                           // bytes that names and tables made up here may still take
}

// spend takes n bytes from what the parser may make beyond the input's own
// contents, so that no small file expands without bound.
func (p *parser) spend(section string, n int) error {
	if p.budget -= n; p.budget < 0 {
		return bin.Errorf(section, 0, "names and tables take more memory than the file allows")
	}
	return nil
}

// secKind is what a section is to a BPF loader.
type secKind uint8

const (
	secOther secKind = iota
	secProg          // executable, .text included
	secMaps
	secLegacyMaps
	secData
	secRodata
	secBSS
	secPerCPU
	secStructOps
	secArena
	secJumpTables
)

// isData reports whether a section of that kind becomes a map of one element.
func (k secKind) isData() bool { return k >= secData && k <= secPerCPU }

// dataNames are the sections whose name, or name before a '.', makes them data.
var dataNames = [...]struct {
	name string
	kind secKind
}{
	{".data", secData},
	{".rodata", secRodata},
	{".bss", secBSS},
	{".percpu", secPerCPU},
}

// otherNames are the sections known by their whole name.
var otherNames = [...]struct {
	name string
	kind secKind
}{
	{".maps", secMaps},
	{"maps", secLegacyMaps},
	{".struct_ops", secStructOps},
	{".struct_ops.link", secStructOps},
	{"?.struct_ops", secStructOps},
	{"?.struct_ops.link", secStructOps},
	{".addr_space.1", secArena},
	{".jumptables", secJumpTables},
}

func classify(s *elffile.Section) secKind {
	if s.Type == elffile.SectionProgBits && s.Flags&elffile.FlagExec != 0 {
		if s.Size == 0 {
			return secOther // an empty .text is in every object
		}
		return secProg
	}
	if s.Type != elffile.SectionProgBits && s.Type != elffile.SectionNoBits {
		return secOther
	}
	for _, n := range otherNames {
		if s.Name == n.name && s.Type == elffile.SectionProgBits {
			return n.kind
		}
	}
	if strings.HasPrefix(s.Name, "maps/") && s.Type == elffile.SectionProgBits {
		return secLegacyMaps
	}
	for _, n := range dataNames {
		rest, ok := strings.CutPrefix(s.Name, n.name)
		if !ok || rest != "" && rest[0] != '.' || s.Size == 0 {
			continue
		}
		if s.Type == elffile.SectionNoBits && n.kind != secBSS {
			return secOther
		}
		return n.kind
	}
	return secOther
}

// collectSections says what each section is and reads the small ones.
func (p *parser) collectSections() error {
	p.kinds = make([]secKind, len(p.file.Sections))
	p.data = make([]*MapDef, len(p.file.Sections))
	for i := range p.file.Sections {
		s := &p.file.Sections[i]
		p.kinds[i] = classify(s)
		if p.kinds[i].isData() && s.Size > 1<<32-1 {
			return bin.Errorf(s.Name, 0, "data section of %#x bytes", s.Size)
		}
		if err := p.collectSection(i, s); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) collectSection(i int, s *elffile.Section) (err error) {
	switch {
	case s.Type == elffile.SectionRel || s.Type == elffile.SectionRela:
		return p.collectRelocs(i)
	case s.Type != elffile.SectionProgBits:
		return nil
	case s.Name == ".text" && p.text == 0:
		p.text = uint32(i)
	case s.Name == ".BTF":
		p.btf, err = p.file.Data(i)
	case s.Name == ".BTF.ext":
		p.ext, err = p.file.Data(i)
	case s.Name == "license":
		var b []byte
		b, err = p.file.Data(i)
		p.obj.License, _, _ = strings.Cut(string(b), "\x00")
	case s.Name == "version":
		var b []byte
		if b, err = p.file.Data(i); err == nil && len(b) != 4 {
			return bin.Errorf(s.Name, 0, "version of %d bytes, want 4", len(b))
		} else if err == nil {
			p.obj.Version = p.file.Order.Uint32(b)
		}
	case p.kinds[i] == secArena:
		p.arena = uint32(i)
	}
	return err
}

// nameSet hands out names that are unique: "name", then "name·2", "name·3".
type nameSet struct{ taken map[string]int }

// add gives name itself if it is free, else with the next free number.
func (n *nameSet) add(p *parser, section, name string) (string, error) {
	if n.taken == nil {
		n.taken = make(map[string]int)
	}
	count := n.taken[name]
	if count == 0 {
		n.taken[name] = 1
		return name, nil
	}
	for {
		count++
		if err := p.spend(section, len(name)+8); err != nil {
			return "", err
		}
		unique := name + "·" + itoa(count)
		if _, used := n.taken[unique]; !used {
			n.taken[name], n.taken[unique] = count, 1
			return unique, nil
		}
	}
}

// has reports whether name is taken.
func (n *nameSet) has(name string) bool { return n.taken[name] != 0 }

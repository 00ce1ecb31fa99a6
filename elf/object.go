// Package elf reads BPF objects: what clang, gcc and static linkers put into
// ELF files becomes an Object of programs, functions, maps, variables and
// externs that refer to each other by name.
//
// Parsing is pure. The same bytes give the same Object on every machine; what
// depends on the kernel (page size, possible CPUs, features) is left as the
// object says it. Both byte orders parse everywhere.
//
// The package shadows the standard library's debug/elf; inside this module
// that one is imported as stdelf.
package elf

import (
	"encoding/binary"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
)

// Object is a parsed BPF object. It and everything it points to must not be
// changed; then it may be shared by any number of goroutines. Parts of it
// refer to the input bytes.
type Object struct {
	// Order is the byte order of the object's instructions, data and BTF.
	Order binary.ByteOrder

	// License is the contents of the "license" section up to the first NUL,
	// Version the number in the "version" section, 0 without one.
	License string
	Version uint32

	// Types is the object's BTF, nil if it has none. Sizes and offsets of data
	// sections, which compilers leave to the linker, are filled in; hidden
	// functions and variables are static; extern ones are allocated, as the
	// kernel wants them. Type ids are those of the file.
	Types *btf.Spec

	// Notes holds the source line and the CO-RE record of instructions: an
	// instruction whose Note is n > 0 owns Notes[n-1].
	Notes []btf.Note

	// Maps are in libbpf's order: .maps (then legacy maps), data sections,
	// .kconfig, struct_ops. Names are unique.
	Maps []*MapDef

	// Progs are the entry points: the functions of executable sections other
	// than .text, in the order of sections and offsets. Funcs are all
	// functions, those of Progs included, in that order. Names are unique
	// among Funcs.
	Progs []*ProgDef
	Funcs []*FuncDef

	// Vars are the variables of data sections, in the order of Maps and
	// offsets. Names are unique.
	Vars []*VarDef

	// Externs are what the object wants from outside: .kconfig variables in
	// the order of their offsets, then all others by name.
	Externs []*ExternDef

	// JumpTables are the tables that indirect jumps of the object's functions
	// use, in the order of first use. Names are unique among Maps too.
	JumpTables []*JumpTable

	// FuncTags are the declaration tags of functions that tell a loader
	// something, in the order of their types.
	FuncTags []FuncTag
}

// Texts of FuncTags.
const (
	TagException = "exception_callback:" // and the name of the function
	TagCtx       = "arg:ctx"             // the parameter is the program's context
)

// FuncTag is a declaration tag of a function, or of one of its parameters.
type FuncTag struct {
	Func  btf.ID // FUNC in Types
	Param int    // -1: the function itself
	Text  string
}

// MapKind says where a MapDef comes from.
type MapKind uint8

// Origins of maps.
const (
	MapDeclared  MapKind = iota // a variable in .maps, or in a legacy maps section
	MapData                     // .data, .rodata, .bss, .percpu and named variants
	MapKconfig                  // the extern .kconfig variables
	MapStructOps                // a variable in a .struct_ops section
)

// MapDef is a map as the object declares it. Sizes are in bytes, Type and
// Flags are numbers of enum bpf_map_type and BPF_F_ flags.
type MapDef struct {
	// Name is what references use: the C variable, or for a data section the
	// section itself. (For the kernel, libbpf puts the first 8 characters of
	// the object's name before .data, .rodata, .bss and .kconfig; an Object
	// has no name, so that is done where one is given.) The second static map
	// of a name is "name·2".
	Name    string
	Section string
	Kind    MapKind

	// MaxEntries is as declared: a ring buffer's is rounded to a power of two
	// of pages where the page size is known.
	Type, KeySize, ValueSize, MaxEntries, Flags uint32

	NumaNode uint32 // meaningful if HasNuma
	HasNuma  bool
	MapExtra uint64 // Requires Linux 5.16.
	Pinning  uint32 // PinNone or PinByName

	// Key and Value are types of Object.Types, 0 if the map has none. For a
	// struct_ops map, Value is the operations struct.
	Key, Value btf.ID

	// Inner is the template of the maps in a map-in-map; nil without one.
	Inner *MapDef

	// Init is what the map starts with: a data section's contents (nil for
	// .bss and .kconfig: zeros), the bytes of a struct_ops value without its
	// function pointers, an arena's global variables.
	Init []byte

	// Slots are elements (or function pointers in Init) that refer to other
	// parts of the object, in the order of Index.
	Slots []Slot

	// DataSec is the DATASEC of a data section map in Object.Types, which is
	// also its Value; 0 without BTF.
	DataSec btf.ID

	ReadOnly bool // .rodata and .kconfig: programs cannot write; freeze after filling
	Weak     bool // the symbol is weak
	Static   bool // the symbol is local
	Extern   bool // declared, but not defined in this object
	Legacy   bool // a struct bpf_map_def in a "maps" section: no BTF describes it
	Off      bool // section "?.struct_ops…": not created unless asked for
}

// Pinning of maps, as enum libbpf_pin_type has it.
const (
	PinNone   = 0
	PinByName = 1
)

// SlotKind says what a Slot refers to.
type SlotKind uint8

// Kinds of slots.
const (
	SlotMap  SlotKind = iota // Index is a key of a map-in-map, Name a map
	SlotProg                 // Index is a key of a program array, Name a function of Progs
	SlotFunc                 // Index is a byte offset in a struct_ops value, Name a function of Progs
)

// Slot is an initial element of a map that refers to another part of the
// object.
type Slot struct {
	Index uint32
	Name  string
	Kind  SlotKind
}

// FuncDef is a function.
type FuncDef struct {
	Name    string // unique: the second static function of a name is "name·2"
	Symbol  string // as written in C
	Section string
	Offset  uint64 // of its first instruction in Section, in bytes

	// Insns refer to maps, functions, variables and kernel symbols by Ref.
	// Jumps within the function are relative.
	Insns asm.Instructions

	// Type is the FUNC in Object.Types, 0 without BTF.
	Type btf.ID

	Static bool // local, or hidden: verified only as part of its callers
	Weak   bool
}

// ProgDef is an entry point: a function that the kernel can load as a program.
type ProgDef struct {
	*FuncDef
	SEC   string // section name as written, "?" included
	Match Match  // what SEC means
}

// VarDef is a global variable in a data section, or in an arena.
type VarDef struct {
	Name         string // unique: the second static variable of a name is "name·2"
	Section      string
	Map          string // MapDef that holds it
	Offset, Size uint32 // bytes in the section's contents
	Type         btf.ID // type of the variable, 0 without BTF
	Static       bool   // local or hidden
	Weak         bool
	ReadOnly     bool // constant once loaded
}

// ExternKind says what an extern is resolved against.
type ExternKind uint8

// Kinds of externs.
const (
	ExternKconfig ExternKind = iota // kernel configuration value, in the .kconfig map
	ExternKsym                      // address of a kernel symbol without a type
	ExternKsymVar                   // kernel variable with a type; Linux 5.10, in modules 5.12
	ExternKfunc                     // kernel function; Linux 5.13, in modules 5.16
	ExternFunc                      // bpf function of another object: link first
	ExternVar                       // variable of another object: link first
)

// String names the kind as C sources do.
func (k ExternKind) String() string {
	return [...]string{"kconfig", "ksym", "typed ksym", "kfunc", "function", "variable"}[min(k, ExternVar)]
}

// ExternDef is a symbol that the object uses and does not define. References
// to it carry its name.
type ExternDef struct {
	Name string
	Kind ExternKind
	Weak bool // may stay unresolved: value 0, or a call that is never reached

	// Type is the declared type: of a variable, its type (before typedefs and
	// qualifiers are resolved); of a function, its FUNC. 0 without BTF.
	Type btf.ID

	// Offset and Size are the place of a Kconfig extern in the .kconfig map.
	Offset, Size uint32
}

// JumpTable is an array of places in one function that indirect jumps choose
// from. It becomes an instruction array map; references to it are RefMapValue.
// Requires Linux 6.19.
type JumpTable struct {
	Name    string
	Func    string   // function that jumps
	Targets []uint32 // slots of eight bytes, from the start of Func; nil if Bad

	// Bad says why no program that uses the table can be loaded; nil if it can.
	Bad error
}

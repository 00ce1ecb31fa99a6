package btf

import "fmt"

// ID names a type within one blob and its base. 0 is void.
type ID uint32

// Kind says what a type is. The numbers are those of BTF_KIND_* in
// include/uapi/linux/btf.h.
type Kind uint8

// The kinds of Linux 7.3. A blob with a layout section may hold kinds beyond
// these: their types can be stepped over, but not read.
const (
	KindVoid Kind = iota
	KindInt
	KindPtr
	KindArray
	KindStruct
	KindUnion
	KindEnum
	KindFwd
	KindTypedef
	KindVolatile
	KindConst
	KindRestrict
	KindFunc
	KindFuncProto
	KindVar
	KindDatasec
	KindFloat
	KindDeclTag
	KindTypeTag
	KindEnum64
	kindCount
)

// Linkage of a FUNC or VAR (BTF_FUNC_* and BTF_VAR_*, whose numbers agree).
type Linkage uint32

// The linkages.
const (
	LinkageStatic Linkage = iota
	LinkageGlobal
	LinkageExtern
)

// Encoding bits of an INT (BTF_INT_*).
const (
	IntSigned = 1 << iota
	IntChar
	IntBool
)

// intOffset is the bit offset in the word of an INT (BTF_INT_OFFSET).
const intOffset = 0xff << 16

// refUse says what the size/type word of a type holds.
type refUse uint8

const (
	noRef refUse = iota // unused
	aSize
	aType
)

// shape is the length of what follows the 12 bytes that all types begin with.
type shape struct {
	info, elem uint8 // bytes once, bytes for each of vlen elements
	known      bool
}

// kindInfo describes a kind. elem is for the kinds whose vlen counts elements;
// a FUNC keeps its linkage there.
type kindInfo struct {
	name string
	shape
	use refUse
}

var kinds = [kindCount]kindInfo{
	KindVoid:      {"void", shape{0, 0, true}, noRef},
	KindInt:       {"int", shape{4, 0, true}, aSize},
	KindPtr:       {"ptr", shape{0, 0, true}, aType},
	KindArray:     {"array", shape{12, 0, true}, noRef},
	KindStruct:    {"struct", shape{0, 12, true}, aSize},
	KindUnion:     {"union", shape{0, 12, true}, aSize},
	KindEnum:      {"enum", shape{0, 8, true}, aSize},
	KindFwd:       {"fwd", shape{0, 0, true}, noRef},
	KindTypedef:   {"typedef", shape{0, 0, true}, aType},
	KindVolatile:  {"volatile", shape{0, 0, true}, aType},
	KindConst:     {"const", shape{0, 0, true}, aType},
	KindRestrict:  {"restrict", shape{0, 0, true}, aType},
	KindFunc:      {"func", shape{0, 0, true}, aType},
	KindFuncProto: {"func_proto", shape{0, 8, true}, aType},
	KindVar:       {"var", shape{4, 0, true}, aType},
	KindDatasec:   {"datasec", shape{0, 12, true}, aSize},
	KindFloat:     {"float", shape{0, 0, true}, aSize},
	KindDeclTag:   {"decl_tag", shape{4, 0, true}, aType},
	KindTypeTag:   {"type_tag", shape{0, 0, true}, aType},
	KindEnum64:    {"enum64", shape{0, 12, true}, aSize},
}

// String is the kind's name as libbpf and bpftool write it, in lower case.
func (k Kind) String() string {
	if k < kindCount {
		return kinds[k].name
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// kindSet is a set of kinds, as bits.
type kindSet uint32

const (
	anyKind    kindSet = 1<<kindCount - 1
	enumKinds  kindSet = 1<<KindEnum | 1<<KindEnum64
	compound   kindSet = 1<<KindStruct | 1<<KindUnion
	modifiers  kindSet = 1<<KindTypedef | 1<<KindConst | 1<<KindVolatile | 1<<KindRestrict | 1<<KindTypeTag
	sized      kindSet = 1<<KindInt | 1<<KindFloat | 1<<KindDatasec | compound | enumKinds
	ends       kindSet = 1<<KindInt | 1<<KindPtr | 1<<KindFwd | 1<<KindFloat | enumKinds
	linkedKind kindSet = 1<<KindFunc | 1<<KindVar
)

func (s kindSet) has(k Kind) bool { return k < kindCount && s>>k&1 != 0 }

// like is the set of kinds that CO-RE takes for k: an ENUM may have become an
// ENUM64 when a value outgrew it.
func like(k Kind) kindSet {
	switch {
	case k == KindVoid:
		return anyKind
	case enumKinds.has(k):
		return enumKinds
	case k < kindCount:
		return 1 << k
	}
	return 0
}

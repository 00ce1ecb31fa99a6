package btf

import (
	"encoding/binary"
	"math/bits"
)

// Type is a handle on one type: a small value that reads the blob when asked.
// Comparing two Types of one Spec with == compares identity. The zero Type is
// void. Methods that do not apply to the kind give zero values; so does
// everything that reads the blob of a closed Kernel.
type Type struct {
	s   *Spec
	id  ID
	off uint32 // of what follows the common bytes, within the type section
	common
}

// common are the 12 bytes that all types begin with. They are a struct of their
// own because Go keeps structs of up to four fields in registers.
type common struct {
	name, info uint32
	size       uint32 // or a type id
}

// ID is the type's id in its Spec and in every Spec split on it.
func (t Type) ID() ID { return t.id }

// Kind says what the type is.
func (t Type) Kind() Kind { return Kind(t.info >> 24 & 0x7f) }

// KindFlag is the top bit of the info word: bitfields in a struct or union,
// signed values in an enum, a union in a forward declaration, an attribute
// instead of a tag in a declaration or type tag.
func (t Type) KindFlag() bool { return t.info>>31 != 0 }

// Vlen is the number of members, values, parameters or section variables.
func (t Type) Vlen() int {
	if k := t.Kind(); k < kindCount && kinds[k].elem != 0 {
		return int(t.vlen())
	}
	return 0
}

func (t Type) vlen() uint32 { return t.info & 0xffffff }

// Spec is the blob that holds the type: for a type reached through a split
// Spec it may be the base.
func (t Type) Spec() *Spec { return t.s }

// Size in bytes of an INT, STRUCT, UNION, ENUM, ENUM64, FLOAT or DATASEC.
func (t Type) Size() uint32 {
	if k := t.Kind(); k < kindCount && kinds[k].use == aSize {
		return t.size
	}
	return 0
}

// Target is the type that a PTR, TYPEDEF, CONST, VOLATILE, RESTRICT, TYPE_TAG,
// FUNC, VAR or DECL_TAG refers to, what a FUNC_PROTO returns, or what an ARRAY
// holds.
func (t Type) Target() ID {
	if t.Kind() == KindArray {
		return ID(t.word(KindArray, 0))
	}
	return t.ref()
}

// ref is Target for the kinds that keep it in their common bytes.
func (t Type) ref() ID {
	if k := t.Kind(); k < kindCount && kinds[k].use == aType {
		return ID(t.size)
	}
	return 0
}

// Name is the type's name, "" if it has none.
func (t Type) Name() string {
	if t.name == 0 {
		return ""
	}
	s, _ := t.s.String(t.name)
	return s
}

// nameBytes is the name where it stands in the blob: not to leave the package.
func (t Type) nameBytes() []byte {
	if t.name == 0 {
		return nil
	}
	return t.s.strBytes(t.name)
}

// Member is a field of a STRUCT or UNION. Offset and BitSize are in bits;
// BitSize is 0 unless the field is a bitfield.
type Member struct {
	Name            string
	Type            ID
	Offset, BitSize uint32
}

// rawMember is a Member with its name as a string offset.
type rawMember struct {
	name         uint32
	typ          ID
	offset, bits uint32
}

func (t Type) rawMember(i int) (m rawMember, ok bool) {
	if !compound.has(t.Kind()) || uint(i) >= uint(t.vlen()) {
		return m, false
	}
	b := t.s.tail(t.off, uint32(i), 12)
	if b == nil {
		return m, false
	}
	m = rawMember{name: binary.LittleEndian.Uint32(b), typ: ID(binary.LittleEndian.Uint32(b[4:])), offset: binary.LittleEndian.Uint32(b[8:])}
	if t.s.hdr.big {
		m.name, m.typ, m.offset = bits.ReverseBytes32(m.name), ID(bits.ReverseBytes32(uint32(m.typ))), bits.ReverseBytes32(m.offset)
	}
	if t.KindFlag() {
		m.bits, m.offset = m.offset>>24, m.offset&0xffffff
	}
	return m, true
}

// Member is the i-th field of a STRUCT or UNION.
func (t Type) Member(i int) Member {
	if t.s == nil || !t.s.guard.enter() {
		return Member{}
	}
	m, _ := t.rawMember(i)
	name, _ := t.s.str(m.name)
	t.s.guard.leave()
	return Member{name, m.typ, m.offset, m.bits}
}

// Param is a parameter of a FUNC_PROTO. The last one of a variadic function
// has no name and type 0.
type Param struct {
	Name string
	Type ID
}

func (t Type) rawParam(i int) (name uint32, typ ID, ok bool) {
	if t.Kind() != KindFuncProto || uint(i) >= uint(t.vlen()) {
		return 0, 0, false
	}
	b := t.s.tail(t.off, uint32(i), 8)
	if b == nil {
		return 0, 0, false
	}
	return t.s.u32(b), ID(t.s.u32(b[4:])), true
}

// Param is the i-th parameter of a FUNC_PROTO.
func (t Type) Param(i int) Param {
	if t.s == nil || !t.s.guard.enter() {
		return Param{}
	}
	defer t.s.guard.leave()
	off, typ, _ := t.rawParam(i)
	name, _ := t.s.str(off)
	return Param{name, typ}
}

// EnumValue is a named constant of an ENUM or ENUM64. Value is sign-extended
// if the enum is signed.
type EnumValue struct {
	Name  string
	Value uint64
}

func (t Type) rawEnum(i int) (name uint32, value uint64, ok bool) {
	if !enumKinds.has(t.Kind()) || uint(i) >= uint(t.vlen()) {
		return 0, 0, false
	}
	n := uint32(kinds[t.Kind()].elem)
	b := t.s.tail(t.off, uint32(i), n)
	if b == nil {
		return 0, 0, false
	}
	value = uint64(t.s.u32(b[4:]))
	if n == 12 {
		value |= uint64(t.s.u32(b[8:])) << 32
	} else if t.KindFlag() {
		value = uint64(int64(int32(value)))
	}
	return t.s.u32(b), value, true
}

// EnumValue is the i-th constant of an ENUM or ENUM64.
func (t Type) EnumValue(i int) EnumValue {
	if t.s == nil || !t.s.guard.enter() {
		return EnumValue{}
	}
	defer t.s.guard.leave()
	off, v, _ := t.rawEnum(i)
	name, _ := t.s.str(off)
	return EnumValue{name, v}
}

// Signed reports whether an INT or an enum is signed.
func (t Type) Signed() bool {
	switch t.Kind() {
	case KindInt:
		enc, _, _ := t.Int()
		return enc&IntSigned != 0
	case KindEnum, KindEnum64:
		return t.KindFlag()
	}
	return false
}

// word is the i-th 32-bit word that follows the common bytes.
func (t Type) word(k Kind, i uint32) uint32 {
	if t.s == nil || t.Kind() != k || !t.s.guard.enter() {
		return 0
	}
	defer t.s.guard.leave()
	return t.s.wordAt(t.off, i)
}

func (t Type) rawArray() (elem, index ID, n uint32) {
	if t.Kind() != KindArray {
		return 0, 0, 0
	}
	return ID(t.s.wordAt(t.off, 0)), ID(t.s.wordAt(t.off, 1)), t.s.wordAt(t.off, 2)
}

func (t Type) rawInt() (encoding, bits, offset uint32) {
	if t.Kind() != KindInt {
		return 0, 0, 0
	}
	w := t.s.wordAt(t.off, 0)
	return w >> 24 & 0xf, w & 0xff, w >> 16 & 0xff
}

// Array is the element type, index type and number of elements of an ARRAY.
func (t Type) Array() (elem, index ID, n uint32) {
	if t.s == nil || !t.s.guard.enter() {
		return 0, 0, 0
	}
	defer t.s.guard.leave()
	return t.rawArray()
}

// Int is the encoding (IntSigned, IntChar, IntBool), the width in bits and the
// bit offset of an INT.
func (t Type) Int() (encoding, bits, offset uint32) {
	if t.s == nil || !t.s.guard.enter() {
		return 0, 0, 0
	}
	defer t.s.guard.leave()
	return t.rawInt()
}

// Linkage of a FUNC or VAR.
func (t Type) Linkage() Linkage {
	if t.Kind() == KindFunc {
		return Linkage(t.vlen())
	}
	return Linkage(t.word(KindVar, 0))
}

// SecVar is one variable (in .ksyms: or function) of a DATASEC. Offset and
// Size are in bytes.
type SecVar struct {
	Type         ID
	Offset, Size uint32
}

// SecVar is the i-th variable of a DATASEC.
func (t Type) SecVar(i int) SecVar {
	if t.s == nil || t.Kind() != KindDatasec || uint(i) >= uint(t.vlen()) || !t.s.guard.enter() {
		return SecVar{}
	}
	defer t.s.guard.leave()
	b := t.s.tail(t.off, uint32(i), 12)
	if b == nil {
		return SecVar{}
	}
	return SecVar{ID(t.s.u32(b)), t.s.u32(b[4:]), t.s.u32(b[8:])}
}

// ComponentIndex of a DECL_TAG is the member or parameter it belongs to, -1
// for the whole.
func (t Type) ComponentIndex() int { return int(int32(t.word(KindDeclTag, 0))) }

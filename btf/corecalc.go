package btf

import (
	"errors"
	"fmt"
)

// errPoison marks a value that cannot be had, which poisons the instruction.
var errPoison = errors.New("no value")

// number is the value a relocation asks for, on one side.
type number struct {
	value    uint64
	size     uint32 // of the field, for loads and stores; 0 where not known
	typ      *Type  // of the field, where size is known
	validate bool
}

// calc computes the value of a path; p is nil where nothing matched.
func calc(kind COREKind, p *access) (number, error) {
	switch {
	case kind.field():
		return fieldNumber(kind, p)
	case kind.typ():
		return typeNumber(kind, p)
	}
	return enumNumber(kind, p)
}

func boolNumber(b bool) number {
	n := number{validate: true}
	if b {
		n.value = 1
	}
	return n
}

func typeNumber(kind COREKind, p *access) (number, error) {
	if p == nil {
		return boolNumber(false), nil
	}
	switch kind {
	case CORETypeIDLocal, CORETypeIDTarget:
		// The id in the instruction may be stale after linking.
		return number{value: uint64(p.root)}, nil
	case CORETypeSize:
		n, err := p.s.sizeof(p.root, p.ptr)
		return number{value: uint64(n), validate: true}, err
	}
	return boolNumber(true), nil
}

func enumNumber(kind COREKind, p *access) (number, error) {
	if kind == COREEnumvalExists {
		return boolNumber(p != nil), nil
	}
	if p == nil {
		return number{}, errPoison
	}
	t := p.field
	_, v, ok := t.rawEnum(int(p.last.idx))
	if !ok {
		return number{}, fmt.Errorf("%s has no value %d", t.cstring(), p.last.idx)
	}
	if t.Kind() == KindEnum {
		// Compilers before ENUM64 left the sign out; libbpf takes all as signed.
		v = uint64(int64(int32(v)))
	}
	return number{value: v, validate: true}, nil
}

func fieldNumber(kind COREKind, p *access) (number, error) {
	if kind == COREFieldExists {
		return boolNumber(p != nil), nil
	}
	if p == nil {
		return number{}, errPoison
	}
	if p.last.name == 0 {
		return elemNumber(kind, p)
	}
	if kind == COREFieldByteOffset && p.last.bits == 0 && p.field.Kind() != KindArray {
		size, err := p.field.sizeof(p.ptr)
		return number{uint64(uint32(p.bits) / 8), size, &p.field, true}, err
	}
	f := field{bitOff: uint32(p.bits), bitSize: p.last.bits, t: p.field, big: p.s.hdr.big}
	if err := f.window(p); err != nil {
		return number{}, err
	}
	n := f.number(kind)
	if kind == COREFieldByteOffset && p.last.bits == 0 {
		var err error
		n.typ = &p.field
		n.size, err = elemSize(p, p.field)
		return n, err
	}
	return n, nil
}

// elemNumber is for an access that ends with an index: it has a place and a
// size, but is never a bitfield.
func elemNumber(kind COREKind, p *access) (number, error) {
	switch kind {
	case COREFieldByteOffset:
		t := p.indexed()
		size, err := elemSize(p, *t)
		return number{p.bits / 8, size, t, true}, err
	case COREFieldByteSize:
		n, err := p.indexed().sizeof(p.ptr)
		return number{value: uint64(n), validate: true}, err
	}
	return number{}, fmt.Errorf("%s does not apply to an array element", kind)
}

// elemSize is the size of t, stripped, for an array of one element: what a load
// or store accesses.
func elemSize(p *access, t Type) (uint32, error) {
	for range maxDepth {
		if t.Kind() != KindArray {
			return t.sizeof(p.ptr)
		}
		elem, _, _ := t.rawArray()
		var ok bool
		if t, ok = p.s.strip(elem); !ok {
			break
		}
	}
	return 0, errPair
}

// field is a member with the bytes that a program loads to read it.
type field struct {
	bitOff, bitSize   uint32
	byteOff, byteSize uint32
	bitfield, big     bool
	t                 Type
}

// window finds the smallest aligned integer that holds a bitfield, starting
// from its declared type.
func (f *field) window(p *access) error {
	if f.bitSize == 0 {
		size, err := f.t.sizeof(p.ptr)
		f.byteSize, f.byteOff, f.bitSize = size, f.bitOff/8, size*8
		return err
	}
	f.bitfield = true
	f.byteSize = f.t.Size()
	if f.byteSize == 0 {
		return fmt.Errorf("bitfield of type %s", f.t.cstring())
	}
	f.byteOff = f.bitOff / 8 / f.byteSize * f.byteSize
	for uint64(f.bitOff)+uint64(f.bitSize)-uint64(f.byteOff)*8 > uint64(f.byteSize)*8 {
		if f.byteSize >= 8 {
			return fmt.Errorf("bitfield of %d bits at bit %d cannot be read with one load", f.bitSize, f.bitOff)
		}
		f.byteSize *= 2
		f.byteOff = f.bitOff / 8 / f.byteSize * f.byteSize
	}
	return nil
}

// number gives what kind asks for. Where a bitfield lies is up to the compiler
// within limits, so those values are not validated.
func (f *field) number(kind COREKind) number {
	n := number{validate: !f.bitfield}
	switch kind {
	case COREFieldByteOffset:
		n.value = uint64(f.byteOff)
	case COREFieldByteSize:
		n.value = uint64(f.byteSize)
	case COREFieldSigned:
		n = boolNumber(enumKinds.has(f.t.Kind()) && f.t.KindFlag() || signedInt(f.t))
	case COREFieldLShiftU64:
		if f.big {
			n.value = uint64((8-f.byteSize)*8 + (f.bitOff - f.byteOff*8))
		} else {
			n.value = uint64(64 - (f.bitOff + f.bitSize - f.byteOff*8))
		}
	case COREFieldRShiftU64:
		n.value, n.validate = uint64(64-f.bitSize), true
	}
	return n
}

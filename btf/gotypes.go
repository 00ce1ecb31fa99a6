package btf

import "strconv"

// goKind is a type as Go writes it.
type goKind struct {
	text        string
	size, align uint32 // bytes; align as Go has it on machines of 64 bits
}

// raw are bytes that no type of Go's describes.
func raw(size uint32) goKind { return goKind{"[" + strconv.Itoa(int(size)) + "]byte", size, 1} }

// goType says how a value of type id is written. hint is the name for a type
// that has none.
func (p *goPrinter) goType(id ID, hint string) goKind {
	t, ok := p.s.strip(id)
	if !ok {
		p.fail(errNested)
		return goKind{}
	}
	switch t.Kind() {
	case KindPtr:
		p.pointer = true
		return goKind{"Pointer", p.ptr, p.ptr}
	case KindInt:
		return goInt(t)
	case KindFloat:
		if t.size == 4 || t.size == 8 {
			return goKind{"float" + strconv.Itoa(int(8*t.size)), t.size, t.size}
		}
		return raw(t.size)
	case KindArray:
		return p.goArray(t, hint)
	case KindEnum, KindEnum64:
		if t.size != 1 && t.size != 2 && t.size != 4 && t.size != 8 {
			return raw(t.size)
		}
		return goKind{p.name(t, named(t, hint)), t.size, t.size}
	case KindStruct, KindUnion:
		return goKind{p.name(t, named(t, hint)), t.size, p.goAlign(t.id)}
	}
	return goKind{} // a function, or what is only declared
}

func named(t Type, hint string) string {
	if t.name != 0 {
		return goName(t.Name())
	}
	return hint
}

func goInt(t Type) goKind {
	enc, _, _ := t.rawInt()
	word := "uint"
	switch {
	case t.size == 16:
		return goKind{"[2]uint64", 16, 8}
	case t.size != 1 && t.size != 2 && t.size != 4 && t.size != 8:
		return raw(t.size)
	case enc&IntBool != 0 && t.size == 1:
		return goKind{"bool", 1, 1}
	case enc&IntSigned != 0:
		word = "int"
	}
	return goKind{word + strconv.Itoa(int(8*t.size)), t.size, t.size}
}

func (p *goPrinter) goArray(t Type, hint string) goKind {
	dims := ""
	for range maxDepth {
		elem, _, n := t.rawArray()
		dims += "[" + strconv.FormatUint(uint64(n), 10) + "]"
		in, ok := p.s.strip(elem)
		if !ok {
			break
		}
		if in.Kind() == KindArray {
			t = in
			continue
		}
		k := p.goType(elem, hint)
		k.text = dims + k.text
		return k // the size is looked up by the caller
	}
	p.fail(errNested)
	return goKind{}
}

// goAlign is the alignment in Go of a type, before anything is printed.
func (p *goPrinter) goAlign(id ID) uint32 {
	t, ok := p.s.strip(id)
	for i := 0; ok && t.Kind() == KindArray && i < maxDepth; i++ {
		elem, _, _ := t.rawArray()
		t, ok = p.s.strip(elem)
	}
	if !ok {
		return 1
	}
	switch t.Kind() {
	case KindPtr:
		return p.ptr
	case KindInt:
		return goInt(t).align
	case KindFloat, KindEnum, KindEnum64:
		if t.size == 2 && t.Kind() == KindFloat {
			return 1
		}
		return min(powerOf(t.size), 8)
	case KindStruct, KindUnion:
		return p.compoundAlign(t)
	}
	return 1
}

func (p *goPrinter) compoundAlign(t Type) uint32 {
	if a, ok := p.align[t.id]; ok {
		return a
	}
	p.align[t.id] = 1 // for one that holds itself
	most, align := min(powerOf(t.size), 8), uint32(1)
	for i := range int(t.vlen()) {
		m, _ := t.rawMember(i)
		if _, bits, _ := p.bitfield(t, m); bits > 0 {
			continue
		}
		if a := p.goAlign(m.typ); a <= most && m.offset%(8*a) == 0 {
			align = max(align, a)
		}
	}
	p.align[t.id] = align
	return align
}

// powerOf is the greatest power of two that divides n, for 0 a great one.
func powerOf(n uint32) uint32 {
	if n == 0 {
		return 8
	}
	return n & -n
}

// bitfield tells where a bitfield lies, in bits; width is 0 for other members.
func (p *goPrinter) bitfield(t Type, m rawMember) (at uint64, width uint32, in Type) {
	in, ok := p.s.strip(m.typ)
	at, width = uint64(m.offset), m.bits
	if ok && width == 0 && in.Kind() == KindInt && !t.KindFlag() {
		if _, bits, off := in.rawInt(); bits != 8*in.size && bits <= 64 {
			return at + uint64(off), bits, in
		}
	}
	return at, width, in
}

package btf

import "strconv"

// clayout is what has to be told the compiler about a struct or union.
type clayout struct {
	align   uint32 // bytes, as printed
	packed  bool
	aligned uint32 // attribute, 0 for none
}

// cfield is where a member lies, in bits.
type cfield struct {
	off, size uint64 // size of its type, or the width of a bitfield
	bits      uint32 // width of a bitfield, else 0
	align     uint64 // of its type
	unit      uint64 // size of a bitfield's type
}

// place reads where a member lies. Before Linux 5.0 a bitfield was an INT of
// fewer bits than its size has.
func (p *cprinter) place(t Type, m rawMember) cfield {
	f := cfield{off: uint64(m.offset), bits: m.bits, align: 8 * uint64(p.alignOf(m.typ))}
	size, _ := p.s.sizeof(m.typ, p.ptr) // what has none takes none
	f.size = 8 * uint64(size)
	if in, ok := p.s.strip(m.typ); ok && in.Kind() == KindInt && m.bits == 0 && !t.KindFlag() {
		if _, bits, off := in.rawInt(); uint64(bits) != f.size && bits > 0 {
			f.bits = bits
			f.off += uint64(off)
		}
	}
	if f.bits > 0 {
		f.unit, f.size = f.size, uint64(f.bits)
	}
	return f
}

// natural reports whether a compiler may put f where it is without packing: a
// bitfield must not reach beyond an aligned unit of its type.
func (f *cfield) natural() bool {
	if f.bits == 0 {
		return f.off%f.align == 0
	}
	return f.off%f.align+f.size <= f.unit
}

// alignOf is the alignment in bytes of a type as it is printed.
func (p *cprinter) alignOf(id ID) uint32 {
	for range maxChain {
		t, ok := p.s.typ(id)
		if !ok {
			return 1
		}
		switch k := t.Kind(); k {
		case KindPtr:
			return p.ptr
		case KindInt, KindFloat, KindEnum, KindEnum64:
			return numberAlign(t.size, p.ptr)
		case KindStruct, KindUnion:
			return p.layoutOf(t).align
		case KindArray:
			id, _, _ = t.rawArray()
		case KindTypedef, KindConst, KindVolatile, KindRestrict, KindTypeTag:
			id = t.ref()
		default:
			return 1
		}
	}
	return 1
}

// numberAlign is the alignment of a number. Some machines of 32 bits align 64
// bits to 8 bytes: there, padding is written that would come by itself.
func numberAlign(size, ptr uint32) uint32 {
	most := uint32(16)
	if ptr == 4 {
		most = 4
	}
	for n := most; n > 1; n /= 2 {
		if size%n == 0 && size > 0 {
			return n
		}
	}
	return 1
}

// layoutOf decides how a struct or union is declared.
func (p *cprinter) layoutOf(t Type) clayout {
	if l, ok := p.layout[t.id]; ok {
		return l
	}
	p.layout[t.id] = clayout{align: 1} // for a type that holds itself
	if !p.enter() {
		return clayout{align: 1}
	}
	defer p.leave()
	l := clayout{align: 1}
	end := uint64(0)
	for i := range int(t.vlen()) {
		m, _ := t.rawMember(i)
		f := p.place(t, m)
		l.packed = l.packed || !f.natural()
		l.align = max(l.align, uint32(f.align/8))
		end = max(end, f.off+f.size)
	}
	if l.packed = l.packed || t.size%l.align != 0; l.packed {
		l.align = 1
	}
	if t.Kind() == KindUnion {
		l.grow((end+7)/8, uint64(t.size))
	}
	p.layout[t.id] = l
	return l
}

// grow finds the alignment that makes a union larger than its members.
func (l *clayout) grow(end, size uint64) {
	if up(end, uint64(l.align)) >= size {
		return
	}
	for a := uint64(l.align) * 2; a <= 4096; a *= 2 {
		if up(end, a) == size {
			l.align, l.aligned = uint32(a), uint32(a)
			return
		}
	}
}

func up(n, align uint64) uint64 { return (n + align - 1) / align * align }

// padder follows a compiler through a struct and fills what it would not leave
// free.
type padder struct {
	p             *cprinter
	level         int
	at            uint64 // bits
	packed, union bool
}

// before makes the compiler put f where it is.
func (d *padder) before(f cfield) {
	if !d.union && d.next(f) != f.off {
		d.fill(f.off)
	}
}

// next is where the compiler would put f.
func (d *padder) next(f cfield) uint64 {
	switch {
	case f.bits > 0 && (d.packed || d.at%f.align+f.size <= f.unit):
		return d.at
	case d.packed:
		return up(d.at, 8)
	}
	return up(d.at, f.align)
}

func (d *padder) after(f cfield) {
	if d.union {
		d.at = max(d.at, f.off+f.size)
	} else {
		d.at = f.off + f.size
	}
}

// end fills up to the size of the whole.
func (d *padder) end(t Type, l clayout) {
	size := 8 * uint64(t.size)
	switch {
	case up(d.at, 8*uint64(l.align)) >= size:
	case d.union:
		d.array(size)
	default:
		d.fill(size)
	}
}

// pads are the types of padding, largest first: bitfields without a name,
// which count neither as members nor for the alignment of the whole.
var pads = [...]struct {
	word string
	bits uint64
}{{"long", 64}, {"int", 32}, {"short", 16}, {"char", 8}}

// maxFill is the hole, in bits, that is filled with bitfields; a greater one
// becomes an array.
const maxFill = 4096 * 8

// fill pads up to bit to, if that lies ahead.
func (d *padder) fill(to uint64) {
	for d.at < to && d.p.err == nil {
		if to-d.at > maxFill && d.at%8 == 0 {
			d.array((to - d.at) / 8 * 8)
			d.at = to / 8 * 8
			continue
		}
		word, next := "char", min(to, up(d.at+1, 8))
		for _, pad := range pads {
			bits := min(pad.bits, 8*uint64(d.p.ptr)) // long may be int's size
			if n := up(d.at+1, bits); n <= to {
				word, next = pad.word, n
				break
			}
		}
		d.p.indent(d.level)
		d.p.text(word, ": ", strconv.FormatUint(next-d.at, 10), ";\n")
		d.at = next
	}
}

// array pads with a member of so many bits.
func (d *padder) array(bits uint64) {
	d.p.indent(d.level)
	d.p.text("unsigned char __hole", strconv.FormatUint(d.at/8, 10), "[", strconv.FormatUint(bits/8, 10), "];\n")
}

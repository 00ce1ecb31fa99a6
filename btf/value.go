package btf

import (
	"errors"
	"io"
	"strconv"

	"github.com/skepbpf/skep/internal/mkerr"
)

// ValueOptions say how AppendValue writes. The zero value is C on one line,
// with names and zeroes: {.pid = 7, .comm = "sh", .flags = 0}.
type ValueOptions struct {
	JSON       bool   // as `bpftool map dump -j` formats values, but anonymous structs are part of what holds them
	Indent     string // for each level, with a line for each part; "" keeps all on one line
	SkipNames  bool   // of members, in C
	SkipZeroes bool   // members whose bytes are all 0 are left out
}

// AppendValue writes a value of type t, whose memory is data, as text.
// Integers, booleans, floats and pointers are numbers, arrays of char that end
// within the array are strings, enums have their constant's name if there is
// one; members of a union are all written. A DATASEC is written by its
// variables. Bytes are in the order of the Spec of t.
//
// What lies beyond data is written as "..." (JSON: null), and the error Is
// io.ErrUnexpectedEOF. Types that nest without bound are an error. The text is
// bounded by the size of data.
func AppendValue(dst []byte, t Type, data []byte, o *ValueOptions) ([]byte, error) {
	if o == nil {
		o = &ValueOptions{}
	}
	if t.s == nil {
		return dst, errors.New("print a value: void has none")
	}
	if !t.s.guard.enter() {
		return dst, ErrClosed
	}
	defer t.s.guard.leave()
	p := valuePrinter{ValueOptions: *o, s: t.s, data: data, ptr: t.s.pointerSize(), ints: intReader{t.s.hdr.big}}
	p.out, p.left = dst, valueBase+valuePerByte*len(data)
	p.value(t, 0)
	switch {
	case p.err != nil:
		return p.out, mkerr.WrapNamed("print a value of %s: %w", t.cstring(), p.err)
	case p.short:
		return p.out, mkerr.Errorf("print a value of %s: %d bytes given: %w", t.cstring(), len(data), io.ErrUnexpectedEOF)
	}
	return p.out, nil
}

// The text of a value is bounded: unions in unions show the same bytes many
// times.
const (
	valueBase    = 256 << 10
	valuePerByte = 256
)

// valuePrinter writes values; places are bits from the start of data.
type valuePrinter struct {
	ValueOptions
	textWriter
	s     *Spec
	data  []byte
	ptr   uint32
	ints  intReader
	level int
	short bool
	first bool // nothing was written in this brace yet
}

// missing writes a value that is not there.
func (p *valuePrinter) missing() {
	p.short = true
	p.text(pick(p.JSON, "null", "..."))
}

func pick(which bool, yes, no string) string {
	if which {
		return yes
	}
	return no
}

// value writes a value of type t at a bit of data that begins a byte.
func (p *valuePrinter) value(t Type, at uint64) {
	if p.err != nil {
		return
	}
	if t.Kind() != KindVar {
		var ok bool
		if t, ok = p.s.strip(t.id); !ok {
			p.fail(errNested)
			return
		}
	}
	switch t.Kind() {
	case KindStruct, KindUnion, KindDatasec:
		p.compound(t, at)
	case KindArray:
		p.array(t, at)
	case KindVar:
		to, ok := p.s.typ(t.ref())
		if !ok || to.Kind() == KindVar {
			to = Type{s: p.s}
		}
		p.value(to, at)
	case KindInt, KindEnum, KindEnum64, KindPtr, KindFloat:
		size := uint64(t.size)
		if t.Kind() == KindPtr {
			size = uint64(p.ptr)
		}
		p.number(t, at, 8*size)
	default:
		p.text(pick(p.JSON, "null", "{}")) // functions and what is only declared have no bytes
	}
}

// open and shut write the braces around parts, part what goes before each.
func (p *valuePrinter) open(brace string) bool {
	if p.level == 2*maxDepth {
		p.fail(errNested)
		return false
	}
	p.level++
	p.first = true
	p.text(brace)
	return true
}

func (p *valuePrinter) shut(brace string) {
	p.level--
	if !p.first {
		p.line()
	}
	p.first = false
	p.text(brace)
}

func (p *valuePrinter) part() {
	if !p.first {
		p.text(pick(p.Indent != "" || p.JSON, ",", ", "))
	}
	p.first = false
	p.line()
}

func (p *valuePrinter) line() {
	if p.Indent == "" {
		return
	}
	p.text("\n")
	for range p.level {
		p.text(p.Indent)
	}
}

func (p *valuePrinter) compound(t Type, at uint64) {
	if !p.open("{") {
		return
	}
	p.members(t, at, 0)
	p.shut("}")
}

// members writes the members of t, and those of anonymous ones as if they were
// t's.
func (p *valuePrinter) members(t Type, at uint64, depth int) {
	for i := range int(t.vlen()) {
		if p.err != nil {
			return
		}
		if t.Kind() == KindDatasec {
			v := t.SecVar(i)
			if to, ok := p.s.typ(v.Type); ok {
				p.member(to.Name(), to, at+8*uint64(v.Offset), 0)
			}
			continue
		}
		m, _ := t.rawMember(i)
		to, ok := p.s.strip(m.typ)
		if !ok {
			p.fail(errNested)
			return
		}
		if m.name == 0 && compound.has(to.Kind()) {
			if depth == maxDepth {
				p.fail(errNested)
				return
			}
			p.members(to, at+uint64(m.offset), depth+1)
			continue
		}
		name, _ := t.s.str(m.name)
		p.member(name, to, at+uint64(m.offset), m.bits)
	}
}

func (p *valuePrinter) member(name string, t Type, at uint64, bits uint32) {
	if _, n, off := t.rawInt(); bits == 0 && t.Kind() == KindInt && n != 8*t.size {
		bits, at = n, at+uint64(off) // the old way to write a bitfield
	}
	if p.SkipZeroes && p.zero(t, at, bits) {
		return
	}
	p.part()
	switch {
	case p.JSON:
		p.text(quoteJSON(name), pick(p.Indent != "", ": ", ":"))
	case !p.SkipNames && name != "":
		p.text(".", name, " = ")
	}
	if bits > 0 {
		p.number(t, at, uint64(bits))
	} else {
		p.value(t, at)
	}
}

// zero reports whether all bits of a member are there and 0.
func (p *valuePrinter) zero(t Type, at uint64, bits uint32) bool {
	if bits > 0 {
		v, ok := p.ints.bits(p.data, at, uint64(bits))
		return ok && v == 0
	}
	size, err := t.sizeof(p.ptr)
	if t.Kind() == KindVar {
		size, err = p.s.sizeof(t.ref(), p.ptr)
	}
	from := at / 8
	if err != nil || from+uint64(size) > uint64(len(p.data)) {
		return false
	}
	for _, c := range p.data[from : from+uint64(size)] {
		if c != 0 {
			return false
		}
	}
	return true
}

func (p *valuePrinter) array(t Type, at uint64) {
	elem, _, n := t.rawArray()
	to, ok := p.s.strip(elem)
	if !ok {
		p.fail(errNested)
		return
	}
	size, err := to.sizeof(p.ptr)
	if text, ok := p.charText(elem, at, n); ok {
		p.text(text)
		return
	}
	if !p.open(pick(p.JSON, "[", "{")) {
		return
	}
	if err == nil && size > 0 {
		for i := uint64(0); i < uint64(n) && p.err == nil; i++ {
			p.part()
			where := at + 8*i*uint64(size)
			if where/8 >= uint64(len(p.data)) {
				p.missing()
				break
			}
			p.value(to, where)
		}
	}
	p.shut(pick(p.JSON, "]", "}"))
}

// charText is the text of an array of char that ends within it. As bpftool has
// it, a typedef of char is a number.
func (p *valuePrinter) charText(elem ID, at uint64, n uint32) (string, bool) {
	t, ok := p.s.typ(elem)
	for i := 0; ok && i < maxChain && (t.Kind() == KindConst || t.Kind() == KindVolatile); i++ {
		t, ok = p.s.typ(t.ref())
	}
	if !ok || t.Kind() != KindInt || t.size != 1 {
		return "", false
	}
	if enc, _, _ := t.rawInt(); enc != IntChar && t.Name() != "char" {
		return "", false
	}
	from := min(at/8, uint64(len(p.data)))
	b := p.data[from:min(from+uint64(n), uint64(len(p.data)))]
	for i, c := range b {
		if c == 0 {
			return quoteJSON(string(b[:i])), true
		}
		if c < ' ' || c > '~' {
			break
		}
	}
	return "", false
}

// quoteJSON quotes text, also for C: of printable ASCII both write the same.
func quoteJSON(s string) string {
	const hex = "0123456789abcdef"
	b := make([]byte, 0, len(s)+2)
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c > '~':
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return string(append(b, '"'))
}

// number writes a value of so many bits.
func (p *valuePrinter) number(t Type, at, bits uint64) {
	if bits > 64 && bits <= 128 && bits%8 == 0 {
		p.wide(at, bits)
		return
	}
	v, ok := p.ints.bits(p.data, at, bits)
	if !ok {
		p.missing()
		return
	}
	signed := int64(v)
	if bits > 0 && bits < 64 {
		signed = int64(v<<(64-bits)) >> (64 - bits)
	}
	switch enc, _, _ := t.rawInt(); {
	case enumKinds.has(t.Kind()):
		p.enum(t, v, signed)
	case t.Kind() == KindFloat:
		p.float(v, bits)
	case t.Kind() == KindPtr && !p.JSON:
		p.text("0x", strconv.FormatUint(v, 16))
	case enc&IntBool != 0 && (v < 2 || p.JSON):
		p.text(pick(v != 0, "true", "false"))
	case enc&IntSigned != 0:
		p.text(strconv.FormatInt(signed, 10))
	default:
		p.text(strconv.FormatUint(v, 10))
	}
}

package btf

import (
	"io"
	"strconv"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/mkerr"
)

// GoOptions says what WriteGo prints.
type GoOptions struct {
	// Package is the package clause's name; "types" if empty.
	Package string
	// Roots are the structs, unions, enums and typedefs of them to print, with
	// all that they hold; none means all that have a name.
	Roots []ID
}

// WriteGo prints types as a Go file, in gofmt's form, whose sizes and offsets
// are those of s: padding is written out, pointers are a type of their own
// (Pointer), enums are types with constants. What Go has no fields for is read
// and written through methods: bitfields and members of packed structs by X and
// SetX, members of unions by a pointer, X. Members without a size are left out;
// anonymous structs are embedded. The names are those of C in Go's style.
// The text is complete if the error is nil.
func WriteGo(w io.Writer, s *Spec, o *GoOptions) error {
	if o == nil {
		o = &GoOptions{}
	}
	h := s.onHeap()
	if h == nil {
		return ErrClosed
	}
	p := newGoPrinter(w, h)
	p.roots(o.Roots)
	for i := 0; i < len(p.queue) && p.err == nil; i++ {
		p.print(p.queue[i])
	}
	body := p.out
	p.out = nil
	name := o.Package
	if name == "" {
		name = "types"
	}
	p.text("// Code generated from BTF. DO NOT EDIT.\n\npackage ", name, "\n")
	if p.unsafe || p.loads {
		p.text("\nimport \"unsafe\"\n")
	}
	p.helpers()
	p.flush()
	p.out = body
	p.flush()
	if p.err != nil {
		return mkerr.Wrap("print BTF as Go: %w", p.err)
	}
	return nil
}

// goPrinter writes Go. Types are named when they are first met, and printed in
// that order.
type goPrinter struct {
	textWriter
	s     *Spec
	ptr   uint32
	taken map[string]bool
	names map[ID]string
	align map[ID]uint32
	queue []goType

	unsafe, loads, bits, pointer bool // which helpers are called for
	// placed is told where each field lies, for tests.
	placed func(typ, field string, off uint32)
}

// goType is a type that gets a definition.
type goType struct {
	t    Type
	name string
}

func newGoPrinter(w io.Writer, s *Spec) *goPrinter {
	p := &goPrinter{
		textWriter: newTextWriter(w, s), s: s, ptr: s.pointerSize(),
		taken: map[string]bool{"Pointer": true},
		names: make(map[ID]string), align: make(map[ID]uint32),
	}
	return p
}

// roots names what was asked for, or all that has a name, by that name.
func (p *goPrinter) roots(ids []ID) {
	for _, id := range ids {
		t, ok := p.s.typ(id)
		if !ok {
			p.fail(mkerr.Errorf("no type %d", id))
			return
		}
		in, ok := p.s.strip(id)
		if !ok || !definedInGo.has(in.Kind()) {
			p.fail(mkerr.Errorf("type %d, %s, is no struct, union or enum", id, t.cstring()))
			return
		}
		hint := in.Name()
		if hint == "" {
			hint = t.Name()
		}
		p.name(in, goName(hint))
	}
	if len(ids) > 0 {
		return
	}
	var list []croot
	for t := range p.s.All() {
		if t.name == 0 {
			continue
		}
		if in, ok := p.s.strip(t.id); ok && definedInGo.has(in.Kind()) && (in.id == t.id || in.name == 0) {
			list = append(list, croot{t: in, rank: croots[t.Kind()], name: t.Name()})
		}
	}
	bin.Sort(list, func(a, b *croot) bool {
		if a.name != b.name {
			return a.name < b.name
		}
		return a.t.id < b.t.id
	})
	for _, r := range list {
		p.name(r.t, goName(r.name))
	}
}

const definedInGo = compound | enumKinds

// name gives a type its name, once, and has it printed.
func (p *goPrinter) name(t Type, hint string) string {
	if name, ok := p.names[t.id]; ok {
		return name
	}
	name := p.free(hint)
	p.names[t.id] = name
	p.queue = append(p.queue, goType{t, name})
	return name
}

// free makes a name of the package's that nobody has.
func (p *goPrinter) free(name string) string { return unused(p.taken, name) }

func unused(taken map[string]bool, name string) string {
	alias := name
	for i := 2; taken[alias]; i++ {
		alias = name + "_" + strconv.Itoa(i)
	}
	taken[alias] = true
	return alias
}

// goName is a name of C's in Go's style: task_struct is TaskStruct. What is in
// capitals keeps its underscores.
func goName(name string) string {
	b := make([]byte, 0, len(name))
	start := true
	for i := range len(name) {
		c := name[i]
		switch {
		case !wordByte(c):
			start = true
		case c == '_':
			if i > 0 && i+1 < len(name) && !lower(name[i-1]) && !lower(name[i+1]) && len(b) > 0 {
				b = append(b, c)
			}
			start = true
		case start && lower(c):
			b, start = append(b, c-'a'+'A'), false
		default:
			b, start = append(b, c), false
		}
	}
	if len(b) == 0 || b[0] <= '9' {
		return "X" + string(b)
	}
	return string(b)
}

func lower(c byte) bool { return c >= 'a' && c <= 'z' }

func (p *goPrinter) print(g goType) {
	switch g.t.Kind() {
	case KindStruct:
		p.structType(g)
	case KindUnion:
		p.unionType(g)
	default:
		p.enumType(g)
	}
}

func (p *goPrinter) enumType(g goType) {
	word := "uint"
	if g.t.Signed() {
		word = "int"
	}
	size := g.t.size
	if size != 1 && size != 2 && size != 8 {
		size = 4
	}
	p.text("\n// ", g.name, " is ", comment(g.t), ".\ntype ", g.name, " ", word, strconv.Itoa(int(8*size)), "\n")
	if g.t.vlen() == 0 {
		return
	}
	names := make([]string, g.t.vlen())
	wide := 0
	for i := range names {
		names[i] = p.free(goName(g.t.EnumValue(i).Name))
		wide = max(wide, len(names[i]))
	}
	p.text("\n// Constants of ", g.name, ".\nconst (\n")
	for i, name := range names {
		v := g.t.EnumValue(i).Value
		text := strconv.FormatUint(v, 10)
		if g.t.Signed() {
			text = strconv.FormatInt(int64(v), 10)
		}
		p.text("\t", name)
		p.spaces(wide - len(name))
		p.text(" ", g.name, " = ", text, "\n")
	}
	p.text(")\n")
}

func (p *goPrinter) spaces(n int) {
	for range n {
		p.text(" ")
	}
}

// comment is C's name of a type for a line of Go's comments.
func comment(t Type) string {
	s := t.cstring()
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return t.Kind().String() + " " + cword(t.Name())
		}
	}
	return s
}

// helpers prints what methods call.
func (p *goPrinter) helpers() {
	if p.pointer {
		p.text("\n// Pointer is an address of the kernel's or the program's.\ntype Pointer uint",
			strconv.Itoa(int(8*p.ptr)), "\n")
	}
	if p.loads {
		p.text(goLoads)
	}
	if !p.bits {
		return
	}
	if p.s.hdr.big {
		p.text(goBigBits)
	} else {
		p.text(goLittleBits)
	}
}

const goLoads = `
// load copies a value from bytes that need not be aligned.
func load[T any](b []byte) (v T) {
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&v)), unsafe.Sizeof(v)), b)
	return v
}

// store copies a value to bytes that need not be aligned.
func store[T any](b []byte, v T) {
	copy(b, unsafe.Slice((*byte)(unsafe.Pointer(&v)), unsafe.Sizeof(v)))
}
`

const goLittleBits = `
// loadBits reads n bits from bit at on, the lowest first.
func loadBits(b []byte, at, n uint) (v uint64) {
	for i := range n {
		v |= uint64(b[(at+i)/8]>>((at+i)%8)&1) << i
	}
	return v
}

// storeBits writes n bits from bit at on, the lowest first.
func storeBits(b []byte, at, n uint, v uint64) {
	for i := range n {
		bit := byte(1) << ((at + i) % 8)
		b[(at+i)/8] &^= bit
		if v>>i&1 != 0 {
			b[(at+i)/8] |= bit
		}
	}
}
`

const goBigBits = `
// loadBits reads n bits from bit at on, the highest first.
func loadBits(b []byte, at, n uint) (v uint64) {
	for i := range n {
		v = v<<1 | uint64(b[(at+i)/8]>>(7-(at+i)%8)&1)
	}
	return v
}

// storeBits writes n bits from bit at on, the highest first.
func storeBits(b []byte, at, n uint, v uint64) {
	for i := range n {
		bit := byte(0x80) >> ((at + i) % 8)
		b[(at+i)/8] &^= bit
		if v>>(n-1-i)&1 != 0 {
			b[(at+i)/8] |= bit
		}
	}
}
`

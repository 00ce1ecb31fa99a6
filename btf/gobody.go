package btf

import (
	"strconv"
	"strings"
)

// goField is a line of a struct.
type goField struct{ name, typ string }

// goBody is a struct or union that is being printed.
type goBody struct {
	p       *goPrinter
	g       goType
	fields  []goField
	methods []string // their text
	taken   map[string]bool
	at      uint32 // bytes laid out so far
	align   uint32 // Go's, of the whole
	left    string // members that follow the struct
	size    int    // of methods
}

func (p *goPrinter) body(g goType) *goBody {
	return &goBody{p: p, g: g, taken: make(map[string]bool), align: p.compoundAlign(g.t)}
}

func (p *goPrinter) structType(g goType) {
	b := p.body(g)
	for i := 0; i < int(g.t.vlen()) && p.err == nil; i++ {
		m, _ := g.t.rawMember(i)
		if _, bits, _ := p.bitfield(g.t, m); bits > 0 {
			i = b.bitfields(i)
		} else {
			b.member(i, m)
		}
	}
	b.pad(g.t.size)
	b.write()
}

// pad fills up to byte to.
func (b *goBody) pad(to uint32) {
	if to > b.at {
		b.fields = append(b.fields, goField{"_", raw(to - b.at).text})
		b.at = to
	}
}

// hint is the name of a type that is written where member i is.
func (b *goBody) hint(i int, name string) string {
	if name == "" {
		return b.g.name + "Anon" + strconv.Itoa(i)
	}
	return b.g.name + goName(name)
}

// member lays out a member that is no bitfield.
func (b *goBody) member(i int, m rawMember) {
	p := b.p
	name, _ := b.g.t.s.str(m.name)
	off := m.offset / 8
	size, err := p.s.sizeof(m.typ, p.ptr)
	if err != nil || size == 0 {
		if name != "" && off == b.g.t.size {
			b.left = name
		}
		return
	}
	if off < b.at || uint64(off)+uint64(size) > uint64(b.g.t.size) {
		return // no compiler lays out members so
	}
	k := p.goType(m.typ, b.hint(i, name))
	if k.text == "" {
		return
	}
	b.pad(off)
	b.at = off + size
	if k.align > b.align || off%k.align != 0 {
		field := "raw" + strconv.Itoa(int(off))
		b.fields = append(b.fields, goField{field, raw(size).text})
		b.accessors(b.nameOf(i, name), k.text, "s."+field+"[:]")
		return
	}
	in, ok := p.s.strip(m.typ)
	if name == "" && ok && compound.has(in.Kind()) && !b.taken[k.text] {
		b.taken[k.text] = true
		b.fields = append(b.fields, goField{"", k.text})
		b.note(k.text, off)
		return
	}
	field := b.nameOf(i, name)
	b.fields = append(b.fields, goField{field, k.text})
	b.note(field, off)
}

func (b *goBody) note(field string, off uint32) {
	if b.p.placed != nil {
		b.p.placed(b.g.name, field, off)
	}
}

// nameOf is the name of a field, or of the method that reads it; the name of
// the one that writes it goes with it.
func (b *goBody) nameOf(i int, name string) string {
	name = goName(name)
	if name == "X" {
		name = "Anon" + strconv.Itoa(i)
	}
	for b.taken["Set"+name] || b.taken[name] {
		name += "_"
	}
	b.taken[name], b.taken["Set"+name] = true, true
	return name
}

// accessors reads and writes a value that is not aligned.
func (b *goBody) accessors(name, typ, bytes string) {
	b.p.loads = true
	b.methods = append(b.methods,
		b.method(name+"() "+typ, "return load["+typ+"]("+bytes+")"),
		b.method("Set"+name+"(v "+typ+")", "store("+bytes+", v)"))
}

// method is the text of a method.
func (b *goBody) method(signature, body string) string {
	text := "func (s *" + b.g.name + ") " + signature + " {\n\t" + body + "\n}\n"
	if b.size += len(text); b.size > b.p.left {
		b.p.fail(errTooMuch)
	}
	return text
}

// bitfields lays out the run of bitfields that begins with member i, and gives
// the last one's number.
func (b *goBody) bitfields(i int) int {
	p, t := b.p, b.g.t
	first := i
	m, _ := t.rawMember(i)
	at, bits, _ := p.bitfield(t, m)
	from, end := at/8, at+uint64(bits)
	for ; i+1 < int(t.vlen()); i++ {
		next, _ := t.rawMember(i + 1)
		at, bits, _ := p.bitfield(t, next)
		if bits == 0 || at < end {
			break
		}
		end = at + uint64(bits)
	}
	end = (end + 7) / 8
	if from < uint64(b.at) || end > uint64(t.size) {
		return i
	}
	b.pad(uint32(from))
	field := "bits" + strconv.Itoa(int(from))
	b.fields = append(b.fields, goField{field, raw(uint32(end - from)).text})
	b.at = uint32(end)
	for j := first; j <= i; j++ {
		m, _ := t.rawMember(j)
		b.bitAccessors(t, j, m, "s."+field+"[:]", 8*from)
	}
	return i
}

// bitAccessors reads and writes the bitfield m, number i of t.
func (b *goBody) bitAccessors(t Type, i int, m rawMember, bytes string, from uint64) {
	p := b.p
	at, bits, in := p.bitfield(t, m)
	name, _ := t.s.str(m.name)
	if name == "" {
		return
	}
	k := p.goType(m.typ, b.hint(i, name))
	if k.size > 8 || k.size == 0 || bits > 64 {
		return
	}
	p.bits = true
	name = b.nameOf(i, name)
	place := bytes + ", " + strconv.FormatUint(at-from, 10) + ", " + strconv.Itoa(int(bits))
	get, set := k.text+"(loadBits("+place+"))", "uint64(v)"
	switch shift := strconv.Itoa(64 - int(bits)); {
	case k.text == "bool":
		get = "loadBits(" + place + ") != 0"
	case in.Signed() && bits < 64:
		get = k.text + "(int64(loadBits(" + place + ")<<" + shift + ") >> " + shift + ")"
	}
	b.methods = append(b.methods, b.method(name+"() "+k.text, "return "+get))
	if k.text == "bool" {
		b.methods = append(b.methods, b.method("Set"+name+"(v bool)",
			"var n uint64\n\tif v {\n\t\tn = 1\n\t}\n\tstoreBits("+place+", n)"))
		return
	}
	b.methods = append(b.methods, b.method("Set"+name+"(v "+k.text+")", "storeBits("+place+", "+set+")"))
}

// unionType prints memory of the union's size, with a method for each member.
func (p *goPrinter) unionType(g goType) {
	b := p.body(g)
	if g.t.size > 0 {
		word, n := "uint"+strconv.Itoa(int(8*b.align)), g.t.size/b.align
		if b.align == 1 {
			word = "byte"
		}
		b.fields = append(b.fields, goField{"raw", "[" + strconv.Itoa(int(n)) + "]" + word})
	}
	b.union(g.t, 0, 0)
	b.write()
}

// union prints methods for the members of t, which lies at byte off of the
// union that b is, and for those of anonymous ones within it.
func (b *goBody) union(t Type, off uint32, depth int) {
	p, size := b.p, b.g.t.size
	whole := "(*[" + strconv.Itoa(int(size)) + "]byte)(unsafe.Pointer(s))[:]"
	for i := 0; i < int(t.vlen()) && p.err == nil; i++ {
		m, _ := t.rawMember(i)
		name, _ := t.s.str(m.name)
		if at, bits, _ := p.bitfield(t, m); bits > 0 {
			if 8*uint64(off)+at+uint64(bits) <= 8*uint64(size) {
				p.unsafe = true
				m.offset += 8 * off
				b.bitAccessors(t, i, m, whole, 0)
			}
			continue
		}
		at := uint64(off) + uint64(m.offset/8)
		n, err := p.s.sizeof(m.typ, p.ptr)
		if err != nil || n == 0 || at+uint64(n) > uint64(size) {
			continue
		}
		if in, ok := p.s.strip(m.typ); ok && name == "" && compound.has(in.Kind()) && depth < maxDepth {
			b.union(in, uint32(at), depth+1)
			continue
		}
		k := p.goType(m.typ, b.hint(i, name))
		if k.text == "" {
			continue
		}
		method := b.nameOf(i, name)
		p.unsafe = true
		from := ""
		if at > 0 {
			from = strconv.Itoa(int(at))
		}
		if k.align > b.align || uint32(at)%k.align != 0 {
			b.accessors(method, k.text, strings.TrimSuffix(whole, ":]")+from+":]")
			continue
		}
		where := "unsafe.Pointer(s)"
		if at > 0 {
			where = "unsafe.Add(" + where + ", " + from + ")"
		}
		b.methods = append(b.methods, b.method(method+"() *"+k.text, "return (*"+k.text+")("+where+")"))
	}
}

// write prints the type and its methods, with names in columns as gofmt has
// them: an embedded field ends a column.
func (b *goBody) write() {
	p := b.p
	p.text("\n// ", b.g.name, " is ", comment(b.g.t), ".")
	if b.left != "" {
		p.text(" Its member ", cword(b.left), " is what follows it.")
	}
	p.text("\ntype ", b.g.name)
	if len(b.fields) == 0 {
		p.text(" struct{}\n")
	} else {
		p.text(" struct {\n")
		for i := 0; i < len(b.fields); {
			j, wide := i, 0
			for j < len(b.fields) && b.fields[j].name != "" {
				wide = max(wide, len(b.fields[j].name))
				j++
			}
			for _, f := range b.fields[i:j] {
				p.text("\t", f.name)
				p.spaces(wide - len(f.name))
				p.text(" ", f.typ, "\n")
			}
			if j < len(b.fields) {
				p.text("\t", b.fields[j].typ, "\n")
				j++
			}
			i = j
		}
		p.text("}\n")
	}
	for _, m := range b.methods {
		p.text("\n", m)
	}
}

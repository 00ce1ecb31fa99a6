package btf

import "strconv"

func (p *cprinter) indent(level int) {
	for range level {
		p.text("\t")
	}
}

// body prints a struct or union with its members.
func (p *cprinter) body(t Type, level int) {
	if !p.enter() {
		return
	}
	defer p.leave()
	p.text(p.keyword(t))
	if t.name != 0 {
		p.text(" ", p.names.of(t))
	}
	p.bodyOf(t, level)
}

// bodyOf is body without the name.
func (p *cprinter) bodyOf(t Type, level int) {
	lay := p.layoutOf(t)
	pad := padder{p: p, level: level + 1, packed: lay.packed, union: t.Kind() == KindUnion}
	p.text(" {\n")
	for i := range int(t.vlen()) {
		m, _ := t.rawMember(i)
		f := p.place(t, m)
		pad.before(f)
		p.member(t, i, m, f, level+1)
		pad.after(f)
		if p.err != nil {
			return
		}
	}
	pad.end(t, lay)
	p.indent(level)
	p.text("}")
	if lay.packed {
		p.text(" __attribute__((packed))")
	}
	if lay.aligned > 0 {
		p.text(" __attribute__((aligned(", strconv.Itoa(int(lay.aligned)), ")))")
	}
	p.declTags(t.id, -1)
}

func (p *cprinter) declTags(id ID, component int) {
	for _, tag := range p.tags[id] {
		if tag.ComponentIndex() == component {
			p.text(" ", attribute(tag, "btf_decl_tag"))
		}
	}
}

// member prints a field. One without a name has to be a struct or union, which
// is written out: C without extensions knows no other.
func (p *cprinter) member(t Type, i int, m rawMember, f cfield, level int) {
	p.indent(level)
	name, _ := t.s.str(m.name)
	name = cword(name)
	switch in, ok := p.s.strip(m.typ); {
	case name != "":
		p.declare(m.typ, name, level)
	case ok && compound.has(in.Kind()) && (in.name != 0 || p.s.aliased(m.typ)):
		if !p.enter() {
			return
		}
		p.text(p.keyword(in))
		p.bodyOf(in, level)
		p.leave()
	case f.bits > 0 || ok && compound.has(in.Kind()):
		p.declare(m.typ, "", level)
	default:
		p.declare(m.typ, "__unnamed_"+strconv.Itoa(i), level)
	}
	if f.bits > 0 {
		p.text(": ", strconv.Itoa(int(f.bits)))
	}
	p.declTags(t.id, i)
	p.text(";\n")
}

// aliased reports whether there is a typedef between id and what it stands for.
func (s *Spec) aliased(id ID) bool {
	for range maxChain {
		t, ok := s.typ(id)
		if !ok || !modifiers.has(t.Kind()) {
			return false
		}
		if t.Kind() == KindTypedef {
			return true
		}
		id = t.ref()
	}
	return false
}

// defineEnum prints an enum on its own. One without values was only declared,
// and needs one to be a type.
func (p *cprinter) defineEnum(t Type) {
	if t.name == 0 && t.vlen() == 0 {
		return
	}
	guarded := t.name == 0 && t.vlen() > 0 && (t.EnumValue(0).Name == "false" || t.EnumValue(0).Name == "true")
	if guarded { // keywords since C23
		p.text("#if !defined(__STDC_VERSION__) || __STDC_VERSION__ < 202311L\n")
	}
	p.enumBody(t, 0)
	p.text(";\n")
	if guarded {
		p.text("#endif\n")
	}
	p.text("\n")
}

func (p *cprinter) enumBody(t Type, level int) {
	p.text("enum")
	if t.name != 0 {
		p.text(" ", p.names.of(t))
	}
	p.text(" {\n")
	natural := uint32(4)
	for i := range int(t.vlen()) {
		v := t.EnumValue(i)
		p.indent(level + 1)
		p.text(p.names.enumerator(v.Name, t.id), " = ", enumText(t, v.Value), ",\n")
		if t.Signed() && int64(v.Value) != int64(int32(v.Value)) || !t.Signed() && v.Value>>32 != 0 {
			natural = 8
		}
		if p.err != nil {
			return
		}
	}
	if t.vlen() == 0 {
		p.indent(level + 1)
		p.text(p.names.enumerator(cword(t.Name())+"___none", t.id), " = 0,\n")
	}
	p.indent(level)
	p.text("}")
	if t.size != natural {
		// The compiler takes the smallest size from int on that holds all.
		if mode := map[uint32]string{1: "byte", 2: "HI", 4: "SI", 8: "DI"}[t.size]; mode != "" {
			p.text(" __attribute__((mode(", mode, ")))")
		}
	}
	p.declTags(t.id, -1)
}

// enumText writes a constant such that it has a type that can hold it.
func enumText(t Type, v uint64) string {
	switch {
	case !t.Signed() && v>>32 == 0:
		return strconv.FormatUint(v, 10)
	case !t.Signed():
		return strconv.FormatUint(v, 10) + "ULL"
	case int64(v) == -1<<63:
		return "(-9223372036854775807LL - 1)"
	case int64(v) == int64(int32(v)):
		return strconv.FormatInt(int64(v), 10)
	}
	return strconv.FormatInt(int64(v), 10) + "LL"
}

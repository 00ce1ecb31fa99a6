package btf

// root prints a type for its own sake.
func (p *cprinter) root(t Type) {
	if p.err != nil {
		return
	}
	switch t.Kind() {
	case KindFwd:
		p.forward(t)
	case KindEnum, KindEnum64:
		if t.name != 0 || !p.used[t.id] {
			p.define(t)
		}
	default:
		p.complete(t.id, 0)
	}
	p.spill()
}

// enter guards the walks below against types that go deeper than any
// compiler's.
func (p *cprinter) enter() bool {
	if p.err != nil {
		return false
	}
	if p.depth++; p.depth > maxNest {
		p.fail(errNested)
		return false
	}
	return true
}

func (p *cprinter) leave() { p.depth-- }

// walked remembers, by type, the last self that complete or refer went through
// it for: types without a name may be reached on as many ways as there are
// paths. What self 0 has seen needs no second look.
type walked []ID

func (w walked) before(id, self ID) bool {
	if w[id] == self+1 || w[id] == 1 {
		return true
	}
	w[id] = self + 1
	return false
}

// complete prints what has to be known before a value of a type is declared.
// self is the struct whose body it is for: its name is known there.
func (p *cprinter) complete(id, self ID) {
	t, ok := p.s.typ(id)
	if !ok || p.completed.before(id, self) || !p.enter() {
		return
	}
	switch k := t.Kind(); k {
	case KindStruct, KindUnion:
		if t.name == 0 {
			p.members(t, self)
		} else {
			p.define(t)
		}
	case KindTypedef:
		p.refer(id, self)
		p.complete(t.ref(), self)
	case KindConst, KindVolatile, KindRestrict, KindTypeTag:
		p.complete(t.ref(), self)
	case KindArray:
		elem, _, _ := t.rawArray()
		p.complete(elem, self)
	case KindFwd:
		if full, ok := p.names.full[id]; ok && full != id {
			p.complete(full, self)
		}
	default:
		p.refer(id, self)
	}
	p.leave()
}

// refer prints what has to be known before a type is mentioned: behind a
// pointer, in a prototype, or as what a typedef stands for.
func (p *cprinter) refer(id, self ID) {
	t, ok := p.s.typ(id)
	if !ok || p.referred.before(id, self) || !p.enter() {
		return
	}
	switch t.Kind() {
	case KindInt, KindFloat, KindEnum, KindEnum64, KindTypedef:
		if t.name != 0 {
			p.define(t)
		}
	case KindStruct, KindUnion, KindFwd:
		switch {
		case t.name == 0:
			p.members(t, self)
		case t.id != self && p.names.full[t.id] != self || self == 0:
			p.forward(t)
		}
	case KindPtr, KindConst, KindVolatile, KindRestrict, KindTypeTag:
		p.refer(t.ref(), self)
	case KindArray:
		p.complete(id, self)
	case KindFuncProto:
		p.refer(t.ref(), self)
		for i := range int(t.vlen()) {
			_, typ, _ := t.rawParam(i)
			p.refer(typ, self)
		}
	}
	p.leave()
}

// members prints what a body needs.
func (p *cprinter) members(t Type, self ID) {
	for i := range int(t.vlen()) {
		m, _ := t.rawMember(i)
		if m.name == 0 {
			// The body of a named struct that stands here without a name is
			// written out, see member.
			if in, ok := p.s.strip(m.typ); ok && in.name != 0 && compound.has(in.Kind()) {
				if p.enter() {
					p.members(in, self)
					p.leave()
				}
				continue
			}
		}
		p.complete(m.typ, self)
	}
}

// forward declares a struct or union by name.
func (p *cprinter) forward(t Type) {
	id := t.id
	if full, ok := p.names.full[id]; ok {
		id = full
	}
	if t.name == 0 || p.state[id]&(forwarded|defined) != 0 {
		return
	}
	p.state[id] |= forwarded
	p.text(p.keyword(t), " ", p.names.of(t), ";\n\n")
}

func (p *cprinter) keyword(t Type) string {
	switch t.Kind() {
	case KindFwd:
		return fwdKind(t).String()
	case KindEnum64:
		return "enum"
	}
	return t.Kind().String()
}

// define prints a definition of its own, once, after what it needs. A type
// that needs itself is left to the compiler's judgement: no compiler made it.
func (p *cprinter) define(t Type) {
	st := &p.state[t.id]
	if *st&(defining|defined) != 0 || p.err != nil {
		return
	}
	*st |= defining
	switch t.Kind() {
	case KindStruct, KindUnion:
		p.members(t, t.id)
		p.body(t, 0)
		p.text(";\n\n")
	case KindEnum, KindEnum64:
		p.defineEnum(t)
	case KindTypedef:
		p.refer(t.ref(), 0)
		p.typedef(t)
	case KindInt, KindFloat:
		p.alias(t)
	}
	*st |= defined
}

// typedef prints a typedef. Old compilers lose what a va_list is.
func (p *cprinter) typedef(t Type) {
	name := p.names.of(t)
	if own := t.Name(); t.ref() == 0 && (own == vaList || own == "__gnuc_va_list") {
		p.text("typedef ", vaList, " ", name, ";\n\n")
		return
	}
	guarded := name == "bool"
	if guarded { // a keyword since C23
		p.text("#if !defined(__STDC_VERSION__) || __STDC_VERSION__ < 202311L\n")
	}
	p.text("typedef ")
	p.declare(t.ref(), name, 0)
	p.text(";\n")
	if guarded {
		p.text("#endif\n")
	}
	p.text("\n")
}

// alias gives a number whose name C does not have, such as __Poly8_t of ARM's
// compilers or Rust's usize, a typedef.
func (p *cprinter) alias(t Type) {
	if !builtin(t.Name()) {
		if base := plainNumber(t); base != "" {
			p.text("typedef ", base, " ", p.names.of(t), ";\n\n")
		}
	}
}

// plainNumber is how C writes a number of that size.
func plainNumber(t Type) string {
	if t.Kind() == KindFloat {
		return map[uint32]string{2: "_Float16", 4: "float", 8: "double", 16: "long double"}[t.size]
	}
	word := map[uint32]string{1: "char", 2: "short", 4: "int", 8: "long long", 16: "__int128"}[t.size]
	switch enc, _, _ := t.rawInt(); {
	case word == "":
		return ""
	case enc&IntBool != 0 && t.size == 1:
		return "_Bool"
	case enc&IntSigned != 0:
		return "signed " + word
	}
	return "unsigned " + word
}

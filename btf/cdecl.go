package btf

import (
	"strconv"
	"strings"
)

// qualifier is the word for a type that only qualifies another.
func (p *cprinter) qualifier(t Type) string {
	if t.Kind() != KindTypeTag {
		return words[t.Kind()]
	}
	return attribute(t, "btf_type_tag")
}

// attribute writes a tag, or with the kind flag an attribute of any name.
func attribute(t Type, as string) string {
	if t.KindFlag() {
		return "__attribute__((" + clean(t.Name()) + "))"
	}
	return "__attribute__((" + as + "(" + strconv.QuoteToASCII(t.Name()) + ")))"
}

// clean keeps the text of an attribute on its line.
func clean(s string) string {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == ';' || s[i] == '{' || s[i] == '"' {
			return cword(s)
		}
	}
	return s
}

// declare prints a declaration of name (which may be "") with that type:
// "int (*name)(void)". What is written inside it is indented one level more
// than level.
func (p *cprinter) declare(id ID, name string, level int) {
	inner, qual := name, ""
	for range maxChain {
		if p.err != nil {
			return
		}
		t, ok := p.s.typ(id)
		if !ok {
			p.fail(errNested)
			return
		}
		switch k := t.Kind(); k {
		case KindConst, KindVolatile, KindRestrict, KindTypeTag:
			// A qualifier of an array is one of its elements, which may have it.
			if q := p.qualifier(t) + " "; !strings.Contains(qual, q) {
				qual += q
			}
			id = t.ref()
		case KindPtr:
			inner, qual = "*"+qual+inner, ""
			id = t.ref()
		case KindArray:
			var n uint32
			id, _, n = t.rawArray()
			inner = suffixed(inner, "["+strconv.FormatUint(uint64(n), 10)+"]")
		case KindFuncProto:
			inner, qual = suffixed(inner, p.params(t, level, false)), ""
			id = t.ref()
		default:
			p.text(qual)
			p.base(t, level)
			if inner != "" {
				p.text(" ", inner)
			}
			return
		}
		if len(inner) > maxDeclarator {
			break
		}
	}
	p.fail(errNested)
}

// maxDeclarator bounds what stands beside a base type, parameters included.
const maxDeclarator = 8 << 10

// suffixed appends to a declarator what binds tighter than its stars.
func suffixed(inner, suffix string) string {
	if inner != "" && inner[0] == '*' {
		inner = "(" + inner + ")"
	}
	return inner + suffix
}

// base prints the type that a declarator is about.
func (p *cprinter) base(t Type, level int) {
	switch k := t.Kind(); k {
	case KindVoid:
		p.text("void")
	case KindStruct, KindUnion, KindEnum, KindEnum64, KindFwd:
		if t.name != 0 {
			p.text(p.keyword(t), " ", p.names.of(t))
			return
		}
		switch {
		case k == KindFwd:
			p.text(p.keyword(t), " {}")
		case enumKinds.has(k):
			p.enumBody(t, level)
		default:
			p.body(t, level)
		}
	case KindInt, KindFloat:
		name := t.Name()
		if !builtin(name) {
			if name = p.names.of(t); name == "" {
				name = plainNumber(t)
			}
		}
		p.text(name)
	default:
		p.text(p.names.of(t))
	}
}

// params are the parameters of a function in parentheses.
func (p *cprinter) params(t Type, level int, named bool) string {
	saved := p.out
	p.out = nil
	p.text("(")
	n := int(t.vlen())
	for i := range n {
		name, typ, _ := t.rawParam(i)
		if i > 0 {
			p.text(", ")
		}
		switch {
		case typ == 0 && i == n-1 && i > 0:
			p.text("...")
		case typ == 0 && n == 1: // a function declared as f()
		case p.enter():
			arg := ""
			if text, _ := t.s.str(name); named {
				arg = cword(text)
			}
			p.declare(typ, arg, level+1)
			p.leave()
		}
		if len(p.out) > maxDeclarator {
			p.fail(errTooMuch)
		}
	}
	if n == 0 {
		p.text("void")
	}
	p.text(")")
	text := string(p.out)
	p.out = saved
	// It is counted once more where it is put.
	p.left += len(text)
	return text
}

// kfuncs declares the kernel functions that programs may call.
func (p *cprinter) kfuncs(roots []ID) {
	var list []Type
	seen := make(map[string]bool)
	pick := func(t Type) {
		if t.Kind() != KindFunc || seen[t.Name()] {
			return
		}
		for _, tag := range p.tags[t.id] {
			if tag.Name() == "bpf_kfunc" && tag.ComponentIndex() == -1 {
				seen[t.Name()] = true
				list = append(list, t)
				p.refer(t.ref(), 0)
				return
			}
		}
	}
	if len(roots) > 0 {
		for _, id := range roots {
			if t, ok := p.s.typ(id); ok {
				pick(t)
			}
		}
	} else {
		for t := range p.s.All() {
			pick(t)
		}
	}
	if len(list) == 0 {
		return
	}
	p.text("#ifndef BPF_NO_KFUNC_PROTOTYPES\n",
		"#ifndef __ksym\n#define __ksym __attribute__((section(\".ksyms\")))\n#endif\n",
		"#ifndef __weak\n#define __weak __attribute__((weak))\n#endif\n\n")
	for _, f := range list {
		proto, ok := p.s.typ(f.ref())
		if !ok || proto.Kind() != KindFuncProto {
			continue
		}
		p.text("extern ")
		p.declare(proto.ref(), cword(f.Name())+p.params(proto, 0, true), 0)
		p.text(" __weak __ksym;\n")
		p.spill()
	}
	p.text("#endif\n\n")
}

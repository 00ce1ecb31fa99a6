package btf

import "strconv"

// maxPrint bounds the types that one String follows.
const maxPrint = 32

// String is the type as C writes it, for messages: "struct sock",
// "const char *", "int (*)(struct ctx *)". Bodies are not printed.
func (t Type) String() string {
	if t.s == nil {
		return "void"
	}
	if !t.s.guard.enter() {
		return "?"
	}
	defer t.s.guard.leave()
	return t.cstring()
}

func (t Type) cstring() string { return declare(t, "", maxPrint) }

// nameOf is the name with what C puts before it.
func nameOf(prefix string, t Type) string {
	name, _ := t.s.str(t.name)
	if name == "" {
		name = "(anon)"
	}
	if prefix == "" {
		return name
	}
	return prefix + " " + name
}

// printer writes the C declaration of inner as a t.
type printer func(t Type, inner string, depth int) string

// plain is for the kinds that are a word before the declared name.
func plain(prefix string) printer {
	return func(t Type, inner string, _ int) string { return join(nameOf(prefix, t), inner) }
}

var printers = [kindCount]printer{
	KindInt:       plain(""),
	KindFloat:     plain(""),
	KindTypedef:   plain(""),
	KindStruct:    plain("struct"),
	KindUnion:     plain("union"),
	KindEnum:      plain("enum"),
	KindEnum64:    plain("enum"),
	KindDatasec:   plain("section"),
	KindFwd:       printFwd,
	KindPtr:       printPtr,
	KindArray:     printArray,
	KindVolatile:  qualify("volatile"),
	KindConst:     qualify("const"),
	KindRestrict:  qualify("restrict"),
	KindTypeTag:   printTag,
	KindFunc:      printNamed,
	KindVar:       printNamed,
	KindDeclTag:   plain("tag"),
	KindFuncProto: printProto,
}

func join(a, b string) string {
	if b == "" {
		return a
	}
	if b[0] == '[' {
		return a + b
	}
	return a + " " + b
}

func declareID(s *Spec, id ID, inner string, depth int) string {
	t, ok := s.typ(id)
	if !ok {
		return join("type "+strconv.FormatUint(uint64(id), 10), inner)
	}
	return declare(t, inner, depth)
}

func declare(t Type, inner string, depth int) string {
	k := t.Kind()
	if k == KindVoid {
		return join("void", inner)
	}
	if depth == 0 || k >= kindCount {
		return join("...", inner)
	}
	return printers[k](t, inner, depth-1)
}

func printFwd(t Type, inner string, _ int) string {
	if t.KindFlag() {
		return join(nameOf("union", t), inner)
	}
	return join(nameOf("struct", t), inner)
}

func printPtr(t Type, inner string, depth int) string {
	inner = "*" + inner
	if to, ok := t.s.typ(t.ref()); ok && (to.Kind() == KindArray || to.Kind() == KindFuncProto) {
		inner = "(" + inner + ")"
	}
	return declareID(t.s, t.ref(), inner, depth)
}

func printArray(t Type, inner string, depth int) string {
	elem, _, n := t.rawArray()
	return declareID(t.s, elem, inner+"["+strconv.FormatUint(uint64(n), 10)+"]", depth)
}

// qualify writes a qualifier of a pointer after its star, any other in front.
func qualify(word string) printer {
	return func(t Type, inner string, depth int) string {
		if to, ok := t.s.typ(t.ref()); ok && to.Kind() == KindPtr {
			return declare(to, join(" "+word, inner), depth)
		}
		return word + " " + declareID(t.s, t.ref(), inner, depth)
	}
}

func printTag(t Type, inner string, depth int) string {
	return declareID(t.s, t.ref(), inner, depth)
}

func printNamed(t Type, _ string, depth int) string {
	return declareID(t.s, t.ref(), nameOf("", t), depth)
}

func printProto(t Type, inner string, depth int) string {
	args := ""
	for i := range int(t.vlen()) {
		_, typ, ok := t.rawParam(i)
		if !ok {
			break
		}
		if i > 0 {
			args += ", "
		}
		if i == 16 {
			args += "..."
			break
		}
		if typ == 0 {
			args += "..."
		} else {
			args += declareID(t.s, typ, "", min(depth, 4))
		}
	}
	if args == "" {
		args = "void"
	}
	return declareID(t.s, t.ref(), inner+"("+args+")", depth)
}

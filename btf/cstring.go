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

// appendString appends t as C writes it.
func (t Type) appendString(b []byte) []byte {
	k := t.Kind()
	if k >= kindCount || t.name == 0 || !(compound | enumKinds).has(k) {
		return append(b, t.cstring()...)
	}
	name := t.nameBytes()
	b = append(append(b, words[k]...), ' ')
	if len(name) > maxName {
		return append(append(b, name[:maxName]...), "..."...)
	}
	return append(b, name...)
}

// maxName is the length of names from which on they are no compiler's
// (KSYM_NAME_LEN).
const maxName = 512

// shown cuts a name that is longer than any compiler's: what is printed must
// not grow with a hostile blob.
func shown(name string) string {
	if len(name) > maxName {
		return name[:maxName] + "..."
	}
	return name
}

// nameOf is the name with what C puts before it.
func nameOf(prefix string, t Type) string {
	name, _ := t.s.str(t.name)
	if name = shown(name); name == "" {
		name = "(anon)"
	}
	if prefix == "" {
		return name
	}
	return prefix + " " + name
}

// words are what C puts before the names of kinds that are declared by name.
var words = [kindCount]string{
	KindStruct: "struct", KindUnion: "union", KindEnum: "enum", KindEnum64: "enum",
	KindDatasec: "section", KindDeclTag: "tag",
	KindVolatile: "volatile", KindConst: "const", KindRestrict: "restrict",
}

//go:noinline
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
	depth--
	switch k {
	case KindFwd:
		return printFwd(t, inner)
	case KindPtr:
		return printPtr(t, inner, depth)
	case KindArray:
		return printArray(t, inner, depth)
	case KindVolatile, KindConst, KindRestrict:
		return printQualified(t, inner, depth)
	case KindTypeTag:
		return declareID(t.s, t.ref(), inner, depth)
	case KindFunc, KindVar:
		return declareID(t.s, t.ref(), nameOf("", t), depth)
	case KindFuncProto:
		return printProto(t, inner, depth)
	}
	return join(nameOf(words[k], t), inner)
}

func printFwd(t Type, inner string) string {
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

// printQualified writes a qualifier of a pointer after its star, any other in
// front. That of an array is one of its elements, and C has it once.
func printQualified(t Type, inner string, depth int) string {
	word := words[t.Kind()]
	id := t.ref()
	to, ok := t.s.typ(id)
	for n := depth; n > 0 && ok && to.Kind() == KindArray; n-- {
		elem, _, count := to.rawArray()
		inner += "[" + strconv.FormatUint(uint64(count), 10) + "]"
		id = elem
		to, ok = t.s.typ(id)
	}
	switch {
	case ok && to.Kind() == KindPtr:
		return declare(to, join(word, inner), depth)
	case ok && to.Kind() == t.Kind():
		return declare(to, inner, depth)
	}
	return word + " " + declareID(t.s, id, inner, depth)
}

// maxParam bounds the types that a parameter is followed through, maxInner
// those of a function among the parameters: they fan out.
const (
	maxParam = 4
	maxInner = 1
)

func printProto(t Type, inner string, depth int) string {
	args, depthOf := "", maxParam
	if depth < maxParam {
		depthOf = min(depth, maxInner)
	}
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
			args += declareID(t.s, typ, "", depthOf)
		}
	}
	if args == "" {
		args = "void"
	}
	return declareID(t.s, t.ref(), inner+"("+args+")", depth)
}

// Declare is a declaration of name with that type, as C writes it: "int
// (*name)(struct ctx *)", "char name[16]". Bodies are not printed.
func (s *Spec) Declare(id ID, name string) string {
	if !s.guard.enter() {
		return "?"
	}
	defer s.guard.leave()
	return declareID(s, id, name, maxPrint)
}

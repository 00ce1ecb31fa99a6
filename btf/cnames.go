package btf

import "strconv"

// vaList is a type that compilers have without a definition.
const vaList = "__builtin_va_list"

// cnames gives every type and enumerator the name it has in the text. C has
// two name spaces: one of struct, union and enum tags, and one of typedefs and
// enumerators. BTF may hold many types of a name, from different compilation
// units; all but the first get a flavour.
type cnames struct {
	// tags and idents hold every name that is taken.
	tags, idents map[string]ID
	next         map[string]int // flavours tried, by name, of both
	given        map[ID]string  // where it is not the type's own
	// full is the struct or union that a forward declaration stands for, where
	// there is one.
	full map[ID]ID
}

func (n *cnames) init(s *Spec) {
	n.tags, n.idents = make(map[string]ID), make(map[string]ID)
	n.next = make(map[string]int)
	n.given, n.full = make(map[ID]string), make(map[ID]ID)
	// The compiler's own va_list may be another one than the kernel's was.
	n.idents[vaList] = 0
	var line []*Spec
	for ; s != nil; s = s.base {
		line = append(line, s)
	}
	// All own names are taken before the first flavour is made up.
	for i := len(line) - 1; i >= 0; i-- {
		for t := range line[i].All() {
			n.claim(t)
		}
	}
	for i := len(line) - 1; i >= 0; i-- {
		for t := range line[i].All() {
			n.settle(t)
		}
	}
}

// space is the name space that a type's name is in, nil if it has none.
func (n *cnames) space(t Type) map[string]ID {
	if t.name == 0 {
		return nil
	}
	switch t.Kind() {
	case KindStruct, KindUnion, KindEnum, KindEnum64:
		return n.tags
	case KindTypedef:
		return n.idents
	case KindInt, KindFloat:
		if !builtin(t.Name()) {
			return n.idents
		}
	}
	return nil
}

func (n *cnames) claim(t Type) {
	if space := n.space(t); space != nil {
		name := cword(t.Name())
		if _, taken := space[name]; !taken {
			space[name] = t.id
		}
	}
}

// settle gives a flavour to types whose name is another's, and to names that C
// could not read.
func (n *cnames) settle(t Type) {
	if t.Kind() == KindFwd {
		n.settleFwd(t)
		return
	}
	space := n.space(t)
	if space == nil {
		return
	}
	own := t.Name()
	name := cword(own)
	if space[name] != t.id {
		name = n.flavour(space, name, t.id)
	}
	if name != own {
		n.given[t.id] = name
	}
}

// settleFwd joins a forward declaration with the type of its name, or with
// the others of its name.
func (n *cnames) settleFwd(t Type) {
	own := t.Name()
	name := cword(own)
	key := name
	owner, taken := n.tags[key]
	if taken {
		if o, ok := t.s.typ(owner); ok && (o.Kind() == fwdKind(t) || o.Kind() == KindFwd && fwdKind(o) == fwdKind(t)) {
			n.full[t.id] = owner
			return
		}
		// The name is that of another sort of type: all its forward
		// declarations share one flavour. No tag has a space in it.
		key = fwdKind(t).String() + " " + name
		if owner, taken = n.tags[key]; taken {
			n.full[t.id] = owner
			return
		}
		name = n.flavour(n.tags, name, t.id)
	}
	n.tags[key] = t.id
	if name != own {
		n.given[t.id] = name
	}
}

func fwdKind(t Type) Kind {
	if t.KindFlag() {
		return KindUnion
	}
	return KindStruct
}

// flavour makes up a name that nobody has.
func (n *cnames) flavour(space map[string]ID, name string, id ID) string {
	i := max(n.next[name], 2)
	for ; ; i++ {
		alias := name + "___" + strconv.Itoa(i)
		if _, taken := space[alias]; !taken {
			space[alias] = id
			n.next[name] = i + 1
			return alias
		}
	}
}

// of is the name of a type in the text, "" if it has none.
func (n *cnames) of(t Type) string {
	if full, ok := n.full[t.id]; ok {
		if o, ok := t.s.typ(full); ok {
			t = o
		}
	}
	if name, ok := n.given[t.id]; ok {
		return name
	}
	return t.Name()
}

// enumerator takes a name for a constant when it is printed: an anonymous enum
// that two structs hold is printed twice, and constants must differ.
func (n *cnames) enumerator(name string, of ID) string {
	name = cword(name)
	if _, taken := n.idents[name]; taken {
		return n.flavour(n.idents, name, of)
	}
	n.idents[name] = of
	return name
}

// builtin reports whether a name is written with words that C has.
func builtin(name string) bool {
	for word, rest := "", name; rest != ""; {
		word, rest = cutWord(rest)
		if !cbase[word] {
			return false
		}
	}
	return name != ""
}

func cutWord(s string) (word, rest string) {
	for i := range len(s) {
		if s[i] == ' ' {
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// cbase are the words of clang and gcc for numbers.
var cbase = map[string]bool{
	"char": true, "short": true, "int": true, "long": true, "signed": true, "unsigned": true, "_Bool": true,
	"__int128": true, "float": true, "double": true, "_Float16": true, "__bf16": true, "__fp16": true,
	"__float128": true, "_Float128": true, "_Complex": true,
}

// cword is name as C can read it: Rust and others have names with "::" in them.
func cword(name string) string {
	ok := name == "" || name[0] > '9'
	for i := range len(name) {
		ok = ok && wordByte(name[i])
	}
	if ok {
		return name
	}
	b := make([]byte, 0, len(name)+1)
	if name[0] <= '9' {
		b = append(b, '_')
	}
	for i := range len(name) {
		if c := name[i]; wordByte(c) {
			b = append(b, c)
		} else {
			b = append(b, '_')
		}
	}
	return string(b)
}

func wordByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

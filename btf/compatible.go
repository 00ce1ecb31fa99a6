package btf

// EssentialName cuts the flavour off a name: what follows the last "___".
// CO-RE and kernel function lookups take "task_struct___old" for
// "task_struct".
func EssentialName(name string) string { return essential(name) }

// Compatible reports whether type l of local may stand for type t of target,
// by the rule of CO-RE's type relocations: the same sort of type, pointers and
// arrays by what they lead to, functions by all their parameters and their
// result. It is false for ids that do not exist.
func Compatible(local *Spec, l ID, target *Spec, t ID) bool {
	for _, s := range [...]*Spec{local, target} {
		if s == nil || !s.guard.enter() {
			return false
		}
		defer s.guard.leave()
	}
	m := matcher{budget: matchBudget}
	ok, err := m.typesCompat(pair{local, target, l, t}, maxDepth)
	return ok && err == nil
}

// Describe says what the relocation seeks, in the words of the C source:
// "byte_off struct task_struct.comm[0]". local is the object's BTF.
func (c *CORERelo) Describe(local *Spec) string {
	var a access
	if err := a.parse(local, c); err != nil {
		return c.Kind.String() + " " + c.Access
	}
	return string(a.describe([]byte(c.Kind.String()+" "), c.Kind))
}

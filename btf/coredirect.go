package btf

import "math"

// direct resolves what most relocations ask for, the offset of a plain member of
// a large struct with one candidate, by the rules of parse, match and calc, but
// without the steps in between. false means that they are to be gone through;
// fix is then untouched. A test holds both ways against each other.
func (r *Relocator) direct(root *coreRoot, relo *CORERelo, fix *Fixup) bool {
	if relo.Kind != COREFieldByteOffset || !root.direct() {
		return false
	}
	idx, ok := onlyMember(relo.Access)
	if !ok {
		return false
	}
	lm, ok := root.stripped.rawMember(idx)
	if !ok || lm.name == 0 || lm.bits != 0 {
		return false
	}
	name := r.local.strBytes(lm.name)
	if len(name) == 0 {
		return false
	}
	tm := root.members.find(name)
	if tm == nil || tm.width != 0 {
		return false
	}
	l, ok1 := r.local.strip(lm.typ)
	t, ok2 := root.members.strip(tm)
	if !ok1 || !ok2 || !(sized | 1<<KindPtr).has(l.Kind()) || !(sized | 1<<KindPtr).has(t.Kind()) {
		return false
	}
	if ok, err := r.m.fieldsCompat(&l, &t); !ok || err != nil {
		return false
	}
	c := &root.cands[0]
	fix.Kind, fix.Validate, fix.Module, fix.Target = relo.Kind, true, c.module, c.t.id
	fix.Old, fix.New = uint64(lm.offset/8), uint64(tm.bits/8)
	fix.OldSize, _ = l.sizeof(8)
	fix.NewSize, _ = t.sizeof(t.s.pointerSize())
	fix.BadSize = fix.OldSize != fix.NewSize && !resizable(&l, &t)
	return true
}

// direct reports whether members of the root can be looked up at once: both sides
// are structs or unions, there is one candidate, and it has an index.
func (c *coreRoot) direct() bool {
	if c.members != nil {
		return true
	}
	if !c.searched || len(c.cands) != 1 || c.indexed || !compound.has(c.stripped.Kind()) {
		return false
	}
	c.indexed = true
	t := c.cands[0].t
	if !compound.has(t.Kind()) || t.vlen() < indexFrom {
		return false
	}
	if ix := t.s.memberIndex(t); ix != nil && ix.span <= math.MaxUint32 && ix.levels < maxAccess-1 {
		c.members = ix
	}
	return c.members != nil
}

// onlyMember reads an access "0:n".
func onlyMember(s string) (int, bool) {
	if len(s) < 3 || len(s) > 6 || s[:2] != "0:" {
		return 0, false
	}
	n := 0
	for i := 2; i < len(s); i++ {
		digit := s[i] - '0'
		if digit > 9 {
			return 0, false
		}
		n = 10*n + int(digit)
	}
	return n, true
}

package btf

// typesMatch is the rule of TYPE_MATCHES: everything the local type says must
// be true of the target type. Structs behind a pointer match by name alone,
// also a mere declaration.
func (m *matcher) typesMatch(p pair, behindPtr bool, level int) (bool, error) {
	if level <= 0 {
		return false, errPair
	}
	for range maxDepth {
		if err := m.spend(); err != nil {
			return false, err
		}
		l, t, err := p.strip()
		if err != nil {
			return false, err
		}
		if !sameEssential(l, t) {
			return false, nil
		}
		same := l.Kind() == t.Kind()
		switch l.Kind() {
		case KindVoid:
			return same, nil
		case KindFwd:
			return fwdMatches(l, t, behindPtr), nil
		case KindEnum, KindEnum64:
			return enumKinds.has(t.Kind()) && m.enumsMatch(l, t), nil
		case KindStruct, KindUnion:
			if behindPtr {
				return same || t.Kind() == KindFwd && t.KindFlag() == (l.Kind() == KindUnion), nil
			}
			if !same {
				return false, nil
			}
			return m.membersMatch(p, l, t, behindPtr, level)
		case KindInt:
			return same && l.size == t.size && signedInt(l) == signedInt(t), nil
		case KindPtr:
			behindPtr = true
			p.l, p.t = l.ref(), t.ref()
		case KindArray:
			le, _, ln := l.rawArray()
			te, _, tn := t.rawArray()
			if !same || ln != tn {
				return false, nil
			}
			p.l, p.t = le, te
		case KindFuncProto:
			if !same {
				return false, nil
			}
			compare := func(p pair) (bool, error) { return m.typesMatch(p, behindPtr, level-1) }
			if ok, err := params(p, l, t, compare); !ok || err != nil {
				return false, err
			}
			p.l, p.t = l.ref(), t.ref()
		default:
			return false, nil
		}
		if !same {
			return false, nil
		}
	}
	return false, errPair
}

func signedInt(t Type) bool {
	enc, _, _ := t.rawInt()
	return enc&IntSigned != 0
}

// fwdMatches compares a local forward declaration; its flag says union.
func fwdMatches(l, t Type, behindPtr bool) bool {
	if t.Kind() == KindFwd {
		return l.KindFlag() == t.KindFlag()
	}
	if !behindPtr {
		return false
	}
	if l.KindFlag() {
		return t.Kind() == KindUnion
	}
	return t.Kind() == KindStruct
}

// enumsMatch wants the same size, and each local value's name in the target;
// numbers may differ.
func (m *matcher) enumsMatch(l, t Type) bool {
	if l.size != t.size || l.vlen() > t.vlen() {
		return false
	}
	for i := range int(l.vlen()) {
		name, _, _ := l.rawEnum(i)
		want := essential(l.s.strBytes(name))
		found := false
		for j := 0; j < int(t.vlen()) && !found; j++ {
			if m.spend() != nil {
				return false
			}
			name, _, _ := t.rawEnum(j)
			found = string(essential(t.s.strBytes(name))) == string(want)
		}
		if !found {
			return false
		}
	}
	return true
}

// membersMatch wants each local member in the target, by name and type; place
// and order may differ.
func (m *matcher) membersMatch(p pair, l, t Type, behindPtr bool, level int) (bool, error) {
	if l.vlen() > t.vlen() {
		return false, nil
	}
	for i := range int(l.vlen()) {
		lm, _ := l.rawMember(i)
		want := essential(l.s.strBytes(lm.name))
		found := false
		for j := 0; j < int(t.vlen()) && !found; j++ {
			if err := m.spend(); err != nil {
				return false, err
			}
			tm, _ := t.rawMember(j)
			if string(essential(t.s.strBytes(tm.name))) != string(want) {
				continue
			}
			var err error
			if found, err = m.typesMatch(pair{p.ls, p.ts, lm.typ, tm.typ}, behindPtr, level-1); err != nil {
				return false, err
			}
		}
		if !found {
			return false, nil
		}
	}
	return true, nil
}

package btf

import "errors"

// pair is a local and a target type that are compared.
type pair struct {
	ls, ts *Spec
	l, t   ID
}

var errPair = errors.New("comparison of types ends at a type that does not exist, or nests too deeply")

// strip skips what is ignored in comparisons, on both sides.
func (p *pair) strip() (l, t Type, err error) {
	l, ok1 := p.ls.strip(p.l)
	t, ok2 := p.ts.strip(p.t)
	if !ok1 || !ok2 {
		return l, t, errPair
	}
	return l, t, nil
}

// sameEssential compares names without flavours.
func sameEssential(l, t Type) bool {
	return string(essential(l.nameBytes())) == string(essential(t.nameBytes()))
}

// plainInts reports that neither is the old way to write a bitfield, an INT
// with a bit offset. Size and sign may differ.
func plainInts(l, t *Type) bool {
	return (l.s.wordAt(l.off, 0)|t.s.wordAt(t.off, 0))&intOffset == 0
}

// fieldsCompat decides whether a field of type l may be read where t is, both
// stripped: any
// struct for any struct or union, any pointer for any pointer, arrays by their
// elements, enums and forward declarations by name.
func (m *matcher) fieldsCompat(l, t *Type) (bool, error) {
	var le, te Type // of arrays
	for range maxDepth {
		if compound.has(l.Kind()) && compound.has(t.Kind()) {
			return true, nil
		}
		if !like(l.Kind()).has(t.Kind()) || l.Kind() == KindVoid {
			return false, nil
		}
		switch l.Kind() {
		case KindPtr, KindFloat:
			return true, nil
		case KindFwd, KindEnum, KindEnum64:
			return len(l.nameBytes()) == 0 || len(t.nameBytes()) == 0 || sameEssential(*l, *t), nil
		case KindInt:
			return plainInts(l, t), nil
		case KindArray:
			p := pair{ls: m.local.s, ts: m.target.s}
			p.l, _, _ = l.rawArray()
			p.t, _, _ = t.rawArray()
			var err error
			if le, te, err = p.strip(); err != nil {
				return false, err
			}
			l, t = &le, &te
		default:
			return false, nil
		}
	}
	return false, errPair
}

// typesCompat is the rule of type relocations: the same sort of type, pointers
// and arrays by what they lead to, functions by all their types. Names below
// the root do not count.
func (m *matcher) typesCompat(p pair, level int) (bool, error) {
	for range maxDepth {
		if err := m.spend(); err != nil {
			return false, err
		}
		l, t, err := p.strip()
		if err != nil {
			return false, err
		}
		if l.Kind() == KindVoid || t.Kind() == KindVoid {
			return l.Kind() == t.Kind(), nil
		}
		if !like(l.Kind()).has(t.Kind()) {
			return false, nil
		}
		switch l.Kind() {
		case KindStruct, KindUnion, KindEnum, KindEnum64, KindFwd:
			return true, nil
		case KindInt:
			return plainInts(&l, &t), nil
		case KindPtr:
			p.l, p.t = l.ref(), t.ref()
		case KindArray:
			p.l, _, _ = l.rawArray()
			p.t, _, _ = t.rawArray()
		case KindFuncProto:
			compare := func(p pair) (bool, error) {
				if level <= 0 {
					return false, errPair
				}
				return m.typesCompat(p, level-1)
			}
			if ok, err := params(p, l, t, compare); !ok || err != nil {
				return false, err
			}
			p.l, p.t = l.ref(), t.ref()
		default:
			return false, nil
		}
	}
	return false, errPair
}

// params compares the parameters of two functions one by one.
func params(p pair, l, t Type, compare func(pair) (bool, error)) (bool, error) {
	if l.vlen() != t.vlen() {
		return false, nil
	}
	for i := range int(l.vlen()) {
		_, lp, ok1 := l.rawParam(i)
		_, tp, ok2 := t.rawParam(i)
		if !ok1 || !ok2 {
			return false, errPair
		}
		if ok, err := compare(pair{p.ls, p.ts, lp, tp}); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

package btf

// pairs are types still to be compared: n words from cand and canon on, stride
// words apart.
type pairs struct {
	cand, canon, n uint32
	stride         int32
}

// verdict is what the comparison of two types without their references says.
type verdict uint8

const (
	differ verdict = iota
	equal
	follow // the same if what they refer to is
	open   // the same if all that they refer to is
)

// equivalent compares the graph below cand, a struct, union or typedef that
// nothing stands for yet, with that below canon, which is known. Types met on
// the way are taken to be the same until something contradicts: hypot says
// which. The order is that of a depth-first walk, on a stack of its own as
// graphs may be as deep as they are large.
func (d *dedup) equivalent(cand, canon uint32) bool {
	d.stack = d.stack[:0]
	for {
		v, next := d.compare(cand, canon)
		switch v {
		case differ:
			return false
		case follow:
			cand, canon = d.w[next.cand], d.w[next.canon]
			continue
		case open:
			d.stack = append(d.stack, next)
		}
		for {
			top := len(d.stack) - 1
			if top < 0 {
				return true
			}
			f := &d.stack[top]
			if f.n > 0 {
				cand, canon = d.w[f.cand], d.w[f.canon]
				f.cand, f.canon = f.cand+uint32(f.stride), f.canon+uint32(f.stride)
				f.n--
				break
			}
			d.stack = d.stack[:top]
		}
	}
}

// compare compares two types and says where what they refer to is.
func (d *dedup) compare(cand, canon uint32) (verdict, pairs) {
	if !d.spend(1) {
		return differ, pairs{}
	}
	if d.resolve(cand) == d.resolve(canon) {
		return equal, pairs{}
	}
	canon = d.known(canon)
	if h := d.hypot[canon]; h != none {
		// Within one unit compilers write the same array, and sometimes the
		// same struct, twice: then what is there counts.
		if h == cand || d.identical(h, cand, maxIdentical) {
			return equal, pairs{}
		}
		return differ, pairs{}
	}
	d.hypot[canon] = cand
	d.list = append(d.list, canon)

	a, b := d.rec(cand), d.rec(canon)
	if a[0] != b[0] {
		return differ, pairs{}
	}
	if a.kind() != b.kind() {
		return d.compareFwd(a, b, canon), pairs{}
	}
	return d.compareSame(a, b, d.at[cand], d.at[canon])
}

// known is the struct or union that a forward declaration stands for.
func (d *dedup) known(id uint32) uint32 {
	if d.kind(id) != KindFwd {
		return id
	}
	if to := d.resolve(id); d.kind(to) != KindFwd {
		return to
	}
	return id
}

// declares is the kind that a FWD declares.
func (r record) declares() Kind {
	if r.flag() {
		return KindUnion
	}
	return KindStruct
}

// compareFwd compares types of different kinds and one name: a declaration is
// the same as what it declares.
func (d *dedup) compareFwd(cand, known record, canon uint32) verdict {
	switch {
	case cand.kind() == KindFwd && cand.declares() == known.kind():
		return equal
	case known.kind() == KindFwd && known.declares() == cand.kind():
		d.adjust = d.adjust || canon < d.start
		return equal
	}
	return differ
}

// compareSame compares types of one kind and name; ca and cb are where they
// begin.
func (d *dedup) compareSame(a, b record, ca, cb uint32) (verdict, pairs) {
	same, v, next := false, equal, pairs{}
	switch a.kind() {
	case KindInt, KindFwd, KindFloat:
		same = sameWords(a, b)
	case KindEnum, KindEnum64:
		same = sameEnum(a, b)
	case KindConst, KindVolatile, KindRestrict, KindPtr, KindTypedef, KindFunc, KindTypeTag:
		same = a[1] == b[1]
		v, next = follow, pairs{cand: ca + 2, canon: cb + 2}
	case KindArray: // the index first
		same = sameArray(a, b)
		v, next = open, pairs{ca + 4, cb + 4, 2, -1}
	case KindStruct, KindUnion:
		same = d.spend(len(a)/8) && sameShape(a, b)
		v, next = open, pairs{ca + 4, cb + 4, a.vlen(), 3}
	case KindFuncProto: // the result stands where the type before the first parameter would
		same = sameParams(a, b)
		v, next = open, pairs{ca + 2, cb + 2, a.vlen() + 1, 2}
	default:
		d.refuse(a.kind())
	}
	if !same {
		return differ, pairs{}
	}
	return v, next
}

// sameArray compares arrays but for what they hold.
func sameArray(a, b record) bool { return sameWords(a[:3], b[:3]) && a[5] == b[5] }

// sameParams compares the number and names of parameters.
func sameParams(a, b record) bool {
	if a[0] != b[0] || a[1] != b[1] {
		return false
	}
	for at := 3; at < len(a); at += 2 {
		if a[at] != b[at] {
			return false
		}
	}
	return true
}

// maxIdentical bounds the depth of identical, not counting references.
const maxIdentical = 16

// identical compares two types of one unit by their structure alone. Arrays of
// equal length are taken for the same whatever they hold: libbpf does so.
func (d *dedup) identical(x, y uint32, depth int) bool {
	for {
		a, b := d.rec(x), d.rec(y)
		if depth <= 0 || a.kind() != b.kind() || !d.spend(1) {
			return false
		}
		switch a.kind() {
		case KindVoid:
			return true
		case KindInt, KindFwd, KindFloat:
			return sameWords(a, b)
		case KindEnum, KindEnum64:
			return sameEnum(a, b)
		case KindArray:
			return sameArray(a, b)
		case KindStruct, KindUnion:
			return d.spend(len(a)/8) && sameShape(a, b) && d.identicalParts(a[4:], b[4:], 3, depth)
		case KindFuncProto:
			return sameParams(a, b) && d.identicalParts(a[2:], b[2:], 2, depth)
		case KindConst, KindVolatile, KindRestrict, KindPtr, KindTypedef, KindFunc, KindTypeTag:
			if a[0] != b[0] || a[1] != b[1] {
				return false
			}
			x, y = a[2], b[2]
		default:
			return false
		}
	}
}

func (d *dedup) identicalParts(a, b []uint32, stride, depth int) bool {
	for at := 0; at < len(a); at += stride {
		if a[at] != b[at] && !d.identical(a[at], b[at], depth-1) {
			return false
		}
	}
	return true
}

package btf

import "math/bits"

// dedupTable finds the types that may be the same as another: chains by hash.
// What is added comes before what is there, and a chain is turned round when
// the table grows, at the sizes at which libbpf's does: of several types that
// would do, the first is taken, and it is to be the same one.
type dedupTable struct {
	heads []uint32 // 0: empty
	next  []uint32 // by id
	hash  []uint32
	n     int
}

func (t *dedupTable) add(h, id uint32) {
	if (t.n+1)*4/3 > len(t.heads) {
		t.grow()
	}
	t.hash[id] = h
	t.push(t.heads, id)
	t.n++
}

func (t *dedupTable) push(heads []uint32, id uint32) {
	head := &heads[t.hash[id]&uint32(len(heads)-1)]
	t.next[id], *head = *head, id
}

func (t *dedupTable) grow() {
	heads := make([]uint32, max(4, 2*len(t.heads)))
	for _, id := range t.heads {
		for id != 0 {
			next := t.next[id]
			t.push(heads, id)
			id = next
		}
	}
	t.heads = heads
}

// first is the first type of that hash, 0 if there is none; after gives those
// that follow it.
func (t *dedupTable) first(h uint32) uint32 {
	if len(t.heads) == 0 {
		return 0
	}
	return t.from(h, t.heads[h&uint32(len(t.heads)-1)])
}

func (t *dedupTable) after(h, id uint32) uint32 { return t.from(h, t.next[id]) }

func (t *dedupTable) from(h, id uint32) uint32 {
	for id != 0 && t.hash[id] != h {
		id = t.next[id]
	}
	return id
}

// mixWord adds a word to a hash.
func mixWord(h uint64, w uint32) uint64 {
	return bits.RotateLeft64((h^uint64(w))*0x9e3779b97f4a7c15, 29)
}

func hashWords(r record) uint32 {
	h := uint64(len(r))
	for _, w := range r {
		h = mixWord(h, w)
	}
	return uint32(h>>32) ^ uint32(h)
}

// hashShape hashes a struct, union or typedef without the ids it refers to. Of
// those without a name there are thousands of one shape: they are told apart by
// what their members' types must have in common to be the same.
func (d *dedup) hashShape(r record) uint32 {
	if r.kind() == KindTypedef {
		return hashWords(r[:2])
	}
	h := mixWord(mixWord(uint64(r[0]), r[1]), r[2])
	for at := 3; at+2 < len(r); at += 3 {
		h = mixWord(mixWord(h, r[at]), r[at+2])
		if r[0] == 0 {
			h = d.outline(h, r[at+1])
		}
	}
	return uint32(h>>32) ^ uint32(h)
}

// outline hashes the name and kind of a type and of those it refers to, up to
// one of which that is not certain: a struct is the same as its declaration, an
// ENUM as an ENUM64, and within a unit arrays of anything as each other.
func (d *dedup) outline(h uint64, id uint32) uint64 {
	for range 4 {
		r := d.w[d.at[id]:]
		h = mixWord(h, r[0])
		switch k := record(r).kind(); {
		case k == KindPtr || modifiers.has(k):
			h, id = mixWord(h, r[1]), r[2]
		default:
			return h
		}
	}
	return h
}

// sameShape compares two types as hashShape hashes them: bitfield widths are
// part of what is compared, as part of the offsets.
func sameShape(a, b record) bool {
	if a[0] != b[0] || a[1] != b[1] {
		return false
	}
	if a.kind() == KindTypedef {
		return true
	}
	if a[2] != b[2] {
		return false
	}
	for at := 3; at+2 < len(a); at += 3 {
		if a[at] != b[at] || a[at+2] != b[at+2] {
			return false
		}
	}
	return true
}

func sameWords(a, b record) bool {
	if len(a) != len(b) {
		return false
	}
	for i, w := range a {
		if w != b[i] {
			return false
		}
	}
	return true
}

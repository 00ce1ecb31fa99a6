package btf

// essential cuts the flavour off a name: CO-RE takes "task_struct___old" for
// "task_struct". A flavour is what follows the last "___" that has something
// on both sides.
func essential[T string | []byte](name T) T {
	for i := len(name) - 5; i >= 0; i-- {
		if name[i] != '_' && name[i+1] == '_' && name[i+2] == '_' && name[i+3] == '_' && name[i+4] != '_' {
			return name[:i+1]
		}
	}
	return name
}

// Query is a name to find in kernel BTF, without its flavour.
type Query struct {
	Name string
	Kind Kind // KindVoid: any. ENUM and ENUM64 stand for each other
}

// finder looks for many names in one pass. A name is told by its first four
// bytes, through a bit table that fits the first-level cache, before it is
// compared.
type finder struct {
	want    kindSet
	queries []sought
	filter  [1 << 10]uint64
	buckets map[uint32][]int32
}

// sought is one name of a pass and the ids found for it.
type sought struct {
	name  string
	kinds kindSet
	ids   []ID
}

func newFinder(names []sought) *finder {
	f := &finder{queries: names, buckets: make(map[uint32][]int32, len(names))}
	for i, q := range names {
		f.want |= q.kinds
		f.add(prefix(q.name, 0), int32(i))
		if len(q.name) < 4 {
			f.add(prefix(q.name, '_'), int32(i)) // flavours of a short name
		}
	}
	return f
}

// prefix is the first four bytes of a name, filled up with fill.
func prefix(name string, fill byte) uint32 {
	var k uint32
	for i := range 4 {
		c := fill
		if i < len(name) {
			c = name[i]
		}
		k |= uint32(c) << (8 * i)
	}
	return k
}

func slot(k uint32) uint32 { return k * 0x9e3779b1 >> 16 }

func (f *finder) add(k uint32, i int32) {
	h := slot(k)
	f.filter[h>>6] |= 1 << (h & 63)
	for _, have := range f.buckets[k] {
		if have == i {
			return
		}
	}
	f.buckets[k] = append(f.buckets[k], i)
}

// see takes a type of a wanted kind.
func (f *finder) see(s *Spec, name uint32, id ID, kind Kind) {
	if name < s.strOff {
		f.slow(s, name, id, kind)
		return
	}
	off := uint64(name - s.strOff)
	if off+4 > uint64(len(s.strs)) {
		f.slow(s, name, id, kind)
		return
	}
	b := s.strs[off:]
	_ = b[3]
	k := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
	if k&0xff == 0 {
		return
	}
	k = cut(k)
	if h := slot(k); f.filter[h>>6]>>(h&63)&1 != 0 {
		f.compare(s, k, name, id, kind)
	}
}

// cut clears what follows the first zero byte of k.
func cut(k uint32) uint32 {
	// The classic zero-byte test: the lowest set bit marks the first one.
	if z := (k - 0x01010101) &^ k & 0x80808080; z != 0 {
		k &= (z&-z)>>7 - 1
	}
	return k
}

// slow is see for names in the base's strings or at the very end.
func (f *finder) slow(s *Spec, name uint32, id ID, kind Kind) {
	if b := s.strBytes(name); len(b) > 0 {
		f.compare(s, prefix(string(b[:min(4, len(b))]), 0), name, id, kind)
	}
}

// compare is what is left after the filter: few names, mostly right ones.
func (f *finder) compare(s *Spec, k, name uint32, id ID, kind Kind) {
	for _, i := range f.buckets[k] {
		q := &f.queries[i]
		if q.kinds.has(kind) && s.begins(name, q.name) && len(essential(s.strBytes(name))) == len(q.name) {
			q.ids = append(q.ids, id)
		}
	}
}

// begins reports whether the string at off is name, or might be a flavour of
// it: it rules most strings out without looking for their end.
func (s *Spec) begins(off uint32, name string) bool {
	for off < s.strOff {
		s = s.base
	}
	off -= s.strOff
	if uint64(off)+uint64(len(name)) >= uint64(len(s.strs)) {
		return false
	}
	b := s.strs[off:]
	return (b[len(name)] == 0 || b[len(name)] == '_') && string(b[:len(name)]) == name
}

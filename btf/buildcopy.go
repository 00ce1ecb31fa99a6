package btf

// AddType adds a copy of t, whose references are kept as numbers: they are to
// be right where it comes to. For a type with all it refers to see Importer.
func (b *Builder) AddType(t Type) ID {
	if t.s == nil || t.id == 0 {
		b.failf("add type 0: void is there already")
	}
	if b.err != nil {
		return 0
	}
	if !t.s.guard.enter() {
		b.err = ErrClosed
		return 0
	}
	defer t.s.guard.leave()
	return b.copy(t, func(id ID) ID { return id })
}

// copy appends t with its strings interned and its ids changed.
func (b *Builder) copy(t Type, move func(ID) ID) ID {
	r, ok := t.record(b.buf)
	if !ok {
		b.failf("add type %d: kind %d is not known", t.id, t.Kind())
		return 0
	}
	b.buf = r
	b.names.from(b, t.s)
	r.eachString(func(off uint32) uint32 { return b.intern(t.s, off) })
	r.eachID(func(id ID) ID {
		id = move(id)
		b.refer(id)
		return id
	})
	return b.append(r)
}

// nameCache remembers where strings of one Spec went, by their offset in its
// own section; 0 is unknown. It is as large as four such sections, and made
// when a part of the Spec has been copied: then much of the rest will be.
type nameCache struct {
	of   *Spec
	to   []uint32
	seen uint32 // types copied from of
	grew int    // bytes of strings added
}

// tooLong reports whether strings of s, one of them n bytes, grow to a multiple
// when copied. They do if many are tails of one another, as no compiler makes
// them: a few bytes could fill all memory.
func (c *nameCache) tooLong(s *Spec, n int) bool {
	c.grew += n
	return c.grew > maxGrowth*len(s.strs)+4096
}

const maxGrowth = 4

// from notes that a type of s is copied.
func (c *nameCache) from(b *Builder, s *Spec) {
	if c.of != s {
		*c = nameCache{of: s}
	}
	if c.seen++; c.to == nil && c.seen > s.index.n/16 {
		c.to = make([]uint32, len(s.strs))
		b.strs.reserve(len(s.strs))
		b.reserve(len(s.types))
	}
}

// intern gives the new offset of a string of s.
func (b *Builder) intern(s *Spec, off uint32) uint32 {
	if off == 0 {
		return 0
	}
	at := off - s.strOff // wraps around for the base's
	cached := b.names.of == s && at < uint32(len(b.names.to))
	if cached && b.names.to[at] != 0 {
		return b.names.to[at]
	}
	had := len(b.strs.buf)
	to, ok := b.strs.addBytes(s.strBytes(off))
	if !ok {
		b.failf("string %.40q: it has a zero byte, or strings exceed %d bytes", s.strBytes(off), maxStrings)
	}
	if b.names.tooLong(s, len(b.strs.buf)-had) {
		b.failf("%d bytes of strings that overlap become more than %d times as many", len(s.strs), maxGrowth)
	}
	if cached {
		b.names.to[at] = to
	}
	return to
}

// AddSpec adds copies of all own types of s, in their order, and gives the id
// of the first: the others follow it. If s is split, the Builder has to have
// the same base, to which references stay. An empty Builder takes the string
// section of s as it is, so that one with the same options encodes to the same
// bytes.
func (b *Builder) AddSpec(s *Spec) (first ID) {
	if b.err != nil {
		return 0
	}
	if !s.guard.enter() {
		b.err = ErrClosed
		return 0
	}
	defer s.guard.leave()
	if s.base != nil && !b.inBase(s.base) {
		b.failf("add BTF of %d types: it is split on another base", s.index.n)
		return 0
	}
	if b.n == 0 && b.strs.empty() && s.strOff == b.strs.start {
		b.strs.take(s.strs)
		b.names = nameCache{of: s, to: make([]uint32, len(s.strs))}
		for i := range b.names.to {
			b.names.to[i] = s.strOff + uint32(i)
		}
	}
	b.reserve(len(s.types))
	first = b.NextID()
	shift := first - s.first
	move := func(id ID) ID {
		if id < s.first {
			return id
		}
		return id + shift
	}
	off := uint32(0)
	for i := range s.index.n {
		b.copy(s.at(s.first+ID(i), off), move)
		if b.err != nil {
			return 0
		}
		off += s.recordLen(off)
	}
	return first
}

// inBase reports whether s is the Builder's base or below it.
func (b *Builder) inBase(s *Spec) bool {
	for base := b.opts.Base; base != nil; base = base.base {
		if s == base || s.heap.Load() == base {
			return true
		}
	}
	return false
}

// Importer adds types of one Spec to a Builder, each with all that it refers
// to and only once. Types of the Builder's own base stay where they are. What
// refers to a type, such as a DECL_TAG, does not come with it.
type Importer struct {
	b    *Builder
	s    *Spec
	ids  map[ID]ID
	todo []Type // to be written, in the order of their new ids
	next ID
}

// Importer starts copying from s.
func (b *Builder) Importer(s *Spec) *Importer {
	return &Importer{b: b, s: s, ids: make(map[ID]ID)}
}

// ID tells where a type of the source went, false if it was not added.
func (im *Importer) ID(id ID) (ID, bool) {
	if id == 0 {
		return 0, true
	}
	to, ok := im.ids[id]
	return to, ok
}

// Add copies the type with that id, unless it was copied before, and gives its
// id in the Builder; 0 for void, and after an error.
func (im *Importer) Add(id ID) ID {
	if im.b.err != nil {
		return 0
	}
	if !im.s.guard.enter() {
		im.b.err = ErrClosed
		return 0
	}
	defer im.s.guard.leave()
	im.next = im.b.NextID()
	to := im.place(id)
	for i := 0; i < len(im.todo) && im.b.err == nil; i++ {
		im.b.copy(im.todo[i], im.place)
	}
	im.todo = im.todo[:0]
	if im.b.err != nil {
		return 0
	}
	return to
}

// place is the id that a type has or will have.
func (im *Importer) place(id ID) ID {
	if id == 0 {
		return 0
	}
	if to, ok := im.ids[id]; ok {
		return to
	}
	t, ok := im.s.typ(id)
	if !ok {
		im.b.failf("import type %d: no such type", id)
		return 0
	}
	to := id
	if !im.b.inBase(t.s) {
		to = im.next
		im.next++
		im.todo = append(im.todo, t)
	}
	im.ids[id] = to
	return to
}

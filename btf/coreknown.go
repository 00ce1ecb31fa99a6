package btf

// outcome is what became of a relocation.
type outcome struct {
	relo CORERelo
	hash uint32
	fix  Fixup
	err  error
}

// outcomes finds what is known of a relocation: by hash, and of two that have
// one slot the later is behind the other.
type outcomes struct {
	slots []*outcome // a power of two of them, at most half of them taken
	n     int
	room  []outcome
	first [slotsFrom]*outcome // slots at first
}

// slotsFrom is the least length of tables. Room is made for so many outcomes and
// roots at once; for outcomes it doubles as they get more.
const (
	slotsFrom      = 32
	outcomesAtOnce = 8
	outcomesAtMost = 64
	rootsAtOnce    = 4
)

// get gives the outcome of relo, and whether it is known. One that is not is the
// caller's to fill in.
func (o *outcomes) get(relo *CORERelo) (r *outcome, known bool) {
	if 2*(o.n+1) > len(o.slots) {
		o.grow(4 * len(o.slots))
	}
	hash, mask := relo.hash(), uint32(len(o.slots)-1)
	at := hash & mask
	for ; o.slots[at] != nil; at = (at + 1) & mask {
		if r = o.slots[at]; r.hash == hash && r.relo == *relo {
			return r, true
		}
	}
	if len(o.room) == 0 {
		o.room = make([]outcome, min(max(o.n, outcomesAtOnce), outcomesAtMost))
	}
	r, o.room = &o.room[0], o.room[1:]
	r.relo, r.hash = *relo, hash
	o.slots[at] = r
	o.n++
	return r, false
}

func (relo *CORERelo) hash() uint32 {
	h := uint64(relo.Root)<<32 | uint64(relo.Kind)
	for i := range len(relo.Access) {
		h = h*37 ^ uint64(relo.Access[i])
	}
	return uint32(mix(h, 0))
}

// grow makes n slots, or those that there are at first.
func (o *outcomes) grow(n int) {
	old := o.slots
	if old == nil {
		o.slots = o.first[:]
		return
	}
	o.slots = make([]*outcome, n)
	mask := uint32(n - 1)
	for _, r := range old {
		if r == nil {
			continue
		}
		at := r.hash & mask
		for o.slots[at] != nil {
			at = (at + 1) & mask
		}
		o.slots[at] = r
	}
}

// coreRoot is a local type that relocations start from.
type coreRoot struct {
	id          ID
	t, stripped Type
	ok          bool // they exist
	sought      bool // in a pass of Prepare's
	searched    bool // cands are known
	single      bool // there was one from the start
	cands       []cand
	// members are those of the one candidate, if that has an index, and rec is the
	// stripped type's record; indexed says that they were looked for.
	members *memberIndex
	rec     []byte
	indexed bool
}

// coreRoots finds roots by their id.
type coreRoots struct {
	slots []*coreRoot // as those of outcomes
	n     int
	last  *coreRoot // that was asked for
	room  []coreRoot
	first [slotsFrom]*coreRoot
}

func (c *coreRoots) get(s *Spec, id ID) *coreRoot {
	if c.last != nil && c.last.id == id {
		return c.last
	}
	if c.n > 0 {
		for at := c.slot(id); c.slots[at] != nil; at = (at + 1) & uint32(len(c.slots)-1) {
			if r := c.slots[at]; r.id == id {
				c.last = r
				return r
			}
		}
	}
	if 2*(c.n+1) > len(c.slots) {
		c.grow()
	}
	if len(c.room) == 0 {
		c.room = make([]coreRoot, rootsAtOnce)
	}
	r := &c.room[0]
	c.room = c.room[1:]
	r.id = id
	r.t, r.ok = s.typ(id)
	if r.ok {
		r.stripped, r.ok = s.strip(id)
	}
	c.n++
	c.put(r)
	c.last = r
	return r
}

func (c *coreRoots) grow() {
	old := c.slots
	if old == nil {
		c.slots = c.first[:]
		return
	}
	c.slots = make([]*coreRoot, 4*len(old))
	for _, r := range old {
		if r != nil {
			c.put(r)
		}
	}
}

func (c *coreRoots) slot(id ID) uint32 {
	return uint32(uint64(id)*mixer>>32) & uint32(len(c.slots)-1)
}

func (c *coreRoots) put(r *coreRoot) {
	at := c.slot(r.id)
	for c.slots[at] != nil {
		at = (at + 1) & uint32(len(c.slots)-1)
	}
	c.slots[at] = r
}

package btf

import "github.com/skepbpf/skep/internal/mkerr"

// Dedup merges types that are the same, as libbpf's btf__dedup and pahole do:
// what many compilation units wrote one after another (Builder.AddSpec) becomes
// one graph in which each type and each string stands once. Structs are the
// same if the graphs below them are; a forward declaration becomes the struct
// or union that a unit with the same surroundings knows in full, or the only
// one of that name. VAR and DATASEC are kept as they are.
//
// Types of a split s that its base has become the base's. Types stay in their
// order. ext is the .BTF.ext that belongs to s, or nil; strings that neither
// refers to are dropped.
//
// It is an error if types refer to each other in a circle without a struct,
// union or typedef on the way, or if so many are alike that comparing them
// would take forever.
func Dedup(s *Spec, ext []byte) (*Rewritten, error) {
	if s = s.onHeap(); s == nil {
		return nil, ErrClosed
	}
	d, err := newDedup(s)
	if err == nil {
		err = d.strings(ext)
	}
	if err == nil {
		d.anonymousEnums()
		d.hashBase()
		for _, phase := range [...]func(*dedup, uint32){
			(*dedup).primitive, (*dedup).compound, (*dedup).declared, (*dedup).reference,
		} {
			for id := d.start; id < d.n && d.err == nil; id++ {
				phase(d, id)
			}
		}
		err = d.err
	}
	var out *Rewritten
	if err == nil {
		out, err = d.rewrite(ext)
	}
	if err != nil {
		return nil, mkerr.Wrap("dedup BTF: %w", err)
	}
	return out, nil
}

// none marks a type that is not mapped yet, and busy one whose references are
// being looked at.
const (
	none = ^uint32(0)
	busy = none - 1
)

// dedup holds the types of s and its bases as words. Names of own types are
// offsets into strs.
type dedup struct {
	s     *Spec
	start uint32 // first own id
	n     uint32 // ids below this exist
	w     []uint32
	at    []uint32 // where a type begins in w
	// to is the type that stands for each: itself, or another. A forward
	// declaration may stand for a struct.
	to    []uint32
	table dedupTable
	strs  *strtab
	names []uint32 // new offset by old offset of own strings, 0 unknown
	grown nameCache
	// hypot maps types of the known graph to those of the graph that is compared
	// with it; list says which of them are mapped, adjust that a declaration of
	// the base would have to become a struct.
	hypot  []uint32
	list   []uint32
	stack  []pairs
	adjust bool
	refs   []refFrame
	anon   bool              // an enum has neither name nor values
	only   map[uint32]uint32 // structs by name, see declared
	steps  int               // comparisons that are left
	err    error
}

// newDedup copies the types. Every id and string offset is checked, as for
// kernels' types nobody did.
func newDedup(s *Spec) (*dedup, error) {
	d := &dedup{s: s, start: uint32(s.first), n: uint32(s.Len())}
	words := 0
	for b := s; b != nil; b = b.base {
		words += len(b.types) / 4
	}
	d.w = make([]uint32, 3, 3+words) // void
	d.at = make([]uint32, 1, d.n)
	if err := d.load(s); err != nil {
		return nil, err
	}
	d.to, d.hypot = make([]uint32, d.n), make([]uint32, d.n)
	for id := range d.to {
		d.to[id], d.hypot[id] = none, none
		if k := d.kind(uint32(id)); uint32(id) < d.start || k == KindVar || k == KindDatasec {
			d.to[id] = uint32(id)
		}
	}
	d.table.next, d.table.hash = make([]uint32, d.n), make([]uint32, d.n)
	d.steps = stepsForAll + stepsForEach*int(d.n)
	return d, nil
}

// Comparisons that Dedup makes at most. Five kernels one after another need two
// for each type, the objects of twenty times all libbpf-tools four.
const (
	stepsForAll  = 1 << 16
	stepsForEach = 1 << 8
)

// spend reports whether n more comparisons may be made.
func (d *dedup) spend(n int) bool {
	d.steps -= n
	if d.steps < 0 && d.err == nil {
		d.err = mkerr.Errorf("too many types are alike: more than %d comparisons", stepsForAll+stepsForEach*int(d.n))
	}
	return d.steps >= 0
}

func (d *dedup) load(s *Spec) error {
	if s.base != nil {
		if err := d.load(s.base); err != nil {
			return err
		}
	}
	from := len(d.w)
	d.w = appendWords(d.w, s.types, s.hdr.big)
	limit, text := uint32(s.Len()), s.strEnd()
	for id := uint32(s.first); id < limit; id++ {
		r := record(d.w[from:])
		if k := r.kind(); k >= kindCount {
			return mkerr.Errorf("type %d: kind %d is not known", id, k)
		}
		r = r[:r.size()]
		d.at = append(d.at, uint32(from))
		from += len(r)
		var bad error
		r.eachID(func(to ID) ID {
			if uint32(to) >= limit {
				bad = mkerr.Errorf("type %d refers to type %d of %d", id, to, limit)
			}
			return to
		})
		r.eachString(func(off uint32) uint32 {
			if off >= text && off != 0 {
				bad = mkerr.Errorf("type %d: string at %#x of %#x", id, off, text)
			}
			return off
		})
		if bad != nil {
			return bad
		}
	}
	return nil
}

// rec gives the words of a type.
func (d *dedup) rec(id uint32) record {
	if int(id)+1 < len(d.at) {
		return d.w[d.at[id]:d.at[id+1]]
	}
	return d.w[d.at[id]:]
}

func (d *dedup) kind(id uint32) Kind { return Kind(d.w[d.at[id]+1] >> 24 & 0x7f) }

// mapped reports whether it is known what stands for a type.
func (d *dedup) mapped(id uint32) bool { return d.to[id] < busy }

// resolve follows what stands for a type to the end. It shortens the way for
// the next one: from the structs on, what something stands for is not changed
// any more except at the end of the way.
func (d *dedup) resolve(id uint32) uint32 {
	for {
		to := d.to[id]
		if to >= busy || to == id {
			return id
		}
		if far := d.to[to]; far < busy {
			d.to[id] = far
		}
		id = to
	}
}

// strings makes the section of the strings that are referred to, each once, in
// the order in which they are met, and changes the names of own types to it.
func (d *dedup) strings(ext []byte) error {
	d.strs = newStrtab(d.s.base)
	d.names = make([]uint32, len(d.s.strs))
	d.strs.reserve(len(d.s.strs))
	for id := d.start; id < d.n && d.err == nil; id++ {
		d.rec(id).eachString(d.name)
	}
	if ext == nil || d.err != nil {
		return d.err
	}
	_, err := rewriteExt(ext, d.extName, func(id ID) ID { return id })
	if err == nil {
		err = d.err
	}
	return err
}

// name gives the new offset of a string.
func (d *dedup) name(off uint32) uint32 {
	if off < d.s.strOff || off == 0 {
		return off
	}
	at := off - d.s.strOff
	if d.names[at] == 0 {
		had := len(d.strs.buf)
		d.names[at], _ = d.strs.addBytes(d.s.ownBytes(at))
		if d.grown.tooLong(d.s, len(d.strs.buf)-had) && d.err == nil {
			d.err = mkerr.Errorf("%d bytes of strings that overlap become more than %d times as many", len(d.s.strs), maxGrowth)
		}
	}
	return d.names[at]
}

func (d *dedup) extName(off uint32) (uint32, bool) {
	if off >= d.s.strEnd() && off != 0 {
		return 0, false
	}
	return d.name(off), true
}

// rewrite leaves out what something else stands for, and numbers the rest.
func (d *dedup) rewrite(ext []byte) (*Rewritten, error) {
	ids := d.hypot // its work is done
	next := d.start
	for id := range d.n {
		switch {
		case id < d.start:
			ids[id] = id
		case d.to[id] == id:
			ids[id] = next
			next++
		}
	}
	move := func(id ID) ID { return ID(ids[d.resolve(uint32(id))]) }
	types := make([]byte, 0, len(d.s.types))
	for id := d.start; id < d.n; id++ {
		if d.to[id] != id {
			continue
		}
		r := d.rec(id)
		r.eachID(move)
		at := len(types)
		types = types[:at+4*len(r)]
		putWords(types[at:], r, d.s.hdr.big)
	}
	out := &Rewritten{first: ID(d.start), ids: make([]ID, d.n-d.start)}
	for i := range out.ids {
		out.ids[i] = move(ID(d.start) + ID(i))
	}
	var err error
	if ext != nil {
		if out.Ext, err = rewriteExt(ext, d.extName, out.ID); err != nil {
			return nil, err
		}
	}
	// A declaration that became a struct may have made one contain itself.
	out.Types, err = parse(d.s.assemble(types, d.s.layout(), d.strs.buf), d.s.base, true)
	return out, err
}

package btf

import (
	"encoding/binary"
	"math"
	"math/bits"
	"sync"
	"sync/atomic"
)

// Structs of fewer members are looked through one by one. The bounds of an
// index are far above any struct of a kernel.
const (
	indexFrom     = 8
	maxIndexed    = 1 << 12
	maxIndexLevel = 16
)

// memberIndexes are the indexes of the structs of one Spec that members were
// sought in: most of what a relocation costs is to look at names, and one
// struct is asked for many members.
type memberIndexes struct {
	mu sync.Mutex
	of map[ID]*memberIndex
}

// memberIndex finds the members of a struct, and of anonymous structs and
// unions within it, by name: of two, the one that a walk in their order meets
// first.
type memberIndex struct {
	list    []indexed
	slots   []uint16 // by hash: 1 + index in list, 0 is free; at most half are taken
	holders []Type   // the struct and the anonymous ones
	span    uint64   // greatest offset, in bits
	levels  int      // greatest level
}

// indexed is a member in a memberIndex.
type indexed struct {
	hash, name uint32
	typ        ID
	bits       uint32 // offset from the start of the outermost struct
	idx        uint16 // in its holder
	holder     uint16
	level      uint8 // anonymous structs around it
	width      uint8 // of a bitfield
	tail       bool  // the last of its holder
	// What follows is kept once it was asked for, as the way to the type is longer
	// than all else: where the stripped type is, id and offset, its gist, and the
	// index of its members.
	to      atomic.Uint64
	gist    atomic.Uint64
	members atomic.Pointer[memberIndex]
}

// is the gist of the type of m, a member in ix.
func (m *indexed) is(ix *memberIndex) gist {
	if is := m.gist.Load(); is != 0 {
		return gist(is)
	}
	t, ok := ix.strip(m)
	if !ok || t.id == 0 {
		return 0
	}
	is := t.s.gist(t.s.types[t.off-typeSize:], t.s.pointerSize())
	m.gist.Store(uint64(is))
	return is
}

// inner is the index of the struct that m, a member in ix, is; nil if it is none.
func (m *indexed) inner(ix *memberIndex) *memberIndex {
	if in := m.members.Load(); in != nil {
		return in
	}
	t, ok := ix.strip(m)
	if !ok || !compound.has(t.Kind()) {
		return nil
	}
	in := t.s.memberIndex(t)
	m.members.Store(in)
	return in
}

// strip is what the type of m, a member in ix, stands for.
func (ix *memberIndex) strip(m *indexed) (Type, bool) {
	s := ix.holders[m.holder].s
	if at := m.to.Load(); at != 0 {
		return s.at(ID(at>>32), uint32(at)), true
	}
	t, ok := s.strip(m.typ)
	if ok && t.s == s && t.id != 0 {
		m.to.Store(uint64(t.id)<<32 | uint64(t.off-typeSize))
	}
	return t, ok
}

// memberIndex gives the index of t, which is made at first use; nil where it
// would be too large or offsets are too great.
func (s *Spec) memberIndex(t Type) *memberIndex {
	c := &s.members
	c.mu.Lock()
	defer c.mu.Unlock()
	ix, ok := c.of[t.id]
	if !ok {
		ix = &memberIndex{list: make([]indexed, 0, t.vlen())}
		if ix.collect(t, 0, 0) {
			ix.fill()
		} else {
			ix = nil
		}
		if c.of == nil {
			c.of = make(map[ID]*memberIndex)
		}
		c.of[t.id] = ix
	}
	return ix
}

func (ix *memberIndex) collect(t Type, bits uint64, level int) bool {
	if level > maxIndexLevel || len(ix.holders) == maxIndexed || len(ix.list)+int(t.vlen()) > maxIndexed {
		return false
	}
	holder := len(ix.holders)
	ix.holders = append(ix.holders, t)
	ix.levels = max(ix.levels, level)
	for i := range int(t.vlen()) {
		m, ok := t.rawMember(i)
		at := bits + uint64(m.offset)
		if !ok || at > math.MaxUint32 {
			return false
		}
		ix.span = max(ix.span, at)
		if m.name != 0 {
			ix.list = append(ix.list, indexed{
				hash: hashName(t.s.strBytes(m.name)), name: m.name, typ: m.typ,
				idx: uint16(i), tail: i+1 == int(t.vlen()), bits: uint32(at), holder: uint16(holder), level: uint8(level), width: uint8(m.bits),
			})
			continue
		}
		inner, ok := t.s.strip(m.typ)
		if ok && compound.has(inner.Kind()) && !ix.collect(inner, at, level+1) {
			return false
		}
	}
	return true
}

func (ix *memberIndex) fill() {
	n := 16
	for n < 2*len(ix.list) {
		n *= 2
	}
	ix.slots = make([]uint16, n)
	for i := range ix.list {
		at := ix.list[i].hash & uint32(n-1)
		for ix.slots[at] != 0 {
			at = (at + 1) & uint32(n-1)
		}
		ix.slots[at] = uint16(i + 1)
	}
}

// find gives the member of that name, whose hashName is hash.
func (ix *memberIndex) find(name []byte, hash uint32) *indexed {
	mask := uint32(len(ix.slots) - 1)
	for at := hash & mask; ix.slots[at] != 0; at = (at + 1) & mask {
		m := &ix.list[ix.slots[at]-1]
		if m.hash == hash && same(ix.holders[m.holder].s, m.name, name) {
			return m
		}
	}
	return nil
}

// hashName mixes eight bytes at a time, the last of which are filled up with
// zeros.
func hashName(name []byte) uint32 {
	h := uint64(0)
	for ; len(name) >= 8; name = name[8:] {
		h = mix(h, binary.LittleEndian.Uint64(name))
	}
	last := uint64(0)
	for i, c := range name {
		last |= uint64(c) << (8 * i)
	}
	return uint32(mix(h, last))
}

func mix(h, v uint64) uint64 {
	hi, lo := bits.Mul64(h^v, mixer)
	return hi ^ lo
}

// mixer is 2^64 divided by the golden ratio, odd.
const mixer = 0x9e3779b97f4a7c15

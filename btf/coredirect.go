package btf

import "math"

// direct resolves what most relocations ask for, the offset of a plain member of
// a struct with one candidate or that it exists, by the rules of parse, match and calc, but
// without the steps in between. It takes little more than to look up what is
// known, so its outcomes are not kept. false means that the steps are to be gone
// through; fix is then untouched. A test holds both ways against each other.
func (r *Relocator) direct(root *coreRoot, relo *CORERelo, fix *Fixup) bool {
	if root.members == nil && !r.indexed(root) {
		return false
	}
	d := descent{rec: root.rec, members: root.members, elem: noElem}
	if !d.follow(r.local, relo.Access) {
		return false
	}
	l, t := r.local.gist(d.rec, 8), d.found.is(d.members)
	if l.class() == 0 || l.class() != t.class() {
		return false
	}
	if d.elem != noElem && !d.index(r.local, l, t) {
		return false
	}
	c := &root.cands[0]
	fix.Kind, fix.Validate, fix.Module, fix.Target = relo.Kind, true, c.module, c.t.id
	if relo.Kind == COREFieldExists {
		fix.Old, fix.New = 1, 1
		return true
	}
	fix.Old, fix.New = d.local/8, d.target/8
	fix.OldSize, fix.NewSize = l.size(), t.size()
	fix.BadSize = fix.OldSize != fix.NewSize && (l.array() && d.elem == noElem || !resizableGists(l, t))
	return true
}

// indexed makes what direct needs of a root: both sides are structs or unions,
// and there is one candidate. Where there were more, it depends on what was asked
// before which of them are left.
func (r *Relocator) indexed(c *coreRoot) bool {
	if c.indexed || !c.ok || !compound.has(c.stripped.Kind()) || !c.searched && r.candidates(c) != nil {
		return false
	}
	c.indexed = true
	if !c.single {
		return false
	}
	t, ok := c.cands[0].t, true
	if modifiers.has(t.Kind()) {
		t, ok = t.s.strip(t.id)
	}
	if c.rec = r.local.record(c.id); c.rec != nil && ok && compound.has(t.Kind()) {
		c.members = t.s.memberIndex(t)
	}
	return c.members != nil
}

// descent is where an access leads to on both sides.
type descent struct {
	rec     []byte       // record of the local type
	members *memberIndex // of the target struct
	found   *indexed     // the last member, in members
	// offsets of it, in bits
	local, target uint64
	elem          uint32 // of found, an array; or noElem
}

const noElem = math.MaxUint32

// The longest access that is walked, and the longest number in it.
const (
	maxWalk   = 24
	maxDigits = 6
)

// follow goes from the root to the end of an access "0:n:m", if its parts are
// members, none of them a bitfield, anonymous structs but at the end, and there
// an element of an array.
func (d *descent) follow(s *Spec, access string) bool {
	if len(access) < 3 || len(access) > maxWalk || access[0] != '0' {
		return false
	}
	big, levels, named := s.hdr.big, 0, false
	for at := 1; at < len(access); {
		idx, next := part(access, at)
		if next == 0 {
			return false
		}
		at = next
		info := word(d.rec[4:], big)
		if kind := Kind(info >> 24 & 0x7f); !compound.has(kind) || idx >= info&0xffffff {
			d.elem = idx
			return kind == KindArray && at == len(access) && named && d.inBounds(levels+1)
		}
		b := d.rec[typeSize+12*idx:][:12:12]
		name, offset := word(b, big), word(b[8:], big)
		if info>>31 != 0 && offset>>24 != 0 {
			return false
		}
		d.local += uint64(offset)
		if d.rec = s.record(ID(word(b[4:], big))); d.rec == nil {
			return false
		}
		if named = name != 0; named {
			text, hash := s.hashed(name)
			if !d.member(text, hash) {
				return false
			}
			levels += 1 + int(d.found.level)
		}
	}
	return named && d.inBounds(levels)
}

// inBounds has bounds far below those of an access: all steps are within those.
func (d *descent) inBounds(levels int) bool {
	return levels <= maxAccess/2 && d.local <= math.MaxUint32 && d.target <= math.MaxUint32
}

// index goes to element d.elem of found, an array of one dimension on both sides.
func (d *descent) index(local *Spec, l, t gist) bool {
	in, ok := d.members.strip(d.found)
	if !ok || l.class() >= 2*gistArray {
		return false
	}
	_, _, n := in.rawArray()
	if d.elem >= local.u32(d.rec[typeSize+8:]) || d.elem >= n {
		return false
	}
	d.local += uint64(d.elem) * uint64(l.size()) * 8
	d.target += uint64(d.elem) * uint64(t.size()) * 8
	return d.inBounds(0)
}

// part reads the number that follows the colon at access[at]; next is 0 if there
// is none.
func part(access string, at int) (idx uint32, next int) {
	if access[at] != ':' {
		return 0, 0
	}
	at++
	next = at
	for ; next < len(access); next++ {
		digit := access[next] - '0'
		if digit > 9 {
			break
		}
		idx = idx*10 + uint32(digit)
	}
	if next == at || next > at+maxDigits {
		return 0, 0
	}
	return idx, next
}

// member goes to the member of that name in the target.
func (d *descent) member(name []byte, hash uint32) bool {
	if len(name) == 0 {
		return false
	}
	if d.found != nil {
		if d.members = d.found.inner(d.members); d.members == nil {
			return false
		}
	}
	d.found = d.members.find(name, hash)
	if d.found == nil || d.found.width != 0 {
		return false
	}
	d.target += uint64(d.found.bits)
	return true
}

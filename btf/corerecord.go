package btf

import (
	"encoding/binary"
	"math/bits"
)

// record gives the record of what a type of s's own stands for, and what follows
// it. It is nil for types of the base, void and those that do not exist.
func (s *Spec) record(id ID) []byte {
	if s.index.shift != 0 {
		t, ok := s.strip(id)
		if !ok || t.s != s || t.id == 0 {
			return nil
		}
		return s.types[t.off-typeSize:]
	}
	for range maxChain {
		i := uint32(id - s.first)
		if i >= s.index.n {
			return nil
		}
		b := s.types[s.index.offs[i]:]
		if len(b) < typeSize || !modifiers.has(Kind(s.u32(b[4:])>>24&0x7f)) {
			return b
		}
		id = ID(s.u32(b[8:]))
	}
	return nil
}

// hashed gives the string at off, as strBytes does, and its hashName.
func (s *Spec) hashed(off uint32) ([]byte, uint32) {
	if off -= s.strOff; off >= uint32(len(s.strs)) {
		return nil, 0 // of the base, or nowhere
	}
	const ones = 0x0101010101010101
	b, h := s.strs[off:], uint64(0)
	for n := 0; n+8 <= len(b); n += 8 {
		v := binary.LittleEndian.Uint64(b[n:])
		if zero := (v - ones) &^ v & (ones << 7); zero != 0 {
			end := bits.TrailingZeros64(zero) &^ 7
			return b[:n+end/8], uint32(mix(h, v&(1<<end-1)))
		}
		h = mix(h, v)
	}
	name := s.ownBytes(off)
	return name, hashName(name)
}

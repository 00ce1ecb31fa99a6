package btf

import (
	"bytes"
	"hash/maphash"
	"strings"
)

// strtab is a string section that is being written. Each string is in it once,
// found by a hash table of offsets: no string is kept beside the section.
type strtab struct {
	base  *strtab // of the base's strings, which come first
	start uint32  // offset of buf in the whole
	buf   []byte
	known int // strings of buf from here on are not in the table yet
	n     int // strings in the table
	// slots are the top 8 bits of a hash and the offset in buf + 1, of 24 bits: a
	// section has no more. 0 is free, and half of them are. The table is what
	// costs time, by its misses of the cache: so it is small.
	slots []uint32
	seed  maphash.Seed
}

// newStrtab is the table of the strings that continue base's.
func newStrtab(base *Spec) *strtab {
	t := &strtab{}
	if base != nil {
		t.seed = maphash.MakeSeed()
		t.base, t.start = readStrtab(base, t.seed), base.strEnd()
		return t
	}
	t.seed, t.buf = maphash.MakeSeed(), []byte{0}
	return t
}

// readStrtab is the table of the strings of s.
func readStrtab(s *Spec, seed maphash.Seed) *strtab {
	t := &strtab{seed: seed, start: s.strOff, buf: s.strs}
	if s.base != nil {
		t.base = readStrtab(s.base, seed)
	}
	return t
}

// take makes the strings of a section the first ones of an empty table, with
// their offsets as they are.
func (t *strtab) take(strs []byte) { t.buf, t.known = bytes.Clone(strs), 0 }

// empty reports whether nothing was added yet.
func (t *strtab) empty() bool { return len(t.buf) == 0 || t.base == nil && len(t.buf) == 1 }

// index enters the strings of buf that the table does not know. Of two equal
// ones the first counts. What is only the tail of a string is not found.
func (t *strtab) index() {
	if t.slots == nil {
		// Strings are of 15 bytes on average; growing later costs little.
		t.slots = make([]uint32, tableSize(len(t.buf)/16+16))
	}
	for t.known < len(t.buf) {
		n := bytes.IndexByte(t.buf[t.known:], 0)
		if n < 0 {
			n = len(t.buf) - t.known
		}
		s := t.buf[t.known:][:n]
		if n > 0 {
			h := maphash.Bytes(t.seed, s)
			if _, ok := lookupString(t, h, s); !ok {
				t.enter(h, uint32(t.known))
			}
		}
		t.known += n + 1
	}
}

// tableSize is the number of slots for n entries: a power of two.
func tableSize(n int) int {
	size := 16
	for size < 2*n {
		size *= 2
	}
	return size
}

// lookupString finds a string in the table itself.
func lookupString[T string | []byte](t *strtab, h uint64, s T) (uint32, bool) {
	mask := uint64(len(t.slots) - 1)
	for i := h & mask; t.slots[i] != 0; i = (i + 1) & mask {
		if t.slots[i]>>24 != uint32(h>>56) {
			continue
		}
		at := int(t.slots[i]&maxOffset - 1)
		if end := at + len(s); end < len(t.buf) && t.buf[end] == 0 && string(t.buf[at:end]) == string(s) {
			return t.start + uint32(at), true
		}
	}
	return 0, false
}

// enter puts the string at that offset of buf into the table.
func (t *strtab) enter(h uint64, at uint32) {
	if 2*(t.n+1) > len(t.slots) {
		t.grow()
	}
	t.n++
	t.place(h, at+1)
}

// maxOffset is the greatest offset in a section, BTF_MAX_NAME_OFFSET.
const maxOffset = maxStrings - 1

func (t *strtab) place(h uint64, at uint32) {
	mask := uint64(len(t.slots) - 1)
	i := h & mask
	for t.slots[i] != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = uint32(h>>56)<<24 | at
}

// grow doubles the table. Hashes are not kept: they are made again.
func (t *strtab) grow() {
	old := t.slots
	t.slots = make([]uint32, 2*len(old))
	for _, v := range old {
		if v == 0 {
			continue
		}
		at := v & maxOffset
		s := t.buf[at-1:]
		s = s[:bytes.IndexByte(s, 0)]
		t.place(maphash.Bytes(t.seed, s), at)
	}
}

// reserve makes room for the strings of another section of n bytes.
func (t *strtab) reserve(n int) {
	t.index()
	if cap(t.buf)-len(t.buf) < n {
		t.buf = append(make([]byte, 0, len(t.buf)+n), t.buf...)
	}
	for want := tableSize(t.n + n/16); len(t.slots) < want; {
		t.grow()
	}
}

// findIn gives the offset of a string, in the base or here; "" is at 0.
func findIn[T string | []byte](t *strtab, h uint64, s T) (uint32, bool) {
	if t.base != nil {
		if off, ok := findIn(t.base, h, s); ok {
			return off, true
		}
	}
	if t.slots == nil || t.known < len(t.buf) {
		t.index()
	}
	return lookupString(t, h, s)
}

// addBytes gives the offset of s, a string of another section, which is added at
// need; false where this one would be too long.
func (t *strtab) addBytes(s []byte) (uint32, bool) {
	if len(s) == 0 {
		return 0, true
	}
	return addTo(t, maphash.Bytes(t.seed, s), s)
}

// addString is addBytes for any string, but false for one with a zero byte.
func (t *strtab) addString(s string) (uint32, bool) {
	if s == "" {
		return 0, true
	}
	if strings.IndexByte(s, 0) >= 0 {
		return 0, false
	}
	return addTo(t, maphash.String(t.seed, s), s)
}

func addTo[T string | []byte](t *strtab, h uint64, s T) (uint32, bool) {
	if off, ok := findIn(t, h, s); ok {
		return off, true
	}
	if len(s) >= maxStrings || len(t.buf)+len(s)+1 > maxStrings {
		return 0, false
	}
	at := uint32(len(t.buf))
	t.buf = append(append(t.buf, s...), 0)
	t.known = len(t.buf)
	t.enter(h, at)
	return t.start + at, true
}

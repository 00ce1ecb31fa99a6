package btf

import (
	"encoding/binary"
	"math/bits"

	"github.com/skepbpf/skep/internal/bin"
)

// bare are the kinds without anything after the common bytes. Three types of
// five are of them, and to know it before the record's length is computed
// lets the processor run ahead.
const bare kindSet = 1<<KindPtr | 1<<KindFwd | 1<<KindTypedef | 1<<KindVolatile | 1<<KindConst |
	1<<KindRestrict | 1<<KindFunc | 1<<KindFloat | 1<<KindTypeTag

// noIndex is the shift of a scan whose index nobody wants.
const noIndex = 31

// scan passes once over the types: it builds an index of every 2^shift-th
// offset, and shows each named type of a wanted kind to f. Every record is
// checked to end within the section, nothing else is.
func (s *Spec) scan(shift uint8, f *finder) (index, error) {
	// Types are mostly 12 to 36 bytes: this guess avoids growing twice.
	offs := make([]uint32, 0, len(s.types)/typeSize>>shift/2+1)
	var want kindSet
	if f != nil {
		want = f.want
	}
	types, big := s.types, s.hdr.big
	end := uint64(len(types))
	mask := uint32(1)<<shift - 1
	n := uint32(0)
	for off := uint64(0); off < end; n++ {
		if off+typeSize > end {
			return index{}, bin.Errorf(section, s.typeAt(uint32(off)), "type %d: %d bytes left, want %d", uint32(s.first)+n, end-off, typeSize)
		}
		if n&mask == 0 {
			offs = append(offs, uint32(off))
		}
		b := types[off:][:typeSize:typeSize]
		info := binary.LittleEndian.Uint32(b[4:])
		if big {
			info = bits.ReverseBytes32(info)
		}
		kind := info >> 24 & 0x7f
		size := uint64(typeSize)
		if bare>>kind&1 == 0 {
			sh := &s.shapes[kind]
			if !sh.known || kind == 0 {
				return index{}, bin.Errorf(section, s.typeAt(uint32(off)), "type %d: unknown kind %d", uint32(s.first)+n, kind)
			}
			size += uint64(sh.info) + uint64(sh.elem)*uint64(info&0xffffff)
			if size > end-off {
				return index{}, bin.Errorf(section, s.typeAt(uint32(off)), "type %d: %s of %d elements runs past the end", uint32(s.first)+n, Kind(kind), info&0xffffff)
			}
		}
		if want>>kind&1 != 0 {
			f.see(s, s.u32(b), s.first+ID(n), Kind(kind))
		}
		off += size
	}
	if uint64(s.first)+uint64(n) > maxTypes {
		return index{}, bin.Errorf(section, s.typeAt(0), "more than %d types", maxTypes)
	}
	return index{offs, shift, n}, nil
}

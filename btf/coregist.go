package btf

// gist is what a member's type counts for: its class, whether it is signed, and
// its size; of an array, those of its elements, and its dimensions are added to
// the class. It is 0 where more than that counts.
type gist uint64

const (
	gistCompound gist = 1 + iota
	gistPtr
	gistInt
	gistFloat
	gistArray  gist = 8 // for each dimension
	gistSigned gist = 1 << 8
)

func (s gist) class() gist  { return s & 0xff }
func (s gist) size() uint32 { return uint32(s >> 32) }

func (s gist) array() bool { return s.class() >= gistArray }

// resizableGists is resizable for two types of one class, of arrays for an element.
func resizableGists(l, t gist) bool {
	of := l & (gistArray - 1)
	return of == gistPtr || of == gistInt && (l|t)&gistSigned == 0
}

// gist is for a record that record gave, where pointers have ptr bytes.
func (s *Spec) gist(rec []byte, ptr uint32) gist {
	if Kind(s.u32(rec[4:])>>24&0x7f) == KindArray {
		return s.arrayGist(rec, ptr)
	}
	size := gist(s.u32(rec[8:])) << 32
	switch Kind(s.u32(rec[4:]) >> 24 & 0x7f) {
	case KindStruct, KindUnion:
		return size | gistCompound
	case KindPtr:
		return gist(ptr)<<32 | gistPtr
	case KindFloat:
		return size | gistFloat
	case KindInt:
		word := s.u32(rec[typeSize:])
		if word&intOffset != 0 {
			return 0
		}
		if word>>24&IntSigned != 0 {
			size |= gistSigned
		}
		return size | gistInt
	}
	return 0
}

// arrayGist is gist for an array of up to three dimensions.
func (s *Spec) arrayGist(rec []byte, ptr uint32) gist {
	for n := gistArray; n <= 3*gistArray; n += gistArray {
		if rec = s.record(ID(s.u32(rec[typeSize:]))); rec == nil {
			return 0
		}
		if Kind(s.u32(rec[4:])>>24&0x7f) != KindArray {
			if of := s.gist(rec, ptr); of != 0 {
				return of + n
			}
			return 0
		}
	}
	return 0
}

package btf

import "encoding/binary"

// accept is scan, validate and checkLoops at once for what objects are made of: a
// little-endian blob of known kinds without a fault, whose types do not contain
// each other too deeply. It reports false for everything else, be it sound or not:
// then those tell. It makes the index.
func (s *Spec) accept() bool {
	if s.hdr.big {
		return false
	}
	var few [16]ID
	a := acceptor{protos: few[:0]}
	types, off, n, strs := s.types, uint32(0), 0, uint32(0)
	offs := make([]uint32, len(types)/typeSize/2+1) // as for scan
	state := make([]uint8, len(offs))
	for len(types) >= typeSize {
		if n == len(offs) {
			offs, state = append(offs, make([]uint32, n)...), append(state, make([]uint8, n)...)
		}
		x, ref := binary.LittleEndian.Uint64(types), binary.LittleEndian.Uint32(types[8:])
		k := x >> 56 & 0x7f
		if k == 0 || k >= uint64(kindCount) {
			return false
		}
		strs = max(strs, uint32(x))
		if referring>>k&1 != 0 {
			a.ids = max(a.ids, ref)
		}
		offs[n], state[n] = off, uint8(ends>>k&1)*done
		n++
		size := uint32(typeSize)
		if short>>k&1 == 0 {
			if size = a.long(types, Kind(k)); size == 0 {
				return false
			}
		}
		types, off = types[size:], off+size
	}
	end := uint64(s.first) + uint64(n)
	if len(types) > 0 || end > maxTypes || uint64(a.ids) >= end || max(strs, a.strs) >= max(s.strEnd(), 1) {
		return false
	}
	s.index = index{offs[:n], 0, uint32(n)}
	w := settler{s, s.types, s.index.offs, state[:n], uint32(s.first)}
	return s.functions(a.protos) && w.settle()
}

// acceptor is what an accept has seen so far.
type acceptor struct {
	ids    uint32 // the greatest type that is referred to
	strs   uint32 // the greatest string offset of elements
	protos []ID   // what functions are of
}

const (
	// referring are the kinds whose third word is a type.
	referring kindSet = modifiers | linkedKind | 1<<KindPtr | 1<<KindFuncProto | 1<<KindDeclTag
	// short are those with nothing to look at but the common bytes.
	short = bare &^ (1 << KindFunc)
)

// long takes a type of a kind with more to look at than the common bytes, and
// gives its length, 0 if it is not accepted.
func (a *acceptor) long(b []byte, k Kind) uint32 {
	n := binary.LittleEndian.Uint32(b[4:]) & 0xffffff
	size := typeSize + uint32(kinds[k].info) + uint32(kinds[k].elem)*n
	if uint64(size) > uint64(len(b)) {
		return 0
	}
	tail := b[typeSize:size]
	switch k {
	case KindStruct, KindUnion:
		a.pairs(tail, 12)
	case KindFuncProto:
		a.pairs(tail, 8)
	case KindArray:
		if len(tail) >= 8 {
			a.ids = max(a.ids, binary.LittleEndian.Uint32(tail), binary.LittleEndian.Uint32(tail[4:]))
		}
	case KindEnum, KindEnum64:
		a.strs = greatest(a.strs, tail, int(kinds[k].elem))
	case KindDatasec:
		a.ids = greatest(a.ids, tail, 12)
	case KindFunc:
		a.protos = append(a.protos, ID(binary.LittleEndian.Uint32(b[8:])))
	}
	return size
}

// pairs takes elements that begin with a name and a type.
func (a *acceptor) pairs(b []byte, size int) {
	strs, ids := a.strs, a.ids
	for ; len(b) >= size && len(b) >= 8; b = b[size:] {
		x := binary.LittleEndian.Uint64(b)
		strs, ids = max(strs, uint32(x)), max(ids, uint32(x>>32))
	}
	a.strs, a.ids = strs, ids
}

// greatest is that of n and of what the elements begin with.
func greatest(n uint32, b []byte, size int) uint32 {
	for ; len(b) >= size && len(b) >= 4; b = b[size:] {
		n = max(n, binary.LittleEndian.Uint32(b))
	}
	return n
}

// functions reports whether all of the types are such of functions.
func (s *Spec) functions(protos []ID) bool {
	for _, id := range protos {
		if t, _ := s.typ(id); t.Kind() != KindFuncProto {
			return false
		}
	}
	return true
}

// settleDepth bounds how deep types that contain each other may nest; compilers
// make a dozen levels.
const settleDepth = 64

// settler looks for types that contain themselves.
type settler struct {
	s     *Spec
	types []byte
	offs  []uint32
	state []uint8
	first uint32
}

// settle reports whether no type contains itself and no array is too large. The
// index is there, and all ids in it exist.
func (w *settler) settle() bool {
	for i, st := range w.state {
		if st == unseen && !w.visit(uint32(i), settleDepth) {
			return false
		}
	}
	return true
}

// visit is settle for the i-th type and those that it contains.
func (w *settler) visit(i uint32, depth int) bool {
	b := w.types[w.offs[i]:]
	info := binary.LittleEndian.Uint32(b[4:])
	k, n, at, stride := Kind(info>>24&0x7f), int(info&0xffffff), 8, 12 // n ids begin at, every stride bytes
	switch k {
	case KindStruct, KindUnion:
		at = typeSize + 4
	case KindDatasec:
		at = typeSize
	case KindArray:
		at, n = typeSize, 1
	case KindFuncProto: // the result stands where a type before the first parameter would
		stride, n = 8, n+1
	default:
		n = 1
	}
	w.state[i] = onPath
	for end := at + n*stride; at < end; at += stride {
		// What lies before the first own type wraps around.
		to := binary.LittleEndian.Uint32(b[at:]) - w.first
		if to >= uint32(len(w.state)) {
			continue
		}
		if st := w.state[to]; st != done && (st == onPath || depth == 0 || !w.visit(to, depth-1)) {
			return false
		}
	}
	w.state[i] = done
	return k != KindArray || w.s.checkSize(i) == nil
}

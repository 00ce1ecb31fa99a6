package btf

import "encoding/binary"

// elemWords says which word of an element is a string offset and which an id;
// -1: none. Kinds without elements need no entry.
var elemWords = [kindCount]struct{ str, id int8 }{
	KindStruct:    {0, 1},
	KindUnion:     {0, 1},
	KindEnum:      {0, -1},
	KindEnum64:    {0, -1},
	KindFuncProto: {0, 1},
	KindDatasec:   {-1, 0},
}

// record is a type as words of this machine's order: name, info, size or
// target, and what follows.
type record []uint32

func (r record) kind() Kind { return Kind(r[1] >> 24 & 0x7f) }

func (r record) vlen() uint32 { return r[1] & 0xffffff }

func (r record) flag() bool { return r[1]>>31 != 0 }

// size in words of a record of a known kind that begins with r.
func (r record) size() int {
	sh := &kinds[r.kind()].shape
	n := (typeSize + int(sh.info)) / 4
	if sh.elem != 0 {
		n += int(sh.elem) / 4 * int(r.vlen())
	}
	return n
}

// eachID lets f change every id of r, in the order in which they are written.
func (r record) eachID(f func(ID) ID) {
	k := r.kind()
	if kinds[k].use == aType {
		r[2] = uint32(f(ID(r[2])))
	}
	if k == KindArray {
		r[3], r[4] = uint32(f(ID(r[3]))), uint32(f(ID(r[4])))
		return
	}
	if n := int(kinds[k].elem) / 4; n > 0 && elemWords[k].id >= 0 {
		for at := 3 + int(elemWords[k].id); at < len(r); at += n {
			r[at] = uint32(f(ID(r[at])))
		}
	}
}

// eachString lets f change every string offset of r.
func (r record) eachString(f func(uint32) uint32) {
	r[0] = f(r[0])
	k := r.kind()
	if n := int(kinds[k].elem) / 4; n > 0 && elemWords[k].str >= 0 {
		for at := 3 + int(elemWords[k].str); at < len(r); at += n {
			r[at] = f(r[at])
		}
	}
}

// appendWords appends the words that b holds in the order of its blob.
func appendWords(dst []uint32, b []byte, big bool) []uint32 {
	at, n := len(dst), len(b)/4
	if cap(dst)-at < n {
		dst = append(make([]uint32, 0, max(at+n, 2*cap(dst), 64)), dst...)
	}
	dst = dst[:at+n]
	to := dst[at:]
	if big {
		for i := range to {
			to[i] = binary.BigEndian.Uint32(b[4*i:])
		}
		return dst
	}
	for i := range to {
		to[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return dst
}

// putWords writes words to b, which has room for them.
func putWords(b []byte, w []uint32, big bool) {
	if big {
		for i, v := range w {
			binary.BigEndian.PutUint32(b[4*i:], v)
		}
		return
	}
	for i, v := range w {
		binary.LittleEndian.PutUint32(b[4*i:], v)
	}
}

// record gives t as words, in buf if it is large enough; false for a kind that
// is not known, of which nobody can say what refers to something.
func (t Type) record(buf []uint32) (record, bool) {
	if t.Kind() >= kindCount || t.s == nil {
		return nil, false
	}
	at := t.off - typeSize
	return appendWords(buf[:0], t.s.types[at:][:t.s.recordLen(at)], t.s.hdr.big), true
}

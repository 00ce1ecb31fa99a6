package main

import (
	"encoding/binary"
	"fmt"

	"github.com/skepbpf/skep/internal/bin"
)

// BTF kinds that occur in uapi headers (include/uapi/linux/btf.h).
const (
	kindInt     = 1
	kindPtr     = 2
	kindArray   = 3
	kindStruct  = 4
	kindUnion   = 5
	kindEnum    = 6
	kindFwd     = 7
	kindTypedef = 8
	kindVar     = 14
	kindDatasec = 15
	kindEnum64  = 19
)

// ctype is one type of the input, its references resolved by id.
type ctype struct {
	id      uint32
	kind    uint32
	name    string
	size    uint32 // bytes; of an integer, enum, struct or union
	target  uint32 // id; of a typedef, pointer or array (the element)
	count   uint32 // elements of an array
	signed  bool   // of an integer or enum
	members []cmember
	values  []cvalue
}

type cmember struct {
	name string
	typ  uint32
	off  uint32 // bits
	bits uint32 // of a bit field, else 0
}

type cvalue struct {
	name string
	val  int64
}

// types is the input: position is id.
type types struct {
	all []*ctype
}

// named finds a struct, union or enum by its C name.
func (t *types) named(name string) (*ctype, error) {
	for _, c := range t.all {
		if c.name == name && (c.kind == kindStruct || c.kind == kindUnion || c.kind == kindEnum || c.kind == kindEnum64) {
			return c, nil
		}
	}
	return nil, fmt.Errorf("no type %q in the input", name)
}

// parseTypes reads raw little-endian BTF. The input is our own file, so the
// decoder knows only the kinds a header gives.
func parseTypes(raw []byte) (*types, error) {
	c := bin.NewCursor("bpf.btf", 0, raw, binary.LittleEndian)
	if magic := c.U16(); magic != 0xeb9f {
		return nil, bin.Errorf("bpf.btf", 0, "magic %#x", magic)
	}
	c.Skip(2)
	hdr, typeOff, typeLen, strOff, strLen := c.U32(), c.U32(), c.U32(), c.U32(), c.U32()
	if c.Err() != nil {
		return nil, c.Err()
	}
	body := uint64(len(raw))
	if uint64(hdr)+uint64(typeOff)+uint64(typeLen) > body || uint64(hdr)+uint64(strOff)+uint64(strLen) > body {
		return nil, bin.Errorf("bpf.btf", 4, "sections beyond the end")
	}
	d := &decoder{
		cur:  bin.NewCursor("bpf.btf", int64(hdr+typeOff), raw[hdr+typeOff:hdr+typeOff+typeLen], binary.LittleEndian),
		strs: raw[hdr+strOff : hdr+strOff+strLen],
	}
	t := &types{all: []*ctype{{}}}
	for d.cur.Len() > 0 {
		one := d.next()
		one.id = uint32(len(t.all))
		t.all = append(t.all, one)
	}
	return t, d.cur.Err()
}

type decoder struct {
	cur  *bin.Cursor
	strs []byte
}

func (d *decoder) str(off uint32) string {
	if uint64(off) >= uint64(len(d.strs)) {
		d.cur.Failf("string offset %d", off)
		return ""
	}
	s := d.strs[off:]
	for i, b := range s {
		if b == 0 {
			return string(s[:i])
		}
	}
	return ""
}

func (d *decoder) next() *ctype {
	c := d.cur
	t := &ctype{name: d.str(c.U32())}
	info, x := c.U32(), c.U32()
	vlen, flag := info&0xffff, info>>31 == 1
	t.kind = info >> 24 & 0x1f
	switch t.kind {
	case kindInt:
		t.size, t.signed = x, c.U32()>>24&1 == 1
	case kindArray:
		t.target = c.U32()
		c.U32()
		t.count = c.U32()
	case kindStruct, kindUnion:
		t.size = x
		for range vlen {
			m := cmember{name: d.str(c.U32()), typ: c.U32(), off: c.U32()}
			if flag {
				m.off, m.bits = m.off&0xffffff, m.off>>24
			}
			t.members = append(t.members, m)
		}
	case kindEnum:
		t.size, t.signed = x, flag
		for range vlen {
			name, v := d.str(c.U32()), c.U32()
			val := int64(v)
			if flag {
				val = int64(int32(v))
			}
			t.values = append(t.values, cvalue{name, val})
		}
	case kindEnum64:
		t.size, t.signed = x, flag
		for range vlen {
			name, lo, hi := d.str(c.U32()), c.U32(), c.U32()
			t.values = append(t.values, cvalue{name, int64(uint64(lo) | uint64(hi)<<32)})
		}
	case kindVar:
		c.U32()
	case kindDatasec:
		c.Skip(uint64(vlen) * 12)
	default: // pointers, typedefs and qualifiers
		t.target = x
	}
	return t
}

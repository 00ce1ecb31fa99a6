package btf

import (
	"encoding/binary"
	"testing"
)

// builder makes blobs by hand.
type builder struct {
	order byteOrders
	types []byte
	strs  []byte
	n     uint32 // next id
}

func newBuilder(order byteOrders) *builder {
	return &builder{order: order, strs: []byte{0}, n: 1}
}

func (b *builder) str(s string) uint32 {
	if s == "" {
		return 0
	}
	off := uint32(len(b.strs))
	b.strs = append(append(b.strs, s...), 0)
	return off
}

func (b *builder) words(w ...uint32) {
	for _, v := range w {
		b.types = b.order.AppendUint32(b.types, v)
	}
}

// info of a kind: vlen with flag on top.
const flag = 1 << 31

func (b *builder) add(k Kind, name string, vlen, size uint32, tail ...uint32) ID {
	b.words(b.str(name), vlen&flag|uint32(k)<<24|vlen&^flag, size)
	b.words(tail...)
	b.n++
	return ID(b.n - 1)
}

func (b *builder) int(name string, size, enc uint32) ID {
	return b.add(KindInt, name, 0, size, enc<<24|size*8)
}

func (b *builder) ref(k Kind, name string, to ID) ID { return b.add(k, name, 0, uint32(to)) }

func (b *builder) ptr(to ID) ID { return b.ref(KindPtr, "", to) }

func (b *builder) array(elem ID, n uint32) ID {
	return b.add(KindArray, "", 0, 0, uint32(elem), 1, n)
}

// fld is a member; bits makes it a bitfield.
type fld struct {
	name      string
	typ       ID
	off, bits uint32
}

func (b *builder) compound(k Kind, name string, size uint32, fields ...fld) ID {
	var tail []uint32
	vlen := uint32(len(fields))
	for _, f := range fields {
		if f.bits > 0 {
			vlen |= flag
		}
	}
	for _, f := range fields {
		tail = append(tail, b.str(f.name), uint32(f.typ), f.off|f.bits<<24)
	}
	return b.add(k, name, vlen, size, tail...)
}

func (b *builder) strct(name string, size uint32, fields ...fld) ID {
	return b.compound(KindStruct, name, size, fields...)
}

type enumv struct {
	name string
	v    int64
}

func (b *builder) enum(name string, signed bool, vals ...enumv) ID {
	var tail []uint32
	vlen := uint32(len(vals))
	if signed {
		vlen |= flag
	}
	for _, e := range vals {
		tail = append(tail, b.str(e.name), uint32(e.v))
	}
	return b.add(KindEnum, name, vlen, 4, tail...)
}

func (b *builder) enum64(name string, signed bool, vals ...enumv) ID {
	var tail []uint32
	vlen := uint32(len(vals))
	if signed {
		vlen |= flag
	}
	for _, e := range vals {
		tail = append(tail, b.str(e.name), uint32(e.v), uint32(uint64(e.v)>>32))
	}
	return b.add(KindEnum64, name, vlen, 8, tail...)
}

func (b *builder) proto(ret ID, params ...fld) ID {
	var tail []uint32
	for _, p := range params {
		tail = append(tail, b.str(p.name), uint32(p.typ))
	}
	return b.add(KindFuncProto, "", uint32(len(params)), uint32(ret), tail...)
}

// bytes is the blob with the 24-byte header.
func (b *builder) bytes() []byte { return b.blob(nil, nil) }

// blob is the blob with extra header bytes and a layout section.
func (b *builder) blob(extra, layout []byte) []byte {
	hdr := uint32(24 + len(extra))
	if layout != nil {
		hdr += 8
	}
	out := b.order.AppendUint16(nil, magic)
	out = append(out, 1, 0)
	n, l, s := uint32(len(b.types)), uint32(len(layout)), uint32(len(b.strs))
	for _, v := range []uint32{hdr, 0, n, n + l, s} {
		out = b.order.AppendUint32(out, v)
	}
	if layout != nil {
		out = b.order.AppendUint32(out, n)
		out = b.order.AppendUint32(out, l)
	}
	out = append(out, extra...)
	out = append(out, b.types...)
	out = append(out, layout...)
	return append(out, b.strs...)
}

func (b *builder) spec(t testing.TB) *Spec {
	t.Helper()
	s, err := Parse(b.bytes())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// everyKind has one type of each kind at least.
func everyKind(order byteOrders) *builder {
	b := newBuilder(order)
	i := b.int("int", 4, IntSigned) // 1
	b.int("long unsigned int", 8, 0)
	p := b.ptr(i)
	arr := b.array(i, 4)
	st := b.strct("s", 24, fld{"a", i, 0, 0}, fld{"p", p, 64, 0}, fld{"b", i, 128, 3})
	b.compound(KindUnion, "u", 16, fld{"x", i, 0, 0}, fld{"y", arr, 0, 0})
	b.enum("e", true, enumv{"NEG", -1}, enumv{"POS", 7})
	b.add(KindFwd, "f", flag, 0)
	td := b.ref(KindTypedef, "t", st)
	c := b.ref(KindConst, "", td)
	b.ref(KindVolatile, "", c)
	b.ref(KindRestrict, "", p)
	pr := b.proto(i, fld{"ctx", p, 0, 0}, fld{"", 0, 0, 0})
	fn := b.add(KindFunc, "fn", uint32(LinkageGlobal), uint32(pr))
	v := b.add(KindVar, "v", 0, uint32(i), uint32(LinkageStatic))
	b.add(KindDatasec, "?.data", 1, 16, uint32(v), 8, 4)
	b.add(KindFloat, "double", 0, 8)
	b.add(KindDeclTag, "tag", 0, uint32(fn), 0xffffffff)
	b.add(KindTypeTag, "rcu", 0, uint32(i))
	b.enum64("e64", true, enumv{"BIG", 1 << 40}, enumv{"LOW", -2})
	b.enum64("u64e", false, enumv{"MAX", -1})
	return b
}

type byteOrders interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

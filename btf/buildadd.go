package btf

import "math"

// start begins a record in the Builder's scratch space.
func (b *Builder) start(k Kind, name string, flag bool, vlen int, size uint32) record {
	if vlen > maxVlen {
		b.failf("add %s %s: %d elements, at most %d", k, name, vlen, maxVlen)
	}
	info := uint32(k)<<24 | uint32(vlen)&maxVlen
	if flag {
		info |= 1 << 31
	}
	return append(record(b.buf[:0]), b.AddString(name), info, size)
}

// maxVlen is BTF_MAX_VLEN. Kernels before 7.2 read 16 bits of it.
const maxVlen = 0xffffff

// finish writes the record and keeps its space.
func (b *Builder) finish(r record) ID {
	b.buf = r
	return b.append(r)
}

// named fails for a kind that needs a name and has none.
func (b *Builder) named(k Kind, name string) {
	if name == "" {
		b.failf("add %s: no name", k)
	}
}

// sized fails where size is no power of two from least to most.
func (b *Builder) sized(k Kind, name string, size, least, most uint32) {
	if size < least || size > most || size&(size-1) != 0 {
		b.failf("add %s %s: size %d is no power of two from %d to %d", k, name, size, least, most)
	}
}

// AddInt adds an INT of size bytes: 1, 2, 4, 8 or 16. encoding is of IntSigned,
// IntChar, IntBool, one at most.
func (b *Builder) AddInt(name string, size, encoding uint32) ID {
	return b.AddBitInt(name, size, encoding, 0, size*8)
}

// AddBitInt is AddInt for a value of fewer bits than the bytes have, at an
// offset in bits, as compilers before kind_flag wrote bitfields.
func (b *Builder) AddBitInt(name string, size, encoding, offset, bits uint32) ID {
	b.named(KindInt, name)
	b.sized(KindInt, name, size, 1, 16)
	if encoding > IntBool || encoding&(encoding-1) != 0 {
		b.failf("add int %s: encoding %#x", name, encoding)
	}
	if bits > 128 || offset > 128 || offset+bits > size*8 {
		b.failf("add int %s: %d bits at %d in %d bytes", name, bits, offset, size)
	}
	r := b.start(KindInt, name, false, 0, size)
	return b.finish(append(r, encoding<<24|offset<<16|bits))
}

// AddFloat adds a FLOAT of 2, 4, 8, 12 or 16 bytes. Requires Linux 5.13.
func (b *Builder) AddFloat(name string, size uint32) ID {
	b.named(KindFloat, name)
	if size != 12 {
		b.sized(KindFloat, name, size, 2, 16)
	}
	return b.finish(b.start(KindFloat, name, false, 0, size))
}

// reference adds one of the kinds that are a name and a target.
func (b *Builder) reference(k Kind, name string, flag bool, to ID) ID {
	return b.finish(b.start(k, name, flag, 0, b.refer(to)))
}

// AddPtr adds a PTR.
func (b *Builder) AddPtr(to ID) ID { return b.reference(KindPtr, "", false, to) }

// AddConst adds a CONST.
func (b *Builder) AddConst(to ID) ID { return b.reference(KindConst, "", false, to) }

// AddVolatile adds a VOLATILE.
func (b *Builder) AddVolatile(to ID) ID { return b.reference(KindVolatile, "", false, to) }

// AddRestrict adds a RESTRICT.
func (b *Builder) AddRestrict(to ID) ID { return b.reference(KindRestrict, "", false, to) }

// AddTypedef adds a TYPEDEF.
func (b *Builder) AddTypedef(name string, to ID) ID {
	b.named(KindTypedef, name)
	return b.reference(KindTypedef, name, false, to)
}

// AddTypeTag adds a TYPE_TAG: __attribute__((btf_type_tag("text"))). Requires
// Linux 5.17.
func (b *Builder) AddTypeTag(text string, to ID) ID {
	b.named(KindTypeTag, text)
	return b.reference(KindTypeTag, text, false, to)
}

// AddTypeAttr adds any other attribute of a type, written as in C: a TYPE_TAG
// with kind_flag. Requires Linux 6.15.
func (b *Builder) AddTypeAttr(text string, to ID) ID {
	b.named(KindTypeTag, text)
	return b.reference(KindTypeTag, text, true, to)
}

// AddDeclTag adds a DECL_TAG: __attribute__((btf_decl_tag("text"))). component
// is a member or parameter of the target, from 0 on; -1 is the target itself.
// Requires Linux 5.16.
func (b *Builder) AddDeclTag(text string, target ID, component int) ID {
	return b.declTag(text, false, target, component)
}

// AddDeclAttr adds any other attribute of a declaration, written as in C: a
// DECL_TAG with kind_flag. Requires Linux 6.15.
func (b *Builder) AddDeclAttr(text string, target ID, component int) ID {
	return b.declTag(text, true, target, component)
}

func (b *Builder) declTag(text string, flag bool, target ID, component int) ID {
	b.named(KindDeclTag, text)
	if component < -1 || component > maxVlen {
		b.failf("add decl_tag %s: component %d", text, component)
	}
	r := b.start(KindDeclTag, text, flag, 0, b.refer(target))
	return b.finish(append(r, uint32(component)))
}

// AddArray adds an ARRAY of n elements. index is the type of its index, which
// compilers make a 32-bit unsigned INT.
func (b *Builder) AddArray(elem, index ID, n uint32) ID {
	r := b.start(KindArray, "", false, 0, 0)
	return b.finish(append(r, b.refer(elem), b.refer(index), n))
}

// AddFwd adds a FWD: a STRUCT or UNION that is only declared. An ENUM that is
// only declared is one without values.
func (b *Builder) AddFwd(name string, of Kind) ID {
	b.named(KindFwd, name)
	if of != KindStruct && of != KindUnion {
		b.failf("add fwd %s: of %s, not a struct or union", name, of)
	}
	return b.finish(b.start(KindFwd, name, of == KindUnion, 0, 0))
}

// AddStruct adds a STRUCT of size bytes.
func (b *Builder) AddStruct(name string, size uint32, members []Member) ID {
	return b.compound(KindStruct, name, size, members)
}

// AddUnion adds a UNION of size bytes. Its members are at offset 0.
func (b *Builder) AddUnion(name string, size uint32, members []Member) ID {
	return b.compound(KindUnion, name, size, members)
}

// compound stores widths of bitfields in the offsets, and says so by kind_flag,
// if there are any.
func (b *Builder) compound(k Kind, name string, size uint32, members []Member) ID {
	flag := false
	for i := range members {
		flag = flag || members[i].BitSize != 0
	}
	r := b.start(k, name, flag, len(members), size)
	for i := range members {
		m := &members[i]
		end := uint64(m.Offset) + uint64(m.BitSize)
		switch {
		case m.BitSize > math.MaxUint8 || flag && m.Offset > 0xffffff:
			b.failf("add %s %s: member %s: %d bits at bit %d cannot be stored", k, name, m.Name, m.BitSize, m.Offset)
		case end > uint64(size)*8:
			b.failf("add %s %s: member %s ends at bit %d of %d bytes", k, name, m.Name, end, size)
		case k == KindUnion && m.Offset != 0:
			b.failf("add union %s: member %s at bit %d", name, m.Name, m.Offset)
		}
		r = append(r, b.AddString(m.Name), b.refer(m.Type), m.BitSize<<24|m.Offset)
	}
	return b.finish(r)
}

// AddEnum adds an ENUM of size bytes: 1, 2, 4 or 8. Values fit 32 bits; signed
// ones are sign-extended. Without values it is only declared.
func (b *Builder) AddEnum(name string, size uint32, signed bool, values []EnumValue) ID {
	b.sized(KindEnum, name, size, 1, 8)
	r := b.start(KindEnum, name, signed, len(values), size)
	for i := range values {
		v := values[i].Value
		if signed && uint64(int64(int32(v))) != v || !signed && v > math.MaxUint32 {
			b.failf("add enum %s: %s = %#x needs an enum64", name, values[i].Name, v)
		}
		r = append(r, b.AddString(values[i].Name), uint32(v))
	}
	return b.finish(r)
}

// AddEnum64 adds an ENUM64 of size bytes: 1, 2, 4 or 8. Requires Linux 6.0.
func (b *Builder) AddEnum64(name string, size uint32, signed bool, values []EnumValue) ID {
	b.sized(KindEnum64, name, size, 1, 8)
	r := b.start(KindEnum64, name, signed, len(values), size)
	for i := range values {
		v := values[i].Value
		r = append(r, b.AddString(values[i].Name), uint32(v), uint32(v>>32))
	}
	return b.finish(r)
}

// AddFuncProto adds a FUNC_PROTO. A last parameter without name and type stands
// for "...". Requires Linux 5.0.
func (b *Builder) AddFuncProto(result ID, params []Param) ID {
	r := b.start(KindFuncProto, "", false, len(params), b.refer(result))
	for i := range params {
		if params[i].Type == 0 && (i < len(params)-1 || params[i].Name != "") {
			b.failf("add func_proto: parameter %d (%s) has no type", i, params[i].Name)
		}
		r = append(r, b.AddString(params[i].Name), b.refer(params[i].Type))
	}
	return b.finish(r)
}

// linked fails for a linkage that is none.
func (b *Builder) linked(k Kind, name string, l Linkage) {
	if l > LinkageExtern {
		b.failf("add %s %s: linkage %d", k, name, l)
	}
}

// AddFunc adds a FUNC, whose type is a FUNC_PROTO. Requires Linux 5.0.
func (b *Builder) AddFunc(name string, proto ID, l Linkage) ID {
	b.named(KindFunc, name)
	b.linked(KindFunc, name, l)
	return b.finish(b.start(KindFunc, name, false, int(l), b.refer(proto)))
}

// AddVar adds a VAR. Requires Linux 5.2.
func (b *Builder) AddVar(name string, typ ID, l Linkage) ID {
	b.named(KindVar, name)
	b.linked(KindVar, name, l)
	r := b.start(KindVar, name, false, 0, b.refer(typ))
	return b.finish(append(r, uint32(l)))
}

// AddDatasec adds a DATASEC of size bytes. The kernel wants its variables in
// order of their offsets. Requires Linux 5.2.
func (b *Builder) AddDatasec(name string, size uint32, vars []SecVar) ID {
	b.named(KindDatasec, name)
	r := b.start(KindDatasec, name, false, len(vars), size)
	for i := range vars {
		r = append(r, b.refer(vars[i].Type), vars[i].Offset, vars[i].Size)
	}
	return b.finish(r)
}

package btf

// hashEnum leaves out all but the name, so that an enum that is only declared
// meets the full one. Thousands of enums have no name: they are hashed whole
// unless one of them is only declared.
func (d *dedup) hashEnum(r record) uint32 {
	if r[0] == 0 && !d.anon {
		return hashWords(r)
	}
	return hashWords(r[:1])
}

// anonymousEnums looks for an enum that has neither name nor values.
func (d *dedup) anonymousEnums() {
	for id := range d.n {
		if r := d.rec(id); enumKinds.has(r.kind()) && r[0] == 0 && r.vlen() == 0 {
			d.anon = true
			return
		}
	}
}

// sameEnum compares enums; one that is only declared is the same as any of its
// name, an ENUM64 or one of another size too.
func sameEnum(a, b record) bool {
	if a.vlen() != 0 && b.vlen() != 0 {
		return sameWords(a, b)
	}
	return a[0] == b[0] && enumKinds.has(a.kind()) && enumKinds.has(b.kind())
}

// hashBase enters the types of the base, which all stand for themselves.
func (d *dedup) hashBase() {
	for id := uint32(1); id < d.start; id++ {
		switch r := d.rec(id); r.kind() {
		case KindVar, KindDatasec:
		case KindEnum, KindEnum64:
			d.table.add(d.hashEnum(r), id)
		case KindStruct, KindUnion, KindTypedef:
			d.table.add(d.hashShape(r), id)
		default:
			d.table.add(hashWords(r), id)
		}
	}
}

// primitive finds what stands for a type that refers to no other.
func (d *dedup) primitive(id uint32) {
	switch r := d.rec(id); r.kind() {
	case KindInt, KindFwd, KindFloat:
		d.settle(id, hashWords(r))
	case KindEnum, KindEnum64:
		d.enum(id, r)
	}
}

// settle lets the first known type with the same words stand for id, or makes
// id known itself.
func (d *dedup) settle(id, h uint32) {
	r := d.rec(id)
	for c := d.table.first(h); c != 0; c = d.table.after(h, c) {
		if !d.spend(1 + len(r)/8) {
			return
		}
		if sameWords(r, d.rec(c)) {
			d.to[id] = c
			return
		}
	}
	d.to[id] = id
	d.table.add(h, id)
}

// enum is settle for enums: one that is only declared takes any, and all that
// were only declared take id.
func (d *dedup) enum(id uint32, r record) {
	h := d.hashEnum(r)
	for c := d.table.first(h); c != 0; c = d.table.after(h, c) {
		known := d.rec(c)
		if !d.spend(1 + len(r)/8) {
			return
		}
		switch {
		case sameWords(r, known), sameEnum(r, known) && r.vlen() == 0:
			d.to[id] = c
			return
		case sameEnum(r, known):
			d.to[c] = id
		}
	}
	d.to[id] = id
	d.table.add(h, id)
}

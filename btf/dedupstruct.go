package btf

import "github.com/skepbpf/skep/internal/mkerr"

// refuse ends the work: a kind that no type refers to stands where one is
// referred to.
func (d *dedup) refuse(k Kind) {
	if d.err == nil {
		d.err = mkerr.Errorf("a type refers to a %s, which is none", k)
	}
}

// shaped are the kinds that are compared with all that is below them. Typedefs
// are among them as the types of some languages loop through these alone.
const shaped = compound | 1<<KindTypedef

// compound finds what stands for a struct, union or typedef.
func (d *dedup) compound(id uint32) {
	r := d.rec(id)
	if d.mapped(id) || !shaped.has(r.kind()) {
		return
	}
	h, to := d.hashShape(r), id
	for c := d.table.first(h); c != 0 && d.err == nil; c = d.table.after(h, c) {
		if !d.spend(1+len(r)/8) || !sameShape(r, d.rec(c)) {
			continue
		}
		for _, canon := range d.list {
			d.hypot[canon] = none
		}
		d.list, d.adjust = d.list[:0], false
		if !d.equivalent(id, c) {
			continue
		}
		d.merge()
		if !d.adjust { // else the base would have to change
			to = c
			break
		}
	}
	d.to[id] = to
	if to == id {
		d.table.add(h, id)
	}
}

// merge keeps what the comparison of two graphs that turned out the same found:
// declarations stand for structs, of whichever graph, and structs below for
// known ones. The latter saves comparing them again.
func (d *dedup) merge() {
	for _, canon := range d.list {
		t, c := d.resolve(d.hypot[canon]), d.resolve(canon)
		tk, ck := d.kind(t), d.kind(c)
		if tk != KindFwd && ck == KindFwd {
			d.to[c] = t
		}
		if d.adjust {
			continue
		}
		if tk == KindFwd && ck != KindFwd {
			d.to[t] = c
		}
		if compound.has(tk) && ck != KindFwd && d.mapped(c) && !d.mapped(t) {
			d.to[t] = c
		}
	}
}

// declared lets a forward declaration that no comparison of graphs met stand
// for the struct or union of its name, if there is only one.
func (d *dedup) declared(id uint32) {
	r := d.rec(id)
	if r.kind() != KindFwd || d.to[id] != id {
		return
	}
	if d.only == nil {
		d.findOnly()
	}
	if to := d.only[r[0]]; to != 0 && d.kind(to) == r.declares() {
		d.to[id] = to
	}
}

// findOnly finds the structs and unions whose names are declared: one for each
// name, 0 where there are more.
func (d *dedup) findOnly() {
	d.only = make(map[uint32]uint32)
	for id := d.start; id < d.n; id++ {
		if r := d.rec(id); r.kind() == KindFwd && d.to[id] == id {
			d.only[r[0]] = none
		}
	}
	for id := uint32(1); id < d.n; id++ {
		r := d.rec(id)
		if !compound.has(r.kind()) || d.to[id] != id {
			continue
		}
		switch have, sought := d.only[r[0]]; {
		case !sought:
		case have == none:
			d.only[r[0]] = id
		default:
			d.only[r[0]] = 0
		}
	}
	for name, id := range d.only {
		if id == none {
			delete(d.only, name)
		}
	}
}

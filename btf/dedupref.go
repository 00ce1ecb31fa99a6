package btf

import "github.com/skepbpf/skep/internal/mkerr"

// refFrame is a type whose references are being settled, up to word next.
type refFrame struct{ id, next uint32 }

// reference settles all types below id and then id itself, which refers to
// others: once these are those that stand for them, types with the same words
// are the same.
func (d *dedup) reference(id uint32) {
	if d.mapped(id) {
		return
	}
	d.refs = append(d.refs[:0], d.begin(id))
	for len(d.refs) > 0 && d.err == nil {
		f := &d.refs[len(d.refs)-1]
		r := d.rec(f.id)
		if int(f.next) >= len(r) {
			d.settle(f.id, hashWords(r))
			d.refs = d.refs[:len(d.refs)-1]
			continue
		}
		switch to := r[f.next]; {
		case d.mapped(to):
			r[f.next] = d.resolve(to)
			f.next = nextRef(r, f.next)
		case d.to[to] == busy:
			d.err = mkerr.Errorf("type %d is part of a circle of references", to)
		default:
			d.refs = append(d.refs, d.begin(to))
		}
	}
}

// begin marks a type. All others that refer to something are settled by now.
func (d *dedup) begin(id uint32) refFrame {
	d.to[id] = busy
	if d.kind(id) == KindArray {
		return refFrame{id, 3}
	}
	return refFrame{id, 2}
}

// nextRef is the word of r after at that is an id, or the end.
func nextRef(r record, at uint32) uint32 {
	switch {
	case r.kind() == KindArray && at == 3:
		return 4
	case r.kind() == KindFuncProto:
		return at + 2
	}
	return uint32(len(r))
}

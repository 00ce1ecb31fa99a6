package btf

import (
	"errors"

	"github.com/skepbpf/skep/internal/mkerr"
)

// ErrNotSplit: the operation takes BTF that is split on a base.
var ErrNotSplit = errors.New("not split on a base")

// Distill makes of a split s and its base a split and a small base: .BTF and
// .BTF.base of a module that is built apart from the kernel. The small base has
// only what is needed to find the types again in another kernel: integers,
// floats, forward declarations, and structs, unions and enums by name and size.
// The types on the way to them become types of the split. Relocate is the way
// back.
func Distill(s *Spec) (base, split *Spec, err error) {
	d := distiller{}
	if d.s, err = s.checked(); err == nil {
		base, split, err = d.run()
	}
	if err != nil {
		return nil, nil, mkerr.Wrap("distill BTF: %w", err)
	}
	return base, split, nil
}

func (d *distiller) run() (base, split *Spec, err error) {
	if d.s.base == nil {
		return nil, nil, ErrNotSplit
	}
	d.to = make([]ID, d.s.Len())
	if err = d.mark(); err == nil {
		base, err = d.makeBase()
	}
	if err == nil {
		split, err = d.makeSplit(base)
	}
	return base, split, err
}

// distiller knows where each type goes: pending is for one of the base that is
// needed.
type distiller struct {
	s  *Spec
	to []ID
}

const pending = ^ID(0)

// place is what becomes of a type of the base.
type place uint8

const (
	refused  place = iota // no type of a split refers to it
	inBase                // as it is
	inBaseBy              // by name and size; without a name in the split
	inSplit               // as it is
)

var places = [kindCount]place{
	KindInt: inBase, KindFloat: inBase, KindFwd: inBase,
	KindStruct: inBaseBy, KindUnion: inBaseBy, KindEnum: inBaseBy, KindEnum64: inBaseBy,
	KindArray: inSplit, KindTypedef: inSplit, KindPtr: inSplit, KindConst: inSplit, KindRestrict: inSplit,
	KindVolatile: inSplit, KindFuncProto: inSplit, KindTypeTag: inSplit,
}

// placeOf is inBase, inBaseBy or inSplit for a type of the base.
func placeOf(t Type) place {
	p := places[t.Kind()]
	if p == inBaseBy && t.name == 0 {
		return inSplit
	}
	return p
}

// mark finds the types of the base that the split needs: what it refers to, and
// what that refers to, but for members of a struct that has a name.
func (d *distiller) mark() error {
	var todo []ID
	need := func(id ID) ID {
		if id != 0 && id < d.s.first && d.to[id] == 0 {
			d.to[id] = pending
			todo = append(todo, id)
		}
		return id
	}
	err := d.s.records(func(_ Type, r record) bool {
		r.eachID(need)
		return true
	})
	if err != nil {
		return err
	}
	var buf []uint32
	for len(todo) > 0 {
		t, _ := d.s.typ(todo[len(todo)-1])
		todo = todo[:len(todo)-1]
		r, ok := t.record(buf)
		if !ok || placeOf(t) == refused {
			return mkerr.Errorf("the split refers to type %d of the base, a %s", t.id, t.Kind())
		}
		buf = r
		if placeOf(t) == inSplit {
			r.eachID(need)
		}
	}
	return nil
}

// each calls f with the types of the base that are needed, in order of ids.
func (d *distiller) each(f func(t Type)) {
	for id := ID(1); id < d.s.first; id++ {
		if d.to[id] != 0 {
			t, _ := d.s.typ(id)
			f(t)
		}
	}
}

func (d *distiller) makeBase() (*Spec, error) {
	b := NewBuilder(&BuilderOptions{Order: d.s.Order()})
	d.each(func(t Type) {
		switch placeOf(t) {
		case inBase:
			d.to[t.id] = b.AddType(t)
		case inBaseBy:
			k := t.Kind()
			if k == KindEnum64 {
				k = KindEnum // what it is in the other kernel is not known
			}
			name, _ := t.s.str(t.name)
			d.to[t.id] = b.finish(b.start(k, name, false, 0, t.size))
		}
	})
	return b.Spec()
}

// makeSplit puts the types of the split first, then what comes from the base.
func (d *distiller) makeSplit(base *Spec) (*Spec, error) {
	b := NewBuilder(&BuilderOptions{Base: base, Order: d.s.Order()})
	next := b.NextID()
	for id := d.s.first; id < ID(d.s.Len()); id++ {
		d.to[id] = next
		next++
	}
	d.each(func(t Type) {
		if placeOf(t) == inSplit {
			d.to[t.id] = next
			next++
		}
	})
	move := func(id ID) ID { return d.to[id] }
	for t := range d.s.All() {
		b.copy(t, move)
	}
	d.each(func(t Type) {
		if placeOf(t) == inSplit {
			b.copy(t, move)
		}
	})
	return b.Spec()
}

package ringbuf

import (
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sysenc"
)

// Record is one record of a ring buffer. The zero Record is empty.
type Record struct {
	b    []byte
	from *origin // nil of the zero Record
}

// origin is what all records of a ring have in common: those that are the
// kernel's memory, or those that are copies.
type origin struct {
	own   bool // the records are copies
	ring  int
	plain *plainTypes
}

// Bytes is what the program wrote. From Records it is the kernel's memory: it
// must not be written to, and is valid until the next step of the loop.
func (r Record) Bytes() []byte { return r.b }

// Ring tells which of NewReader's maps the record is from.
func (r Record) Ring() int {
	if r.from == nil {
		return 0
	}
	return r.from.ring
}

// As is the start of the record as a T, without a copy: it must not be written
// to and is valid as long as the record is. T must be plain: fixed-size
// integers, bools, floats, arrays and structs of them, in the layout of the C
// type. The record may be longer than a T, but not shorter.
func As[T any](r Record) (*T, error) {
	if r.from != nil && lastIs[T](r.from.plain) {
		if p := sysenc.View[T](r.b); p != nil {
			return p, nil
		}
	}
	return as[T](r)
}

// as is As for the first record that is read as a T, and for errors.
func as[T any](r Record) (*T, error) {
	t := reflect.TypeFor[T]()
	if r.from == nil {
		if _, err := sysenc.LayoutOf(t); err != nil {
			return nil, mkerr.Wrap("ring buffer record: %w", err)
		}
	} else if err := r.from.plain.check(t, (*T)(nil)); err != nil {
		return nil, mkerr.Wrap("ring buffer record: %w", err)
	}
	if p := sysenc.View[T](r.b); p != nil {
		return p, nil
	}
	if size := sysenc.SizeOf[T](); len(r.b) < size {
		return nil, mkerr.Errorf("ring buffer record: %d bytes are too short for %v, which has %d", len(r.b), t, size)
	}
	return nil, mkerr.Errorf("ring buffer record: not aligned for %v", t)
}

// plainTypes remembers the types that As found plain, so that the check costs
// little record after record. It belongs to a Reader.
type plainTypes struct {
	last atomic.Pointer[plainType] // most programs read one type
	seen sync.Map                  // reflect.Type to *plainType
}

// plainType is a type T that is plain, as a (*T)(nil): to assert its type is one
// comparison, where reflect.Type takes a call.
type plainType struct{ ptr any }

func lastIs[T any](p *plainTypes) bool {
	last := p.last.Load()
	if last == nil {
		return false
	}
	_, ok := last.ptr.(*T)
	return ok
}

// check is nil if t is plain; ptr is a nil pointer to a t.
func (p *plainTypes) check(t reflect.Type, ptr any) error {
	box, ok := p.seen.Load(t)
	if !ok {
		if _, err := sysenc.LayoutOf(t); err != nil {
			return err
		}
		box, _ = p.seen.LoadOrStore(t, &plainType{ptr})
	}
	p.last.Store(box.(*plainType))
	return nil
}

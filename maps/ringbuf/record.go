package ringbuf

import (
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/skepbpf/skep/internal/sysenc"
)

// Record is one record of a ring buffer. The zero Record is empty.
type Record struct {
	b     []byte
	own   bool // b is a copy
	ring  int
	plain *plainTypes
}

// Bytes is what the program wrote. From Records it is the kernel's memory: it
// must not be written to, and is valid until the next step of the loop.
func (r Record) Bytes() []byte { return r.b }

// Ring tells which of NewReader's maps the record is from.
func (r Record) Ring() int { return r.ring }

// As is the start of the record as a T, without a copy: it must not be written
// to and is valid as long as the record is. T must be plain: fixed-size
// integers, bools, floats, arrays and structs of them, in the layout of the C
// type. The record may be longer than a T, but not shorter.
func As[T any](r Record) (*T, error) {
	if err := r.plain.check(reflect.TypeFor[T]()); err != nil {
		return nil, fmt.Errorf("ring buffer record: %w", err)
	}
	if p := sysenc.View[T](r.b); p != nil {
		return p, nil
	}
	if size := sysenc.SizeOf[T](); len(r.b) < size {
		return nil, fmt.Errorf("ring buffer record: %d bytes are too short for %v, which has %d", len(r.b), reflect.TypeFor[T](), size)
	}
	return nil, fmt.Errorf("ring buffer record: not aligned for %v", reflect.TypeFor[T]())
}

// plainTypes remembers the types that As found plain, so that the check costs
// little record after record. It belongs to a Reader.
type plainTypes struct {
	last atomic.Pointer[reflect.Type] // most programs read one type
	seen sync.Map                     // reflect.Type to *reflect.Type
}

func (p *plainTypes) check(t reflect.Type) error {
	if p == nil {
		_, err := sysenc.LayoutOf(t)
		return err
	}
	if last := p.last.Load(); last != nil && *last == t {
		return nil
	}
	return p.checkSlow(t)
}

func (p *plainTypes) checkSlow(t reflect.Type) error {
	box, ok := p.seen.Load(t)
	if !ok {
		if _, err := sysenc.LayoutOf(t); err != nil {
			return err
		}
		box, _ = p.seen.LoadOrStore(t, &t)
	}
	p.last.Store(box.(*reflect.Type))
	return nil
}

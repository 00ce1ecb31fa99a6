package maps

import (
	"errors"
	"iter"

	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sysenc"
)

// ErrIncomplete says that a pass could not go on where it stood, because too
// many keys were deleted around it: some elements may not have been seen.
var ErrIncomplete = errors.New("map iteration is incomplete: keys were deleted meanwhile")

// Pass is one walk through the elements of a map, which may change meanwhile.
// An element that is there all the time is seen exactly once if Err is nil;
// one that comes or goes may be seen.
type Pass[K, V any] struct {
	v   *View[K, V]
	err error
}

// Iterate prepares a pass; nothing is read before All.
func (v *View[K, V]) Iterate() *Pass[K, V] { return &Pass[K, V]{v: v} }

// Err is why the last walk of All ended early: ErrIncomplete, or a failed
// system call. It is nil after a complete walk, and after one that the caller
// broke off.
func (p *Pass[K, V]) Err() error { return p.err }

// All gives each element once. It reads in batches where the kernel can (Linux
// 5.6 and later, by map type), else key by key. Deleting elements within the
// loop is allowed. Slices of per-CPU values are new for each element.
func (p *Pass[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		p.err = nil
		if p.v.m.keySize == 0 {
			p.err = p.v.m.fail("iterate", errors.New("the map has no keys"))
			return
		}
		w := walker[K, V]{p: p, yield: yield}
		if !w.batches() {
			w.steps()
		}
	}
}

// walker is the state of one walk.
type walker[K, V any] struct {
	p     *Pass[K, V]
	yield func(K, V) bool
}

// firstBatch is the number of elements asked for at first: a system call is
// then a small part of their cost, and the buffers stay small.
const firstBatch = 256

// batches walks with LookupBatch. It is false if the kernel cannot, and then
// nothing has been given yet.
func (w *walker[K, V]) batches() bool {
	m := w.p.v.m
	size, err := m.valueLen(Any)
	if err != nil {
		w.p.err = m.fail("iterate", err)
		return true
	}
	room := int(min(firstBatch, max(m.maxEntries, 1)))
	keys, values := make([]byte, room*m.keySize), make([]byte, room*size)
	var c Cursor
	for first := true; ; first = false {
		n, done, err := m.LookupBatch(&c, keys, values, Any)
		switch {
		case first && isErrno(err, sys.ENOTSUPP, sys.EINVAL, sys.EOPNOTSUPP):
			return false
		case NeedsRoom(err):
			// A bucket is larger than the buffers. No more than all
			// elements can share one.
			if room >= int(min(uint64(m.maxEntries)*2, 1<<30)) {
				w.p.err = err
				return true
			}
			room *= 2
			keys, values = make([]byte, room*m.keySize), make([]byte, room*size)
			continue
		case isErrno(err, sys.EINTR):
			continue
		case err != nil:
			w.p.err = err
			return true
		}
		for i := range n {
			if !w.give(keys[i*m.keySize:(i+1)*m.keySize], values[i*size:(i+1)*size]) {
				return true
			}
		}
		if done {
			return true
		}
	}
}

// give hands one element to the loop's body.
func (w *walker[K, V]) give(key, value []byte) bool {
	var k K
	var v V
	copy(sysenc.Bytes(&k), key)
	if view := w.p.v; view.elem != nil {
		view.spread(value, sysenc.GrowSlice(&v, view.elem, view.cpus))
	} else {
		copy(sysenc.Bytes(&v), value)
	}
	return w.yield(k, v)
}

// remembered is how many keys back a walk key by key can resume.
const remembered = 64

// steps walks with NextKey. The kernel starts a hash over when it is asked for
// what follows a key that is gone; so a key's successor counts only if the key
// is seen alive after it was asked for, and is taken before the body runs, which
// may delete the key. If a key is gone the walk resumes after the last one
// before it that lives.
func (w *walker[K, V]) steps() {
	m := w.p.v.m
	size, _ := m.valueLen(Any)
	value := make([]byte, size)
	h := history{m: m, value: value}
	key, err := h.first()
	for err == nil {
		next, end := h.successor(key)
		err = m.elem(lookup, key, value, Any)
		switch {
		case errors.Is(err, ErrKeyNotExist) && m.typ.has(indexed):
			key, err = next, end // an empty slot
		case errors.Is(err, ErrKeyNotExist):
			key, err = h.resume()
		case err != nil:
		case end != nil && !errors.Is(end, ErrKeyNotExist):
			err = end
		default:
			h.push(key)
			if !w.give(key, value) {
				return
			}
			key, err = next, end
		}
	}
	if !errors.Is(err, ErrKeyNotExist) {
		w.p.err = err
	}
}

// history is the keys that a walk has passed, the last of them last.
type history struct {
	m     *Map
	value []byte // scratch
	keys  [][]byte
	lost  int // times the walk had to resume since the last push
}

// patience is how many times in a row a walk tries to find its place.
const patience = 1000

func (h *history) push(key []byte) {
	if len(h.keys) == remembered {
		copy(h.keys, h.keys[1:])
		h.keys = h.keys[:remembered-1]
	}
	h.keys = append(h.keys, key)
	h.lost = 0
}

func (h *history) first() ([]byte, error) {
	next := make([]byte, h.m.keySize)
	return next, h.m.NextKey(nil, next)
}

func (h *history) successor(key []byte) ([]byte, error) {
	next := make([]byte, h.m.keySize)
	return next, h.m.NextKey(key, next)
}

// resume finds what follows the last key passed that is still there. If none
// is, and some have been passed, the place is lost.
func (h *history) resume() ([]byte, error) {
	if h.lost++; h.lost > patience {
		return nil, ErrIncomplete
	}
	if len(h.keys) == 0 {
		return h.first()
	}
	for i := len(h.keys) - 1; i >= 0; i-- {
		next, err := h.successor(h.keys[i])
		switch alive := h.m.elem(lookup, h.keys[i], h.value, Any); {
		case errors.Is(alive, ErrKeyNotExist):
			continue
		case alive != nil:
			return nil, alive
		}
		return next, err
	}
	return nil, ErrIncomplete
}

package maps

import (
	"errors"
	"iter"

	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sysenc"
)

// ErrIncomplete says that a pass gave up, because keys were deleted around it
// all the time: some elements may not have been seen.
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

// All gives each element once. It reads in batches where the kernel can (hashes
// and arrays, from Linux 5.6 on), else key by key, and then remembers the keys it
// has given. Deleting elements within the loop is allowed. Slices of per-CPU
// values are new for each element.
func (p *Pass[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		p.err = p.v.m.walk(func(key, value []byte) bool { return p.v.give(key, value, yield) })
	}
}

// give hands one element to the loop's body.
func (v *View[K, V]) give(key, value []byte, yield func(K, V) bool) bool {
	var k K
	var val V
	copy(sysenc.Bytes(&k), key)
	if v.elem != nil {
		v.spread(value, sysenc.GrowSlice(&val, v.elem, v.cpus))
	} else {
		copy(sysenc.Bytes(&val), value)
	}
	return yield(k, val)
}

// walker is the state of one walk.
type walker struct {
	m    *Map
	give func(key, value []byte) bool // false: enough
	err  error
}

// walk gives each element once, as Pass.All says; the slices are valid until
// the next one.
func (m *Map) walk(give func(key, value []byte) bool) error {
	if m.keySize == 0 {
		return m.fail("iterate", errors.New("the map has no keys"))
	}
	w := walker{m: m, give: give}
	// Other types' batches resume after a key, and start over if it is
	// gone (generic_map_lookup_batch in kernel/bpf/syscall.c).
	if !m.typ.has(bucketed|indexed) || !w.batches() {
		w.steps()
	}
	return w.err
}

// firstBatch is the number of elements asked for at first: a system call is
// then a small part of their cost, and the buffers stay small.
const firstBatch = 256

// batches walks with LookupBatch. It is false if the kernel cannot, and then
// nothing has been given yet.
func (w *walker) batches() bool {
	m := w.m
	size, err := m.valueLen(Any)
	if err != nil {
		w.err = m.fail("iterate", err)
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
				w.err = err
				return true
			}
			room *= 2
			keys, values = make([]byte, room*m.keySize), make([]byte, room*size)
			continue
		case isErrno(err, sys.EINTR):
			continue
		case err != nil:
			w.err = err
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

// steps walks with NextKey. The kernel starts a hash over when it is asked for
// what follows a key that is gone. So the successor of a key is asked for before
// the body runs, which may delete the key; if the key turns out to be gone, the
// walk resumes after the last one that lives; and what has been given is not
// given again, for a key may go and come back between two calls.
func (w *walker) steps() {
	m := w.m
	size, _ := m.valueLen(Any)
	h := history{m: m, value: make([]byte, size)}
	key, err := h.first()
	for err == nil {
		next, end := h.successor(key)
		err = m.elem(lookup, key, h.value, Any)
		switch {
		case errors.Is(err, ErrKeyNotExist) && m.typ.has(indexed):
			key, err = next, end // an empty slot
		case errors.Is(err, ErrKeyNotExist):
			key, err = h.resume()
		case err != nil:
		case !h.push(key):
			if key, err = next, end; h.stale() {
				err = ErrIncomplete
			}
		case !w.give(key, h.value):
			return
		default:
			key, err = next, end
		}
	}
	if !errors.Is(err, ErrKeyNotExist) {
		w.err = err
	}
}

// history is the keys that a walk has passed.
type history struct {
	m     *Map
	value []byte // scratch
	last  [][]byte
	seen  map[string]struct{}
	idle  int // calls since the last new key
}

// remembered is how many keys back a walk can resume without starting over.
const remembered = 64

// push adds key; false means that it was there.
func (h *history) push(key []byte) bool {
	if h.m.typ.has(indexed) {
		return true // an index follows the one before it, whatever happens
	}
	if _, ok := h.seen[string(key)]; ok {
		return false
	}
	if h.seen == nil {
		h.seen = map[string]struct{}{}
	}
	h.seen[string(key)] = struct{}{}
	if len(h.last) == remembered {
		copy(h.last, h.last[1:])
		h.last = h.last[:remembered-1]
	}
	h.last = append(h.last, key)
	h.idle = 0
	return true
}

// stale counts a call that gave nothing new. It is true after so many that the
// walk, wherever it started over, should have come to an end.
func (h *history) stale() bool {
	h.idle++
	return h.idle > 1000+4*len(h.seen)
}

func (h *history) first() ([]byte, error) {
	next := make([]byte, h.m.keySize)
	return next, h.m.NextKey(nil, next)
}

func (h *history) successor(key []byte) ([]byte, error) {
	next := make([]byte, h.m.keySize)
	return next, h.m.NextKey(key, next)
}

// resume finds what follows the last key passed that is still there, or else
// the first key.
func (h *history) resume() ([]byte, error) {
	if h.stale() {
		return nil, ErrIncomplete
	}
	for i := len(h.last) - 1; i >= 0; i-- {
		next, err := h.successor(h.last[i])
		switch alive := h.m.elem(lookup, h.last[i], h.value, Any); {
		case errors.Is(alive, ErrKeyNotExist):
			h.last = h.last[:i] // gone, or back in another place
			continue
		case alive != nil:
			return nil, alive
		}
		return next, err
	}
	return h.first()
}

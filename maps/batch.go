package maps

import (
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
)

// Cursor is where a series of LookupBatch calls stands. The zero Cursor is the
// start of the map.
type Cursor struct {
	in, out []byte
	begun   bool
}

// minCursor is what hash tables store in a cursor; other types store a key
// (generic_map_lookup_batch and __htab_map_lookup_and_delete_batch).
const minCursor = 4

func (c *Cursor) prepare(keySize int) {
	if n := max(keySize, minCursor); len(c.in) != n {
		c.in, c.out, c.begun = make([]byte, n), make([]byte, n), false
	}
}

// batchLen checks the buffers of a batch and gives the number of elements.
func (m *Map) batchLen(verb string, keys, values []byte, flags OpFlags) (int, error) {
	size, err := m.valueLen(flags)
	if err != nil {
		return 0, m.fail(verb, err)
	}
	if m.keySize == 0 {
		return 0, m.fail(verb, mkerr.Errorf("a %v has no keys", m.typ))
	}
	n := len(keys) / m.keySize
	if len(keys)%m.keySize != 0 || values != nil && len(values) != n*size {
		return 0, m.fail(verb, mkerr.Errorf("%d bytes of keys and %d of values: keys have %d, values %d",
			len(keys), len(values), m.keySize, size))
	}
	if uint64(n) > 1<<32-1 {
		return 0, m.fail(verb, mkerr.Errorf("%d elements are too many", n))
	}
	return n, nil
}

// LookupBatch fills keys and values with the next elements and gives their
// number. They follow one another in the two slices, which have room for the
// same number. done means that these were the last. An error that Is
// sys.ENOSPC, which NeedsRoom tells, means that the slices have no room for the
// next bucket of a hash: nothing was copied, try again with larger ones.
// Requires Linux 5.6; some types came later.
func (m *Map) LookupBatch(c *Cursor, keys, values []byte, flags OpFlags) (n int, done bool, err error) {
	return m.batch("lookup batch", c, keys, values, flags, false)
}

// LookupAndDeleteBatch is LookupBatch that also removes the elements. Requires
// Linux 5.6; hashes only.
func (m *Map) LookupAndDeleteBatch(c *Cursor, keys, values []byte, flags OpFlags) (n int, done bool, err error) {
	return m.batch("lookup and delete batch", c, keys, values, flags, true)
}

func (m *Map) batch(verb string, c *Cursor, keys, values []byte, flags OpFlags, drop bool) (int, bool, error) {
	n, err := m.batchLen(verb, keys, values, flags)
	if err != nil {
		return 0, false, err
	}
	if values == nil {
		return 0, false, m.fail(verb, mkerr.Errorf("no room for values"))
	}
	c.prepare(m.keySize)
	raw, err := m.fd.Borrow()
	if err != nil {
		return 0, false, m.fail(verb, err)
	}
	defer m.fd.Release()
	attr := sys.MapBatchAttr{
		OutBatch: sys.BytesPtr(c.out), Keys: sys.BytesPtr(keys), Values: sys.BytesPtr(values),
		Count: uint32(n), MapFd: uint32(raw), ElemFlags: uint64(flags),
	}
	if c.begun {
		attr.InBatch = sys.BytesPtr(c.in)
	}
	if drop {
		err = sys.MapLookupAndDeleteBatch(&attr)
	} else {
		err = sys.MapLookupBatch(&attr)
	}
	switch {
	case err == nil:
		c.in, c.out, c.begun = c.out, c.in, true
		return int(attr.Count), false, nil
	case isErrno(err, sys.ENOENT):
		return int(attr.Count), true, nil // the end, perhaps with elements
	}
	return 0, false, m.fail(verb, err)
}

// NeedsRoom reports whether err is LookupBatch's wish for larger slices.
func NeedsRoom(err error) bool { return isErrno(err, sys.ENOSPC) }

// UpdateBatch stores elements that follow one another in keys and values, and
// gives the number of those stored, also beside an error. Requires Linux 5.6.
func (m *Map) UpdateBatch(keys, values []byte, flags OpFlags) (int, error) {
	const verb = "update batch"
	if values == nil {
		values = []byte{}
	}
	return m.change(verb, keys, values, flags, sys.BPF_MAP_UPDATE_BATCH)
}

// DeleteBatch removes the keys that follow one another in keys, and gives the
// number of those removed, also beside an error: a key that does not exist ends
// the batch with ErrKeyNotExist. Requires Linux 5.6.
func (m *Map) DeleteBatch(keys []byte) (int, error) {
	return m.change("delete batch", keys, nil, 0, sys.BPF_MAP_DELETE_BATCH)
}

func (m *Map) change(verb string, keys, values []byte, flags OpFlags, cmd sys.Cmd) (int, error) {
	n, err := m.batchLen(verb, keys, values, flags)
	if err != nil || n == 0 {
		return 0, err
	}
	raw, err := m.fd.Borrow()
	if err != nil {
		return 0, m.fail(verb, err)
	}
	defer m.fd.Release()
	attr := sys.MapBatchAttr{
		Keys: sys.BytesPtr(keys), Values: sys.BytesPtr(values),
		Count: uint32(n), MapFd: uint32(raw), ElemFlags: uint64(flags),
	}
	if cmd == sys.BPF_MAP_UPDATE_BATCH {
		err = sys.MapUpdateBatch(&attr)
	} else {
		err = sys.MapDeleteBatch(&attr)
	}
	switch {
	case err == nil:
		return int(attr.Count), nil
	case attr.Count == uint32(n):
		// Refused before the kernel counted anything: it never says that
		// all were done and reports an error.
		return 0, m.fail(verb, err)
	}
	return int(attr.Count), m.answer(verb, err)
}

package maps

import (
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sysenc"
)

// A buffer's length is checked before each call: the kernel trusts it.

func (m *Map) checkKey(verb string, key []byte) error {
	if len(key) == m.keySize {
		return nil
	}
	return m.fail(verb, mkerr.Errorf("key of %d bytes, want %d", len(key), m.keySize))
}

func (m *Map) checkValue(verb string, value []byte, flags OpFlags) error {
	n, err := m.valueLen(flags)
	if err != nil {
		return m.fail(verb, err)
	}
	if len(value) != n {
		return m.fail(verb, mkerr.Errorf("value of %d bytes, want %d", len(value), n))
	}
	return nil
}

// elem makes one of the element calls. key and value do not escape.
func (m *Map) elem(verb string, key, value []byte, flags OpFlags) error {
	raw, err := m.fd.Borrow()
	if err != nil {
		return m.fail(verb, err)
	}
	attr := sys.MapElemAttr{MapFd: uint32(raw), Key: sys.BytesPtr(key), Value: sys.BytesPtr(value), Flags: uint64(flags)}
	switch verb {
	case lookup:
		err = sys.MapLookupElem(&attr)
	case update:
		err = sys.MapUpdateElem(&attr)
	case remove:
		err = sys.MapDeleteElem(&attr)
	default:
		err = sys.MapLookupAndDeleteElem(&attr)
	}
	m.fd.Release()
	return m.answer(verb, err)
}

// The verbs of errors, and of elem.
const (
	lookup = "lookup"
	update = "update"
	remove = "delete"
	pop    = "lookup and delete"
)

// answer turns the errnos that are ordinary answers into the errors made for
// them.
func (m *Map) answer(verb string, err error) error {
	switch {
	case err == nil:
		return nil
	case isErrno(err, sys.ENOENT):
		return ErrKeyNotExist
	case verb == update && isErrno(err, sys.EEXIST):
		return ErrKeyExist
	}
	return m.fail(verb, err)
}

// Lookup copies the value of key to value, which must have the size of the
// value; for per-CPU types that is the value size, rounded up to 8, times the
// number of possible CPUs. In a Queue or Stack, whose key is empty, it gives
// the next element; in a BloomFilter it asks for value.
func (m *Map) Lookup(key, value []byte, flags OpFlags) error {
	if err := m.checkKey(lookup, key); err != nil {
		return err
	}
	if err := m.checkValue(lookup, value, flags); err != nil {
		return err
	}
	return m.elem(lookup, key, value, flags)
}

// LookupBytes is Lookup into a new slice.
func (m *Map) LookupBytes(key []byte) ([]byte, error) {
	n, err := m.valueLen(Any)
	if err != nil {
		return nil, m.fail(lookup, err)
	}
	value := make([]byte, n)
	if err := m.Lookup(key, value, Any); err != nil {
		return nil, err
	}
	return value, nil
}

// Update stores value under key, as flags say. See Lookup for the sizes.
func (m *Map) Update(key, value []byte, flags OpFlags) error {
	if err := m.checkKey(update, key); err != nil {
		return err
	}
	if err := m.checkValue(update, value, flags); err != nil {
		return err
	}
	return m.elem(update, key, value, flags)
}

// Delete removes key.
func (m *Map) Delete(key []byte) error {
	if err := m.checkKey(remove, key); err != nil {
		return err
	}
	return m.elem(remove, key, nil, 0)
}

// LookupAndDelete moves the value of key out of the map; with the empty key of
// a Queue or Stack, the next element. Requires Linux 4.20; for hashes 5.14.
func (m *Map) LookupAndDelete(key, value []byte, flags OpFlags) error {
	if err := m.checkKey(pop, key); err != nil {
		return err
	}
	if err := m.checkValue(pop, value, flags); err != nil {
		return err
	}
	return m.elem(pop, key, value, flags)
}

// NextKey copies the key after key to next, in the kernel's own order; the
// first if key is nil. After the last it is ErrKeyNotExist. A hash starts over
// if key was deleted meanwhile: All of a View copes with that.
func (m *Map) NextKey(key, next []byte) error {
	const verb = "next key"
	if key != nil {
		if err := m.checkKey(verb, key); err != nil {
			return err
		}
	}
	if err := m.checkKey(verb, next); err != nil {
		return err
	}
	raw, err := m.fd.Borrow()
	if err != nil {
		return m.fail(verb, err)
	}
	attr := sys.MapGetNextKeyAttr{MapFd: uint32(raw), Key: sys.BytesPtr(key), NextKey: sys.BytesPtr(next)}
	err = sys.MapGetNextKey(&attr)
	m.fd.Release()
	return m.answer(verb, err)
}

// Push adds value to a Queue, Stack or BloomFilter.
func (m *Map) Push(value []byte) error { return m.Update(nil, value, Any) }

// Pop takes the next element of a Queue or Stack.
func (m *Map) Pop(value []byte) error { return m.LookupAndDelete(nil, value, 0) }

// Peek copies the next element of a Queue or Stack, or asks a BloomFilter for
// value; it is ErrKeyNotExist if there is none.
func (m *Map) Peek(value []byte) error { return m.Lookup(nil, value, 0) }

// Put stores v under k, replacing what is there.
//
// Keys and values are integers, byte slices of the right length, or values of
// plain types: fixed-size integers, bools, floats, and arrays and structs of
// them, in C layout. An int or uint takes the size the map has. A MapRef or
// ProgramRef stands for the object: for maps of maps, program arrays, and the
// fds in other values. Types of known layout are better served by Typed.
func (m *Map) Put(k, v any) error {
	var held borrowed
	defer held.release()
	key, err := m.encode(&held, k, m.keySize)
	if err != nil {
		return m.fail(update, mkerr.Wrap("key: %w", err))
	}
	n, err := m.valueLen(Any)
	if err != nil {
		return m.fail(update, err)
	}
	value, err := m.encode(&held, v, n)
	if err != nil {
		return m.fail(update, mkerr.Wrap("value: %w", err))
	}
	return m.Update(key, value, Any)
}

func (m *Map) encode(held *borrowed, v any, size int) ([]byte, error) {
	switch r := v.(type) {
	case MapRef:
		v = int32(held.borrow(r.MapFD()))
	case ProgramRef:
		v = int32(held.borrow(r.ProgFD()))
	}
	if held.err != nil {
		return nil, held.err
	}
	return sysenc.Encode(v, size)
}

// Get copies the value of k to *v: see Put. For maps of maps and program
// arrays the value is an id: a uint32.
func (m *Map) Get(k, v any) error {
	key, err := sysenc.Encode(k, m.keySize)
	if err != nil {
		return m.fail(lookup, mkerr.Wrap("key: %w", err))
	}
	value, err := m.LookupBytes(key)
	if err != nil {
		return err
	}
	if err := sysenc.Decode(value, v); err != nil {
		return m.fail(lookup, mkerr.Wrap("value: %w", err))
	}
	return nil
}

// Remove deletes k: see Put.
func (m *Map) Remove(k any) error {
	key, err := sysenc.Encode(k, m.keySize)
	if err != nil {
		return m.fail(remove, mkerr.Wrap("key: %w", err))
	}
	return m.Delete(key)
}

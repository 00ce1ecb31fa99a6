package sysenc

import (
	"encoding/binary"
	"reflect"

	"github.com/skepbpf/skep/internal/mkerr"
)

// Encode gives the size bytes that v stands for.
//
// A []byte must have that length and is returned as it is. An int or uint takes
// whatever size is asked, if it fits. All else must be plain (see LayoutOf), or
// a pointer to a plain value, and have exactly that size.
func Encode(v any, size int) ([]byte, error) {
	if v == nil && size == 0 {
		return nil, nil // the key of a map without keys
	}
	if b, ok := v.([]byte); ok {
		return b, sizeError(v, len(b), size)
	}
	if b, n := encodeInt(v); n != 0 {
		return b[:n:n], sizeError(v, n, size)
	}
	switch n := v.(type) {
	case int:
		return encodeWord(v, uint64(n), n < 0, size)
	case uint:
		return encodeWord(v, uint64(n), false, size)
	}
	rv := reflect.ValueOf(v)
	if rv.Kind() == reflect.Pointer {
		if rv.IsNil() {
			return nil, mkerr.Errorf("nil %T has no bytes", v)
		}
		rv = rv.Elem()
	}
	if !rv.IsValid() {
		return nil, mkerr.Errorf("nil has no bytes")
	}
	l, err := LayoutOf(rv.Type())
	if err != nil {
		return nil, err
	}
	if err := sizeError(v, l.Size, size); err != nil {
		return nil, err
	}
	// A copy: the caller's own padding is not ours to write.
	mem := reflect.New(rv.Type())
	mem.Elem().Set(rv)
	b := memory(mem, l.Size)
	l.Clear(b)
	return b, nil
}

// Decode stores b into the plain value that v points to. A *[]byte is given a
// copy of b.
func Decode(b []byte, v any) error {
	if p, ok := v.(*[]byte); ok && p != nil {
		*p = append((*p)[:0], b...)
		return nil
	}
	if done, err := decodeInt(b, v); done {
		return err
	}
	rv := reflect.ValueOf(v)
	if rv.Kind() != reflect.Pointer || rv.IsNil() {
		return mkerr.Errorf("%T: need a pointer to store into", v)
	}
	l, err := LayoutOf(rv.Type().Elem())
	if err != nil {
		return err
	}
	if err := sizeError(v, l.Size, len(b)); err != nil {
		return err
	}
	copy(memory(rv, l.Size), b)
	return nil
}

func sizeError(v any, got, want int) error {
	if got == want {
		return nil
	}
	return mkerr.Errorf("%T has %d bytes, the kernel's size is %d", v, got, want)
}

// encodeInt is the fast path for integers: they need no reflection. n is 0 for
// all else.
func encodeInt(v any) (b [8]byte, n int) {
	o := binary.NativeEndian
	switch x := v.(type) {
	case uint8:
		b[0] = x
		return b, 1
	case int8:
		b[0] = uint8(x)
		return b, 1
	case uint16:
		o.PutUint16(b[:], x)
		return b, 2
	case int16:
		o.PutUint16(b[:], uint16(x))
		return b, 2
	case uint32:
		o.PutUint32(b[:], x)
		return b, 4
	case int32:
		o.PutUint32(b[:], uint32(x))
		return b, 4
	case uint64:
		o.PutUint64(b[:], x)
		return b, 8
	case int64:
		o.PutUint64(b[:], uint64(x))
		return b, 8
	}
	return b, 0
}

// encodeWord stores an integer whose Go type leaves its size open.
func encodeWord(v any, u uint64, negative bool, size int) ([]byte, error) {
	b := make([]byte, 8)
	bits := uint(size) * 8
	switch size {
	case 1, 2, 4:
		if fits := u>>bits == 0; !negative && !fits {
			return nil, mkerr.Errorf("%v does not fit in %d bytes", v, size)
		}
		if negative && int64(u) < -(int64(1)<<(bits-1)) {
			return nil, mkerr.Errorf("%v does not fit in %d bytes", v, size)
		}
	case 8:
	default:
		return nil, mkerr.Errorf("%T cannot stand for %d bytes", v, size)
	}
	o := binary.NativeEndian
	switch size {
	case 1:
		b[0] = uint8(u)
	case 2:
		o.PutUint16(b, uint16(u))
	case 4:
		o.PutUint32(b, uint32(u))
	case 8:
		o.PutUint64(b, u)
	}
	return b[:size:size], nil
}

// decodeInt is encodeInt's counterpart.
func decodeInt(b []byte, v any) (done bool, err error) {
	switch p := v.(type) {
	case *uint8:
		return true, decodeWord(b, p)
	case *uint16:
		return true, decodeWord(b, p)
	case *uint32:
		return true, decodeWord(b, p)
	case *int32:
		return true, decodeWord(b, p)
	case *uint64:
		return true, decodeWord(b, p)
	case *int64:
		return true, decodeWord(b, p)
	}
	return false, nil
}

func decodeWord[T uint8 | uint16 | uint32 | int32 | uint64 | int64](b []byte, p *T) error {
	if p == nil {
		return mkerr.Errorf("nil %T: need a place to store into", p)
	}
	if err := sizeError(p, SizeOf[T](), len(b)); err != nil {
		return err
	}
	copy(Bytes(p), b)
	return nil
}

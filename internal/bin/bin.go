// Package bin reads untrusted binary data: a cursor whose first error sticks,
// so that a decoder is a straight line of reads and one check at its end, and
// the error type that every reader of bytes returns.
package bin

import (
	"encoding/binary"
	"fmt"
)

// FormatError says which bytes of which section are wrong, and why.
type FormatError struct {
	Section string // ELF section, or the name of the blob
	Offset  int64  // bytes from the start of the section
	Msg     string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s: offset %#x: %s", e.Section, e.Offset, e.Msg)
}

// Errorf makes a FormatError. It is not inlined: a hundred checks of input
// would each carry its body.
//
//go:noinline
func Errorf(section string, offset int64, format string, args ...any) error {
	return &FormatError{section, offset, fmt.Sprintf(format, args...)}
}

// Cursor reads integers of one byte order from a slice, front to back.
//
// After the first read past the end, or the first Failf, every read gives zero
// and Err gives the cause. The zero Cursor is empty.
type Cursor struct {
	section string
	base    int64
	b       []byte
	off     int
	order   binary.ByteOrder
	err     error
}

// NewCursor reads b. base is the offset of b[0] within section: errors carry
// offsets from the section's start.
//
//go:noinline
func NewCursor(section string, base int64, b []byte, order binary.ByteOrder) *Cursor {
	return &Cursor{section: section, base: base, b: b, order: order}
}

// Err is the first error, or nil.
func (c *Cursor) Err() error { return c.err }

// Offset is the position of the next read, from the section's start.
func (c *Cursor) Offset() int64 { return c.base + int64(c.off) }

// Len is the number of bytes left; 0 after an error.
func (c *Cursor) Len() int {
	if c.err != nil {
		return 0
	}
	return len(c.b) - c.off
}

// Failf makes the cursor fail at its current offset, unless it failed before.
//
//go:noinline
func (c *Cursor) Failf(format string, args ...any) {
	if c.err == nil {
		c.err = Errorf(c.section, c.Offset(), format, args...)
	}
}

// Bytes gives the next n bytes: a part of the input, not a copy.
func (c *Cursor) Bytes(n uint64) []byte {
	if c.err != nil {
		return nil
	}
	if n > uint64(len(c.b)-c.off) {
		c.Failf("need %d bytes, %d left", n, len(c.b)-c.off)
		return nil
	}
	b := c.b[c.off : c.off+int(n) : c.off+int(n)]
	c.off += int(n)
	return b
}

// Skip passes over n bytes.
func (c *Cursor) Skip(n uint64) { c.Bytes(n) }

// U8 reads one byte.
func (c *Cursor) U8() uint8 {
	if b := c.Bytes(1); b != nil {
		return b[0]
	}
	return 0
}

// U16 reads a 16-bit integer.
func (c *Cursor) U16() uint16 {
	if b := c.Bytes(2); b != nil {
		return c.order.Uint16(b)
	}
	return 0
}

// U32 reads a 32-bit integer.
func (c *Cursor) U32() uint32 {
	if b := c.Bytes(4); b != nil {
		return c.order.Uint32(b)
	}
	return 0
}

// U64 reads a 64-bit integer.
func (c *Cursor) U64() uint64 {
	if b := c.Bytes(8); b != nil {
		return c.order.Uint64(b)
	}
	return 0
}

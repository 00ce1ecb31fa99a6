package bin

import (
	"encoding/binary"
	"errors"
	"testing"
)

func TestCursorReadsInOrder(t *testing.T) {
	c := NewCursor("x", 0x10, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, binary.BigEndian)
	if got := c.U8(); got != 1 {
		t.Errorf("U8 = %#x", got)
	}
	if got := c.U16(); got != 0x0203 {
		t.Errorf("U16 = %#x", got)
	}
	if got := c.U32(); got != 0x04050607 {
		t.Errorf("U32 = %#x", got)
	}
	if got := c.U64(); got != 0x08090a0b0c0d0e0f {
		t.Errorf("U64 = %#x", got)
	}
	if c.Err() != nil || c.Len() != 0 || c.Offset() != 0x1f {
		t.Errorf("err %v, len %d, offset %#x", c.Err(), c.Len(), c.Offset())
	}
}

func TestCursorErrorSticks(t *testing.T) {
	c := NewCursor(".BTF", 8, []byte{1, 2, 3, 4}, binary.LittleEndian)
	c.U16()
	if c.Bytes(1<<63) != nil {
		t.Fatal("bytes beyond the end")
	}
	first := c.Err()
	if c.U8() != 0 || c.Len() != 0 {
		t.Error("reads go on after an error")
	}
	c.Failf("later")
	if c.Err() != first {
		t.Errorf("error replaced: %v", c.Err())
	}
	var fe *FormatError
	if !errors.As(first, &fe) || fe.Section != ".BTF" || fe.Offset != 10 {
		t.Errorf("got %v", first)
	}
	if want := ".BTF: offset 0xa: need 9223372036854775808 bytes, 2 left"; first.Error() != want {
		t.Errorf("got  %q\nwant %q", first, want)
	}
}

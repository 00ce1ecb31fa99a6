package bin

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/skepbpf/skep/internal/fuzztest"
)

// FuzzCursor reads by a script, with a slice and a position as the model: the
// first read past the end fails, and all after it give zero.
func FuzzCursor(f *testing.F) {
	f.Add([]byte("\x01\x02\x03\x04\x05\x06\x07\x08\x09"), []byte("\x00\x01\x02\x03"), false)
	f.Add([]byte("\x01\x02\x03"), []byte("\x02\x00\x04\xff"), true)
	f.Fuzz(func(t *testing.T, b, script []byte, big bool) {
		fuzztest.Check(t, len(b)+len(script), func() { runCursor(t, b, script, big) })
	})
}

func runCursor(t *testing.T, b, script []byte, big bool) {
	var order binary.ByteOrder = binary.LittleEndian
	if big {
		order = binary.BigEndian
	}
	const base = 100
	c := NewCursor("s", base, b, order)
	at, failed := 0, false
	for _, op := range script {
		size := [...]int{1, 2, 4, 8, int(op >> 3)}[op%5]
		var want uint64
		if failed = failed || size > len(b)-at; !failed {
			var word [8]byte
			if big {
				copy(word[8-min(size, 8):], b[at:at+size])
			} else {
				copy(word[:], b[at:at+min(size, 8)])
			}
			want = order.Uint64(word[:])
			at += size
		}
		switch got := read(c, op); {
		case op%5 != 4 && got != want:
			t.Fatalf("read %#x at %d, want %#x", got, at, want)
		case (c.Err() != nil) != failed:
			t.Fatalf("error %v at %d, want one: %v", c.Err(), at, failed)
		case !failed && (c.Offset() != int64(base+at) || c.Len() != len(b)-at), failed && c.Len() != 0:
			t.Fatalf("at %d, %d left", c.Offset(), c.Len())
		}
	}
	var fe *FormatError
	if failed && (!errors.As(c.Err(), &fe) || fe.Offset != int64(base+at)) {
		t.Fatalf("error %v, want one at %d", c.Err(), base+at)
	}
}

func read(c *Cursor, op byte) uint64 {
	switch op % 5 {
	case 0:
		return uint64(c.U8())
	case 1:
		return uint64(c.U16())
	case 2:
		return uint64(c.U32())
	case 3:
		return c.U64()
	}
	c.Bytes(uint64(op >> 3))
	return 0
}

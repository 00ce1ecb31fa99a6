package asm_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/internal/fuzztest"
)

// FuzzDecode: what decodes encodes to the same bytes, and prints.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"", "\x95\x00\x00\x00\x00\x00\x00\x00",
		"\x18\x01\x00\x00\x10\x21\x43\x65\x00\x00\x00\x00\x87\xa9\xcb\xed",
		"\x18\x00\x00\x00\x00\x00\x00\x00", "\xdb\x21\x04\x00\xf1\x00\x00\x00",
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, big bool) {
		var order binary.ByteOrder = binary.LittleEndian
		if big {
			order = binary.BigEndian
		}
		var ins asm.Instructions
		var err error
		fuzztest.Check(t, len(b), func() { ins, err = asm.Decode(b, order) })
		if err != nil {
			if ins != nil {
				t.Fatal("value beside an error")
			}
			return
		}
		got, err := ins.AppendEncode(nil, order)
		if err != nil || !bytes.Equal(got, b) {
			t.Fatalf("encode(decode(b)) = % x, %v, want % x", got, err, b)
		}
		for i := range ins {
			if ins[i].String() == "" {
				t.Fatalf("instruction %d has no text", i)
			}
		}
	})
}

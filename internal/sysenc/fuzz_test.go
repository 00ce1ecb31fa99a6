package sysenc

import (
	"bytes"
	"testing"

	"github.com/skepbpf/skep/internal/fuzztest"
)

// values gives a new place for a value of each type that FuzzValues knows.
func values() []any {
	return []any{
		new(uint8), new(uint16), new(uint32), new(int32), new(uint64), new(int64), new(float64), new([3]uint16),
		new(padded), new(struct{ A, B uint32 }), new(struct{}), new([]byte), new([5]inner),
	}
}

// FuzzValues: what decodes encodes to the same bytes, but for padding, which
// becomes zero; a size that is not the type's is an error.
func FuzzValues(f *testing.F) {
	for i := range values() {
		for _, n := range []int{0, 1, 2, 4, 8, 20, 32} {
			f.Add(bytes.Repeat([]byte{0xa5}, n), uint8(i))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, kind uint8) {
		all := values()
		v := all[int(kind)%len(all)]
		var err error
		fuzztest.Check(t, len(b), func() { err = Decode(b, v) })
		if err != nil {
			return
		}
		in := v
		if p, ok := v.(*[]byte); ok {
			in = *p
		}
		got, err := Encode(in, len(b))
		if err != nil {
			t.Fatalf("%T decoded from %d bytes: %v", v, len(b), err)
		}
		want := bytes.Clone(b)
		clearPadding(v, want)
		if !bytes.Equal(got, want) {
			t.Fatalf("%T: % x became % x, want % x", v, b, got, want)
		}
		if _, err := Encode(in, len(b)+1); err == nil {
			t.Fatalf("%T of %d bytes stands for one more", v, len(b))
		}
	})
}

// clearPadding zeroes what belongs to no field.
func clearPadding(v any, b []byte) {
	switch v.(type) {
	case *padded:
		for _, g := range [][2]int{{4, 8}, {17, 18}, {19, 20}, {23, 24}, {26, 32}} {
			clear(b[g[0]:g[1]])
		}
	case *[5]inner:
		for i := range 5 {
			b[4*i+1] = 0
		}
	}
}

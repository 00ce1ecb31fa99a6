package kernel

import (
	"bytes"
	"compress/gzip"
	"io"
	"testing"

	"github.com/skepbpf/skep/internal/fuzztest"
)

// FuzzGunzip wants the verdict of compress/gzip on one stream. What comes out
// is bounded by the caller's limit, and so is the memory: the limit, and codes
// for literals and distances of 64 KiB each, at most twice while they grow.
func FuzzGunzip(f *testing.F) {
	for _, level := range []int{gzip.NoCompression, gzip.HuffmanOnly, gzip.BestCompression} {
		f.Add(compress(f, configLike(20), level, gzip.Header{Name: "n"}))
	}
	const limit = 1 << 20
	f.Add(compress(f, make([]byte, 4*limit), gzip.BestCompression, gzip.Header{})) // a bomb
	f.Add(manyCodes(500))
	f.Fuzz(func(t *testing.T, b []byte) {
		var got []byte
		var err error
		fuzztest.Within(t, len(b), fuzztest.Ceiling(len(b))+limit+4*64<<10, func() { got, err = gunzip(b, limit) })
		if len(got) > limit || err != nil && got != nil {
			t.Fatalf("%d bytes, error %v", len(got), err)
		}
		if err != nil {
			return
		}
		r, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return // a header checksum that is wrong, which gunzip skips
		}
		r.Multistream(false)
		want, err := io.ReadAll(io.LimitReader(r, limit))
		if err == nil && !bytes.Equal(got, want) {
			t.Errorf("%d bytes, want %d", len(got), len(want))
		}
	})
}

// manyCodes is a gzip stream of n empty blocks, each with codes of its own of
// the longest words there are: the most work for a byte of input.
func manyCodes(n int) []byte {
	var w bitWriter
	for i := range n {
		w.put(b2i(i == n-1), 1)
		w.put(2, 2)  // dynamic codes
		w.put(0, 5)  // 257 literals and lengths
		w.put(0, 5)  // 1 distance
		w.put(15, 4) // all lengths of the code for lengths
		// Lengths 0 to 18: words for 1 (2 bits), 14 and 15 (3), 18 (1), in
		// the order of lengthOrder.
		size := map[uint8]int{18: 1, 1: 2, 15: 3, 14: 3}
		for _, sym := range lengthOrder {
			w.put(size[sym], 3)
		}
		word := func(sym int) { // of the code above, first bit first
			switch sym {
			case 18:
				w.put(0, 1)
			case 1:
				w.put(0b01, 2)
			case 14:
				w.put(0b011, 3)
			case 15:
				w.put(0b111, 3)
			}
		}
		// Literal 0 has a word of 15 bits, the end of the block one of one.
		word(15)
		for left := 255; left > 0; left -= min(left, 138) {
			word(18)
			w.put(min(left, 138)-11, 7)
		}
		word(1)  // the end of the block
		word(15) // the only distance
		w.put(0, 1)
	}
	stream := append([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}, w.bytes()...)
	return append(stream, make([]byte, gzipTail)...) // of nothing
}

// bitWriter writes bits, the lowest first, as DEFLATE wants them.
type bitWriter struct {
	out  []byte
	bits uint64
	n    uint
}

func (w *bitWriter) put(v int, n uint) {
	w.bits |= uint64(v) << w.n
	for w.n += n; w.n >= 8; w.n -= 8 {
		w.out = append(w.out, byte(w.bits))
		w.bits >>= 8
	}
}

func (w *bitWriter) bytes() []byte { return append(w.out, byte(w.bits)) }

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestManyCodes: the stream is sound, so that the target really decodes it.
// (compress/gzip wants codes without unused words.)
func TestManyCodes(t *testing.T) {
	if got, err := gunzip(manyCodes(500), 0); err != nil || len(got) != 0 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

package ringbuf

import (
	"bytes"
	"testing"

	"github.com/skepbpf/skep/internal/fuzztest"
)

// takeQuick is take the way that Records goes.
func takeQuick(r *ring) ([]byte, bool, error) {
	if b, ok := r.more(); ok {
		return b, true, nil
	}
	return r.take()
}

// FuzzRing lets the ring's memory be anything: take must end, stay inside the
// ring, and keep its error.
func FuzzRing(f *testing.F) {
	f.Add([]byte("\x03\x00\x00\x00\x00\x00\x00\x00abc\x00\x00\x00\x00\x00"), uint64(0), uint64(16))
	f.Add(bytes.Repeat([]byte{0}, 64), uint64(0), uint64(64))
	f.Add(bytes.Repeat([]byte{0, 0, 0, 0x40}, 16), uint64(1<<64-8), uint64(56))
	f.Fuzz(func(t *testing.T, mem []byte, cons, prod uint64) {
		fuzztest.Check(t, len(mem), func() { takeAll(t, mem, cons, prod) })
	})
}

// takeAll takes every record of a ring of 256 bytes that holds mem.
func takeAll(t *testing.T, mem []byte, cons, prod uint64) {
	fr := newFakeRing(256, 0)
	fr.put(0, mem[:min(len(mem), 256)])
	fr.cons[0], fr.prod[0] = cons, prod
	r, quick := fr.ring(t), fr.ring(t)
	for range 256/headerSize + 1 {
		was := r.ready()
		b, ok, err := r.take()
		if q, qok, qerr := takeQuick(quick); qok != ok || (qerr == nil) != (err == nil) || string(q) != string(b) || quick.next != r.next {
			t.Fatalf("% x, %v, %v; quickly % x, %v, %v", b, ok, err, q, qok, qerr)
		}
		if err != nil {
			if ok || b != nil || !was {
				t.Fatal("error and value")
			}
			if _, _, again := r.take(); again != err {
				t.Fatal("error did not stay")
			}
			return
		}
		if !ok {
			r.release()
			if used := fr.cons[0] - cons; used > prod-cons {
				t.Fatalf("released %d of %d bytes", used, prod-cons)
			}
			return
		}
		if len(b) > 256-headerSize {
			t.Fatal("record longer than the ring")
		}
	}
	t.Fatal("more records than fit")
}

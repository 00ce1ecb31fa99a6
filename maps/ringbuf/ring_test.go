package ringbuf

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/sysenc"
)

// fakeRing is a ring in ordinary memory. Its second half is kept equal to the
// first by hand, as the kernel's double mapping does by itself.
type fakeRing struct {
	cons, prod [1]uint64
	words      []uint64
	size       uint64
}

func newFakeRing(size uint64, start uint64) *fakeRing {
	f := &fakeRing{words: make([]uint64, size/4), size: size}
	f.cons[0], f.prod[0] = start, start
	return f
}

func (f *fakeRing) data() []byte { return sysenc.SliceBytes(f.words) }

func (f *fakeRing) ring(t testing.TB) *ring {
	t.Helper()
	r, err := newRing(sysenc.Bytes(&f.cons), sysenc.Bytes(&f.prod), f.data(), f.size)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (f *fakeRing) put(at uint64, b []byte) {
	for i, c := range b {
		off := (at + uint64(i)) & (f.size - 1)
		f.data()[off], f.data()[off+f.size] = c, c
	}
}

// reserve writes a record with these header flags and returns its position.
func (f *fakeRing) reserve(flags uint32, b []byte) uint64 {
	at := f.prod[0]
	f.head(at, uint32(len(b))|flags)
	f.put(at+headerSize, b)
	f.prod[0] += (headerSize + uint64(len(b)) + 7) &^ 7
	return at
}

func (f *fakeRing) head(at uint64, h uint32) {
	f.put(at, binary.NativeEndian.AppendUint32(nil, h))
}

func drain(t *testing.T, r *ring) (out []string) {
	t.Helper()
	for {
		b, ok, err := r.take()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return out
		}
		out = append(out, string(b))
	}
}

func TestRingTake(t *testing.T) {
	for _, tt := range []struct {
		name  string
		start uint64
		fill  func(f *fakeRing)
		want  []string
		used  uint64 // consumer's way after release
	}{
		{"empty", 0, func(f *fakeRing) {}, nil, 0},
		{"two", 0, func(f *fakeRing) { f.reserve(0, []byte("abc")); f.reserve(0, []byte("01234567")) }, []string{"abc", "01234567"}, 32},
		{"empty record", 0, func(f *fakeRing) { f.reserve(0, nil) }, []string{""}, 8},
		{"wraps", 64 - 16, func(f *fakeRing) { f.reserve(0, []byte("0123456789abcdef")) }, []string{"0123456789abcdef"}, 24},
		{"header at the end", 64 - 8, func(f *fakeRing) { f.reserve(0, []byte("01234567")) }, []string{"01234567"}, 16},
		{"positions overflow", 1<<64 - 16, func(f *fakeRing) { f.reserve(0, []byte("0123456789abcdef")) }, []string{"0123456789abcdef"}, 24},
		{"discarded", 0, func(f *fakeRing) {
			f.reserve(discardBit, []byte("no"))
			f.reserve(0, []byte("yes"))
			f.reserve(discardBit, []byte("no"))
		}, []string{"yes"}, 48},
		{"busy stops", 0, func(f *fakeRing) {
			f.reserve(0, []byte("1"))
			f.reserve(busyBit, []byte("2"))
			f.reserve(0, []byte("3"))
		}, []string{"1"}, 16},
		{"full", 8, func(f *fakeRing) { f.reserve(0, make([]byte, 56)) }, []string{string(make([]byte, 56))}, 64},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFakeRing(64, tt.start)
			tt.fill(f)
			r, quick := f.ring(t), f.ring(t)
			var got []string
			for b, ok, _ := takeQuick(quick); ok; b, ok, _ = takeQuick(quick) {
				got = append(got, string(b))
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error("quickly", d)
			}
			if ready := r.ready(); ready != (len(tt.want) > 0) {
				t.Errorf("ready = %v", ready)
			}
			if d := cmp.Diff(tt.want, drain(t, r)); d != "" {
				t.Error(d)
			}
			if f.cons[0] != tt.start {
				t.Error("released before release")
			}
			r.release()
			if got := f.cons[0] - tt.start; got != tt.used {
				t.Errorf("released %d bytes, want %d", got, tt.used)
			}
			if r.ready() {
				t.Error("ready when drained")
			}
		})
	}
}

func TestRingBusyRecordIsTakenOnceCommitted(t *testing.T) {
	f := newFakeRing(64, 0)
	at := f.reserve(busyBit, []byte("late"))
	f.reserve(0, []byte("next"))
	r := f.ring(t)
	if got := drain(t, r); got != nil || r.ready() {
		t.Fatalf("took %q", got)
	}
	f.head(at, 4)
	if !r.ready() {
		t.Error("not ready")
	}
	if d := cmp.Diff([]string{"late", "next"}, drain(t, r)); d != "" {
		t.Error(d)
	}
}

func TestRingReleaseLazily(t *testing.T) {
	f := newFakeRing(1024, 0)
	for range 4 {
		f.reserve(0, make([]byte, 24))
	}
	r := f.ring(t)
	var got []uint64
	for range 4 {
		r.take()
		r.releaseLazily()
		got = append(got, f.cons[0])
	}
	if d := cmp.Diff([]uint64{0, 64, 64, 128}, got); d != "" {
		t.Error(d)
	}
	if r.available() != 0 {
		t.Errorf("available = %d", r.available())
	}
}

func TestRingCorrupt(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(f *fakeRing)
		want string
	}{
		{"length", func(f *fakeRing) { f.head(f.reserve(0, []byte("abc")), 64) },
			"ring buffer: position 0x0: record of 64 bytes, 16 written"},
		{"largest length", func(f *fakeRing) { f.head(f.reserve(0, nil), 1<<30-1) },
			"ring buffer: position 0x0: record of 1073741823 bytes, 8 written"},
		{"producer ahead", func(f *fakeRing) { f.prod[0] = 72 },
			"ring buffer: position 0x0: producer at 0x48, in a ring of 64 bytes"},
		{"producer behind", func(f *fakeRing) { f.cons[0], f.prod[0] = 16, 8 },
			"ring buffer: position 0x10: producer at 0x8, in a ring of 64 bytes"},
		{"consumer unaligned", func(f *fakeRing) { f.cons[0], f.prod[0] = 4, 12 },
			"ring buffer: position 0x4: producer at 0xc, in a ring of 64 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFakeRing(64, 0)
			tt.do(f)
			r := f.ring(t)
			for range 2 { // the error stays
				if !r.ready() {
					t.Error("an error nobody is woken for")
				}
				_, ok, err := r.take()
				var ce *CorruptError
				if ok || !errors.As(err, &ce) || err.Error() != tt.want {
					t.Fatalf("got %v, %v; want %s", ok, err, tt.want)
				}
			}
		})
	}
}

func TestNewRingRejects(t *testing.T) {
	pos, data := make([]uint64, 1), make([]uint64, 16)
	p, d := sysenc.SliceBytes(pos), sysenc.SliceBytes(data)
	for _, tt := range []struct {
		name             string
		cons, prod, data []byte
		size             uint64
	}{
		{"no consumer", nil, p, d, 64},
		{"no producer", p, p[:4], d, 64},
		{"size 0", p, p, nil, 0},
		{"size odd", p, p, d[:96], 48},
		{"data too short", p, p, d[:64], 64},
		{"size 2^63", p, p, nil, 1 << 63},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if r, err := newRing(tt.cons, tt.prod, tt.data, tt.size); err == nil || r != nil {
				t.Errorf("got %v, %v", r, err)
			}
		})
	}
}

func BenchmarkRingTake(b *testing.B) {
	f := newFakeRing(1<<16, 0)
	for f.prod[0] < 1<<16 {
		f.reserve(0, make([]byte, 56))
	}
	r := f.ring(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, ok, _ := r.take(); !ok {
			r.next, r.released = 0, 0
		}
		r.releaseLazily()
	}
}

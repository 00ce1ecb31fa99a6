package kernel

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"strings"
	"testing"
)

func compress(t testing.TB, text []byte, level int, header gzip.Header) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := gzip.NewWriterLevel(&buf, level)
	if err != nil {
		t.Fatal(err)
	}
	w.Header = header
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// configLike has repetitions near and far, as a configuration has.
func configLike(n int) []byte {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "CONFIG_OPTION_%x=%d\n# CONFIG_%d is not set\n", uint32(i*i)*2654435761, i, i%97)
	}
	return []byte(b.String())
}

func TestGunzip(t *testing.T) {
	random := make([]byte, 200_000)
	x := uint32(1)
	for i := range random {
		x = x*1664525 + 1013904223
		random[i] = byte(x >> 24)
	}
	for name, text := range map[string][]byte{
		"empty":  {},
		"byte":   {'x'},
		"run":    bytes.Repeat([]byte{'a'}, 100_000),
		"config": configLike(8000),
		"random": random,
	} {
		for _, level := range []int{gzip.NoCompression, gzip.BestSpeed, gzip.DefaultCompression, gzip.BestCompression, gzip.HuffmanOnly} {
			for _, h := range []gzip.Header{{}, {Name: "config", Comment: "made", Extra: []byte("extra")}} {
				got, err := gunzip(compress(t, text, level, h), len(text))
				if err != nil || !bytes.Equal(got, text) {
					t.Errorf("%s, level %d: %d bytes of %d, %v", name, level, len(got), len(text), err)
				}
			}
		}
	}
}

func TestGunzipRefuses(t *testing.T) {
	text := configLike(500)
	good := compress(t, text, gzip.DefaultCompression, gzip.Header{})
	change := func(at int, v byte) []byte {
		b := bytes.Clone(good)
		b[(at+len(b))%len(b)] ^= v
		return b
	}
	for name, b := range map[string][]byte{
		"header only":    good[:10],
		"truncated":      append(bytes.Clone(good[:len(good)/2]), good[len(good)-8:]...),
		"checksum":       change(-5, 1),
		"length":         change(-1, 1),
		"reserved flag":  change(3, 0x80),
		"name not ended": change(3, gzipExtra),
	} {
		if got, err := gunzip(b, len(text)); err == nil {
			t.Errorf("%s: %d bytes, no error", name, len(got))
		}
	}
	if _, err := gunzip(good, len(text)-1); err != errInflated {
		t.Errorf("beyond the limit: %v", err)
	}
}

func BenchmarkGunzip(b *testing.B) {
	text, err := os.ReadFile("/proc/config.gz")
	if err != nil {
		text = compress(b, configLike(6000), gzip.BestCompression, gzip.Header{})
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := gunzip(text, maxConfig); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStdGunzip(b *testing.B) {
	text, err := os.ReadFile("/proc/config.gz")
	if err != nil {
		text = compress(b, configLike(6000), gzip.BestCompression, gzip.Header{})
	}
	b.ReportAllocs()
	for b.Loop() {
		r, _ := gzip.NewReader(bytes.NewReader(text))
		if _, err := readAtMost(r, maxConfig); err != nil {
			b.Fatal(err)
		}
	}
}

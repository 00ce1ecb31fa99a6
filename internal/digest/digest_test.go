package digest

import (
	"crypto/sha256"
	"testing"
)

func TestSHA256(t *testing.T) {
	b := make([]byte, 1000)
	for i := range b {
		b[i] = byte(i * 7)
	}
	for n := range b {
		if got, want := SHA256(b[:n]), sha256.Sum256(b[:n]); got != want {
			t.Fatalf("%d bytes: %x, want %x", n, got, want)
		}
	}
}

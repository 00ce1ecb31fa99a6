package elf

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/skepbpf/skep/internal/bin"
)

func readObject(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wantFormatError fails unless err says which bytes are wrong.
func wantFormatError(t *testing.T, err error) {
	t.Helper()
	var fe *bin.FormatError
	if !errors.As(err, &fe) {
		t.Errorf("error = %v, want a *bin.FormatError", err)
	}
}

func TestTruncated(t *testing.T) {
	b := readObject(t, "forms.el.o")
	for n := range b {
		o, err := Parse(b[:n:n])
		if err == nil || o != nil {
			t.Fatalf("no error for the first %d of %d bytes", n, len(b))
		}
		wantFormatError(t, err)
	}
}

func TestBitFlips(t *testing.T) {
	for _, name := range []string{"forms.el.o", "forms.eb.o", "nobtf.el.o", "jumps.el.o"} {
		b := readObject(t, name)
		rnd := rand.New(rand.NewPCG(1, 2))
		for at := range b {
			bit := byte(1) << rnd.UintN(8)
			b[at] ^= bit
			o, err := Parse(b)
			switch {
			case err != nil:
				wantFormatError(t, err)
			default:
				dump(o) // all of it can be read
			}
			b[at] ^= bit
		}
	}
}

// TestSameObject: the same bytes give the same Object, from memory or a reader.
func TestSameObject(t *testing.T) {
	b := readObject(t, "forms.el.o")
	o, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	want := dump(o)
	for range 10 {
		o, err := Read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, dump(o)); d != "" {
			t.Fatalf("second parse differs (-first +second):\n%s", d)
		}
	}
}

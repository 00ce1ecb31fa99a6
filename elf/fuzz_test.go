package elf

import (
	"errors"
	"os"
	"testing"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/fuzztest"
)

// FuzzParse: an object or an error that names section and offset, never both,
// and never more memory than the input allows.
func FuzzParse(f *testing.F) {
	for _, path := range testObjects(f) {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var o *Object
		var err error
		fuzztest.Check(t, len(b), func() { o, err = Parse(b) })
		if (o == nil) == (err == nil) {
			t.Fatalf("object %v, error %v", o != nil, err)
		}
		if err == nil {
			dump(o)
			return
		}
		var fe *bin.FormatError
		if !errors.As(err, &fe) {
			t.Errorf("error = %v, want a *bin.FormatError", err)
		}
	})
}

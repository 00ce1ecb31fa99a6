package elf

import (
	"errors"
	"os"
	"runtime"
	"testing"

	"github.com/skepbpf/skep/internal/bin"
)

// FuzzParse: an object or an error that names section and offset, never both,
// and never more memory than the input allows. All that is allocated counts,
// which is more than what is live at any time.
func FuzzParse(f *testing.F) {
	for _, path := range testObjects(f) {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		o, err := Parse(b)
		runtime.ReadMemStats(&after)
		if (o == nil) == (err == nil) {
			t.Fatalf("object %v, error %v", o != nil, err)
		}
		if got, limit := after.TotalAlloc-before.TotalAlloc, ceiling(len(b)); got > limit {
			t.Errorf("%d bytes allocated for an object of %d, want at most %d", got, len(b), limit)
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

// ceiling is how much memory an input of n bytes may take.
func ceiling(n int) uint64 { return uint64(16*n + 64<<10) }

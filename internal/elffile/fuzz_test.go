package elffile

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/fuzztest"
)

// FuzzRead reads all of a file both ways: either succeeds or gives a
// *bin.FormatError, and opening takes little memory.
func FuzzRead(f *testing.F) {
	for _, class := range []Class{Class32, Class64} {
		f.Add(sample(class, binary.LittleEndian).bytes())
		f.Add(sample(class, binary.BigEndian).bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var file *File
		var err error
		fuzztest.Check(t, len(b), func() { file, err = OpenBytes(b) })
		if (file == nil) == (err == nil) {
			t.Fatalf("file %v, error %v", file != nil, err)
		}
		errBytes := readAll(file, err)
		errReader := readAll(openers["reader"](b))
		if (errBytes == nil) != (errReader == nil) {
			t.Errorf("bytes: %v; reader: %v", errBytes, errReader)
		}
		var fe *bin.FormatError
		if errBytes != nil && !errors.As(errBytes, &fe) {
			t.Errorf("error = %v, want a *bin.FormatError", errBytes)
		}
	})
}

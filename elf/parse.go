package elf

import (
	"io"

	"github.com/skepbpf/skep/internal/bin"
)

// Parse reads the BPF object in b, which must not change afterwards: the
// Object refers to it. Errors about the file's contents are *bin.FormatError
// in their chain and name section and offset.
func Parse(b []byte) (*Object, error) {
	return nil, bin.Errorf("ELF header", 0, "not an ELF file")
}

// Read reads the BPF object of size bytes in r. It is Parse for readers; r is
// not used after it returns.
func Read(r io.ReaderAt, size int64) (*Object, error) {
	if size < 0 {
		return nil, bin.Errorf("ELF header", 0, "file size %d", size)
	}
	b, err := io.ReadAll(io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, err
	}
	return Parse(b)
}

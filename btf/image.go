package btf

import (
	"errors"
	"io"

	"github.com/skepbpf/skep/internal/elffile"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/tree"
)

// imageBTF reads the .BTF section of a kernel image, or a file that is BTF.
func imageBTF(root tree.Root, name string) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, ok := f.(io.ReaderAt)
	size, err := fileSize(f)
	if err == nil && !ok {
		err = errors.ErrUnsupported
	}
	if err != nil {
		return nil, mkerr.WrapNamed("%s: %w", name, err)
	}
	b, err := fileBTF(r, size)
	if err != nil {
		return nil, mkerr.WrapNamed("%s: %w", name, err)
	}
	return b, nil
}

// fileSize finds the end of a file that was not read yet.
func fileSize(f io.Reader) (int64, error) {
	s, ok := f.(io.Seeker)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	size, err := s.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = s.Seek(0, io.SeekStart)
	}
	return size, err
}

func fileBTF(r io.ReaderAt, size int64) ([]byte, error) {
	var head [8]byte
	if _, err := r.ReadAt(head[:], 0); err != nil {
		return nil, err
	}
	if _, err := byteOrder(section, head[:]); err == nil {
		return readWhole(r, size)
	}
	f, err := elffile.Open(r, size)
	if err != nil {
		return nil, err
	}
	b, err := sectionData(f, section)
	if err == nil && b == nil {
		err = mkerr.WrapNamed("no section %s: %w", section, ErrNoBTF)
	}
	return b, err
}

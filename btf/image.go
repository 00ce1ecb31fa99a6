package btf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/skepbpf/skep/internal/elffile"
)

// imageBTF reads the .BTF section of a kernel image, or a file that is BTF.
func imageBTF(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, ok := f.(io.ReaderAt)
	info, err := f.Stat()
	if err != nil || !ok {
		return nil, fmt.Errorf("%s: %w", name, errors.Join(err, errors.ErrUnsupported))
	}
	b, err := fileBTF(r, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

func fileBTF(r io.ReaderAt, size int64) ([]byte, error) {
	var head [8]byte
	if _, err := r.ReadAt(head[:], 0); err != nil {
		return nil, err
	}
	if _, err := byteOrder(section, head[:]); err == nil {
		b := make([]byte, size)
		_, err := r.ReadAt(b, 0)
		return b, err
	}
	f, err := elffile.Open(r, size)
	if err != nil {
		return nil, err
	}
	i, ok := f.Section(section)
	if !ok {
		return nil, fmt.Errorf("no section %s: %w", section, ErrNoBTF)
	}
	return f.Data(i)
}

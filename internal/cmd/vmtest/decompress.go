package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// packer is a compression that kernels and modules come in.
type packer struct {
	name, ext string
	magic     []byte
	argv      []string // nil: the standard library has it
	pkg       string   // Debian package of argv[0]
}

var packers = []packer{
	{"zstd", ".zst", []byte("\x28\xb5\x2f\xfd"), []string{"zstd", "-dcq"}, "zstd"},
	{"xz", ".xz", []byte("\xfd7zXZ\x00"), []string{"xz", "-dcqq"}, "xz-utils"},
	{"lz4", ".lz4", []byte("\x02\x21\x4c\x18"), []string{"lz4", "-dcq"}, "lz4"},
	{"gzip", ".gz", []byte("\x1f\x8b\x08"), nil, ""},
}

var elfMagic = []byte("\x7fELF")

// decompressFile reads a file, decompressed by what its name ends in.
func decompressFile(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for _, p := range packers {
		if strings.HasSuffix(path, p.ext) {
			out, err := p.unpack(data)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			return out, nil
		}
	}
	return data, nil
}

// unpack decompresses. With an error, what came out before it is returned too.
func (p *packer) unpack(data []byte) ([]byte, error) {
	if p.argv == nil {
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		z.Multistream(false)
		return io.ReadAll(z)
	}
	cmd := exec.Command(p.argv[0], p.argv[1:]...)
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("%w (install the package %s)", err, p.pkg)
	}
	return out, err
}

// vmlinux takes the kernel itself out of a bzImage, which boots faster than
// what decompresses itself under emulation. What follows the payload (its
// size, for one) makes decompressors complain after they did their work, so
// the result is judged by what it is.
func vmlinux(image []byte) ([]byte, error) {
	var missing error
	for _, p := range packers {
		for from := 0; ; {
			i := bytes.Index(image[from:], p.magic)
			if i < 0 {
				break
			}
			out, err := p.unpack(image[from+i:])
			if bytes.HasPrefix(out, elfMagic) && len(out) > len(image) {
				return out, nil
			}
			if errors.Is(err, exec.ErrNotFound) {
				missing = err
				break
			}
			from += i + 1
		}
	}
	if missing != nil {
		return nil, missing
	}
	return nil, errors.New("no compressed kernel in the image")
}

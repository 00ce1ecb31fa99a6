package btf

import (
	"io"

	"github.com/skepbpf/skep/internal/elffile"
	"github.com/skepbpf/skep/internal/mkerr"
)

// File is the BTF of a file.
type File struct {
	// Types are those of .BTF, or of the whole file if that is raw BTF. Those
	// of a module built apart from the kernel are split on .BTF.base, unless
	// they were relocated.
	Types *Spec
	// Ext is .BTF.ext as it is in the file, nil without one; ParseExt reads it.
	// It does not belong to Types that were relocated.
	Ext []byte
}

// ReadFile reads BTF of either byte order out of a file of size bytes: an ELF
// object, module or kernel image, of 32 or 64 bits, or raw BTF. A base is what
// the types are split on, or, if the file holds a distilled base of its own,
// what they are relocated to; it may be nil. An ELF file without BTF gives an
// error that is ErrNoBTF.
func ReadFile(r io.ReaderAt, size int64, base *Spec) (*File, error) {
	var head [8]byte
	if size >= 0 && size < int64(len(head)) {
		return nil, mkerr.Errorf("read BTF: a file of %d bytes", size)
	}
	if _, err := r.ReadAt(head[:], 0); err != nil {
		return nil, mkerr.Wrap("read BTF: %w", err)
	}
	if _, err := byteOrder(section, head[:]); err == nil {
		b, err := readWhole(r, size)
		if err != nil {
			return nil, err
		}
		s, err := ParseSplit(b, base)
		if err != nil {
			return nil, err
		}
		return &File{Types: s}, nil
	}
	f, err := elffile.Open(r, size)
	if err != nil {
		return nil, err
	}
	return readELF(f, base)
}

// readWhole reads a file that is not larger than BTF can be.
func readWhole(r io.ReaderAt, size int64) ([]byte, error) {
	if size < 0 || size > maxFile {
		return nil, mkerr.Errorf("read BTF: a file of %d bytes", size)
	}
	b := make([]byte, size)
	if n, err := r.ReadAt(b, 0); n < len(b) {
		return nil, mkerr.Wrap("read BTF: %w", err)
	}
	return b, nil
}

// maxFile is far above what the 32-bit offsets of a header reach.
const maxFile = 4 << 30

func readELF(f *elffile.File, base *Spec) (*File, error) {
	types, err := sectionData(f, section)
	if err != nil {
		return nil, err
	}
	if types == nil {
		return nil, errNoSection
	}
	out := &File{}
	if out.Ext, err = sectionData(f, extSection); err != nil {
		return nil, err
	}
	small, err := sectionData(f, baseSection)
	if err != nil {
		return nil, err
	}
	if small == nil {
		out.Types, err = ParseSplit(types, base)
	} else {
		out.Types, err = readDistilled(small, types, base)
	}
	if err != nil {
		return nil, err
	}
	if s := out.Types.root(); s != base.root() {
		s.ptr.Store(8)
		if f.Class == elffile.Class32 {
			s.ptr.Store(4)
		}
	}
	return out, nil
}

// errNoSection is ErrNoBTF of a file, which need not be a kernel's.
var errNoSection error = noSection{}

type noSection struct{}

func (noSection) Error() string { return "no section " + section }

func (noSection) Is(target error) bool { return target == ErrNoBTF }

// baseSection holds a distilled base.
const baseSection = ".BTF.base"

func readDistilled(small, types []byte, base *Spec) (*Spec, error) {
	b, err := Parse(small)
	if err != nil {
		return nil, mkerr.WrapNamed("%s: %w", baseSection, err)
	}
	s, err := ParseSplit(types, b)
	if err != nil || base == nil {
		return s, err
	}
	moved, err := Relocate(s, base)
	if err != nil {
		return nil, err
	}
	return moved.Types, nil
}

// root is what s is split on in the end.
func (s *Spec) root() *Spec {
	for s != nil && s.base != nil {
		s = s.base
	}
	return s
}

// sectionData is nil for a section that is absent or empty.
func sectionData(f *elffile.File, name string) ([]byte, error) {
	i, ok := f.Section(name)
	if !ok {
		return nil, nil
	}
	return f.Data(i)
}

// Package elffile reads ELF files that nobody vouches for: BPF objects,
// executables and shared libraries, 32 and 64 bits wide, of either byte order.
//
// Every offset, size and count is checked against the file's size before it is
// used or allocated for, and every error is a *bin.FormatError that names the
// section and the offset in it. A reader made by OpenBytes never copies
// section contents; one made by Open reads only what is asked for, which is
// how symbols of a large executable are found without loading it.
package elffile

import (
	"encoding/binary"
	"io"
	"math"
	"strings"

	"github.com/skepbpf/skep/internal/bin"
)

// Class is the width of an ELF file's words.
type Class uint8

// The two classes.
const (
	Class32 Class = 1
	Class64 Class = 2
)

// File is an open ELF file. It is immutable after Open and may be used by
// several goroutines if its io.ReaderAt may be.
type File struct {
	Class    Class
	Order    binary.ByteOrder
	Type     Type
	Machine  Machine
	Entry    uint64
	Sections []Section // index 0 is the null section; empty if the file has none
	Progs    []Prog

	src      source
	big      bool   // Order is big-endian
	strNdx   uint32 // section that holds section names
	strTable string // its contents
}

// source is where a File's bytes are: in memory, or behind a reader.
type source struct {
	b    []byte
	r    io.ReaderAt
	size uint64
}

// OpenBytes reads the headers of the ELF file in b. The File and the slices
// that its methods return refer to b, which must not change.
func OpenBytes(b []byte) (*File, error) {
	return open(source{b: b, size: uint64(len(b))})
}

// Open reads the headers of the ELF file of size bytes in r. Contents are read
// when asked for; the caller keeps r open until it is done with the File.
func Open(r io.ReaderAt, size int64) (*File, error) {
	if size < 0 {
		return nil, bin.Errorf("ELF", 0, "file size %d", size)
	}
	return open(source{r: r, size: uint64(size)})
}

func open(src source) (*File, error) {
	f := &File{src: src}
	h, err := f.readHeader()
	if err != nil {
		return nil, err
	}
	if err := f.readSections(h); err != nil {
		return nil, err
	}
	if err := f.readProgs(h); err != nil {
		return nil, err
	}
	if f.Type == TypeRel {
		if err := f.checkLayout(h); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Size is the size of the whole file in bytes.
func (f *File) Size() uint64 { return f.src.size }

// Data gives the contents of section i: part of the input for a File of
// OpenBytes, a fresh slice otherwise. A section without contents in the file
// (SHT_NOBITS, SHT_NULL) gives nil; a compressed one is an error.
func (f *File) Data(i int) ([]byte, error) {
	s, err := f.contents(i)
	if err != nil || s == nil {
		return nil, err
	}
	return f.src.read(s.Name, s.Offset, s.Size)
}

// contents checks that section i exists and that its bytes can be read; it
// gives nil if it has none.
func (f *File) contents(i int) (*Section, error) {
	if i < 0 || i >= len(f.Sections) {
		return nil, bin.Errorf("section headers", 0, "no section %d of %d", i, len(f.Sections))
	}
	s := &f.Sections[i]
	if s.Type == SectionNoBits || s.Type == SectionNull || s.Size == 0 {
		return nil, nil
	}
	if s.Flags&FlagCompressed != 0 {
		return nil, bin.Errorf(s.Name, 0, "compressed sections are not supported")
	}
	if !f.src.holds(s.Offset, s.Size) {
		return nil, bin.Errorf(s.Name, 0, "%#x bytes at file offset %#x are beyond the end of the file (%#x)",
			s.Size, s.Offset, f.src.size)
	}
	return s, nil
}

// Section finds the first section called name.
func (f *File) Section(name string) (index int, ok bool) {
	for i := range f.Sections {
		if f.Sections[i].Name == name && i != 0 {
			return i, true
		}
	}
	return 0, false
}

// Strings gives the contents of string table i as one string, so that names
// are parts of it and need no memory of their own.
func (f *File) Strings(i int) (string, error) {
	if i == int(f.strNdx) && i != 0 {
		return f.strTable, nil
	}
	s, err := f.contents(i)
	if err != nil || s == nil {
		return "", err
	}
	if s.Type != SectionStrTab {
		return "", bin.Errorf(s.Name, 0, "section %d is not a string table", i)
	}
	return f.src.readString(s.Name, s.Offset, s.Size)
}

// holds reports whether n bytes at off are all within the file.
func (s *source) holds(off, n uint64) bool {
	return off <= s.size && n <= s.size-off
}

func (s *source) read(what string, off, n uint64) ([]byte, error) {
	if !s.holds(off, n) || n > math.MaxInt {
		return nil, bin.Errorf(what, 0, "%#x bytes at file offset %#x are beyond the end of the file (%#x)",
			n, off, s.size)
	}
	if s.r == nil {
		return s.b[off : off+n : off+n], nil
	}
	b := make([]byte, n)
	if got, err := s.r.ReadAt(b, int64(off)); uint64(got) < n {
		return nil, bin.Errorf(what, int64(got), "read: %v", err)
	}
	return b, nil
}

func (s *source) readString(what string, off, n uint64) (string, error) {
	if s.r == nil {
		b, err := s.read(what, off, n)
		return string(b), err
	}
	if !s.holds(off, n) || n > math.MaxInt {
		return "", bin.Errorf(what, 0, "%#x bytes at file offset %#x are beyond the end of the file (%#x)", n, off, s.size)
	}
	var sb strings.Builder
	sb.Grow(int(n))
	// Piece by piece: the string is not to be held twice.
	buf := make([]byte, min(n, 64<<10))
	for done := uint64(0); done < n; {
		b := buf[:min(n-done, uint64(len(buf)))]
		got, err := s.r.ReadAt(b, int64(off+done))
		if got < len(b) {
			return "", bin.Errorf(what, int64(done)+int64(got), "read: %v", err)
		}
		sb.Write(b)
		done += uint64(got)
	}
	return sb.String(), nil
}

// cstring is the NUL-terminated string at off of table.
func cstring(table string, off uint32) (string, bool) {
	if uint64(off) >= uint64(len(table)) {
		return "", off == 0 // an empty table still holds the empty name
	}
	s := table[off:]
	n := strings.IndexByte(s, 0)
	if n < 0 {
		return "", false
	}
	return s[:n], true
}

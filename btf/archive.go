package btf

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"strings"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/mkerr"
)

// An archive is: the 8 bytes of archiveMagic; the number of files; for each
// file, sorted by name, where its bytes begin and how many they are, from the
// start of the archive, and its name's length; the names, one after the other;
// the bytes of the files, those of equal files once. Numbers have 4 bytes, the
// lowest first.
const (
	archiveMagic = "skepBTF\x01"
	entrySize    = 12
	maxArchive   = 1 << 20 // files
)

// Archive is many files of BTF in one, to embed in a program: kernels for which
// an object's types come to the same take the space of one. It is an fs.FS,
// read where it lies, and safe for concurrent use.
type Archive struct {
	b     []byte
	files []archived // by name
}

type archived struct {
	name string
	data []byte
}

// WriteArchive makes an archive of files by name, "ubuntu/20.04/x86_64/5.4.0-42-generic.btf".
// Equal files give equal archives.
func WriteArchive(w io.Writer, files map[string][]byte) error {
	names := make([]string, 0, len(files))
	text := 0
	for name := range files {
		if !fs.ValidPath(name) || name == "." {
			return mkerr.Named("BTF archive: %q is no name of a file", name)
		}
		names = append(names, name)
		text += len(name)
	}
	bin.SortStrings(names)
	for i := 1; i < len(names); i++ {
		if strings.HasPrefix(names[i], names[i-1]+"/") {
			return mkerr.Named("BTF archive: %s is a file and a directory", names[i-1])
		}
	}
	head := []byte(archiveMagic)
	head = binary.LittleEndian.AppendUint32(head, uint32(len(names)))
	at := len(head) + entrySize*len(names) + text
	var all []byte
	where := make(map[string]int)
	for _, name := range names {
		b := files[name]
		off, ok := where[string(b)]
		if !ok {
			off = at + len(all)
			where[string(b)] = off
			all = append(all, b...)
		}
		head = binary.LittleEndian.AppendUint32(head, uint32(off))
		head = binary.LittleEndian.AppendUint32(head, uint32(len(b)))
		head = binary.LittleEndian.AppendUint32(head, uint32(len(name)))
	}
	if len(names) > maxArchive || at+len(all) > 1<<31-1 {
		return errors.New("BTF archive: more than 2 GiB, or too many files")
	}
	for _, name := range names {
		head = append(head, name...)
	}
	_, err := w.Write(append(head, all...))
	return err
}

// OpenArchive reads an archive, which must not be changed afterwards.
func OpenArchive(b []byte) (*Archive, error) {
	c := bin.NewCursor("BTF archive", 0, b, binary.LittleEndian)
	if string(c.Bytes(uint64(len(archiveMagic)))) != archiveMagic {
		return nil, bin.Errorf("BTF archive", 0, "does not begin with %q", archiveMagic)
	}
	n := c.U32()
	entries := c.Bytes(uint64(n) * entrySize)
	if err := c.Err(); err != nil {
		return nil, err
	}
	a := &Archive{b: b, files: make([]archived, 0, n)}
	for i := range int(n) {
		e := entries[entrySize*i:]
		off, size := uint64(binary.LittleEndian.Uint32(e)), uint64(binary.LittleEndian.Uint32(e[4:]))
		at := c.Offset()
		name := string(c.Bytes(uint64(binary.LittleEndian.Uint32(e[8:]))))
		if err := c.Err(); err != nil {
			return nil, err
		}
		switch {
		case !fs.ValidPath(name) || name == ".":
			return nil, bin.Errorf("BTF archive", at, "file %d: %.40q is no name", i, name)
		case i > 0 && (a.files[i-1].name >= name || strings.HasPrefix(name, a.files[i-1].name+"/")):
			return nil, bin.Errorf("BTF archive", at, "file %d: %.40q does not come after the one before", i, name)
		case off+size > uint64(len(b)):
			return nil, bin.Errorf("BTF archive", int64(8+4+entrySize*i), "file %d: %d bytes at %d, but there are %d", i, size, off, len(b))
		}
		a.files = append(a.files, archived{name, b[off:][:size:size]})
	}
	return a, nil
}

// Names are those of all files, sorted.
func (a *Archive) Names() []string {
	names := make([]string, len(a.files))
	for i := range a.files {
		names[i] = a.files[i].name
	}
	return names
}

// ReadFile gives the bytes of a file, a copy.
func (a *Archive) ReadFile(name string) ([]byte, error) {
	if i := a.search(name); fs.ValidPath(name) && i < len(a.files) && a.files[i].name == name {
		return append([]byte(nil), a.files[i].data...), nil
	}
	return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
}

// search is the place of the first file whose name is not less.
func (a *Archive) search(name string) int {
	low, high := 0, len(a.files)
	for low < high {
		if mid := (low + high) / 2; a.files[mid].name < name {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

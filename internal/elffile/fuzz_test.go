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
		for _, b := range crafted(class) {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var file *File
		var err error
		fuzztest.Check(t, len(b), func() { file, err = OpenBytes(b) })
		if (file == nil) == (err == nil) {
			t.Fatalf("file %v, error %v", file != nil, err)
		}
		if err == nil {
			if s, err := file.Symbols(); err == nil {
				checkEach(t, s)
			}
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

// crafted are files that are hostile in ways that a fuzzer would need long to
// come to. Whether they open is not said here.
func crafted(class Class) [][]byte {
	const text, symtab, strtab, rel = 1, 2, 3, 5 // sections of sample
	var all [][]byte
	for _, edit := range []func(m *image){
		func(m *image) { m.big = true },
		func(m *image) { m.big, m.shNum = true, 1<<32-1 },
		func(m *image) { m.shNum = 0xfeff },
		func(m *image) { m.shStr = 0xff00 },
		func(m *image) { m.secs[text].Offset, m.secs[symtab].Offset = 64, 64 },
		func(m *image) { m.secs[text].Offset, m.secs[text].Size = 1<<63, 1<<63 },
		func(m *image) { m.secs[text].Offset, m.secs[text].Size = 1, 1<<64-1 },
		func(m *image) { m.secs[text].Size = 1 << 32 },
		func(m *image) { m.secs[symtab].EntSize = 0 },
		func(m *image) { m.secs[symtab].Link = 1<<32 - 1 },
		func(m *image) { m.secs[symtab].Link = symtab },
		func(m *image) { m.secs[symtab].Type = SectionDynSym },
		func(m *image) { m.secs[strtab].data = []byte("no end") },
		func(m *image) { m.secs[strtab].data = nil },
		func(m *image) { m.secs[text].name = uint32(len(sampleNames)) },
		func(m *image) { m.secs[text].name = uint32(len(sampleNames)) - 1 },
		func(m *image) { m.secs[rel].Info, m.secs[rel].Link = 1<<32-1, 1<<32-1 },
		func(m *image) { m.secs[rel].Type, m.secs[rel].EntSize = SectionRela, 1 },
		func(m *image) { m.secs[text].Flags |= FlagCompressed },
		func(m *image) { m.secs[text].Type = SectionSymTabShndx; m.secs[text].Link = symtab },
		func(m *image) {
			m.progs = []Prog{{Type: ProgLoad, Offset: 1<<64 - 1, Vaddr: 1<<64 - 1, Filesz: 1<<64 - 1, Memsz: 1}}
		},
		func(m *image) { m.typ, m.secs[text].Offset, m.secs[text].Size = 2, 0, 200 },
	} {
		m := sample(class, binary.LittleEndian)
		edit(m)
		all = append(all, m.bytes())
	}
	return all
}

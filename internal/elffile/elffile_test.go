package elffile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/testutil"
)

// openers are the two ways to read a file.
var openers = map[string]func([]byte) (*File, error){
	"bytes":  OpenBytes,
	"reader": func(b []byte) (*File, error) { return Open(bytes.NewReader(b), int64(len(b))) },
}

func TestRead(t *testing.T) {
	for _, class := range []Class{Class32, Class64} {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			for name, open := range openers {
				for _, big := range []bool{false, true} {
					t.Run(fmt.Sprintf("class%d/%v/%s/big=%v", class, order, name, big), func(t *testing.T) {
						m := sample(class, order)
						m.big = big
						m.progs = []Prog{{Type: ProgLoad, Offset: 0x40, Vaddr: 0x1000, Filesz: 0x20, Memsz: 0x30, Align: 8, Flags: 5}}
						f, err := open(m.bytes())
						if err != nil {
							t.Fatal(err)
						}
						checkSample(t, f)
					})
				}
			}
		}
	}
}

func checkSample(t *testing.T, f *File) {
	t.Helper()
	var names []string
	for _, s := range f.Sections {
		names = append(names, s.Name)
	}
	if d := cmp.Diff([]string{"", ".text", ".symtab", ".strtab", ".bss", ".rel.text"}, names); d != "" {
		t.Errorf("sections (-want +got):\n%s", d)
	}
	if b, err := f.Data(1); err != nil || !bytes.Equal(b, make([]byte, 24)) {
		t.Errorf("Data(1) = %x, %v", b, err)
	}
	if b, err := f.Data(4); err != nil || b != nil {
		t.Errorf("Data of .bss = %d bytes, %v", len(b), err)
	}
	syms, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	var iterErr error
	for s, name := range syms.All(&iterErr) {
		n++
		got := fmt.Sprint(name, s.Type(), s.Bind(), s.Visibility(), s.Section, s.Value, s.Size, s.Defined())
		if want := fmt.Sprint("main", SymFunc, BindGlobal, VisHidden, 1, 8, 16, true); got != want {
			t.Errorf("symbol = %s, want %s", got, want)
		}
	}
	if n != 1 || iterErr != nil {
		t.Errorf("%d symbols, error %v", n, iterErr)
	}
	rels, err := f.Relocs(5)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := rels.At(0), (Reloc{Offset: 4, Symbol: 1, Type: 10}); rels.Len() != 1 || rels.Target != 1 || got != want {
		t.Errorf("relocation = %+v, want %+v", got, want)
	}
	if off, ok := f.FileOffset(0x1010); !ok || off != 0x50 {
		t.Errorf("FileOffset = %#x, %v", off, ok)
	}
	if _, ok := f.FileOffset(0x1020); ok {
		t.Error("FileOffset found an address beyond the segment's contents")
	}
}

func TestNoCopy(t *testing.T) {
	b := sample(Class64, binary.LittleEndian).bytes()
	f, err := OpenBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	d, err := f.Data(1)
	if err != nil {
		t.Fatal(err)
	}
	if &d[0] != &b[f.Sections[1].Offset] {
		t.Error("Data copies")
	}
	syms, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	allocs := testing.AllocsPerRun(10, func() {
		for i := range syms.Len() {
			s, err := syms.At(i)
			if err == nil {
				_, err = syms.Name(s)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	if allocs != 0 {
		t.Errorf("reading symbols allocates %v times", allocs)
	}
}

// TestHostile damages a sound file in one place each.
func TestHostile(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*image)
		want string // part of the error
	}{
		{"section size near 2^64", func(m *image) { m.secs[1].Size = 1<<64 - 8 }, "beyond the end of the file"},
		{"section offset near 2^64", func(m *image) { m.secs[1].Offset = 1<<64 - 8 }, "beyond the end of the file"},
		{"offset and size wrap", func(m *image) { m.secs[1].Offset, m.secs[1].Size = 1<<64-16, 64 }, "beyond the end of the file"},
		{"section over the header", func(m *image) { m.secs[1].Offset, m.secs[1].Size = 1, 8 }, "overlaps the ELF header"},
		{"sections overlap", func(m *image) { m.secs[1].Size = 32 }, `overlaps section ".text"`},
		{"section name", func(m *image) { m.secs[1].name = uint32(len(sampleNames)) }, "is no string"},
		{"section names cut", func(m *image) { m.secs[3].data = m.secs[3].data[:len(sampleNames)-1] }, "is no string"},
		{"section names elsewhere", func(m *image) { m.shStr = 6 }, "section names are in section 6"},
		{"section names in code", func(m *image) { m.shStr = 1 }, "not a string table"},
		{"too many sections", func(m *image) { m.shNum = 0xfeff }, "do not fit"},
		{"2^63 sections", func(m *image) { m.big = true; m.patches = []patch{{0, nil}}; m.shNum = 1 << 31 }, "do not fit"},
		{"section header size", func(m *image) { m.patches = []patch{{58, []byte{63}}} }, "section headers of 63 bytes"},
		{"segment header size", func(m *image) { m.progs = make([]Prog, 1); m.patches = []patch{{54, []byte{1}}} }, "program headers of 1 bytes"},
		{"section headers beyond", func(m *image) { m.patches = []patch{{40, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}} }, "beyond the end of the file"},
		{"class", func(m *image) { m.patches = []patch{{4, []byte{3}}} }, "class"},
		{"order", func(m *image) { m.patches = []patch{{5, []byte{3}}} }, "byte order"},
		{"version", func(m *image) { m.patches = []patch{{6, []byte{2}}} }, "version"},
		{"magic", func(m *image) { m.patches = []patch{{0, []byte{0}}} }, "not an ELF file"},
		{"compressed", func(m *image) { m.secs[1].Flags |= FlagCompressed }, "compressed"},
		{"symbol size", func(m *image) { m.secs[2].EntSize = 23 }, "symbols of 23 bytes"},
		{"symbols cut", func(m *image) { m.secs[2].Size = 47 }, "want a multiple of 24"},
		{"symbol names missing", func(m *image) { m.secs[2].Link = 0 }, "without names"},
		{"symbol names elsewhere", func(m *image) { m.secs[2].Link = 77 }, "no section 77"},
		{"symbol name", func(m *image) { m.secs[2].data[24] = 0xff }, "is no string"},
		{"symbol section", func(m *image) { m.secs[2].data[30] = 9 }, "no section 9"},
		{"symbol index missing", func(m *image) { copy(m.secs[2].data[30:], "\xff\xff") }, "section index is missing"},
		{"relocation size", func(m *image) { m.secs[5].EntSize = 0 }, "relocations of 0 bytes"},
		{"relocation target", func(m *image) { m.secs[5].Info = 6 }, "relocations for section 6"},
		{"two symbol tables", func(m *image) { m.secs[1].Type = SectionSymTab }, "second symbol table"},
	} {
		for name, open := range openers {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				m := sample(Class64, binary.LittleEndian)
				tt.edit(m)
				err := readAll(open(m.bytes()))
				var fe *bin.FormatError
				if !errors.As(err, &fe) {
					t.Fatalf("error = %v, want a *bin.FormatError", err)
				}
				if !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error = %q, want %q in it", err, tt.want)
				}
			})
		}
	}
}

// readAll reads everything a File offers.
func readAll(f *File, err error) error {
	if err != nil {
		return err
	}
	for i := range f.Sections {
		if _, err := f.Data(i); err != nil {
			return err
		}
		if t := f.Sections[i].Type; t == SectionRel || t == SectionRela {
			r, err := f.Relocs(i)
			if err != nil {
				return err
			}
			for i := range r.Len() {
				r.At(i)
			}
		}
	}
	for _, table := range []func() (*Symbols, error){f.Symbols, f.DynamicSymbols} {
		syms, err := table()
		if err != nil {
			return err
		}
		for range syms.All(&err) {
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func TestTruncated(t *testing.T) {
	for _, class := range []Class{Class32, Class64} {
		b := sample(class, binary.BigEndian).bytes()
		for n := range b {
			for name, open := range openers {
				if err := readAll(open(b[:n:n])); err == nil {
					t.Errorf("class %d, %s: no error for the first %d of %d bytes", class, name, n, len(b))
				}
			}
		}
	}
}

// TestExecutable reads an executable as the go command makes them.
func TestExecutable(t *testing.T) {
	testutil.NeedTime(t) // it is built
	f, err := OpenBytes(build(t))
	if err != nil {
		t.Fatal(err)
	}
	syms, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for s, name := range syms.All(&err) {
		if name != "main.main" {
			continue
		}
		found = true
		off, ok := f.FileOffset(s.Value)
		if text := f.Sections[s.Section]; !ok || off != s.Value-text.Addr+text.Offset {
			t.Errorf("%s at %#x: file offset %#x, %v", name, s.Value, off, ok)
		}
	}
	if err != nil || !found {
		t.Errorf("main.main of %d symbols found: %v, error %v", syms.Len(), found, err)
	}
}

// build builds a program for Linux on an architecture like this one.
func build(t *testing.T) []byte {
	t.Helper()
	compiler, dir := testutil.NeedTool(t, "go"), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(compiler, "build", "-o", "program", "main.go")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+runtime.GOARCH, "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b, err := os.ReadFile(filepath.Join(dir, "program"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestShared: shared libraries have dynamic symbols, and a section that is
// broken does no harm until it is read.
func TestShared(t *testing.T) {
	m := sample(Class64, binary.LittleEndian)
	m.typ = TypeDyn
	m.secs[2].Type = SectionDynSym
	m.secs[1].Size = 1 << 62
	f, err := OpenBytes(m.bytes())
	if err != nil {
		t.Fatal(err)
	}
	for table, want := range map[string]int{"static": 0, "dynamic": 2} {
		read := f.Symbols
		if table == "dynamic" {
			read = f.DynamicSymbols
		}
		syms, err := read()
		if err != nil || syms.Len() != want {
			t.Errorf("%s symbols: %d, %v, want %d", table, syms.Len(), err, want)
		}
	}
	if _, err := f.Data(1); err == nil {
		t.Error("no error for a section beyond the end of the file")
	}
}

// TestExtendedIndex: a symbol whose section index does not fit 16 bits.
func TestExtendedIndex(t *testing.T) {
	m := sample(Class64, binary.LittleEndian)
	copy(m.secs[2].data[symSize64+6:], "\xff\xff")
	m.secs = append(m.secs, rawSection{
		Section: Section{Type: SectionSymTabShndx, Link: 2, EntSize: 4},
		data:    []byte{0, 0, 0, 0, 4, 0, 0, 0},
	})
	f, err := OpenBytes(m.bytes())
	if err != nil {
		t.Fatal(err)
	}
	syms, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	if s, err := syms.At(1); err != nil || s.Section != 4 || s.Special {
		t.Errorf("symbol = %+v, %v, want one of section 4", s, err)
	}
}

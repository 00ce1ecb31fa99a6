package link

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/skepbpf/skep/internal/elffile"
	"github.com/skepbpf/skep/internal/fuzztest"
)

// tinyLibrary is an ELF file with two dynamic functions "f" of different
// versions, "old" (hidden) and "new", and a weak "g" beside a global one.
func tinyLibrary() []byte {
	o := binary.LittleEndian
	const strs = "\x00f\x00g\x00old\x00new\x00"
	sym := func(b []byte, name uint32, info byte, value uint64) []byte {
		b = o.AppendUint32(b, name)
		b = append(b, info, 0)
		b = o.AppendUint16(b, 1)
		return o.AppendUint64(o.AppendUint64(b, value), 4)
	}
	syms := sym(make([]byte, 24), 1, 0x12, 0x1000)
	syms = sym(syms, 1, 0x12, 0x1010)
	syms = sym(syms, 3, 0x22, 0x1020)
	syms = sym(syms, 3, 0x12, 0x1030)
	versym := []byte{0, 0, 2, 0x80, 3, 0, 1, 0, 1, 0}
	var verdef []byte
	for i, name := range []uint32{5, 9} {
		verdef = o.AppendUint16(verdef, 1)
		verdef = o.AppendUint16(verdef, 0)
		verdef = o.AppendUint16(verdef, uint16(i+2))
		verdef = o.AppendUint16(verdef, 1)
		verdef = o.AppendUint32(verdef, 0)
		verdef = o.AppendUint32(verdef, 20)
		verdef = o.AppendUint32(verdef, uint32(28*(1-i)))
		verdef = o.AppendUint32(verdef, name)
		verdef = o.AppendUint32(verdef, 0)
	}
	type section struct {
		typ     uint32
		addr    uint64
		data    []byte
		link    uint32
		entsize uint64
	}
	secs := []section{
		{}, {typ: 1, addr: 0x1000, data: make([]byte, 64)}, {typ: 11, data: syms, link: 3, entsize: 24},
		{typ: 3, data: []byte(strs)}, {typ: 0x6fffffff, data: versym, link: 2, entsize: 2},
		{typ: 0x6ffffffd, data: verdef, link: 3},
	}
	b := append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 57)...)
	var heads []byte
	for _, s := range secs {
		h := make([]byte, 64)
		o.PutUint32(h[4:], s.typ)
		o.PutUint64(h[16:], s.addr)
		o.PutUint64(h[24:], uint64(len(b)))
		o.PutUint64(h[32:], uint64(len(s.data)))
		o.PutUint32(h[40:], s.link)
		o.PutUint64(h[56:], s.entsize)
		heads = append(heads, h...)
		b = append(b, s.data...)
	}
	o.PutUint16(b[16:], 3)  // ET_DYN
	o.PutUint16(b[18:], 62) // x86-64
	o.PutUint32(b[20:], 1)
	o.PutUint64(b[40:], uint64(len(b)))
	o.PutUint16(b[52:], 64)
	o.PutUint16(b[58:], 64)
	o.PutUint16(b[60:], uint16(len(secs)))
	o.PutUint16(b[62:], 0)
	return append(b, heads...)
}

func TestTinyLibrary(t *testing.T) {
	e, err := elffile.OpenBytes(tinyLibrary())
	if err != nil {
		t.Fatal(err)
	}
	text := e.Sections[1].Offset
	for _, tt := range []struct {
		name string
		want uint64
		bad  bool
	}{
		{name: "f", want: 0x10},
		{name: "f@new", want: 0x10},
		{name: "f@@new", want: 0x10},
		{name: "f@old", want: 0},
		{name: "f@none", bad: true},
		{name: "g", want: 0x30},
		{name: "h", bad: true},
	} {
		got, err := elfFunction(e, tt.name)
		if tt.bad != (err != nil) || !tt.bad && got != tt.want+text {
			t.Errorf("%s: %#x, %v; want %#x", tt.name, got, err, tt.want+text)
		}
	}
}

// FuzzFunction looks for a function: its place is within the file, and the same
// when the file is read piece by piece.
func FuzzFunction(f *testing.F) {
	for _, name := range []string{"f@old", "f@@new", "f", "g", "@", "h", "f@"} {
		f.Add(tinyLibrary(), name)
	}
	// Version definitions that lead to themselves, and to before their start.
	for _, next := range []uint32{0, 1, 20, 1<<32 - 1, 1<<32 - 28} {
		b := tinyLibrary()
		at := bytes.Index(b, []byte("\x01\x00\x00\x00\x02\x00\x01\x00"))
		binary.LittleEndian.PutUint32(b[at+16:], next)
		f.Add(b, "f@new")
	}
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		e, err := elffile.OpenBytes(b)
		if err != nil {
			return
		}
		var off uint64
		fuzztest.Check(t, len(b)+len(name), func() { off, err = elfFunction(e, name) })
		checkTogether(t, e, name)
		if err != nil && off != 0 {
			t.Errorf("%#x and %v", off, err)
		}
		pieces, pieceErr := elffile.Open(bytes.NewReader(b), int64(len(b)))
		if pieceErr == nil {
			var again uint64
			if again, pieceErr = elfFunction(pieces, name); again != off {
				t.Errorf("at %#x, and at %#x piece by piece", off, again)
			}
		}
		if (pieceErr == nil) != (err == nil) {
			t.Errorf("%v; piece by piece %v", err, pieceErr)
		}
	})
}

// checkTogether looks for several functions at once: the result is that of one
// after the other.
func checkTogether(t *testing.T, e *elffile.File, name string) {
	t.Helper()
	names := []string{"f", name, "g", "f@old", name + "@x"}
	for from := range names {
		var want error
		var offs []uint64
		for _, n := range names[from:] {
			off, err := elfFunction(e, n)
			if err != nil {
				want = err
				break
			}
			offs = append(offs, off)
		}
		got, err := elfFunctions(e, names[from:])
		if want != nil {
			if err == nil || err.Error() != want.Error() || got != nil {
				t.Errorf("%q: %v, %v; one by one %v", names[from:], got, err, want)
			}
		} else if err != nil || !slices.Equal(got, offs) {
			t.Errorf("%q: %v, %v; one by one %v", names[from:], got, err, offs)
		}
	}
}

func TestFunctionsTogether(t *testing.T) {
	e, err := elffile.OpenBytes(tinyLibrary())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"f", "f@new", "f@@old", "h", "", "@", "g@new"} {
		checkTogether(t, e, name)
	}
}

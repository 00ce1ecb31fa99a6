package btf

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/format"
	"io"
	"testing"

	"github.com/skepbpf/skep/internal/fuzztest"
)

// readBoth reads b as an object's blob, or, unchecked, as the kernel's.
func readBoth(b []byte, kernel bool) *Spec {
	if !kernel {
		s, err := Parse(bytes.Clone(b))
		if err != nil {
			return nil
		}
		return s
	}
	s, err := newSpec(bytes.Clone(b), nil)
	if err != nil {
		return nil
	}
	if s.index, err = s.scan(sampleShift, nil); err != nil {
		return nil
	}
	return s
}

// printLimit is what a printer may allocate for n bytes of types: its text,
// which grows by doubling, and what it knows of names.
func printLimit(n int) uint64 { return 12*textBase + (12*textPerByte+256)*uint64(n) }

func FuzzWriteC(f *testing.F) {
	seeds(f, func(b []byte) { f.Add(b, false) })
	for _, o := range orders {
		f.Add(clashes(o).bytes(), true)
	}
	f.Add(layouts(f, ".el").Bytes(), true)
	f.Fuzz(func(t *testing.T, b []byte, kernel bool) {
		s := readBoth(b, kernel)
		if s == nil {
			return
		}
		var out bytes.Buffer
		var err error
		fuzztest.Within(t, len(b), printLimit(len(b)), func() {
			out.Reset()
			err = WriteC(&out, s, nil)
		})
		if most := textBase + textPerByte*len(b); out.Len() > most {
			t.Fatalf("%d bytes of text of %d", out.Len(), len(b))
		}
		var again bytes.Buffer
		if err2 := WriteC(&again, s, nil); (err == nil) != (err2 == nil) || !bytes.Equal(out.Bytes(), again.Bytes()) {
			t.Fatal("printed twice, another text")
		}
	})
}

func FuzzValue(f *testing.F) {
	seeds(f, func(b []byte) { f.Add(b, false, uint32(3), []byte("some bytes of data"), uint8(0)) })
	s := layouts(f, ".eb")
	for id := range uint32(s.Len()) {
		f.Add(s.Bytes(), true, id, bytes.Repeat([]byte{1, 0, 0xfe}, 50), uint8(id))
	}
	f.Fuzz(func(t *testing.T, b []byte, kernel bool, id uint32, data []byte, how uint8) {
		s := readBoth(b, kernel)
		if s == nil {
			return
		}
		typ, ok := s.Type(ID(id % uint32(s.Len())))
		if !ok {
			t.Fatal("no type")
		}
		o := ValueOptions{JSON: how&1 != 0, SkipNames: how&2 != 0, SkipZeroes: how&4 != 0}
		if how&8 != 0 {
			o.Indent = " "
		}
		var text []byte
		var err error
		fuzztest.Within(t, len(b)+len(data), 8*(valueBase+valuePerByte*uint64(len(data)))+16*uint64(len(b)), func() {
			text, err = AppendValue(nil, typ, data, &o)
		})
		if len(text) > valueBase+valuePerByte*len(data) {
			t.Fatalf("%d bytes of text of %d", len(text), len(data))
		}
		if o.JSON && (err == nil || errors.Is(err, io.ErrUnexpectedEOF)) && !json.Valid(text) {
			t.Fatalf("no JSON: %s", text)
		}
	})
}

func FuzzWriteGo(f *testing.F) {
	seeds(f, func(b []byte) { f.Add(b, false) })
	f.Add(clashes(orders[0]).bytes(), true)
	f.Add(layouts(f, ".eb").Bytes(), true)
	f.Fuzz(func(t *testing.T, b []byte, kernel bool) {
		s := readBoth(b, kernel)
		if s == nil {
			return
		}
		var out bytes.Buffer
		var err error
		fuzztest.Within(t, len(b), printLimit(len(b)), func() {
			out.Reset()
			err = WriteGo(&out, s, nil)
		})
		if most := textBase + textPerByte*len(b); out.Len() > most {
			t.Fatalf("%d bytes of text of %d", out.Len(), len(b))
		}
		if err != nil {
			return
		}
		if text, err := format.Source(out.Bytes()); err != nil || !bytes.Equal(text, out.Bytes()) {
			t.Fatalf("not Go, or not as gofmt has it: %v\n%s", err, out.Bytes())
		}
	})
}

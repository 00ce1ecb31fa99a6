package kconfig

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/fuzztest"
)

// FuzzEncode encodes a configuration value as a variable of any type: as many
// bytes as the type has, which hold the number, or begin like the string.
func FuzzEncode(f *testing.F) {
	s, ids := types(f)
	for _, id := range ids {
		for _, text := range []string{"y", "m", "250", "-1", "0x10", `"text"`, `"`, "", "18446744073709551616", "0777", "+1", "--1"} {
			f.Add(s.Bytes(), uint32(id), text)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, id uint32, text string) {
		types, err := btf.Parse(b)
		if err != nil {
			return
		}
		var got []byte
		fuzztest.Check(t, len(b)+len(text), func() { got, err = Encode(types, btf.ID(id), text) })
		if (err == nil) == (got == nil) {
			t.Fatalf("%x and %v", got, err)
		}
		if err != nil {
			return
		}
		if size, err := types.Sizeof(btf.ID(id)); err != nil || int(size) != len(got) {
			t.Fatalf("%d bytes for a type of %d, %v", len(got), size, err)
		}
		if quoted, ok := strings.CutPrefix(text, `"`); ok {
			if s := strings.TrimRight(string(got), "\x00"); !strings.HasPrefix(quoted, s) || got[len(got)-1] != 0 {
				t.Fatalf("%q became %q", text, got)
			}
			return
		}
		if len(got) > 8 {
			t.Fatalf("%q became %x", text, got)
		}
	})
}

// FuzzEncodeNumber: a number that fits is what its bytes hold, sign-extended
// or not.
func FuzzEncodeNumber(f *testing.F) {
	s, ids := types(f)
	for name := range ids {
		f.Add(name, uint64(1)<<31)
		f.Add(name, uint64(math.MaxUint64))
	}
	f.Fuzz(func(t *testing.T, name string, n uint64) {
		got, err := EncodeNumber(s, ids[name], n)
		if err != nil {
			return
		}
		word := append(got[:len(got):len(got)], make([]byte, 8-len(got))...)
		unsigned := binary.LittleEndian.Uint64(word)
		shift := 64 - 8*len(got)
		if signed := uint64(int64(unsigned<<shift) >> shift); unsigned != n && signed != n {
			t.Errorf("%s: %#x became % x", name, n, got)
		}
	})
}

package elf

import (
	"errors"
	"testing"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/fuzztest"
)

// FuzzMapDefinition declares a map of any numbers: they are what the definition
// says, or there is an error that names the place.
func FuzzMapDefinition(f *testing.F) {
	f.Add(uint32(1), uint32(4), uint32(8), uint32(100), uint32(0), uint32(0), uint32(0), uint32(1))
	for _, n := range []uint32{0, 1, 12, 27, 1 << 16, 1 << 31, 1<<32 - 1} {
		f.Add(n, n, n, n, n, n, n, n)
		f.Add(uint32(2), uint32(4), n, n, uint32(0), n, uint32(0), uint32(0))
	}
	f.Fuzz(func(t *testing.T, typ, key, value, entries, flags, extra, node, pin uint32) {
		b := mapOf([...]uint32{typ, key, value, entries, flags, extra, node, pin})
		var o *Object
		var err error
		fuzztest.Check(t, len(b), func() { o, err = Parse(b) })
		var fe *bin.FormatError
		if err != nil {
			if !errors.As(err, &fe) {
				t.Errorf("error = %v, want a *bin.FormatError", err)
			}
			return
		}
		if len(o.Maps) != 1 {
			t.Fatalf("%d maps", len(o.Maps))
		}
		m := o.Maps[0]
		got := [...]uint32{m.Type, m.KeySize, m.ValueSize, m.MaxEntries, m.Flags, uint32(m.MapExtra), m.NumaNode, m.Pinning}
		if want := [...]uint32{typ, key, value, entries, flags, extra, node, pin}; got != want || m.MapExtra>>32 != 0 {
			t.Errorf("numbers %d, want %d", got, want)
		}
	})
}

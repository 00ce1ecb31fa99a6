package maps

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/sys"
)

// TestCopyTo copies maps of each kind whose elements can be, into values that
// are twice as large and hold the old one behind.
func TestCopyTo(t *testing.T) {
	needKernel(t)
	const n = 700 // more than a batch
	for _, typ := range []Type{Hash, LRUHash, PerCPUHash, LRUPerCPUHash, Array, PerCPUArray, LPMTrie} {
		t.Run(typ.String(), func(t *testing.T) {
			key := uint32(4)
			s := Spec{Type: typ, MaxEntries: n}
			if typ == LPMTrie {
				key, s.Flags = 8, NoPrealloc
			}
			if typ == LRUHash || typ == LRUPerCPUHash {
				s.MaxEntries = 4 * n // it may forget earlier
			}
			s.KeySize, s.ValueSize = key, 4
			from := mustNew(t, &s, nil)
			s.ValueSize = 8
			to := mustNew(t, &s, nil)
			cpus := 1
			if typ.PerCPU() {
				var err error
				if cpus, err = from.cpus(); err != nil {
					t.Fatal(err)
				}
			}
			keyOf := func(i uint32) []byte {
				if typ == LPMTrie {
					return binary.BigEndian.AppendUint32(u32(32), i)
				}
				return u32(i)
			}
			for i := range uint32(n) {
				var value []byte
				for c := range cpus {
					value = append(value, u32(i<<8|uint32(c))...)
					if typ.PerCPU() {
						value = append(value, 0, 0, 0, 0)
					}
				}
				if err := from.Update(keyOf(i), value, Any); err != nil {
					t.Fatal(err)
				}
			}
			got, err := from.CopyTo(to, func(to, from []byte) { copy(to[4:], from) })
			if err != nil || got != n {
				t.Fatalf("copied %d, %v", got, err)
			}
			for i := range uint32(n) {
				value := make([]byte, 8*cpus)
				if err := to.Lookup(keyOf(i), value, Any); err != nil {
					t.Fatal(err)
				}
				var want []byte
				for c := range cpus {
					want = append(append(want, 0, 0, 0, 0), u32(i<<8|uint32(c))...)
				}
				if diff := cmp.Diff(want, value); diff != "" {
					t.Fatalf("element %d (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}

func TestCopyToFails(t *testing.T) {
	needKernel(t)
	from := mustNew(t, &Spec{Type: Hash, KeySize: 4, ValueSize: 4, MaxEntries: 8}, nil)
	for i := range uint32(3) {
		if err := from.Put(i, i); err != nil {
			t.Fatal(err)
		}
	}
	small := mustNew(t, &Spec{Type: Hash, KeySize: 4, ValueSize: 4, MaxEntries: 2}, nil)
	if n, err := from.CopyTo(small, nil); n != 2 || !errors.Is(err, sys.E2BIG) {
		t.Errorf("into too small a map: %d, %v", n, err)
	}
	other := mustNew(t, &Spec{Type: Hash, KeySize: 8, ValueSize: 4, MaxEntries: 8}, nil)
	if _, err := from.CopyTo(other, nil); err == nil {
		t.Error("into a map with other keys: no error")
	}
}

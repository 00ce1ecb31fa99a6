// Package upgrade decides what becomes of pinned maps and links when a new
// version of their object is loaded. It is pure: it compares descriptions.
package upgrade

import (
	"fmt"

	"github.com/skepbpf/skep/btf"
)

// Known is a yes or no that the kernel may not tell.
type Known uint8

// The answers; the zero value is that there is none.
const (
	Untold Known = iota
	No
	Yes
)

// Contents says what can be done about the elements of a map.
type Contents uint8

const (
	// Kept elements cannot be read out by keys: they go with their map.
	Kept Contents = iota
	// Copied elements can be read and stored again.
	Copied
	// Given elements are put in by those who use the map: nothing of it
	// outlives them.
	Given
	// Loaded elements are the object's own: programs, inner maps, constants.
	Loaded
)

// Map describes a map: one that is wanted, or one that is pinned.
type Map struct {
	Type       uint32
	TypeName   string
	ID         uint32 // of a pinned one
	KeySize    uint32
	ValueSize  uint32
	MaxEntries uint32
	Flags      uint32 // without those that the kernel adds
	Extra      uint64
	Frozen     Known
	Contents   Contents
	// Loose flags do not change what the elements are.
	Loose uint32
	// Types hold Key and Value; nil if they are not known.
	Types      *btf.Spec
	Key, Value btf.ID
	NoTypes    error // why Types are not known, if the kernel did not tell
	// Inner is the form of the maps in a map of maps; nil if it is not known.
	Inner *Map
	// FixedSize: an inner map of another size is another one to the verifier.
	FixedSize bool
}

// Difference is a property in which a pinned map is not what is wanted.
type Difference struct {
	// Property is "type", "key size", "value size", "max entries", "flags",
	// "map extra", "frozen", "key layout" or "value layout", of inner maps with
	// "inner " before it.
	Property   string
	Want, Have string
}

func (d Difference) String() string { return d.Property + " is " + d.Have + ", not " + d.Want }

// Compare lists how have differs from want; none means that it can stand in.
// What is not known of one of them is no difference.
func Compare(want, have *Map) []Difference {
	ds := compare(want, have)
	if want.Inner == nil || have.Inner == nil {
		return ds
	}
	w, h := *want.Inner, *have.Inner
	// As bpf_map_meta_equal and array_map_meta_equal of the kernel.
	if w.Extra, w.Frozen = h.Extra, Untold; !w.FixedSize {
		w.MaxEntries = h.MaxEntries
	}
	for _, d := range compare(&w, &h) {
		d.Property = "inner " + d.Property
		ds = append(ds, d)
	}
	return ds
}

func compare(want, have *Map) (ds []Difference) {
	if want.Type != have.Type {
		ds = differ(ds, "type", want.TypeName, have.TypeName)
	}
	for _, n := range [...]struct {
		property, format string
		want, have       uint64
	}{
		{"key size", "%d", uint64(want.KeySize), uint64(have.KeySize)},
		{"value size", "%d", uint64(want.ValueSize), uint64(have.ValueSize)},
		{"max entries", "%d", uint64(want.MaxEntries), uint64(have.MaxEntries)},
		{"flags", "%#x", uint64(want.Flags), uint64(have.Flags)},
		{"map extra", "%#x", want.Extra, have.Extra},
	} {
		if n.want != n.have {
			ds = differ(ds, n.property, fmt.Sprintf(n.format, n.want), fmt.Sprintf(n.format, n.have))
		}
	}
	if want.Frozen != have.Frozen && want.Frozen != Untold && have.Frozen != Untold {
		ds = differ(ds, "frozen", want.Frozen.String(), have.Frozen.String())
	}
	for _, l := range [...]struct {
		property   string
		want, have btf.ID
		same       bool // size
	}{
		{"key layout", want.Key, have.Key, want.KeySize == have.KeySize},
		{"value layout", want.Value, have.Value, want.ValueSize == have.ValueSize},
	} {
		if !l.same || want.Types == nil || have.Types == nil || l.want == 0 || l.have == 0 {
			continue
		}
		s := shapes{want.Types, have.Types, maxSteps}
		if at, w, h := s.differ(l.want, l.have, "", 0); w != h {
			ds = differ(ds, l.property, at+w, at+h)
		}
	}
	return ds
}

// differ is not inlined for the size of programs.
//
//go:noinline
func differ(ds []Difference, property, want, have string) []Difference {
	return append(ds, Difference{property, want, have})
}

// String is "yes", "no" or "unknown".
func (k Known) String() string { return [...]string{"unknown", "no", "yes"}[min(k, Yes)] }

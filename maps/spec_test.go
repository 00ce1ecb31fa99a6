package maps

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/feature"
)

// blob is BTF made by hand: u32 is type 1, u64 type 2, and struct {u32 a; u64 b}
// type 3. Little or big endian as the machine.
func blob(t testing.TB) *btf.Spec {
	t.Helper()
	o := binary.NativeEndian
	strs := "\x00u32\x00u64\x00pair\x00a\x00b\x00"
	word := func(b []byte, ws ...uint32) []byte {
		for _, w := range ws {
			b = o.AppendUint32(b, w)
		}
		return b
	}
	var types []byte
	types = word(types, 1, 1<<24, 4, 32)
	types = word(types, 5, 1<<24, 8, 64)
	types = word(types, 9, 4<<24|2, 16, 14, 1, 0, 16, 2, 64)
	b := o.AppendUint16(nil, 0xeb9f)
	b = append(b, 1, 0)
	b = word(b, 24, 0, uint32(len(types)), uint32(len(types)), uint32(len(strs)))
	s, err := btf.Parse(append(append(b, types...), strs...))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func lacking(ids ...feature.ID) *feature.Set {
	f := new(feature.Set)
	for _, id := range ids {
		f.Learn(id, feature.No)
	}
	return f
}

func TestSpecFor(t *testing.T) {
	types := blob(t)
	full := Spec{Name: "m", Type: Array, KeySize: 4, ValueSize: 16, MaxEntries: 1, Flags: Mmapable, Types: types, Key: 1, Value: 3}
	with := func(change func(*Spec)) Spec { s := *full.Copy(); change(&s); return s }
	bare := func(s *Spec) { s.Types, s.Key, s.Value = nil, 0, 0 }
	for _, tt := range []struct {
		name string
		spec Spec
		set  *feature.Set
		want Spec
		lost []string
	}{
		{"nothing known", full, nil, full, nil},
		{"no names", full, lacking(feature.ProgName), with(func(s *Spec) { s.Name = "" }),
			[]string{"name: program and map names: not supported by this kernel (needs Linux 4.15)"}},
		{"no mmap", full, lacking(feature.ArrayMmap), with(func(s *Spec) { s.Flags = 0 }),
			[]string{"flag Mmapable: mmap of array maps: not supported by this kernel (needs Linux 5.5)"}},
		{"arena keeps its flag", Spec{Type: Arena, Flags: Mmapable}, lacking(feature.ArrayMmap), Spec{Type: Arena, Flags: Mmapable}, nil},
		{"no BTF", full, lacking(feature.BTF), with(bare),
			[]string{"BTF: BTF: not supported by this kernel (needs Linux 4.18)"}},
		{"value size changed", with(func(s *Spec) { s.ValueSize = 8 }), nil, with(func(s *Spec) { s.ValueSize = 8; bare(s) }),
			[]string{"BTF: the value's type does not have 8 bytes"}},
		{"key size changed", with(func(s *Spec) { s.Key = 2 }), nil, with(bare),
			[]string{"BTF: the key's type does not have 4 bytes"}},
		{"key open in an array", with(func(s *Spec) { s.Key = 0 }), nil, with(func(s *Spec) { s.Key = 0 }), nil},
		{"key open in a hash", with(func(s *Spec) { s.Key, s.Type = 0, Hash }), nil, with(func(s *Spec) { bare(s); s.Type = Hash }),
			[]string{"BTF: no type for the key"}},
		{"type without BTF", with(func(s *Spec) { s.Type = StackTrace }), nil, with(func(s *Spec) { bare(s); s.Type = StackTrace }), nil},
		{"inner", Spec{Type: ArrayOfMaps, Inner: &Spec{Type: Array, Flags: Mmapable}}, lacking(feature.ArrayMmap),
			Spec{Type: ArrayOfMaps, Inner: &Spec{Type: Array}},
			[]string{"inner map: flag Mmapable: mmap of array maps: not supported by this kernel (needs Linux 5.5)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := *tt.spec.Copy()
			got, lost := tt.spec.For(tt.set)
			sameTypes := cmp.Comparer(func(a, b *btf.Spec) bool { return a == b })
			if d := cmp.Diff(&tt.want, got, sameTypes, cmpopts.EquateEmpty()); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(tt.lost, lost); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(before, tt.spec, sameTypes); d != "" {
				t.Errorf("the spec was changed: %s", d)
			}
		})
	}
}

func TestSpecValidate(t *testing.T) {
	for _, tt := range []struct {
		name string
		spec *Spec
		want string
	}{
		{"good", &Spec{Type: Hash, KeySize: 4, ValueSize: 4, MaxEntries: 1}, ""},
		{"nil", nil, "Spec: is nil"},
		{"no type", &Spec{}, "Type: not set"},
		{"unknown type", &Spec{Type: 1000, KeySize: 4}, ""},
		{"queue with keys", &Spec{Type: Queue, KeySize: 4}, "KeySize: 4, but a Queue has no keys"},
		{"ring with values", &Spec{Type: RingBuf, ValueSize: 4}, "ValueSize: 4, but a RingBuf has no values"},
		{"storage with a limit", &Spec{Type: TaskStorage, MaxEntries: 1}, "MaxEntries: 1, but a TaskStorage has no such limit: leave it 0"},
		{"outer without inner", &Spec{Type: HashOfMaps}, "Inner: not set, but a HashOfMaps holds maps"},
		{"inner in a hash", &Spec{Type: Hash, Inner: &Spec{}}, "Inner: set, but a Hash holds no maps"},
		{"three levels", &Spec{Type: ArrayOfMaps, Inner: &Spec{Type: ArrayOfMaps, Inner: &Spec{Type: Array}}}, "inner map: Inner: a map of maps cannot hold maps of maps"},
		{"bad inner", &Spec{Type: ArrayOfMaps, Inner: &Spec{}}, "inner map: Type: not set"},
		{"id without types", &Spec{Type: Hash, Key: 1}, "Types: not set, but Key or Value is"},
		{"contents", &Spec{Type: Array, MaxEntries: 1, ValueSize: 4, Contents: make([]byte, 3)}, "Contents: 3 bytes for values of 4"},
		{"contents of a hash", &Spec{Type: Hash, MaxEntries: 1, Contents: make([]byte, 3)}, "Contents: only an Array or PerCPUArray of one element takes them"},
		{"pin without a name", &Spec{Type: Hash, Pinning: ByName}, `Name: "" cannot be a file name to pin by`},
		{"pin outside", &Spec{Type: Hash, Pinning: ByName, Name: "../x"}, `Name: "../x" cannot be a file name to pin by`},
		{"pinning", &Spec{Type: Hash, Pinning: 7}, "Pinning: unknown value 7"},
		{"hash", &Spec{Type: Hash, ExclusiveHash: []byte{1}}, "ExclusiveHash: 1 bytes, want 32"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.spec.Validate()
			var se *SpecError
			switch {
			case tt.want == "" && err != nil, tt.want != "" && (err == nil || err.Error() != tt.want):
				t.Errorf("got %v, want %q", err, tt.want)
			case tt.want != "" && !errors.As(err, &se):
				t.Errorf("%T is no *SpecError", err)
			}
			if _, err := New(tt.spec, nil); tt.want != "" && (err == nil || !strings.HasSuffix(err.Error(), tt.want)) {
				t.Errorf("New: %v", err)
			}
		})
	}
}

func TestSpecCompare(t *testing.T) {
	s := &Spec{Type: DevMap, KeySize: 4, ValueSize: 8, MaxEntries: 2, Flags: ReadOnly}
	if d := s.Compare(&Info{Type: DevMap, KeySize: 4, ValueSize: 8, MaxEntries: 2, Flags: ReadOnlyProg}); len(d) != 0 {
		t.Errorf("flags of the kernel's or the descriptor's own count: %v", d)
	}
	got := s.Compare(&Info{Type: Hash, KeySize: 8, ValueSize: 4, MaxEntries: 3, Flags: NoPrealloc, MapExtra: 1})
	want := []Difference{
		{Property: "type", Want: "DevMap", Have: "Hash"}, {Property: "key size", Want: "4", Have: "8"}, {Property: "value size", Want: "8", Have: "4"},
		{Property: "max entries", Want: "2", Have: "3"}, {Property: "flags", Want: "0x0", Have: "0x1"}, {Property: "map extra", Want: "0x0", Have: "0x1"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	const text = "pinned map /p is another: type is Hash, not DevMap, key size is 8, not 4"
	if e := (&IncompatibleError{"/p", want[:2]}).Error(); e != text {
		t.Error(e)
	}
}

func TestTypeString(t *testing.T) {
	seen := map[string]bool{}
	for typ := Unspecified; int(typ) < len(typeTable); typ++ {
		if s := typ.String(); s == "" || seen[s] {
			t.Errorf("type %d is %q", uint32(typ), s)
		} else {
			seen[s] = true
		}
	}
	if got := Type(999).String(); got != "Type(999)" {
		t.Error(got)
	}
}

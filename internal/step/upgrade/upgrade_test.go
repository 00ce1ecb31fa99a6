package upgrade

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/elf"
	"github.com/skepbpf/skep/internal/fuzztest"
)

// layouts is the BTF of the pairs of testdata/layouts.c, in both byte orders.
func layouts(t testing.TB) map[string]*btf.Spec {
	t.Helper()
	all := map[string]*btf.Spec{}
	for _, order := range []string{"el", "eb"} {
		b, err := os.ReadFile("../../../testdata/layouts." + order + ".o")
		if err != nil {
			t.Fatal(err)
		}
		o, err := elf.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		all[order] = o.Types
	}
	return all
}

// hash is one with values of a struct of layouts.c.
func hash(t testing.TB, s *btf.Spec, name string) *Map {
	t.Helper()
	m := &Map{Type: 1, TypeName: "Hash", KeySize: 4, MaxEntries: 8, Contents: Copied, Types: s, Loose: 1}
	st, ok := s.ByName(name, btf.KindStruct)
	if !ok {
		t.Fatalf("no struct %s", name)
	}
	m.Value, m.ValueSize = st.ID(), st.Size()
	return m
}

// TestLayouts says of each change of a value whether a pinned map is reused,
// and else whether and how its elements are taken over.
func TestLayouts(t *testing.T) {
	for _, tt := range []struct {
		name   string
		differ string // of types of the same size
		moves  string // from>to:size of the conversion, or its error
	}{
		{"same", "", "0>0:24"},
		{"renamed", "", "0>0:16"},
		{"swapped", "value layout is member packets at byte 0, not member bytes at byte 0", "0>8:8 8>0:8"},
		{"split", "value layout is member low: unsigned long long (8 bytes), not member low: unsigned int (4 bytes)", "member packets is gone"},
		{"appended", "value size", "0>0:8 8>8:4"},
		{"inserted", "value size", "0>8:8 8>16:8"},
		{"padding", "value layout is member packets at byte 8, not member more at byte 1", "0>0:1 8>8:8"},
		{"widened", "value size", "0>0:4u8 4>8:4s8 8>16:2"},
		{"narrowed", "value size", "member bytes was unsigned long long (8 bytes) and is to be unsigned int (4 bytes)"},
		{"dropped", "value size", "member bytes is gone"},
		{"retyped", "value size", "member id was unsigned long long (8 bytes) and is to be struct pair (8 bytes)"},
		{"array", "value size", "0>0:16 16>32:16"},
		{"shrunk", "value size", "member hist was __u32[8] (32 bytes) and is to be __u32[4] (16 bytes)"},
		{"nested", "value size", "0>0:4 4>8:4"},
		{"unions", "value size", "member un was union (anon) (4 bytes) and is to be union (anon) (8 bytes)"},
		{"anonymous", "value size", "0>8:4 4>12:4"},
		{"bits", "value size", "0>0:1 0>0:1 4>4:4"},
		{"bitmove", "value size", "member a is a bit field that moves"},
		{"lock", "value size", "0>0:4 4>4:4"},
		{"timer", "value size", "it holds a struct bpf_timer"},
		{"kptr", "value size", "it holds a kptr"},
	} {
		for order, s := range layouts(t) {
			t.Run(tt.name+"/"+order, func(t *testing.T) {
				want, have := hash(t, s, tt.name+"_new"), hash(t, s, tt.name+"_old")
				got := list(Compare(want, have))
				if !strings.HasPrefix(got, tt.differ) || (got == "") != (tt.differ == "") {
					t.Errorf("differences %q, want %q", got, tt.differ)
				}
				c, err := convert(want, have)
				if text := movesText(c, err); text != tt.moves {
					t.Errorf("conversion %q, want %q", text, tt.moves)
				}
			})
		}
	}
}

func movesText(c Conversion, err error) string {
	if err != nil {
		return err.Error()
	}
	var parts []string
	for _, m := range c {
		s := fmt.Sprintf("%d>%d:%d", m.From, m.To, m.Size)
		if m.Grown != 0 {
			s += fmt.Sprintf("%s%d", map[bool]string{true: "s", false: "u"}[m.Signed], m.Grown)
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, " ")
}

// TestForMap has what becomes of a pinned map.
func TestForMap(t *testing.T) {
	s := layouts(t)["el"]
	base := hash(t, s, "same_old")
	with := func(f func(*Map)) *Map { m := *base; f(&m); return &m }
	for _, tt := range []struct {
		name       string
		want, have *Map
		action     Action
		loses      bool
		why        string
	}{
		{"nothing there", base, nil, Create, false, ""},
		{"the same", hash(t, s, "same_new"), base, Reuse, false, ""},
		{"names alone differ", hash(t, s, "renamed_new"), hash(t, s, "renamed_old"), Reuse, false, ""},
		{"room for more", with(func(m *Map) { m.MaxEntries = 16 }), base, Migrate, false, "max entries is 8, not 16"},
		{"room for less", with(func(m *Map) { m.MaxEntries = 4 }), base, Recreate, true, "max entries is 8, not 4: all elements may not fit"},
		{"allocated at need", with(func(m *Map) { m.Flags = 1 }), base, Migrate, false, "flags is 0x0, not 0x1"},
		{"another flag", with(func(m *Map) { m.Flags = 2 }), base, Recreate, true, "flags is 0x0, not 0x2: these flags change what its elements are"},
		{"a larger value", hash(t, s, "appended_new"), hash(t, s, "appended_old"), Migrate, false, "value size is 16, not 24"},
		{"a member less", hash(t, s, "dropped_new"), hash(t, s, "dropped_old"), Recreate, true, "value size is 16, not 8: member bytes is gone"},
		{"a larger value, no BTF", with(func(m *Map) { m.ValueSize = 32; m.Types = nil }), base, Recreate, true,
			"value size is 24, not 32: no BTF says what is where in its values"},
		{"more room, no BTF", with(func(m *Map) { m.MaxEntries = 9; m.Types = nil }), base, Migrate, false, "max entries is 8, not 9"},
		{"another key", with(func(m *Map) { m.KeySize = 8 }), base, Recreate, true, "key size is 4, not 8: its elements are no others' of another key size"},
		{"another type", with(func(m *Map) { m.Type, m.TypeName = 2, "Array" }), base, Recreate, true,
			"type is Hash, not Array: its elements are no others' of another type"},
		{"frozen", with(func(m *Map) { m.Frozen = No }), with(func(m *Map) { m.Frozen = Yes }), Migrate, false, "frozen is yes, not no"},
		{"frozen, perhaps", with(func(m *Map) { m.Frozen = No }), base, Reuse, false, ""},
		{"a queue", with(func(m *Map) { m.MaxEntries, m.Contents = 9, Kept }), with(func(m *Map) { m.Contents = Kept; m.TypeName = "Queue" }), Recreate, true,
			"max entries is 8, not 9: elements of a Queue cannot be copied"},
		{"a ring", with(func(m *Map) { m.MaxEntries, m.Contents = 9, Given }), with(func(m *Map) { m.Contents = Given }), Recreate, false, "max entries is 8, not 9"},
		{"programs", with(func(m *Map) { m.Contents = Loaded }), with(func(m *Map) { m.Contents = Loaded }), Recreate, false,
			"what is in it comes from the object, and is not changed while old programs use it"},
		{"inner maps", with(func(m *Map) { m.Inner = with(func(m *Map) { m.ValueSize, m.MaxEntries = 32, 99 }) }), with(func(m *Map) { m.Inner = base }), Recreate, true,
			"inner value size is 24, not 32: its elements are no others' of another inner value size"},
		{"inner maps of another size", with(func(m *Map) { m.Inner = with(func(m *Map) { m.MaxEntries = 99 }) }), with(func(m *Map) { m.Inner = base }), Reuse, false, ""},
		{"inner arrays of another size", with(func(m *Map) { m.Inner = with(func(m *Map) { m.MaxEntries, m.FixedSize = 99, true }) }), with(func(m *Map) { m.Inner = base }), Recreate, true,
			"inner max entries is 8, not 99: its elements are no others' of another inner max entries"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := ForMap("counts", "/pins/counts", tt.want, tt.have)
			if d.Action != tt.action || d.Loses != tt.loses || d.Why != tt.why {
				t.Errorf("%v, want %v, loses %v: %q", d, tt.action, tt.loses, tt.why)
			}
		})
	}
}

func TestForLink(t *testing.T) {
	for _, tt := range []struct {
		name string
		have *Link
		want string
	}{
		{"nothing there", nil, "link p: create /l/p"},
		{"updatable", &Link{Type: "xdp", Updatable: true, ProgType: "XDP"}, "link p: update /l/p: a xdp link takes another program in one step"},
		{"fixed", &Link{Type: "perf_event"}, "link p: recreate /l/p: a perf_event link keeps its program: both run for a moment"},
		{"another type", &Link{Type: "tcx", Updatable: true, ProgType: "SchedCLS"}, "link p: recreate /l/p: its program is a SchedCLS, not a XDP"},
	} {
		if diff := cmp.Diff(tt.want, ForLink("p", "/l/p", "XDP", tt.have).String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestApply(t *testing.T) {
	le := func(v ...byte) []byte { // in this machine's order
		if isBig() {
			for i, j := 0, len(v)-1; i < j; i, j = i+1, j-1 {
				v[i], v[j] = v[j], v[i]
			}
		}
		return v
	}
	from := append(append(le(1, 0, 0, 0x80), le(0xfe, 0xff, 0xff, 0xff)...), 7, 8)
	to := make([]byte, 24)
	Conversion{{0, 0, 4, 8, false}, {4, 8, 4, 8, true}, {8, 17, 2, 0, false}}.Apply(to, from)
	want := append(append(le(1, 0, 0, 0x80, 0, 0, 0, 0), le(0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)...), 0, 7, 8, 0, 0, 0, 0, 0)
	if diff := cmp.Diff(want, to); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// FuzzConvert holds that hostile BTF gives an error, or moves within the values.
func FuzzConvert(f *testing.F) {
	s := layouts(f)["el"]
	f.Add(s.Bytes(), uint32(3), uint32(5), uint32(64))
	f.Fuzz(func(t *testing.T, b []byte, want, have, size uint32) {
		types, err := btf.Parse(b)
		if err != nil {
			return
		}
		size %= 1 << 12
		w := &Map{Contents: Copied, Types: types, Value: btf.ID(want), ValueSize: size}
		h := &Map{Contents: Copied, Types: types, Value: btf.ID(have), ValueSize: 64}
		var c Conversion
		fuzztest.Check(t, len(b), func() {
			Compare(w, h)
			c, err = convert(w, h)
		})
		if err == nil {
			c.Apply(make([]byte, w.ValueSize), make([]byte, h.ValueSize))
		} else if c != nil {
			t.Error("moves beside an error")
		}
	})
}

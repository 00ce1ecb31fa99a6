package kconfig

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/btf"
)

// types of the tests, by their C names.
func types(t testing.TB) (*btf.Spec, map[string]btf.ID) {
	t.Helper()
	blob := []byte{0x9f, 0xeb, 1, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}
	empty, err := btf.Parse(blob)
	if err != nil {
		t.Fatal(err)
	}
	e := empty.Edit()
	ids := map[string]btf.ID{
		"int":   e.AddInt("int", 4, btf.IntSigned),
		"u32":   e.AddInt("unsigned int", 4, 0),
		"u64":   e.AddInt("unsigned long", 8, 0),
		"s16":   e.AddInt("short", 2, btf.IntSigned),
		"char":  e.AddInt("char", 1, btf.IntSigned|btf.IntChar),
		"bool":  e.AddInt("_Bool", 1, btf.IntBool),
		"odd":   e.AddInt("odd", 16, 0),
		"bool4": e.AddInt("bool4", 4, btf.IntBool),
	}
	s, err := e.Spec()
	if err != nil {
		t.Fatal(err)
	}
	// What the editor does not add is written by hand behind it.
	s, more := extend(t, s, ids["char"], ids["u32"])
	for n, id := range more {
		ids[n] = id
	}
	return s, ids
}

// extend appends char[4], enum libbpf_tristate, another enum, and a typedef of
// u32.
func extend(t testing.TB, s *btf.Spec, char, u32 btf.ID) (*btf.Spec, map[string]btf.ID) {
	t.Helper()
	b := s.Bytes()
	le := binary.LittleEndian
	typeLen, strOff, strLen := le.Uint32(b[12:]), le.Uint32(b[16:]), le.Uint32(b[20:])
	strs := append([]byte(nil), b[24+strOff:24+strOff+strLen]...)
	str := func(s string) uint32 {
		off := uint32(len(strs))
		strs = append(append(strs, s...), 0)
		return off
	}
	var add []byte
	words := func(w ...uint32) {
		for _, x := range w {
			add = le.AppendUint32(add, x)
		}
	}
	next := btf.ID(s.Len())
	ids := map[string]btf.ID{"char4": next, "tristate": next + 1, "enum": next + 2, "typedef": next + 3, "char0": next + 4}
	words(0, 3<<24, 0, uint32(char), uint32(u32), 4)
	words(str("libbpf_tristate"), 6<<24|1, 4, str("TRI_NO"), 0)
	words(str("color"), 6<<24|1, 4, str("RED"), 0)
	words(str("__u32"), 8<<24, uint32(u32))
	words(0, 3<<24, 0, uint32(char), uint32(u32), 0)
	out := append([]byte(nil), b[:24]...)
	out = append(append(out, b[24:24+typeLen]...), add...)
	le.PutUint32(out[12:], typeLen+uint32(len(add)))
	le.PutUint32(out[16:], typeLen+uint32(len(add)))
	le.PutUint32(out[20:], uint32(len(strs)))
	spec, err := btf.Parse(append(out, strs...))
	if err != nil {
		t.Fatal(err)
	}
	return spec, ids
}

func TestEncode(t *testing.T) {
	spec, ids := types(t)
	for _, tt := range []struct {
		typ, text string
		want      string // hex, or "" for an error
	}{
		{"bool", "y", "01"},
		{"bool", "n", "00"},
		{"bool", "m", ""}, // a bool cannot say "module"
		{"bool", "1", ""}, // libbpf does not take it either
		{"bool", "yes", ""},
		{"tristate", "y", "01000000"},
		{"tristate", "m", "02000000"},
		{"tristate", "n", "00000000"},
		{"tristate", "1", ""},
		{"char", "m", "6d"},
		{"char", "127", "7f"},
		{"char", "-1", "ff"},
		{"char", "128", ""},
		{"int", "y", ""},
		{"int", "1000", "e8030000"},
		{"int", "0x10", "10000000"},
		{"int", "010", "08000000"},
		{"int", "0X1f", "1f000000"},
		{"int", "0o17", ""},
		{"int", "0b1", ""},
		{"int", "1_000", ""},
		{"int", "--1", ""},
		{"int", " 1", ""},
		{"int", "1 ", ""},
		{"int", "-0x80000000", "00000080"},
		{"int", "-0x80000001", ""},
		{"int", "-2", "feffffff"},
		{"int", "0x80000000", ""},
		{"u32", "0xffffffff", "ffffffff"},
		{"u32", "0x100000000", ""},
		{"u32", "-1", ""},
		{"typedef", "7", "07000000"}, // types are found through typedefs
		{"u64", "0xffffffffffffffff", "ffffffffffffffff"},
		{"u64", "0x10000000000000000", ""},
		{"s16", "-32768", "0080"},
		{"s16", "-32769", ""},
		{"s16", "32767", "ff7f"},
		{"char4", `"ab"`, "61620000"},
		{"char4", `"abcdef"`, "61626300"}, // cut, and ended by a NUL
		{"char4", `""`, "00000000"},
		{"char4", `"`, ""},
		{"char4", `"ab`, ""},
		{"char4", "3", ""},
		{"int", `"ab"`, ""},
		{"int", "ab", ""},
		{"int", "", ""},
		{"enum", "y", ""},
		{"odd", "1", ""},
		{"bool4", "y", ""},
		{"char0", `""`, ""},
	} {
		b, err := Encode(spec, ids[tt.typ], tt.text)
		got := fmt.Sprintf("%x", b)
		if (err != nil) != (tt.want == "") || got != tt.want {
			t.Errorf("Encode(%s, %s) = %s, %v, want %s", tt.typ, tt.text, got, err, tt.want)
		}
	}
}

func TestEncodeNumber(t *testing.T) {
	spec, ids := types(t)
	b, err := EncodeNumber(spec, ids["typedef"], 0x061200)
	if diff := cmp.Diff([]byte{0, 0x12, 6, 0}, b); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if _, err := EncodeNumber(spec, ids["char4"], 1); err == nil {
		t.Error("a number in a char array")
	}
	if b, err := EncodeNumber(spec, ids["bool"], 1); err != nil || len(b) != 1 || b[0] != 1 {
		t.Error("a fact about the kernel as a bool", b, err)
	}
	if _, err := EncodeNumber(spec, ids["bool"], 2); err == nil {
		t.Error("2 in a bool")
	}
	if _, err := EncodeNumber(spec, 9999, 1); err == nil {
		t.Error("a type that is not there")
	}
}

func TestIsOption(t *testing.T) {
	if !IsOption("CONFIG_HZ") || IsOption(KernelVersion) {
		t.Error("options start with CONFIG_")
	}
	if !MayBeUnknown("CONFIG_X") || !MayBeUnknown("LINUX_HAS_WINGS") || MayBeUnknown("CONIFG_X") {
		t.Error("what may be unknown starts with CONFIG_ or LINUX_")
	}
}

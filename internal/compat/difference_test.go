package compat

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

// slots encodes instructions as (opcode, src, off, imm).
func slots(in ...[4]int) []byte {
	var b []byte
	for _, i := range in {
		regs := byte(i[1]) << 4
		if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
			regs = byte(i[1])
		}
		b = append(b, byte(i[0]), regs)
		b = binary.NativeEndian.AppendUint16(b, uint16(i[2]))
		b = binary.NativeEndian.AppendUint32(b, uint32(i[3]))
	}
	return b
}

// TestDifference shows that the comparison sees what it should, and no more.
func TestDifference(t *testing.T) {
	const exit = 0x95
	// 0: call f; 1: call g; 2: wide load of map m; 4: exit; 5: f: call 1, exit; 7: g: exit
	base := func() *image {
		return &image{
			Type: 1, License: "GPL", Funcs: []uint32{0, 5, 7}, Lines: 3, Refs: map[int]string{2: "m"},
			Insns: slots([4]int{opCall, pseudoCall, 0, 4}, [4]int{opCall, pseudoCall, 0, 5}, [4]int{opWide, 1, 0, 0}, [4]int{}, [4]int{exit},
				[4]int{opCall, 0, 0, 1}, [4]int{exit}, [4]int{exit}),
		}
	}
	tests := []struct {
		name string
		edit func(*image)
		want string // part of the difference; "" = none
	}{
		{"equal", func(*image) {}, ""},
		{"subprograms in another order", func(im *image) {
			im.Insns = slots([4]int{opCall, pseudoCall, 0, 5}, [4]int{opCall, pseudoCall, 0, 3}, [4]int{opWide, 1, 0, 0}, [4]int{}, [4]int{exit},
				[4]int{exit}, [4]int{opCall, 0, 0, 1}, [4]int{exit})
			im.Funcs = []uint32{0, 5, 6}
		}, ""},
		{"calls swapped", func(im *image) {
			im.Insns = slots([4]int{opCall, pseudoCall, 0, 6}, [4]int{opCall, pseudoCall, 0, 3}, [4]int{opWide, 1, 0, 0}, [4]int{}, [4]int{exit},
				[4]int{opCall, 0, 0, 1}, [4]int{exit}, [4]int{exit})
		}, "slots"},
		{"one function for two", func(im *image) { copy(im.Insns[8:], slots([4]int{opCall, pseudoCall, 0, 3})) }, "libbpf another"},
		{"immediate", func(im *image) { im.Insns[5*8+4]++ }, "slot 5"},
		{"second half of a wide load", func(im *image) { im.Insns[3*8+4]++ }, "slot 3"},
		{"another map", func(im *image) { im.Refs[2] = "other" }, "map"},
		{"no map", func(im *image) { delete(im.Refs, 2) }, "map"},
		{"attach type", func(im *image) { im.Attach = 9 }, "attach type"},
		{"flags", func(im *image) { im.Flags = 16 }, "flags"},
		{"attach_btf_id", func(im *image) { im.AttachBTF = 5 }, "attach_btf_id"},
		{"license", func(im *image) { im.License = "MIT" }, "license"},
		{"line info", func(im *image) { im.Lines = 2 }, "line_info"},
		{"func info", func(im *image) { im.Funcs = im.Funcs[:2] }, "func_info"},
		{"shorter", func(im *image) { im.Insns = im.Insns[:len(im.Insns)-8] }, "slots"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			im := base()
			tt.edit(im)
			got := difference(im, base())
			if (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	t.Run("loader's own number of something unresolved", func(t *testing.T) {
		a, b := base(), base()
		a.Insns = slices.Clone(a.Insns)
		copy(a.Insns[5*8:], slots([4]int{opCall, 0, 0, unresolvedKfunc + 3}))
		copy(b.Insns[5*8:], slots([4]int{opCall, 0, 0, unresolvedKfunc}))
		if d := difference(a, b); d != "" {
			t.Error(d)
		}
		copy(b.Insns[5*8:], slots([4]int{opCall, 0, 0, unresolvedMap}))
		if difference(a, b) == "" {
			t.Error("an unresolved map passed for an unresolved kfunc")
		}
	})
}

package elf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/skepbpf/skep/internal/bin"
)

func readObject(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wantFormatError fails unless err says which bytes are wrong.
func wantFormatError(t *testing.T, err error) {
	t.Helper()
	var fe *bin.FormatError
	if !errors.As(err, &fe) {
		t.Errorf("error = %v, want a *bin.FormatError", err)
	}
}

func TestTruncated(t *testing.T) {
	b := readObject(t, "forms.el.o")
	for n := range b {
		o, err := Parse(b[:n:n])
		if err == nil || o != nil {
			t.Fatalf("no error for the first %d of %d bytes", n, len(b))
		}
		wantFormatError(t, err)
	}
}

func TestBitFlips(t *testing.T) {
	for _, name := range []string{"forms.el.o", "forms.eb.o", "nobtf.el.o", "jumps.el.o"} {
		b := readObject(t, name)
		rnd := rand.New(rand.NewPCG(1, 2))
		for at := range b {
			bit := byte(1) << rnd.UintN(8)
			b[at] ^= bit
			o, err := Parse(b)
			switch {
			case err != nil:
				wantFormatError(t, err)
			default:
				dump(o) // all of it can be read
			}
			b[at] ^= bit
		}
	}
}

// TestSameObject: the same bytes give the same Object, from memory or a reader.
func TestSameObject(t *testing.T) {
	b := readObject(t, "forms.el.o")
	o, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	want := dump(o)
	for range 10 {
		o, err := Read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, dump(o)); d != "" {
			t.Fatalf("second parse differs (-first +second):\n%s", d)
		}
	}
}

// rel makes one relocation.
func rel(off uint64, sym uint32, typ uint32) []byte {
	b := binary.LittleEndian.AppendUint64(nil, off)
	return binary.LittleEndian.AppendUint64(b, uint64(sym)<<32|uint64(typ))
}

// insns makes code of slots: opcode, registers, offset and immediate.
func insns(slots ...[4]int32) []byte {
	var b []byte
	for _, s := range slots {
		b = append(b, byte(s[0]), byte(s[1]))
		b = binary.LittleEndian.AppendUint16(b, uint16(s[2]))
		b = binary.LittleEndian.AppendUint32(b, uint32(s[3]))
	}
	return b
}

var (
	opExit = [4]int32{0x95}
	opCall = [4]int32{0x85, 0x10, 0, -1}
	opMov  = [4]int32{0xb7}
	opWide = [4]int32{0x18}
	opNone = [4]int32{}
)

const (
	localFunc  = 0x02
	globalFunc = 0x12
	globalData = 0x11
	undefined  = 0x10
)

// one makes an object with a section of code and relocations of it; edit adds
// to it.
func one(code []byte, rels []byte, edit func(b *builder, sec uint16)) []byte {
	b := &builder{}
	sec := b.section(madeSection{name: "tc", typ: 1, flags: exec, data: code})
	if rels != nil {
		b.section(madeSection{name: ".reltc", typ: 9, info: uint32(sec), ent: 16, data: rels})
	}
	edit(b, sec)
	return b.bytes()
}

// hostile is an object with one thing wrong, and what the error says of
// section, offset and symbol.
type hostile struct {
	name string
	in   []byte
	want string
}

func hostileObjects() []hostile {
	main := func(n uint64) func(*builder, uint16) {
		return func(b *builder, sec uint16) { b.sym(b.str("main"), globalFunc, sec, 0, n) }
	}
	section := func(s madeSection, info byte, value, size uint64) []byte {
		b := &builder{}
		sec := b.section(s)
		if info != 0 {
			b.sym(b.str("x"), info, sec, value, size)
		}
		return b.bytes()
	}
	return []hostile{
		{"function beyond the section", one(insns(opExit), nil, main(16)), "tc: offset 0x0: function main of 0x10 bytes"},
		{"function size near 2^64", one(insns(opExit), nil, main(1<<64-8)), "tc: offset 0x0: function main of 0xfffffffffffffff8 bytes"},
		{"function of half an instruction", one(insns(opExit), nil, main(4)), "tc: offset 0x0: function main of 0x4 bytes"},
		{"function at an odd place", one(insns(opExit, opExit), nil, func(b *builder, sec uint16) {
			b.sym(b.str("main"), globalFunc, sec, 4, 8)
		}), "tc: offset 0x4: function main"},
		{"functions overlap", one(insns(opExit, opExit), nil, func(b *builder, sec uint16) {
			b.sym(b.str("main"), globalFunc, sec, 0, 16)
			b.sym(b.str("other"), globalFunc, sec, 8, 8)
		}), "tc: offset 0x8: function other overlaps function main"},
		{"two global functions of a name", one(insns(opExit, opExit), nil, func(b *builder, sec uint16) {
			b.sym(b.str("main"), globalFunc, sec, 0, 8)
			b.sym(b.str("main"), globalFunc, sec, 8, 8)
		}), "tc: offset 0x8: function main is defined twice"},
		{"half of a wide instruction", one(insns(opWide), nil, main(8)), "tc: offset 0x0: function main: wide"},
		{"relocated arithmetic", one(insns(opMov, opExit), rel(0, 1, 1), main(16)), "tc: offset 0x0: function main: bad reference to main: neither a call"},
		{"relocation between instructions", one(insns(opCall, opExit), rel(4, 1, 10), main(16)), "tc: offset 0x4: function main: relocation between"},
		{"relocation of a second slot", one(insns(opWide, opNone, opExit), rel(8, 1, 1), main(24)), "tc: offset 0x8: function main: relocation between"},
		{"two relocations of a call", one(insns(opCall, opExit), append(rel(0, 1, 10), rel(0, 1, 10)...), main(16)), "a second one"},
		{"relocation beyond the section", one(insns(opCall, opExit), rel(16, 1, 10), main(16)), "tc: offset 0x10: relocation beyond"},
		{"relocation by no symbol", one(insns(opCall, opExit), rel(0, 7, 10), main(16)), "tc: offset 0x0: relocation by symbol 7 of 2"},
		{"relocation by the null symbol", one(insns(opCall, opExit), rel(0, 0, 10), main(16)), "not defined in any section"},
		{"call of half a function", one(insns(opCall, opExit), nil, func(b *builder, sec uint16) {
			b.sym(b.str("main"), globalFunc, sec, 0, 8)
			b.sym(b.str("next"), globalFunc, sec, 8, 8)
		}), ""},
		{"call beyond the section", one(insns([4]int32{0x85, 0x10, 0, 100}, opExit), nil, main(16)), "tc: offset 0x0: function main: call of offset 0x328"},
		{"call before the section", one(insns([4]int32{0x85, 0x10, 0, -100}, opExit), nil, main(16)), "tc: offset 0x0: function main: call of offset 0xfffffffffffffce8"},
		{"call of data", one(insns(opCall, opExit), rel(0, 2, 10), func(b *builder, sec uint16) {
			main(16)(b, sec)
			b.sym(b.str("x"), globalData, b.section(madeSection{name: ".data", typ: 1, data: make([]byte, 8)}), 0, 8)
		}), "tc: offset 0x0: function main: bad reference to x: no function to call"},
		{"load of an unknown section", one(insns(opWide, opNone, opExit), rel(0, 2, 1), func(b *builder, sec uint16) {
			main(24)(b, sec)
			b.sym(b.str("x"), globalData, b.section(madeSection{name: ".mine", typ: 1, data: make([]byte, 8)}), 0, 8)
		}), "bad reference to x: not a map, a function or data"},
		{"load of half a legacy map", one(insns([4]int32{0x18, 0, 0, 8}, opNone, opExit), rel(0, 2, 1), func(b *builder, sec uint16) {
			main(24)(b, sec)
			b.sym(b.str("m"), globalData, b.section(madeSection{name: "maps", typ: 1, data: append([]byte{1}, make([]byte, 39)...)}), 20, 20)
		}), "maps: offset 0x14: map m: no type"},
		{"relocations with addends", one(insns(opCall, opExit), nil, func(b *builder, sec uint16) {
			main(16)(b, sec)
			b.section(madeSection{name: ".relatc", typ: 4, info: uint32(sec), ent: 24, data: make([]byte, 24)})
		}), ".relatc: offset 0x0: relocations with addends"},
		{"jump table of half an entry", one(insns(opWide, opNone, opExit), rel(0, 2, 1), func(b *builder, sec uint16) {
			main(24)(b, sec)
			b.sym(b.str("j"), globalData, b.section(madeSection{name: ".jumptables", typ: 1, data: make([]byte, 16)}), 0, 12)
		}), ".jumptables: offset 0x0: jump table j of 0xc bytes"},
		{"jump out of the function", one(insns(opWide, opNone, opExit), rel(0, 2, 1), func(b *builder, sec uint16) {
			main(24)(b, sec)
			b.sym(b.str("j"), globalData, b.section(madeSection{name: ".jumptables", typ: 1, data: append([]byte{24}, make([]byte, 7)...)}), 0, 8)
		}), ""},
		{"maps without symbols", section(madeSection{name: "maps", typ: 1, data: make([]byte, 20)}, 0, 0, 0), "maps: offset 0x0: maps without symbols"},
		{"legacy map cut", section(madeSection{name: "maps", typ: 1, data: make([]byte, 12)}, globalData, 0, 12), "maps: offset 0x0: map x: definition of 12 bytes"},
		{"legacy map with a tail", section(madeSection{name: "maps", typ: 1, data: append([]byte{1}, bytes.Repeat([]byte{1}, 23)...)}, globalData, 0, 24), "maps: offset 0x0: map x: definition of 24 bytes has fields"},
		{"legacy map beyond", section(madeSection{name: "maps", typ: 1, data: make([]byte, 20)}, globalData, 40, 20), "maps: offset 0x28: map x is beyond"},
		{"BTF maps without BTF", section(madeSection{name: ".maps", typ: 1, data: make([]byte, 32)}, globalData, 0, 32), ".maps: offset 0x0: no BTF"},
		{"struct_ops without BTF", section(madeSection{name: ".struct_ops", typ: 1, data: make([]byte, 32)}, globalData, 0, 32), ".struct_ops: offset 0x0: no BTF"},
		{"arena variables without an arena", section(madeSection{name: ".addr_space.1", typ: 1, data: make([]byte, 8)}, globalData, 0, 8), ".addr_space.1: offset 0x0: the object has variables"},
		{"huge .bss", section(madeSection{name: ".bss", typ: 8, size: 1 << 33}, globalData, 0, 8), ".bss: offset 0x0: data section of 0x200000000 bytes"},
		{"variable beyond its section", section(madeSection{name: ".bss", typ: 8, size: 8}, globalData, 4, 8), ".bss: offset 0x4: variable x of 8 bytes"},
		{"version of two bytes", section(madeSection{name: "version", typ: 1, data: []byte{1, 2}}, 0, 0, 0), "version: offset 0x0: version of 2 bytes"},
		{"legacy map with an unknown pinning", section(madeSection{name: "maps", typ: 1, data: insns([4]int32{1, 0, 0, 4}, opNone, opNone, [4]int32{2})[:28]}, globalData, 0, 28), "maps: offset 0x0: map x: definition of 28 bytes has fields"},
		{"empty BTF", section(madeSection{name: ".BTF", typ: 1, data: []byte{1}}, 0, 0, 0), ".BTF: offset"},
	}
}

func TestHostile(t *testing.T) {
	for _, tt := range hostileObjects() {
		t.Run(tt.name, func(t *testing.T) {
			o, err := Parse(tt.in)
			if tt.want == "" {
				if err != nil {
					t.Errorf("error = %v", err)
				}
				return
			}
			wantFormatError(t, err)
			if o != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want %q in it", err, tt.want)
			}
		})
	}
}

// TestUndefined: without BTF, an undefined function is one of another object,
// and an undefined address is the kernel's.
func TestUndefined(t *testing.T) {
	in := one(insns(opCall, opWide, opNone, opExit), append(rel(0, 2, 10), rel(8, 3, 1)...), func(b *builder, sec uint16) {
		b.sym(b.str("main"), globalFunc, sec, 0, 32)
		b.sym(b.str("f"), undefined, 0, 0, 0)
		b.sym(b.str("x"), 0x20, 0, 0, 0) // weak
		b.sym(b.str("unused"), undefined, 0, 0, 0)
	})
	o, err := Parse(in)
	if err != nil {
		t.Fatal(err)
	}
	want := []*ExternDef{{Name: "f", Kind: ExternFunc}, {Name: "x", Kind: ExternKsym, Weak: true}}
	if d := cmp.Diff(want, o.Externs); d != "" {
		t.Errorf("externs (-want +got):\n%s", d)
	}
}

// TestOldSymbols: before LLVM 7, functions had symbols without type and size.
func TestOldSymbols(t *testing.T) {
	in := one(insns(opMov, opExit, opExit), nil, func(b *builder, sec uint16) {
		b.sym(b.str("first"), undefined, sec, 0, 0)
		b.sym(b.str("LBB0_1"), 0, sec, 8, 0)
		b.sym(b.str("second"), undefined, sec, 16, 0)
	})
	o, err := Parse(in)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, p := range o.Progs {
		got[p.Name] = len(p.Insns)
	}
	if d := cmp.Diff(map[string]int{"first": 2, "second": 1}, got); d != "" {
		t.Errorf("programs (-want +got):\n%s", d)
	}
}

// TestLegacyPinning: the longer struct of aya says whether a map is pinned.
func TestLegacyPinning(t *testing.T) {
	for pin, want := range []uint32{PinNone, PinByName} {
		def := binary.LittleEndian.AppendUint32(append([]byte{2}, make([]byte, 23)...), uint32(pin))
		b := &builder{}
		b.sym(b.str("m"), globalData, b.section(madeSection{name: "maps", typ: 1, data: def}), 0, uint64(len(def)))
		o, err := Parse(b.bytes())
		if err != nil {
			t.Fatal(err)
		}
		if m := o.Maps[0]; m.Pinning != want || !m.Legacy || m.Type != mapArray {
			t.Errorf("pinning %d: %+v", pin, m)
		}
	}
}

// TestBadJumpTable: a table that leads out of its function concerns only what
// uses it.
func TestBadJumpTable(t *testing.T) {
	for _, tt := range hostileObjects() {
		if tt.name != "jump out of the function" {
			continue
		}
		o, err := Parse(tt.in)
		if err != nil {
			t.Fatal(err)
		}
		table := o.JumpTables[0]
		wantFormatError(t, table.Bad)
		if want := ".jumptables: offset 0x0: jump to offset 0x18"; table.Bad == nil || !strings.Contains(table.Bad.Error(), want) || table.Targets != nil {
			t.Errorf("targets %v, bad because %v, want none and %q", table.Targets, table.Bad, want)
		}
		return
	}
	t.Error("no such object")
}

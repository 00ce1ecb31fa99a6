package require

import (
	"strconv"
	"strings"
	"testing"

	"github.com/skepbpf/skep/asm"
)

// TestTables: rows grow in both columns, or end in what is not known.
func TestTables(t *testing.T) {
	number := func(s Since) float64 {
		major, minor, ok := strings.Cut(string(s), ".")
		a, err := strconv.Atoi(major)
		b, err2 := strconv.Atoi(minor)
		if !ok || err != nil || err2 != nil {
			t.Fatalf("release %q", s)
		}
		return float64(a)*1000 + float64(b)
	}
	for name, table := range map[string][]from{"helpers": helpers, "programs": progTypes, "attach types": attachTypes, "maps": mapTypes} {
		for i, f := range table[:len(table)-1] {
			if i > 0 && (f.first <= table[i-1].first || number(f.release) <= number(table[i-1].release)) {
				t.Errorf("%s: row %d: %v after %v", name, i, f, table[i-1])
			}
		}
		if last := table[len(table)-1]; last.release != "" {
			t.Errorf("%s: no end", name)
		}
	}
}

func TestInstruction(t *testing.T) {
	for _, tt := range []struct {
		in   asm.Instruction
		want Since
	}{
		{asm.Instruction{Op: asm.OpExit}, ""},
		{asm.Instruction{Op: asm.OpJa, Off: 3}, ""},
		{asm.Instruction{Op: 0x15, Off: 1}, ""},
		{asm.Instruction{Op: 0xa5, Off: 1}, "4.14"},                                                // if r0 < 0
		{asm.Instruction{Op: 0x16, Off: 1}, "5.1"},                                                 // if w0 == 0
		{asm.Instruction{Op: asm.OpJaLong}, "6.6"},                                                 // gotol
		{asm.Instruction{Op: asm.OpMayGoto}, "6.9"},                                                // may_goto
		{asm.Instruction{Op: asm.OpJaReg}, "6.19"},                                                 // gotox
		{asm.Instruction{Op: asm.OpCall, Src: asm.PseudoCall}, "4.16"},                             // f()
		{asm.Instruction{Op: asm.OpCall, Src: asm.PseudoKfuncCall}, "5.13"},                        // kfunc()
		{asm.Instruction{Op: asm.OpCall, Src: asm.PseudoKfuncCall, Off: 1}, "5.16"},                // of a module
		{asm.Instruction{Op: 0xbf}, ""},                                                            // r0 = r0
		{asm.Instruction{Op: 0xbf, Off: 8}, "6.6"},                                                 // r0 = (s8)r0
		{asm.Instruction{Op: 0xbf, Off: 1, Imm: 1}, "6.9"},                                         // addr_space_cast
		{asm.Instruction{Op: 0x3f, Off: 1}, "6.6"},                                                 // r0 s/= r0
		{asm.Instruction{Op: 0x3f}, ""},                                                            // r0 /= r0
		{asm.Instruction{Op: 0xd7, Imm: 64}, "6.6"},                                                // bswap64
		{asm.Instruction{Op: 0xdc, Imm: 64}, ""},                                                   // be64
		{asm.Instruction{Op: 0x81}, "6.6"},                                                         // sign-extended load
		{asm.Instruction{Op: 0xdb, Imm: int64(asm.AtomicAdd)}, ""},                                 // lock add
		{asm.Instruction{Op: 0xdb, Imm: int64(asm.AtomicFetchAdd)}, "5.12"},                        // fetch and add
		{asm.Instruction{Op: 0xdb, Imm: int64(asm.AtomicLoadAcquire)}, "6.15"},                     // load_acquire
		{asm.Instruction{Op: asm.OpLoadImm64}, ""},                                                 // a number
		{asm.Instruction{Op: asm.OpLoadImm64, Src: asm.PseudoFunc}, "5.13"},                        // a callback
		{asm.Instruction{Op: asm.OpLoadImm64, Src: asm.PseudoBTFID}, "5.10"},                       // a kernel variable
		{asm.Instruction{Op: asm.OpLoadImm64, Ref: asm.Ref{Kind: asm.RefMap}}, ""},                 // a map
		{asm.Instruction{Op: asm.OpLoadImm64, Ref: asm.Ref{Kind: asm.RefMapValue}}, "5.2"},         // in a map
		{asm.Instruction{Op: asm.OpLoadImm64, Ref: asm.Ref{Kind: asm.RefKsym, Addend: 1}}, "5.12"}, // of a module
	} {
		if n, ok := Instruction(&tt.in); n.Since != tt.want || ok != (tt.want != "") {
			t.Errorf("%#x src %d off %d imm %#x: %+v, want %q", uint8(tt.in.Op), tt.in.Src, tt.in.Off, tt.in.Imm, n, tt.want)
		}
	}
	for _, tt := range []struct {
		in   asm.Instruction
		want bool
	}{
		{asm.Instruction{Op: 0x15, Off: -2}, true}, {asm.Instruction{Op: 0x15, Off: 2}, false}, {asm.Instruction{Op: asm.OpJa, Off: -1}, true},
		{asm.Instruction{Op: asm.OpJaLong, Imm: -9}, true}, {asm.Instruction{Op: asm.OpMayGoto, Off: -3}, false}, {asm.Instruction{Op: asm.OpCall, Imm: -1}, false},
	} {
		if _, ok := Loop(&tt.in); ok != tt.want {
			t.Errorf("%#x off %d: a loop: %v", uint8(tt.in.Op), tt.in.Off, ok)
		}
	}
	if ProgConfig(26, 24) == ProgConfig(26, 23) || MapConfig(9) != "" || Sleepable(2) != "6.0" || Sleepable(1) != "" || Fallback(113) != 4 || Fallback(5) != 0 {
		t.Error("a row is off")
	}
}

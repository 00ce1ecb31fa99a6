package btf

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/skepbpf/skep/asm"
)

const (
	movImm  asm.Opcode = 0xb7 // r = imm
	addReg  asm.Opcode = 0x0f // r += r
	ldxW    asm.Opcode = 0x61
	ldxDW   asm.Opcode = 0x79
	ldxH    asm.Opcode = 0x69
	stW     asm.Opcode = 0x62
	exitOp  asm.Opcode = 0x95
	poisonI            = 195896080
)

func TestApply(t *testing.T) {
	call := asm.Instruction{Op: asm.OpCall, Imm: poisonI, Note: 3}
	for _, tt := range []struct {
		name string
		fix  Fixup
		in   asm.Instruction
		want asm.Instruction
		err  string
	}{
		{"alu", Fixup{Validate: true, Old: 4, New: 9}, asm.Instruction{Op: movImm, Imm: 4}, asm.Instruction{Op: movImm, Imm: 9}, ""},
		{"alu of a negative", Fixup{Validate: true, Old: 1<<64 - 1, New: 1<<64 - 2}, asm.Instruction{Op: movImm, Imm: -1}, asm.Instruction{Op: movImm, Imm: -2}, ""},
		{"alu unexpected", Fixup{Validate: true, Old: 4, New: 9}, asm.Instruction{Op: movImm, Imm: 5}, asm.Instruction{}, "immediate is 5, but the relocation record says 4"},
		{"alu unchecked", Fixup{Old: 4, New: 9}, asm.Instruction{Op: movImm, Imm: 5}, asm.Instruction{Op: movImm, Imm: 9}, ""},
		{"alu poisoned", Fixup{Poison: true}, asm.Instruction{Op: movImm, Dst: 1, Note: 3}, call, ""},
		{"alu of registers", Fixup{}, asm.Instruction{Op: addReg}, asm.Instruction{}, "no immediate"},
		{"load", Fixup{Validate: true, Old: 8, New: 16, OldSize: 4, NewSize: 4}, asm.Instruction{Op: ldxW, Off: 8}, asm.Instruction{Op: ldxW, Off: 16}, ""},
		{"load grows", Fixup{Validate: true, Old: 8, New: 16, OldSize: 4, NewSize: 8}, asm.Instruction{Op: ldxW, Off: 8}, asm.Instruction{Op: ldxDW, Off: 16}, ""},
		{"load of another width", Fixup{Old: 8, New: 16, OldSize: 4, NewSize: 8}, asm.Instruction{Op: ldxH, Off: 8}, asm.Instruction{}, "accesses 2 bytes of a field of 4"},
		{"load of an odd width", Fixup{New: 16, OldSize: 4, NewSize: 3}, asm.Instruction{Op: ldxW}, asm.Instruction{}, "no load or store accesses 3 bytes"},
		{"load of a signed field that shrank", Fixup{BadSize: true, OldSize: 4, NewSize: 2}, asm.Instruction{Op: ldxW, Note: 3}, call, ""},
		{"load unexpected", Fixup{Validate: true, Old: 8, New: 16}, asm.Instruction{Op: ldxW, Off: 4}, asm.Instruction{}, "offset is 4"},
		{"load too far", Fixup{New: 32768}, asm.Instruction{Op: ldxW}, asm.Instruction{}, "does not fit"},
		{"load poisoned", Fixup{Poison: true, New: 1 << 20}, asm.Instruction{Op: ldxW, Note: 3}, call, ""},
		{"store of an immediate", Fixup{Validate: true, Old: 8, New: 16}, asm.Instruction{Op: stW, Off: 8, Imm: 7}, asm.Instruction{Op: stW, Off: 16, Imm: 7}, ""},
		{"wide", Fixup{Validate: true, Old: 7, New: 1 << 40}, asm.Instruction{Op: asm.OpLoadImm64, Imm: 7}, asm.Instruction{Op: asm.OpLoadImm64, Imm: 1 << 40}, ""},
		{"wide unexpected", Fixup{Validate: true, Old: 7}, asm.Instruction{Op: asm.OpLoadImm64, Imm: 8}, asm.Instruction{}, "immediate is 8"},
		{"wide of a map", Fixup{}, asm.Instruction{Op: asm.OpLoadImm64, Src: asm.PseudoMapFD}, asm.Instruction{}, "not a plain 64-bit load"},
		{"wide poisoned alone", Fixup{Poison: true}, asm.Instruction{Op: asm.OpLoadImm64}, asm.Instruction{}, "takes two instructions"},
		{"exit", Fixup{}, asm.Instruction{Op: exitOp}, asm.Instruction{}, "cannot be relocated"},
	} {
		in := tt.in
		err := tt.fix.Apply(&in)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: error %v, want %q", tt.name, err, tt.err)
			}
			if diff := cmp.Diff(tt.in, in); diff != "" {
				t.Errorf("%s: changed in spite of an error:\n%s", tt.name, diff)
			}
			continue
		}
		if diff := cmp.Diff(tt.want, in); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", tt.name, err, diff)
		}
	}
}

func TestApplyAt(t *testing.T) {
	ins := asm.Instructions{{Op: movImm}, {Op: asm.OpLoadImm64, Imm: 7, Note: 3}, {Op: exitOp}}
	call := asm.Instruction{Op: asm.OpCall, Imm: poisonI, Note: 3}
	got, err := Fixup{Poison: true}.ApplyAt(ins, 1)
	want := asm.Instructions{{Op: movImm}, call, call, {Op: exitOp}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil || got.Slots() != ins.Slots() {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	if got, err := (Fixup{New: 3}).ApplyAt(ins, 0); err != nil || got[0].Imm != 3 || len(got) != 3 {
		t.Errorf("%v, %v", got, err)
	}
	for _, at := range []int{-1, 3} {
		if _, err := (Fixup{}).ApplyAt(ins, at); err == nil {
			t.Errorf("instruction %d was patched", at)
		}
	}
	if _, err := (Fixup{Poison: true}).ApplyAt(asm.Instructions{{Op: asm.OpLoadImm64, Src: asm.PseudoMapFD}}, 0); err == nil {
		t.Error("a map was poisoned")
	}
}

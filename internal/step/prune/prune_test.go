package prune

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/asm"
)

// readOnly is the memory of the tests: "ro" and the variable "CONFIG_X" are
// known, "rw" is not, the symbol "absent" is 0.
var readOnly = []byte{
	1, 0, 0, 0, // 0: 1
	0xff, 0xff, 0xff, 0xff, // 4: -1
	0, 0, 0, 0, 0, 0, 0, 0x80, // 8: the least number
	0x34, 0x12, 0xfe, 0, // 16: 0x1234, 0xfe, 0
	0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01, // 20
}

func env(order binary.ByteOrder) *Env {
	return &Env{
		Order: order,
		Memory: func(ref asm.Ref, off int64, n int) []byte {
			if ref.Kind == asm.RefMapValue && ref.Name != "ro" || ref.Kind == asm.RefVar && ref.Name != "CONFIG_X" {
				return nil
			}
			if off < 0 || off > int64(len(readOnly)-n) {
				return nil
			}
			return readOnly[off:][:n]
		},
		Zero: func(ref asm.Ref) bool { return ref.Name == "absent" },
	}
}

func assemble(t testing.TB, code ...asm.Instruction) asm.Instructions {
	t.Helper()
	ins, err := asm.Assemble(code...)
	if err != nil {
		t.Fatal(err)
	}
	return ins
}

func text(ins asm.Instructions) string {
	var b strings.Builder
	for i := range ins {
		switch in := &ins[i]; {
		case in.Ref.Kind == asm.RefFunc:
			fmt.Fprintf(&b, "call %s\n", in.Ref.Name)
		case in.Ref.Kind != asm.RefNone:
			fmt.Fprintf(&b, "%v = %v[%s] ll\n", in.Dst, in.Ref.Kind, in.Ref.Name)
		default:
			b.WriteString(in.String() + "\n")
		}
	}
	return b.String()
}

func lines(s ...string) string { return strings.Join(s, "\n") + "\n" }

func config(size asm.Size, off int32) []asm.Instruction {
	return []asm.Instruction{asm.LoadMapValue(asm.R1, "ro", off), asm.LoadMem(asm.R1, asm.R1, 0, size)}
}

func list(parts ...[]asm.Instruction) (all []asm.Instruction) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func TestFunc(t *testing.T) {
	exit := []asm.Instruction{asm.Mov(asm.R0, 0), asm.Exit()}
	either := []asm.Instruction{
		asm.JumpIf(asm.JEq, asm.R1, 0, "off"),
		asm.LoadMap(asm.R1, "on"), asm.Call(asm.FnMapLookupElem), asm.Exit(),
		asm.Label("off"),
		asm.LoadMap(asm.R1, "off"), asm.CallFunc("callee"), asm.Exit(),
	}
	for _, tt := range []struct {
		name string
		code []asm.Instruction
		want string // "" if nothing changes
	}{
		{"never taken", list(config(asm.SizeW, 0), either), lines("r1 = map[on] ll", "call 0x1", "exit")},
		{"always taken", list(config(asm.SizeB, 1), either), lines("r1 = map[off] ll", "call callee", "exit")},
		{"of configuration", list([]asm.Instruction{
			{Op: asm.OpLoadImm64, Dst: asm.R1, Ref: asm.Ref{Kind: asm.RefVar, Name: "CONFIG_X"}}, asm.LoadMem(asm.R1, asm.R1, 4, asm.SizeW),
		}, either), lines("r1 = map[on] ll", "call 0x1", "exit")},
		{"of a missing symbol", list([]asm.Instruction{asm.LoadKsym(asm.R1, "absent")}, either), lines("r1 = map[off] ll", "call callee", "exit")},
		{"of a symbol", list([]asm.Instruction{asm.LoadKsym(asm.R1, "there")}, either), ""},
		{"memory that changes", list([]asm.Instruction{
			asm.LoadMapValue(asm.R1, "rw", 0), asm.LoadMem(asm.R1, asm.R1, 0, asm.SizeW),
		}, either), ""},
		{"beyond the memory", list(config(asm.SizeDW, 24), either), ""},
		{"before the memory", list([]asm.Instruction{
			asm.LoadMapValue(asm.R1, "ro", 0), asm.LoadMem(asm.R1, asm.R1, -4, asm.SizeW),
		}, either), ""},
		{"an address that is computed", list([]asm.Instruction{
			asm.LoadMapValue(asm.R6, "ro", 4), asm.Add(asm.R6, 8), asm.Sub(asm.R6, 12), asm.MovReg(asm.R7, asm.R6), asm.LoadMem(asm.R1, asm.R7, 0, asm.SizeW),
		}, either), lines("r1 = map[on] ll", "call 0x1", "exit")},
		{"an address that is needed", []asm.Instruction{
			asm.LoadMapValue(asm.R1, "ro", 0), asm.LoadMem(asm.R3, asm.R1, 4, asm.SizeW), asm.Call(asm.FnTracePrintk), asm.Exit(),
		}, lines("r1 = map value[ro] ll", "w3 = -0x1", "call 0x6", "exit")},
		{"a wide constant", []asm.Instruction{
			asm.LoadMapValue(asm.R1, "ro", 0), asm.JumpIf(asm.JEq, asm.R2, 0, "x"),
			asm.LoadMem(asm.R0, asm.R1, 8, asm.SizeDW), asm.Label("x"), asm.Exit(),
		}, lines("if r2 == 0x0 goto +0x2", "r0 = -0x8000000000000000 ll", "exit")},
		{"two ways, one value", list(config(asm.SizeW, 0), []asm.Instruction{
			asm.JumpIf(asm.JEq, asm.R2, 5, "x"), asm.Mov(asm.R3, 1), asm.Label("x"),
		}, either), lines("if r2 == 0x5 goto +0x1", "r3 = 0x1", "r1 = map[on] ll", "call 0x1", "exit")},
		{"two ways, two values", list(config(asm.SizeW, 0), []asm.Instruction{
			asm.JumpIf(asm.JEq, asm.R2, 5, "x"), asm.Mov(asm.R1, 0), asm.Label("x"),
		}, either), lines("r1 = 0x1", "if r2 == 0x5 goto +0x1", "r1 = 0x0", "if r1 == 0x0 goto +0x4",
			"r1 = map[on] ll", "call 0x1", "exit", "r1 = map[off] ll", "call callee", "exit")},
		{"a call between", list([]asm.Instruction{asm.Mov(asm.R1, 1), asm.Call(asm.FnKtimeGetNs)}, either), ""},
		{"a kept register over a call", list([]asm.Instruction{asm.Mov(asm.R6, 1), asm.Call(asm.FnKtimeGetNs), asm.MovReg(asm.R1, asm.R6)}, either),
			lines("call 0x5", "r1 = map[on] ll", "call 0x1", "exit")},
		{"a loop", list(config(asm.SizeW, 0), []asm.Instruction{
			asm.Mov(asm.R2, 0), asm.Label("top"),
			asm.JumpIf(asm.JNe, asm.R1, 1, "out"), asm.Add(asm.R2, 1), asm.JumpIf(asm.JLT, asm.R2, 4, "top"), asm.Label("out"),
		}, exit), lines("r2 = 0x0", "r2 += 0x1", "if r2 < 0x4 goto -0x2", "r0 = 0x0", "exit")},
		{"a loop that changes the constant", list(config(asm.SizeW, 0), []asm.Instruction{
			asm.Label("top"), asm.JumpIf(asm.JEq, asm.R1, 9, "out"), asm.Add(asm.R1, 1), asm.Ja("top"), asm.Label("out"),
		}, exit), lines("r1 = 0x1", "if r1 == 0x9 goto +0x2", "r1 += 0x1", "goto -0x3", "r0 = 0x0", "exit")},
		{"code behind a function's end", list(config(asm.SizeW, 0), either[:4], []asm.Instruction{
			asm.Label("off"), asm.CallLabel("sub"), asm.Exit(), asm.Label("sub"),
		}, exit), lines("r1 = map[on] ll", "call 0x1", "exit")},
		{"a function within", list(config(asm.SizeW, 0), []asm.Instruction{
			asm.JumpIf(asm.JEq, asm.R1, 0, "x"), asm.CallLabel("sub"), asm.Label("x"), asm.Exit(), asm.Mov(asm.R0, 7), asm.Label("sub"),
		}, exit), lines("r1 = 0x1", "call 0x1", "exit", "r0 = 0x0", "exit")},
		{"an indirect jump", list(config(asm.SizeW, 0), []asm.Instruction{asm.JaReg(asm.R4)}, either), ""},
		{"a cast of address spaces", list(config(asm.SizeW, 0), []asm.Instruction{asm.AddrSpaceCast(asm.R1, asm.R1, 0, 1)}, either),
			lines("r1 = 0x1", "r1 = addr_space_cast(r1, 0x0, 0x1)", "if r1 == 0x0 goto +0x4",
				"r1 = map[on] ll", "call 0x1", "exit", "r1 = map[off] ll", "call callee", "exit")},
		{"a 32-bit comparison", list(config(asm.SizeDW, 0), []asm.Instruction{
			asm.Rsh(asm.R1, 32), asm.JumpIf32(asm.JSLT, asm.R1, 0, "neg"), asm.LoadMap(asm.R0, "pos"), asm.Exit(), asm.Label("neg"),
		}, exit), lines("r0 = 0x0", "exit")},
		{"a map loaded for either side", list(config(asm.SizeW, 0), []asm.Instruction{
			asm.LoadMap(asm.R2, "a"), asm.JumpIf(asm.JEq, asm.R1, 0, "x"), asm.LoadMap(asm.R2, "b"), asm.Label("x"), asm.Call(asm.FnMapLookupElem),
		}, exit), lines("r1 = 0x1", "r2 = map[b] ll", "call 0x1", "r0 = 0x0", "exit")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ins := assemble(t, tt.code...)
			r, err := Func(ins, env(binary.LittleEndian))
			if err != nil {
				t.Fatal(err)
			}
			want := tt.want
			if want == "" {
				want = text(ins)
			}
			if diff := cmp.Diff(want, text(r.Insns)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestResult(t *testing.T) {
	ins := assemble(t, list(config(asm.SizeW, 0), []asm.Instruction{
		asm.MovReg(asm.R8, asm.R1), asm.JumpIf(asm.JEq, asm.R8, 0, "off"),
		asm.LoadMap(asm.R2, "progs"), asm.Mov(asm.R3, 5), asm.Call(asm.FnTailCall),
		asm.LoadMap(asm.R2, "progs"), asm.LoadMem(asm.R3, asm.R9, 0, asm.SizeW), asm.Call(asm.FnTailCall),
		asm.MovReg(asm.R2, asm.R7), asm.Call(asm.FnTailCall),
		asm.Label("off"),
		asm.JumpIf(asm.JNe, asm.R8, 0, "end"),
		asm.LoadMap(asm.R2, "dead"), asm.Call(asm.FnTailCall),
		asm.Label("end"), asm.Exit(),
	})...)
	for i := range ins {
		ins[i].Note = asm.NoteID(i + 1)
	}
	r, err := Func(ins, env(binary.LittleEndian))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Branch{{Slot: 4, Note: 4}, {Slot: 15, Note: 13, Taken: true}}, r.Branches); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]TailCall{{Array: "progs", Index: 5, Fixed: true}, {Array: "progs"}, {}}, r.TailCalls); diff != "" {
		t.Error(diff)
	}
	if r.Inlined != 1 || r.Opaque {
		t.Errorf("%d inlined, opaque %v", r.Inlined, r.Opaque)
	}
	// Where each instruction went, by its note.
	at := map[asm.NoteID]int{}
	slot := 0
	for _, in := range r.Insns {
		at[in.Note] = slot
		slot += in.Slots()
	}
	slot = 0
	for _, in := range ins {
		got, ok := r.Slot(slot)
		want, kept := at[in.Note]
		if ok != kept || ok && got != want {
			t.Errorf("slot %d is now %d (%v), want %d (%v)", slot, got, ok, want, kept)
		}
		slot += in.Slots()
	}
	if _, ok := r.Slot(slot); ok {
		t.Error("a slot behind the end has a place")
	}
}

func TestByteOrder(t *testing.T) {
	for _, tt := range []struct {
		order binary.ByteOrder
		code  asm.Instruction
		want  string
	}{
		{binary.LittleEndian, asm.ToBE(asm.R1, 16), "0x3412"},
		{binary.LittleEndian, asm.ToLE(asm.R1, 16), "0x1234"},
		{binary.BigEndian, asm.ToBE(asm.R1, 16), "0x3412"},
		{binary.BigEndian, asm.ToLE(asm.R1, 16), "0x1234"},
		{binary.BigEndian, asm.BSwap(asm.R1, 16), "0x1234"},
	} {
		ins := assemble(t, list(config(asm.SizeH, 16), []asm.Instruction{
			tt.code, asm.JumpIf(asm.JNe, asm.R1, 0x1234, "x"), asm.Mov(asm.R0, 0x1234), asm.Exit(),
			asm.Label("x"), asm.JumpIf(asm.JNe, asm.R1, 0x3412, "y"), asm.Mov(asm.R0, 0x3412), asm.Exit(), asm.Label("y"), asm.Exit(),
		})...)
		r, err := Func(ins, env(tt.order))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(lines("r0 = "+tt.want, "exit"), text(r.Insns)); diff != "" {
			t.Errorf("%v, %s: %s", tt.order, tt.code.String(), diff)
		}
	}
}

package prune

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/internal/fuzztest"
)

// randomFunc makes a function of bytes, four for each instruction.
func randomFunc(b []byte) asm.Instructions {
	ops := []asm.ALUOp{asm.OpAdd, asm.OpSub, asm.OpMul, asm.OpDiv, asm.OpSDiv, asm.OpOr, asm.OpAnd, asm.OpLsh, asm.OpRsh,
		asm.OpNeg, asm.OpMod, asm.OpSMod, asm.OpXor, asm.OpMov, asm.OpArsh}
	conds := []asm.Cond{asm.JEq, asm.JGT, asm.JGE, asm.JSet, asm.JNe, asm.JSGT, asm.JSGE, asm.JLT, asm.JLE, asm.JSLT, asm.JSLE}
	sizes := []asm.Size{asm.SizeB, asm.SizeH, asm.SizeW, asm.SizeDW}
	var ins asm.Instructions
	for ; len(b) >= 4; b = b[4:] {
		dst, src, n := asm.Reg(b[1]%10), asm.Reg(b[1]/16%10), int32(int8(b[2]))
		op, cond := ops[int(b[3])%len(ops)], conds[int(b[3])%len(conds)]
		var in asm.Instruction
		switch b[0] % 20 {
		case 0, 1:
			in = asm.LoadMapValue(dst, "ro", n%40)
		case 2:
			in = asm.LoadMapValue(dst, "rw", n)
		case 3:
			in = asm.Instruction{Op: asm.OpLoadImm64, Dst: dst, Ref: asm.Ref{Kind: asm.RefVar, Name: "CONFIG_X"}}
		case 4, 5:
			in = asm.LoadMem(dst, src, int16(n%32), sizes[b[3]%4])
		case 6:
			in = asm.ALU(op, dst, n)
		case 7:
			in = asm.ALU32(op, dst, n)
		case 8:
			in = asm.ALUReg(op&^asm.OpNeg|op&asm.OpMov, dst, src)
		case 9:
			in = asm.ALUReg32(op, dst, src)
		case 10:
			in = []asm.Instruction{asm.ToBE(dst, 16), asm.ToLE(dst, 32), asm.BSwap(dst, 64), asm.ToBE(dst, 64), asm.MovSX(dst, src, 8),
				asm.MovSX(dst, src, 32), asm.MovSX32(dst, src, 16)}[b[3]%7]
		case 11, 12:
			in = asm.Instruction{Op: asm.Opcode(cond) | asm.Opcode(asm.ClassJMP) | asm.Opcode(b[2]&8), Dst: dst, Src: src * asm.Reg(b[2]>>3&1), Imm: int64(n)}
		case 13:
			in = asm.Instruction{Op: asm.Opcode(cond) | asm.Opcode(asm.ClassJMP32) | asm.Opcode(b[2]&8), Dst: dst, Src: src * asm.Reg(b[2]>>3&1), Imm: int64(n)}
		case 14:
			in = asm.Instruction{Op: []asm.Opcode{asm.OpJa, asm.OpJaLong}[b[3]%2]}
		case 15:
			in = asm.Call(asm.FnKtimeGetNs)
		case 16:
			in = asm.Instruction{Op: asm.OpCall, Src: asm.PseudoCall}
		case 17:
			in = asm.LoadImm64(dst, int64(n)<<30)
		case 18:
			in = asm.StoreMem(dst, int16(n), src, asm.SizeW)
		case 19:
			in = asm.Mov(dst, n)
		}
		if in.Op.Class() == asm.ClassALU64 && in.Op.UsesRegister() && asm.ALUOp(in.Op&0xf0) == asm.OpNeg {
			in = asm.Neg(dst)
		}
		in.Note = asm.NoteID(len(ins) + 1)
		ins = append(ins, in)
	}
	ins = append(ins, asm.Exit())
	land(ins)
	return ins
}

// land makes every jump lead to an instruction, mostly forwards.
func land(ins asm.Instructions) {
	n := len(ins)
	slots := make([]int, n)
	at := 0
	for i := range ins {
		slots[i] = at
		at += ins[i].Slots()
	}
	for i := range ins {
		if _, ok := ins[i].Target(slots[i]); !ok {
			continue
		}
		to := i + 1 + int(ins[i].Dst+ins[i].Src)*7%13 + int(uint8(ins[i].Imm)%5)
		if ins[i].Imm < -100 {
			to = i - int(ins[i].Dst)
		}
		to = min(max(to, 0), n-1)
		if ins[i].SetTarget(slots[i], slots[to]) != nil {
			ins[i] = asm.Mov(asm.R0, 0)
		}
	}
}

// same runs a function before and after pruning.
func same(t *testing.T, b []byte) {
	t.Helper()
	ins := randomFunc(b)
	before := text(ins)
	var r *Result
	var err error
	e := env(binary.LittleEndian)
	// Of each instruction: itself, 64 bytes, its edited copy, and what is known
	// where ways meet, 176 bytes.
	fuzztest.Within(t, len(b), fuzztest.Base+uint64(len(ins))*1200, func() { r, err = Func(ins, e) })
	if err != nil {
		t.Fatalf("%v\n%s", err, before)
	}
	if after := text(ins); after != before {
		t.Fatalf("the list was changed: %s", cmp.Diff(before, after))
	}
	if r.Insns.Slots() > ins.Slots()+2*r.Inlined {
		t.Fatalf("%d slots became %d", ins.Slots(), r.Insns.Slots())
	}
	for seed := range uint64(3) {
		var want, got machine
		for i := range want.regs {
			want.regs[i] = seed * uint64(i)
		}
		got.regs = want.regs
		if !want.run(ins) {
			continue
		}
		got.run(r.Insns)
		if diff := cmp.Diff(want.trace, got.trace); diff != "" {
			t.Fatalf("seed %d: %s\n%s\npruned:\n%s", seed, diff, before, text(r.Insns))
		}
	}
	// What is pruned has nothing left to prune but what lies behind a constant
	// that was computed.
	again, err := Func(r.Insns, e)
	if err != nil {
		t.Fatal(err)
	}
	if len(again.Branches) != 0 {
		t.Fatalf("pruned again: %+v\n%s\npruned:\n%s", again.Branches, before, text(r.Insns))
	}
}

func TestRandomFunctions(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	changed, n := 0, 4000
	if testing.Short() { // as on emulated machines
		n = 500
	}
	for range n {
		b := make([]byte, 4*(4+rng.IntN(60)))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		same(t, b)
		if r, _ := Func(randomFunc(b), env(binary.LittleEndian)); len(r.Branches) > 0 {
			changed++
		}
		if t.Failed() {
			return
		}
	}
	if changed < n/10 {
		t.Errorf("only %d functions had a branch to prune: the test tests little", changed)
	}
}

func FuzzFunc(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0, 4, 0x11, 0, 2, 11, 1, 0, 0, 15, 0, 0, 0, 19, 0, 1, 0})
	f.Add([]byte{0, 2, 8, 0, 4, 0x21, 0, 3, 13, 0x12, 8, 7, 14, 0, 0, 0, 17, 3, 5, 0, 16, 0, 0, 0, 18, 0x33, 1, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 4096 {
			return
		}
		same(t, b)
	})
}

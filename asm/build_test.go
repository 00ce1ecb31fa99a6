package asm_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/internal/testutil"
)

func TestBuilders(t *testing.T) {
	for _, tt := range []struct {
		in   asm.Instruction
		want string
	}{
		{asm.Mov(asm.R1, -1), "r1 = -0x1"},
		{asm.Mov32(asm.R1, 7), "w1 = 0x7"},
		{asm.MovReg(asm.R1, asm.RFP), "r1 = r10"},
		{asm.MovReg32(asm.R1, asm.R2), "w1 = w2"},
		{asm.MovSX(asm.R1, asm.R2, 32), "r1 = (s32)r2"},
		{asm.MovSX32(asm.R1, asm.R2, 16), "w1 = (s16)w2"},
		{asm.Add(asm.R1, 8), "r1 += 0x8"},
		{asm.AddReg(asm.R1, asm.R2), "r1 += r2"},
		{asm.SubReg(asm.R1, asm.R2), "r1 -= r2"},
		{asm.Mul(asm.R1, 3), "r1 *= 0x3"},
		{asm.Div(asm.R1, 3), "r1 /= 0x3"},
		{asm.SDiv(asm.R1, 3), "r1 s/= 0x3"},
		{asm.SDivReg(asm.R1, asm.R2), "r1 s/= r2"},
		{asm.SModReg(asm.R1, asm.R2), "r1 s%= r2"},
		{asm.ALU32(asm.OpSMod, asm.R1, 3), "w1 s%= 0x3"},
		{asm.ModReg(asm.R1, asm.R2), "r1 %= r2"},
		{asm.Or(asm.R1, 1), "r1 |= 0x1"},
		{asm.AndReg(asm.R1, asm.R2), "r1 &= r2"},
		{asm.Xor(asm.R1, 1), "r1 ^= 0x1"},
		{asm.Lsh(asm.R1, 32), "r1 <<= 0x20"},
		{asm.RshReg(asm.R1, asm.R2), "r1 >>= r2"},
		{asm.Arsh(asm.R1, 32), "r1 s>>= 0x20"},
		{asm.Neg(asm.R1), "r1 = -r1"},
		{asm.Neg32(asm.R1), "w1 = -w1"},
		{asm.ToBE(asm.R1, 16), "r1 = be16 r1"},
		{asm.ToLE(asm.R1, 64), "r1 = le64 r1"},
		{asm.BSwap(asm.R1, 32), "r1 = bswap32 r1"},
		{asm.AddrSpaceCast(asm.R1, asm.R2, 0, 1), "r1 = addr_space_cast(r2, 0x0, 0x1)"},
		{asm.LoadMem(asm.R1, asm.R2, -4, asm.SizeH), "w1 = *(u16 *)(r2 - 0x4)"},
		{asm.LoadMemSX(asm.R1, asm.R2, 4, asm.SizeW), "r1 = *(s32 *)(r2 + 0x4)"},
		{asm.StoreMem(asm.RFP, -8, asm.R1, asm.SizeDW), "*(u64 *)(r10 - 0x8) = r1"},
		{asm.StoreImm(asm.RFP, -8, 0, asm.SizeB), "*(u8 *)(r10 - 0x8) = 0x0"},
		{asm.LoadAbs(12, asm.SizeH), "r0 = *(u16 *)skb[0xc]"},
		{asm.LoadInd(asm.R1, 0, asm.SizeB), "r0 = *(u8 *)skb[r1]"},
		{asm.Atomic(asm.AtomicAdd, asm.R1, 8, asm.R2, asm.SizeDW), "lock *(u64 *)(r1 + 0x8) += r2"},
		{asm.Atomic(asm.AtomicFetchXor, asm.R1, 8, asm.R2, asm.SizeW), "w2 = atomic_fetch_xor((u32 *)(r1 + 0x8), w2)"},
		{asm.Atomic(asm.AtomicXchg, asm.R1, 8, asm.R2, asm.SizeDW), "r2 = xchg_64(r1 + 0x8, r2)"},
		{asm.Atomic(asm.AtomicCmpXchg, asm.R1, 8, asm.R2, asm.SizeW), "w0 = cmpxchg32_32(r1 + 0x8, w0, w2)"},
		{asm.LoadAcquire(asm.R1, asm.R2, 8, asm.SizeB), "w1 = load_acquire((u8 *)(r2 + 0x8))"},
		{asm.StoreRelease(asm.R1, 8, asm.R2, asm.SizeDW), "store_release((u64 *)(r1 + 0x8), r2)"},
		{asm.LoadImm64(asm.R1, 1<<32), "r1 = 0x100000000 ll"},
		{asm.LoadMapFD(asm.R1, 5), "ld_pseudo\tr1, 0x1, 0x5"},
		{asm.LoadMapValueFD(asm.R1, 5, 6), "ld_pseudo\tr1, 0x2, 0x5"},
		{asm.LoadBTFID(asm.R1, 9, 0), "ld_pseudo\tr1, 0x3, 0x9"},
		{asm.LoadFunc(asm.R1, "f"), "ld_pseudo\tr1, 0x4, 0x0"},
		{asm.LoadMapIdx(asm.R1, 5), "ld_pseudo\tr1, 0x5, 0x5"},
		{asm.LoadMapIdxValue(asm.R1, 5, 6), "ld_pseudo\tr1, 0x6, 0x5"},
		{asm.JaReg(asm.R1), "gotox r1"},
		{asm.Call(asm.FnMapLookupElem), "call 0x1"},
		{asm.Exit(), "exit"},
	} {
		if got := tt.in.String(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestAssembleEveryJump(t *testing.T) {
	got, err := asm.Assemble(
		asm.Label("top"),
		asm.JumpIf(asm.JEq, asm.R1, 0, "end"),
		asm.JumpIfReg(asm.JSGT, asm.R1, asm.R2, "end"),
		asm.JumpIf32(asm.JLT, asm.R1, 0, "end"),
		asm.LoadLabel(asm.R3, "sub"),
		asm.JumpIfReg32(asm.JSet, asm.R1, asm.R2, "end"),
		asm.MayGoto("top"),
		asm.JaLong("top"),
		asm.Ja("end"),
		asm.CallLabel("sub"),
		asm.Label("end"),
		asm.Label("also end"),
		asm.Exit(),
		asm.Label("sub"),
		asm.Exit(),
	)
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	for _, in := range got {
		text = append(text, in.String())
	}
	want := []string{
		"if r1 == 0x0 goto +0x9", "if r1 s> r2 goto +0x8", "if w1 < 0x0 goto +0x7", "ld_pseudo\tr3, 0x4, 0x7",
		"if w1 & w2 goto +0x4", "may_goto -0x7", "gotol -0x8", "goto +0x1", "call 0x1", "exit", "exit",
	}
	if diff := cmp.Diff(want, text); diff != "" {
		t.Error(diff)
	}
	if _, err := got.AppendEncode(nil, binary.LittleEndian); err != nil {
		t.Error(err)
	}
}

func TestAssembleErrors(t *testing.T) {
	far := []asm.Instruction{asm.Ja("far")}
	for range 1 << 15 {
		far = append(far, asm.Mov(asm.R0, 0))
	}
	far = append(far, asm.Label("far"), asm.Exit())
	long := append([]asm.Instruction{asm.JaLong("far")}, far[1:]...)
	for _, tt := range []struct {
		name string
		code []asm.Instruction
		msg  string
	}{
		{"missing", []asm.Instruction{asm.Exit(), asm.Ja("x")}, `instruction 1: label "x": not placed`},
		{"twice", []asm.Instruction{asm.Label("x"), asm.Exit(), asm.Label("x")}, `label "x": placed twice`},
		{"at the end", []asm.Instruction{asm.Ja("x"), asm.Label("x")}, `label "x": no instruction follows`},
		{"too far", far, `label "far": jump of +32768 slots does not fit 16 bits`},
		{"gotol reaches", long, ""},
		{"not a jump", []asm.Instruction{asm.Label("x"), {Op: 0xb7, Ref: asm.Ref{Kind: asm.RefLabel, Name: "x"}}}, "has no target"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := asm.Assemble(tt.code...)
			switch {
			case tt.msg == "" && err != nil:
				t.Error(err)
			case tt.msg != "" && (err == nil || !strings.Contains(err.Error(), tt.msg)):
				t.Errorf("got %v, want %q", err, tt.msg)
			}
		})
	}
}

func TestHelperTableEqualsHeader(t *testing.T) {
	b, err := os.ReadFile(testutil.NeedFile(t, "package linux-libc-dev", "/usr/include/linux/bpf.h")[0])
	if err != nil {
		t.Fatal(err)
	}
	// Headers number helpers since Linux 6.2; before, they count them.
	_, mapper, ok := strings.Cut(string(b), "__BPF_FUNC_MAPPER(FN")
	if !ok {
		t.Fatal("linux/bpf.h has no list of helpers")
	}
	n := -1
	_, mapper, _ = strings.Cut(mapper, "\n")
	for line := range strings.Lines(mapper) {
		if strings.HasPrefix(line, "#define") {
			break
		}
		args, ok := strings.CutPrefix(strings.TrimSpace(line), "FN(")
		if !ok {
			continue
		}
		n++
		args, _, _ = strings.Cut(args, ")")
		parts, id := strings.Split(args, ", "), n
		if len(parts) > 1 {
			if id, err = strconv.Atoi(parts[1]); err != nil {
				t.Fatal(err)
			}
		}
		if parts[0] == "unspec" {
			continue
		}
		if got := asm.FuncID(id).String(); got != "bpf_"+parts[0] {
			t.Errorf("helper %d is %s, the header says bpf_%s", id, got, parts[0])
		}
		if got, ok := asm.HelperByName(parts[0]); !ok || int(got) != id {
			t.Errorf("%s is %d, the header says %d", parts[0], got, id)
		}
	}
	if n < 200 || n > 211 {
		t.Errorf("the header has %d helpers, this table 211", n)
	}
	if got := asm.FuncID(1 << 20).String(); got != "helper#1048576" {
		t.Errorf("got %q", got)
	}
}

func TestDisassemble(t *testing.T) {
	ins, err := asm.Assemble(
		asm.LoadMap(asm.R1, "events"),
		asm.LoadMapValue(asm.R2, ".rodata", 16),
		asm.Call(asm.FnMapLookupElem),
		asm.JumpIf(asm.JEq, asm.R0, 0, "out"),
		asm.CallKfunc("bpf_rcu_read_lock"),
		asm.Label("out"),
		asm.Exit(),
	)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := asm.Disassemble(&out, ins); err != nil {
		t.Fatal(err)
	}
	want := `     0: ld_pseudo	r1, 0x1, 0x0 ; map events
     2: ld_pseudo	r2, 0x2, 0x0 ; map value .rodata+16
     4: call 0x1 ; bpf_map_lookup_elem
     5: if r0 == 0x0 goto +0x1 ; to 7
     6: call 0x0 ; kfunc bpf_rcu_read_lock
     7: exit
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

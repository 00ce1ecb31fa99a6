package asm_test

import (
	"fmt"
	"os"

	"github.com/skepbpf/skep/asm"
)

// A program that counts in the first element of an array map.
func ExampleAssemble() {
	ins, err := asm.Assemble(
		asm.StoreImm(asm.RFP, -4, 0, asm.SizeW),
		asm.MovReg(asm.R2, asm.RFP),
		asm.Add(asm.R2, -4),
		asm.LoadMap(asm.R1, "counts"),
		asm.Call(asm.FnMapLookupElem),
		asm.JumpIf(asm.JEq, asm.R0, 0, "out"),
		asm.Mov(asm.R1, 1),
		asm.Atomic(asm.AtomicAdd, asm.R0, 0, asm.R1, asm.SizeDW),
		asm.Label("out"),
		asm.Mov(asm.R0, 0),
		asm.Exit(),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	asm.Disassemble(os.Stdout, ins)
	// Output:
	//      0: *(u32 *)(r10 - 0x4) = 0x0
	//      1: r2 = r10
	//      2: r2 += -0x4
	//      3: ld_pseudo	r1, 0x1, 0x0 ; map counts
	//      5: call 0x1 ; bpf_map_lookup_elem
	//      6: if r0 == 0x0 goto +0x2 ; to 9
	//      7: r1 = 0x1
	//      8: lock *(u64 *)(r0 + 0x0) += r1
	//      9: r0 = 0x0
	//     10: exit
}

// A probe before every exit: jumps to an exit pass the probe.
func ExampleEditor() {
	ins, err := asm.Assemble(
		asm.Mov(asm.R0, 0),
		asm.JumpIf(asm.JEq, asm.R1, 0, "out"),
		asm.Mov(asm.R0, 1),
		asm.Label("out"),
		asm.Exit(),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	e := asm.NewEditor(ins)
	for i := range ins {
		if ins[i].Op == asm.OpExit {
			e.Insert(i, asm.And(asm.R0, 1))
		}
	}
	ins, err = e.Apply()
	if err != nil {
		fmt.Println(err)
		return
	}
	asm.Disassemble(os.Stdout, ins)
	// Output:
	//      0: r0 = 0x0
	//      1: if r1 == 0x0 goto +0x1 ; to 3
	//      2: r0 = 0x1
	//      3: r0 &= 0x1
	//      4: exit
}

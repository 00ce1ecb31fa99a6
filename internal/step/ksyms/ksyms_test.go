package ksyms

import (
	"errors"
	"os"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/elf"
)

// madeUp is the kernel of testdata/kernel/types.c.
func madeUp(t *testing.T) *Kernel {
	t.Helper()
	types, err := os.ReadFile("../../../testdata/kernel/vmlinux.btf")
	if err != nil {
		t.Fatal(err)
	}
	k := btf.NewKernel(fstest.MapFS{"sys/kernel/btf/vmlinux": {Data: types}})
	t.Cleanup(func() { k.Close() })
	return &Kernel{BTF: k, Address: func(name string) (uint64, bool, error) {
		switch name {
		case "schedule":
			return 0xffffffff81000000, false, nil
		case "hidden":
			return 0, true, errors.New("hidden")
		}
		return 0, false, errors.New("none")
	}}
}

func TestResolve(t *testing.T) {
	load := asm.Instruction{Op: asm.OpLoadImm64, Dst: 1, Src: 3, Ref: asm.Ref{Kind: asm.RefKsym, Name: "x"}, Note: 7}
	call := asm.Instruction{Op: asm.OpCall, Src: asm.PseudoKfuncCall, Imm: -1, Ref: asm.Ref{Kind: asm.RefKfunc, Name: "x"}, Note: 7}
	for _, tt := range []struct {
		name   string
		x      elf.ExternDef
		in     asm.Instruction
		want   asm.Instruction
		result Result
		err    string
	}{
		{"address", elf.ExternDef{Name: "schedule", Kind: elf.ExternKsym}, load,
			asm.Instruction{Op: asm.OpLoadImm64, Dst: 1, Imm: -0x7f000000, Note: 7}, Result{Note: "ksym schedule: address 0xffffffff81000000"}, ""},
		{"no address", elf.ExternDef{Name: "y", Kind: elf.ExternKsym}, load, asm.Instruction{}, Result{}, "none"},
		{"weak, no address", elf.ExternDef{Name: "y", Kind: elf.ExternKsym, Weak: true}, load,
			asm.Instruction{Op: asm.OpLoadImm64, Dst: 1, Note: 7}, Result{Note: "ksym y: 0 (weak: none)"}, ""},
		{"weak, hidden", elf.ExternDef{Name: "hidden", Kind: elf.ExternKsym, Weak: true}, load,
			asm.Instruction{Op: asm.OpLoadImm64, Dst: 1, Note: 7}, Result{Note: "ksym hidden: 0 (weak: hidden)", Lost: "extern hidden is 0: hidden"}, ""},
		{"function by flavour", elf.ExternDef{Name: "bpf_rcu_read_lock___mine", Kind: elf.ExternKfunc}, call,
			asm.Instruction{Op: asm.OpCall, Src: asm.PseudoKfuncCall, Imm: 18, Note: 7}, Result{Note: "kfunc bpf_rcu_read_lock___mine: type 18"}, ""},
		{"address of a function", elf.ExternDef{Name: "bpf_rcu_read_lock", Kind: elf.ExternKfunc}, load,
			asm.Instruction{Op: asm.OpLoadImm64, Dst: 1, Src: asm.PseudoBTFID, Imm: 18, Note: 7}, Result{Note: "ksym bpf_rcu_read_lock: type 18"}, ""},
		{"variable", elf.ExternDef{Name: "runqueues", Kind: elf.ExternKsymVar}, load,
			asm.Instruction{Op: asm.OpLoadImm64, Dst: 1, Src: asm.PseudoBTFID, Imm: 32, Note: 7}, Result{Note: "ksym runqueues: type 32"}, ""},
		{"no function", elf.ExternDef{Name: "gone", Kind: elf.ExternKfunc}, call, asm.Instruction{}, Result{}, "func gone: not found in kernel BTF"},
		{"weak, no function", elf.ExternDef{Name: "gone", Kind: elf.ExternKfunc, Weak: true}, call,
			asm.Instruction{Op: asm.OpCall, Imm: 2002000003, Note: 7}, Result{Unresolved: "kfunc gone: func gone: not found in kernel BTF"}, ""},
		{"weak, no variable", elf.ExternDef{Name: "gone", Kind: elf.ExternKsymVar, Weak: true}, load,
			asm.Instruction{Op: asm.OpLoadImm64, Dst: 1, Note: 7}, Result{Note: "ksym gone: 0 (weak: var gone: not found in kernel BTF)"}, ""},
		{"a type without types", elf.ExternDef{Name: "runqueues", Kind: elf.ExternKsymVar, Type: 3}, load, asm.Instruction{}, Result{}, "the object has no types"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := tt.in
			got, err := madeUp(t).Resolve(nil, &tt.x, 3, &in)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Fatalf("got %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, in) + cmp.Diff(tt.result, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestResolveChecksTypes: a name is not enough.
func TestResolveChecksTypes(t *testing.T) {
	k := madeUp(t)
	types, err := k.BTF.Vmlinux()
	if err != nil {
		t.Fatal(err)
	}
	lock, _ := types.ByName("bpf_rcu_read_lock", btf.KindFunc)
	sleep, _ := types.ByName("do_nanosleep", btf.KindFunc)
	in := asm.Instruction{Op: asm.OpCall}
	if _, err := k.Resolve(types, &elf.ExternDef{Name: "bpf_rcu_read_lock", Kind: elf.ExternKfunc, Type: lock.ID()}, 0, &in); err != nil {
		t.Error(err)
	}
	if _, err := k.Resolve(types, &elf.ExternDef{Name: "bpf_rcu_read_lock", Kind: elf.ExternKfunc, Type: sleep.ID()}, 0, &in); err == nil {
		t.Error("a function with other parameters passes")
	}
	k.BTF = nil
	if _, err := k.Resolve(types, &elf.ExternDef{Name: "bpf_rcu_read_lock", Kind: elf.ExternKfunc}, 0, &in); !errors.Is(err, btf.ErrNoBTF) {
		t.Errorf("without kernel BTF: %v", err)
	}
}

package ksyms

import (
	"errors"
	"fmt"
	"os"
	"strings"
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
	module, err := os.ReadFile("../../../testdata/kernel/skep_mod.btf")
	if err != nil {
		t.Fatal(err)
	}
	k := btf.NewKernel(fstest.MapFS{"sys/kernel/btf/vmlinux": {Data: types}, "sys/kernel/btf/skep_mod": {Data: module}})
	t.Cleanup(func() { k.Close() })
	return &Kernel{BTF: k, Address: func(name string) (Address, Doubt, error) {
		switch name {
		case "schedule":
			return Address{Value: 0xffffffff81000000}, 0, nil
		case "in_module":
			return Address{Value: 0x10, Module: "m"}, 0, nil
		case "unseen":
			return Address{}, Hidden, errors.New("unseen")
		case "twins":
			return Address{}, Ambiguous, errors.New("twins")
		}
		return Address{}, Absent, errors.New("none")
	}}
}

func TestResolve(t *testing.T) {
	number := func(name string, kind btf.Kind) int64 {
		_, found, err := madeUp(t).BTF.FindType(name, kind)
		if err != nil {
			t.Fatal(err)
		}
		return int64(found.ID())
	}
	modFunc, modVar := number("skep_mod_kfunc", btf.KindFunc), number("skep_mod_percpu", btf.KindVar)
	load := asm.Instruction{Op: asm.OpLoadImm64, Dst: 1, Src: 3, Ref: asm.Ref{Kind: asm.RefKsym, Name: "x"}, Note: 7}
	call := asm.Instruction{Op: asm.OpCall, Src: asm.PseudoKfuncCall, Imm: -1, Ref: asm.Ref{Kind: asm.RefKfunc, Name: "x"}, Note: 7}
	for _, tt := range []struct {
		name   string
		x      elf.ExternDef
		in     asm.Instruction
		want   asm.Instruction
		result Symbol
		why    string
		err    string
	}{
		{"address", elf.ExternDef{Name: "schedule", Kind: elf.ExternKsym}, load,
			asm.Instruction{Op: asm.OpLoadImm64, Dst: 1, Imm: -0x7f000000, Note: 7}, Symbol{Value: "address 0xffffffff81000000"}, "", ""},
		{"no address", elf.ExternDef{Name: "y", Kind: elf.ExternKsym}, load, asm.Instruction{}, Symbol{}, "", "none"},
		{"weak, no address", elf.ExternDef{Name: "y", Kind: elf.ExternKsym, Weak: true}, load,
			asm.Instruction{Op: asm.OpLoadImm64, Dst: 1, Note: 7}, Symbol{Value: "0 (weak: none)"}, "", ""},
		{"weak, hidden", elf.ExternDef{Name: "unseen", Kind: elf.ExternKsym, Weak: true}, load,
			asm.Instruction{Op: asm.OpLoadImm64, Dst: 1, Note: 7}, Symbol{Value: "0 (weak: unseen)", Lost: "extern unseen is 0: unseen"}, "", ""},
		{"weak, ambiguous", elf.ExternDef{Name: "twins", Kind: elf.ExternKsym, Weak: true}, load, asm.Instruction{}, Symbol{}, "", "twins"},
		{"address in a module", elf.ExternDef{Name: "in_module", Kind: elf.ExternKsym}, load,
			asm.Instruction{Op: asm.OpLoadImm64, Dst: 1, Imm: 16, Note: 7}, Symbol{Value: "address 0x10 in module m"}, "", ""},
		{"function by flavour", elf.ExternDef{Name: "bpf_rcu_read_lock___mine", Kind: elf.ExternKfunc}, call,
			asm.Instruction{Op: asm.OpCall, Src: asm.PseudoKfuncCall, Imm: 18, Note: 7}, Symbol{Value: "type 18"}, "", ""},
		{"address of a function", elf.ExternDef{Name: "bpf_rcu_read_lock", Kind: elf.ExternKfunc}, load,
			asm.Instruction{Op: asm.OpLoadImm64, Dst: 1, Src: asm.PseudoBTFID, Imm: 18, Note: 7}, Symbol{Value: "type 18"}, "", ""},
		{"variable", elf.ExternDef{Name: "runqueues", Kind: elf.ExternKsymVar}, load,
			asm.Instruction{Op: asm.OpLoadImm64, Dst: 1, Src: asm.PseudoBTFID, Imm: 32, Note: 7}, Symbol{Value: "type 32"}, "", ""},
		{"function of a module", elf.ExternDef{Name: "skep_mod_kfunc___v2", Kind: elf.ExternKfunc}, call,
			asm.Instruction{Op: asm.OpCall, Src: asm.PseudoKfuncCall, Imm: modFunc, Ref: asm.Ref{Kind: asm.RefKsym, Name: "skep_mod_kfunc___v2", Addend: 6}, Note: 7},
			Symbol{Value: fmt.Sprintf("type %d of module skep_mod", modFunc)}, "", ""},
		{"address of a function of a module", elf.ExternDef{Name: "skep_mod_kfunc", Kind: elf.ExternKfunc}, load,
			asm.Instruction{Op: asm.OpLoadImm64, Dst: 1, Src: asm.PseudoBTFID, Imm: modFunc, Ref: asm.Ref{Kind: asm.RefKsym, Name: "skep_mod_kfunc", Addend: 6}, Note: 7},
			Symbol{Value: fmt.Sprintf("type %d of module skep_mod", modFunc)}, "", ""},
		{"variable of a module", elf.ExternDef{Name: "skep_mod_percpu", Kind: elf.ExternKsymVar}, load,
			asm.Instruction{Op: asm.OpLoadImm64, Dst: 1, Src: asm.PseudoBTFID, Imm: modVar, Ref: asm.Ref{Kind: asm.RefKsym, Name: "skep_mod_percpu", Addend: 6}, Note: 7},
			Symbol{Value: fmt.Sprintf("type %d of module skep_mod", modVar)}, "", ""},
		{"no function", elf.ExternDef{Name: "gone", Kind: elf.ExternKfunc}, call, asm.Instruction{}, Symbol{}, "", "func gone: not found in kernel BTF"},
		{"weak, no function", elf.ExternDef{Name: "gone", Kind: elf.ExternKfunc, Weak: true}, call,
			asm.Instruction{Op: asm.OpCall, Imm: 2002000003, Note: 7},
			Symbol{Value: "0 (weak: func gone: not found in kernel BTF)"}, "kfunc gone: func gone: not found in kernel BTF", ""},
		{"weak, no variable", elf.ExternDef{Name: "gone", Kind: elf.ExternKsymVar, Weak: true}, load,
			asm.Instruction{Op: asm.OpLoadImm64, Dst: 1, Note: 7}, Symbol{Value: "0 (weak: var gone: not found in kernel BTF)"}, "", ""},
		{"a type without types", elf.ExternDef{Name: "runqueues", Kind: elf.ExternKsymVar, Type: 3}, load, asm.Instruction{}, Symbol{}, "", "the object has no types"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := tt.in
			got, err := madeUp(t).Resolve(nil, &tt.x, 3)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Fatalf("got %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			why := got.Patch(&in, func(*Symbol) int { return 5 })
			if diff := cmp.Diff(tt.want, in) + cmp.Diff(tt.result.Value, got.Value) + cmp.Diff(tt.result.Lost, got.Lost) + cmp.Diff(tt.why, why); diff != "" {
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
	id := func(name string, kind btf.Kind) btf.ID {
		found, ok := types.ByName(name, kind)
		if !ok {
			t.Fatalf("no %s", name)
		}
		return found.ID()
	}
	for _, tt := range []struct {
		name string
		kind elf.ExternKind
		typ  btf.ID
		err  string
	}{
		{"bpf_rcu_read_lock", elf.ExternKfunc, id("bpf_rcu_read_lock", btf.KindFunc), ""},
		{"bpf_task_release", elf.ExternKfunc, id("bpf_task_release", btf.KindFunc), ""},
		{"bpf_rcu_read_lock", elf.ExternKfunc, id("do_nanosleep", btf.KindFunc),
			"func of vmlinux is another than the object declares: it takes 0 parameters, not 2"},
		{"bpf_task_release", elf.ExternKfunc, id("bpf_lsm_file_open", btf.KindFunc),
			"func of vmlinux is another than the object declares: it returns void, not int"},
		{"bpf_task_acquire", elf.ExternKfunc, id("bpf_lsm_file_open", btf.KindFunc),
			"func of vmlinux is another than the object declares: it returns struct task_struct *, not int"},
		{"skep_mod_kfunc", elf.ExternKfunc, id("do_nanosleep", btf.KindFunc),
			"func of skep_mod is another than the object declares: parameter 1 (flags) is int, not struct task_struct *"},
		{"runqueues", elf.ExternKsymVar, id("rq", btf.KindStruct), ""},
		{"runqueues", elf.ExternKsymVar, id("cred", btf.KindStruct), ""}, // any struct, as for CO-RE
		{"runqueues", elf.ExternKsymVar, id("int", btf.KindInt),
			"var of vmlinux is another than the object declares: struct rq, not int"},
		{"bpf_prog_active", elf.ExternKsymVar, id("unsigned int", btf.KindInt), ""},
		{"bpf_prog_active", elf.ExternKsymVar, 99999, "type 99999 is not in the object"},
	} {
		x := elf.ExternDef{Name: tt.name, Kind: tt.kind, Type: tt.typ}
		s, err := k.Resolve(types, &x, 0)
		switch {
		case tt.err == "" && (err != nil || s.id == 0):
			t.Errorf("%s: %v", tt.name, err)
		case tt.err != "" && (err == nil || err.Error() != tt.err):
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.err)
		}
		if tt.err == "" {
			continue
		}
		// A weak one is as good as absent, and that does not go unsaid.
		x.Weak = true
		if s, err := k.Resolve(types, &x, 0); err != nil || s.id != 0 || s.Lost != "extern "+tt.name+": "+tt.err {
			t.Errorf("weak %s: %+v, %v", tt.name, s, err)
		}
	}
	k.BTF = nil
	if _, err := k.Resolve(types, &elf.ExternDef{Name: "bpf_rcu_read_lock", Kind: elf.ExternKfunc}, 0); !errors.Is(err, btf.ErrNoBTF) {
		t.Errorf("without kernel BTF: %v", err)
	}
}

// TestBrokenModule: what could not be searched may have what a weak extern goes
// without.
func TestBrokenModule(t *testing.T) {
	types, err := os.ReadFile("../../../testdata/kernel/vmlinux.btf")
	if err != nil {
		t.Fatal(err)
	}
	b := btf.NewKernel(fstest.MapFS{"sys/kernel/btf/vmlinux": {Data: types}, "sys/kernel/btf/skep_mod": {Data: []byte("no BTF")}})
	defer b.Close()
	k := Kernel{BTF: b}
	s, err := k.Resolve(nil, &elf.ExternDef{Name: "skep_mod_kfunc", Kind: elf.ExternKfunc, Weak: true}, 0)
	if err != nil || s.Missing == nil || !strings.HasPrefix(s.Lost, "extern skep_mod_kfunc: func skep_mod_kfunc: not found in kernel BTF; skipped: module skep_mod: ") {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := k.Resolve(nil, &elf.ExternDef{Name: "bpf_rcu_read_lock", Kind: elf.ExternKfunc}, 0); err != nil || s.Module != "" {
		t.Errorf("of vmlinux: %+v, %v", s, err)
	}
}

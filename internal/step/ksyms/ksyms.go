// Package ksyms resolves references to symbols of the kernel: addresses of
// typeless symbols, typed variables and functions found through BTF, and what
// becomes of a weak one that the kernel does not have.
package ksyms

import (
	"errors"
	"fmt"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/elf"
	"github.com/skepbpf/skep/internal/relo"
)

// Kernel is what Resolve asks.
type Kernel struct {
	BTF *btf.Kernel // may be nil: then there are no typed symbols
	// Address is that of a typeless symbol. hidden says that the kernel may
	// have it although err says that it cannot be told.
	Address func(name string) (addr uint64, hidden bool, err error)
}

// Result says what became of a reference, in words for plans and reports.
type Result struct {
	Note string // what was resolved
	Lost string // what the program goes without, though the kernel may have it
	// Unresolved is why the instruction was made one that the verifier refuses
	// if it is reached.
	Unresolved string
}

// Resolve patches the instruction that refers to x. types are the object's,
// index numbers x among its externs.
func (k *Kernel) Resolve(types *btf.Spec, x *elf.ExternDef, index int, in *asm.Instruction) (Result, error) {
	if x.Kind == elf.ExternKsym {
		return k.address(x, in)
	}
	module, id, err := k.find(types, x)
	if err == nil && module != vmlinux {
		err = fmt.Errorf("only in module %s: externs are resolved in %s", module, vmlinux)
	}
	if err != nil {
		return missing(x, index, in, err)
	}
	in.Ref, in.Off, in.Imm = asm.Ref{}, 0, int64(uint32(id))
	if in.Wide() {
		in.Src = asm.PseudoBTFID
		return Result{Note: fmt.Sprintf("ksym %s: type %d", x.Name, id)}, nil
	}
	in.Src = asm.PseudoKfuncCall
	return Result{Note: fmt.Sprintf("kfunc %s: type %d", x.Name, id)}, nil
}

// vmlinux is how btf.Kernel names what is in no module.
const vmlinux = "vmlinux"

// address puts the address of a symbol without a type into a wide load.
func (k *Kernel) address(x *elf.ExternDef, in *asm.Instruction) (Result, error) {
	in.Ref, in.Src, in.Imm = asm.Ref{}, 0, 0
	addr, hidden, err := k.Address(x.Name)
	switch {
	case err == nil:
		in.Imm = int64(addr)
		return Result{Note: fmt.Sprintf("ksym %s: address %#x", x.Name, addr)}, nil
	case !x.Weak:
		return Result{}, err
	}
	r := Result{Note: fmt.Sprintf("ksym %s: 0 (weak: %v)", x.Name, err)}
	if hidden {
		r.Lost = fmt.Sprintf("extern %s is 0: %v", x.Name, err)
	}
	return r, nil
}

// missing is what becomes of a weak extern that the kernel does not have: its
// address is 0, and a call of it is one of a function no kernel has.
func missing(x *elf.ExternDef, index int, in *asm.Instruction, err error) (Result, error) {
	if !x.Weak {
		return Result{}, err
	}
	if !in.Wide() {
		*in = relo.PoisonedKfunc(index, in.Note)
		return Result{Unresolved: fmt.Sprintf("kfunc %s: %v", x.Name, err)}, nil
	}
	in.Ref, in.Src, in.Imm = asm.Ref{}, 0, 0
	return Result{Note: fmt.Sprintf("ksym %s: 0 (weak: %v)", x.Name, err)}, nil
}

// find looks a typed extern up and checks that its type is what the object
// declares.
func (k *Kernel) find(types *btf.Spec, x *elf.ExternDef) (module string, id btf.ID, err error) {
	if k.BTF == nil {
		return "", 0, btf.ErrNoBTF
	}
	kind := btf.KindVar
	if x.Kind == elf.ExternKfunc {
		kind = btf.KindFunc
	}
	module, t, err := k.BTF.FindType(btf.EssentialName(x.Name), kind)
	if err != nil || x.Type == 0 {
		return module, t.ID(), err
	}
	if types == nil {
		return "", 0, errors.New("the object has no types")
	}
	want := x.Type
	if kind == btf.KindFunc {
		local, ok := types.Type(x.Type)
		if !ok {
			return "", 0, fmt.Errorf("type %d is not in the object", x.Type)
		}
		want = local.Target()
	}
	if !btf.Compatible(types, want, t.Spec(), t.Target()) {
		return "", 0, fmt.Errorf("the kernel's %s has another type than the object declares", x.Name)
	}
	return module, t.ID(), nil
}

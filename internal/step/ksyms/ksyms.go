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
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/relo"
)

// Kernel is what Resolve asks.
type Kernel struct {
	BTF *btf.Kernel // may be nil: then there are no typed symbols
	// Address is that of a typeless symbol. An error says how sure it is that
	// the kernel has none.
	Address func(name string) (Address, Doubt, error)
}

// Address is where a typeless symbol lies.
type Address struct {
	Value  uint64
	Module string // "" for vmlinux
}

// Doubt is what an error of Kernel.Address leaves open.
type Doubt uint8

const (
	// Absent: the kernel has no such symbol.
	Absent Doubt = iota
	// Hidden: the kernel may have the symbol, but does not show where. A weak
	// one is 0, and the load report says so.
	Hidden
	// Ambiguous: several symbols have the name. Either would be a guess, so the
	// program fails even if the extern is weak, as with libbpf.
	Ambiguous
)

// Symbol is what an extern was resolved to.
type Symbol struct {
	// Value is that in words for plans and reports.
	Value string
	// Lost is what programs go without though the kernel may have it, in words.
	Lost string
	// Missing is why a weak extern is not resolved.
	Missing error
	// Module is where it was found; "" is vmlinux.
	Module string
	// Types are those of Module; nil for an address.
	Types *btf.Spec

	name  string
	index int
	addr  uint64
	id    btf.ID // 0: an address
}

// vmlinux is how btf.Kernel names what is in no module.
const vmlinux = "vmlinux"

// Resolve looks x up. types are the object's, index numbers x among its
// externs. An extern that must be there and is not is an error.
func (k *Kernel) Resolve(types *btf.Spec, x *elf.ExternDef, index int) (*Symbol, error) {
	s := &Symbol{name: x.Name, index: index}
	if x.Kind == elf.ExternKsym {
		return s, k.address(s, x)
	}
	t, err := k.find(s, types, x)
	if err != nil {
		if !x.Weak {
			return nil, err
		}
		s.missing(err)
		if !absent(err) {
			s.Lost = fmt.Sprintf("extern %s: %v", x.Name, err)
		}
		return s, nil
	}
	s.id, s.Types = t.ID(), t.Spec()
	s.Value = fmt.Sprintf("type %d", s.id)
	if s.Module != "" {
		s.Value += " of module " + s.Module
	}
	return s, nil
}

// absent reports whether the kernel certainly lacks what was sought: all of its
// BTF was searched.
func absent(err error) bool {
	nf, ok := err.(*btf.NotFoundError)
	return ok && len(nf.Broken) == 0
}

// missing makes s what a weak extern is without the kernel's symbol.
func (s *Symbol) missing(err error) {
	s.Missing, s.Module = err, ""
	s.Value = fmt.Sprintf("0 (weak: %v)", err)
}

// address looks a symbol without a type up.
func (k *Kernel) address(s *Symbol, x *elf.ExternDef) error {
	a, doubt, err := k.Address(x.Name)
	switch {
	case err == nil:
		s.addr, s.Module, s.Value = a.Value, a.Module, fmt.Sprintf("address %#x", a.Value)
		if a.Module != "" {
			s.Value += " in module " + a.Module
		}
		return nil
	case !x.Weak, doubt == Ambiguous:
		return err
	case doubt == Hidden:
		s.Lost = fmt.Sprintf("extern %s is 0: %v", x.Name, err)
	}
	s.missing(err)
	return nil
}

// Patch makes an instruction that refers to the extern what the kernel takes.
// modules gives numbers to modules: with one, the instruction keeps a reference
// of RefKsym whose Addend is the number plus 1, for prog. why is set if the
// verifier will refuse the instruction once it is reached.
func (s *Symbol) Patch(in *asm.Instruction, modules func(*Symbol) int) (why string) {
	call := !in.Wide()
	if call && s.id == 0 {
		*in = relo.PoisonedKfunc(s.index, in.Note)
		return fmt.Sprintf("kfunc %s: %v", s.name, s.Missing)
	}
	in.Ref, in.Src, in.Off, in.Imm = asm.Ref{}, 0, 0, int64(s.addr)
	if s.id == 0 {
		return ""
	}
	in.Imm, in.Src = int64(uint32(s.id)), asm.PseudoBTFID
	if call {
		in.Src = asm.PseudoKfuncCall
	}
	if s.Module != "" {
		in.Ref = asm.Ref{Kind: asm.RefKsym, Name: s.name, Addend: int32(modules(s)) + 1}
	}
	return ""
}

// find looks a typed extern up and checks that its type is what the object
// declares. Functions and variables are known to the kernel without flavour.
func (k *Kernel) find(s *Symbol, types *btf.Spec, x *elf.ExternDef) (btf.Type, error) {
	if k.BTF == nil {
		return btf.Type{}, btf.ErrNoBTF
	}
	kind := btf.KindVar
	if x.Kind == elf.ExternKfunc {
		kind = btf.KindFunc
	}
	module, t, err := k.BTF.FindType(btf.EssentialName(x.Name), kind)
	if err != nil {
		return t, err
	}
	if module != vmlinux {
		s.Module = module
	}
	if x.Type == 0 {
		return t, nil
	}
	if types == nil {
		return t, errors.New("the object has no types")
	}
	want, ok := types.Type(x.Type)
	if !ok {
		return t, mkerr.Errorf("type %d is not in the object", x.Type)
	}
	if kind == btf.KindFunc {
		want, _ = types.Type(want.Target())
	}
	have, _ := t.Spec().Type(t.Target())
	if why := difference(want, have); why != "" {
		return t, mkerr.Errorf("%s of %s is another than the object declares: %s", kind, module, why)
	}
	return t, nil
}

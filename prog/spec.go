// Package prog loads programs into the kernel, runs them on test input, and
// inspects them. Attaching is package link's.
package prog

import (
	"slices"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/sys"
)

// MapRef is a map that a program uses. *maps.Map is one; only this module's
// packages can make others.
type MapRef interface{ MapFD() *sys.FD }

// Target is what a program is verified against, besides its type: the kernel
// function, type or program that it hooks.
type Target struct {
	// Name is the function (fentry, fexit, fmod_ret, freplace), tracepoint
	// (tp_btf), hook (lsm) or iterator (iter), without a prefix.
	Name string
	// Module is the kernel module whose BTF has the target; "" is vmlinux,
	// or, until Resolve was called, not known.
	Module string
	// ID is the target's type in that BTF, or in Program's; 0 means not yet
	// resolved.
	ID btf.ID
	// Program is the target if it is a BPF program. It stays the caller's.
	Program *Program
	// Unique refuses the name of a kernel function that stands for several, of
	// which the kernel would hook the first, with an *AmbiguousError. (Types in
	// BTF that differ are refused without it.) It takes reading all symbols of
	// the kernel, some tenths of a second for all programs of a collection.
	Unique bool
}

// Spec says what to load: one entry function with all functions that it calls
// behind it. It holds no descriptor and can be loaded many times.
type Spec struct {
	// Name of the program; the kernel keeps 15 bytes of it.
	Name string
	Type Type
	// Attach is expected_attach_type. For StructOps it is the index of the
	// member that the program implements.
	Attach AttachType
	// AttachOptional says that kernels which do not take an attach type may
	// be given none.
	AttachOptional bool
	Target         Target
	// License as in the object; helpers for GPL programs need one that the
	// kernel calls compatible.
	License string
	// KernelVersion as LINUX_VERSION_CODE. Only kernels before 5.0 compare
	// it, for Kprobe programs; 0 is filled in there.
	KernelVersion uint32
	// Flags are BPF_F_SLEEPABLE, BPF_F_XDP_HAS_FRAGS and the like.
	Flags uint32
	// Ifindex is the device to offload to, or whose metadata an XDP program
	// reads; 0 for none.
	Ifindex uint32

	// Insns are linked: of references, only RefMap and RefMapValue are left,
	// to names of Maps, and RefKsym of Modules.
	Insns asm.Instructions
	// Maps by the names that Insns use.
	Maps map[string]MapRef
	// Modules are the kernel modules whose BTF Insns refer to. A call of a
	// kernel function in Modules[i] has i+1 in Off. A wide load of a module's
	// variable has RefKsym with i+1 as Addend, and the type's id in the low
	// half of Imm.
	Modules []string

	// Types is the object's BTF; nil if it has none. Funcs and Lines refer
	// to it, with offsets in slots from the start of Insns.
	Types *btf.Spec
	Funcs []btf.FuncInfo
	Lines []btf.LineInfo

	// Signature is a detached CMS (PKCS #7) signature in DER that the kernel
	// checks before it verifies the program; empty for none. What it covers is
	// said by skep.Plan.Signing. Requires Linux 6.18.
	Signature []byte
	// Keyring holds the certificate that Signature is checked with.
	Keyring Keyring
	// ByIndex has Insns name maps by their place in fd_array, in the order of
	// their first use, instead of by descriptor: the bytes are then the same in
	// each load. What has a Signature is always loaded so. Requires Linux 5.14.
	ByIndex bool

	unnamed bool // the kernel does not take names
}

// Copy gives a Spec whose slices and maps can be changed without changing s.
func (s *Spec) Copy() *Spec {
	c := *s
	c.Insns = append(asm.Instructions(nil), s.Insns...)
	if s.Maps != nil {
		c.Maps = make(map[string]MapRef, len(s.Maps))
		for name, m := range s.Maps {
			c.Maps[name] = m
		}
	}
	c.Modules = slices.Clone(s.Modules)
	c.Funcs = slices.Clone(s.Funcs)
	c.Lines = slices.Clone(s.Lines)
	c.Signature = slices.Clone(s.Signature)
	return &c
}

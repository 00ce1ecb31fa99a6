package prog

import (
	"encoding/binary"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/internal/diagnose"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/tree"
)

// Dump is a program as it runs: its instructions after the verifier's
// rewriting, the machine code made of them, and where both come from in the
// source.
type Dump struct {
	Info Info
	// Funcs are the entry function and what it calls, in the kernel's order.
	Funcs []DumpFunc
	// Hidden says what the kernel does not show to this process, and why: as
	// a rule errors that are a *refusal.Error. What else is there is whole.
	Hidden []error
}

// DumpFunc is one function of a program.
type DumpFunc struct {
	Name string  // from the program's BTF; "" if it has none
	Tag  [8]byte // hash of its instructions
	// Slot is where it begins in the program, in slots of eight bytes.
	Slot int
	// Insns name in Ref what they use: maps by their name, or "#7" for id 7;
	// functions of the program; what else is called as a RefKfunc with the
	// name of the kernel's symbol, helpers included.
	Insns asm.Instructions
	// Addr is where the machine code lies in the kernel, and Code the code;
	// 0 and nil if it is hidden, or the program is interpreted.
	Addr  uint64
	Code  []byte
	Lines []DumpLine // ascending
}

// DumpLine is where a line of the source begins.
type DumpLine struct {
	Slot         int // of the program
	Code         int // offset in DumpFunc.Code; -1 if it is not known
	File, Text   string
	Line, Column int
}

// Dump reads the program back. Requires Linux 4.18 and CAP_BPF (before Linux
// 5.8, CAP_SYS_ADMIN); names and lines need CAP_SYS_ADMIN and Linux 5.0, machine
// code and the names of what is called that kernel addresses are not hidden:
// CAP_SYSLOG and the sysctl kernel.kptr_restrict below 2.
func (p *Program) Dump() (*Dump, error) {
	var d *Dump
	err := p.with("dump", func(fd int) error {
		r, err := readRaw(fd)
		if err == nil {
			d, err = dump(r, kernel.FS("/"))
		}
		return err
	})
	return d, err
}

func dump(r *raw, root tree.Root) (*Dump, error) {
	if len(r.insns) == 0 {
		return nil, noInstructions(r, root)
	}
	insns, err := asm.Decode(r.insns, binary.NativeEndian)
	if err != nil {
		return nil, err
	}
	d := &Dump{Info: infoOf(&r.info)}
	d.Info.MapIDs = r.mapIDs
	if r.info.JitedProgLen != 0 && r.jited == nil {
		d.Hidden = append(d.Hidden, mkerr.Wrap("machine code: %w", diagnose.Addresses(root)))
	}
	n := namer{raw: r, root: root, insns: insns}
	d.Funcs = n.split()
	for _, name := range [...]func([]DumpFunc) error{n.fromBTF, n.maps, n.symbols} {
		if err := name(d.Funcs); err != nil {
			d.Hidden = append(d.Hidden, err)
		}
	}
	return d, nil
}

// noInstructions says why there are none: every program has some.
func noInstructions(r *raw, root tree.Root) error {
	if r.info.XlatedProgLen != 0 {
		return mkerr.Wrap("instructions: %w", diagnose.Addresses(root)) // blinded: bpf_jit_harden
	}
	return mkerr.Wrap("instructions: %w", diagnose.Explain(errNoInstructions, &diagnose.Ask{Needs: diagnose.BPF, Root: root}))
}

// errNoInstructions is the answer to those without CAP_BPF, which is no error
// of the kernel's.
var errNoInstructions = &sys.Error{Call: "BPF_OBJ_GET_INFO_BY_FD", Errno: sys.EPERM}

// Xlated gives the instructions after the verifier's rewriting, as raw bytes
// in this machine's order; see Dump. Requires Linux 4.13 and CAP_BPF (before
// Linux 5.8, CAP_SYS_ADMIN).
func (p *Program) Xlated() ([]byte, error) {
	var code []byte
	err := p.with("instructions", func(fd int) error {
		var n sys.ProgInfo
		if err := sys.ObjGetInfoByFD(fd, &n); err != nil {
			return err
		}
		code = make([]byte, min(n.XlatedProgLen, maxXlated))
		r := &raw{info: sys.ProgInfo{XlatedProgLen: uint32(len(code)), XlatedProgInsns: sys.BytesPtr(code)}}
		if err := sys.ObjGetInfoByFD(fd, &r.info); err != nil {
			return err
		}
		if len(code) == 0 || r.info.XlatedProgInsns.IsNull() {
			code = nil
			return noInstructions(r, kernel.FS("/"))
		}
		code = code[:min(int(r.info.XlatedProgLen), len(code))]
		return nil
	})
	return code, err
}

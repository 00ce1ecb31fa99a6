package relo

import (
	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/internal/mkerr"
)

// Helper ids that no kernel has, to tell from the verifier's complaint what was
// missing. They are libbpf's, so that other tools recognise them too
// (libbpf.c: POISON_LDIMM64_MAP_BASE, POISON_CALL_KFUNC_BASE).
const (
	poisonMap   = 2001000000
	poisonKfunc = 2002000000
)

// PoisonedKfunc stands in for the call of a kernel function that the kernel
// does not have. index numbers the extern.
func PoisonedKfunc(index int, note asm.NoteID) asm.Instruction {
	return asm.Instruction{Op: asm.OpCall, Imm: poisonKfunc + int64(index), Note: note}
}

// PoisonMaps replaces wide loads of maps that are not created by calls that the
// verifier rejects if it reaches them. off gives a map's number, and whether
// it is left out. The list given is not changed; jumps keep their targets,
// since two calls take the two slots of a wide load.
func PoisonMaps(ins asm.Instructions, off func(name string) (index int, off bool)) (asm.Instructions, error) {
	var out asm.Instructions
	for i := range ins {
		in := &ins[i]
		index, gone := 0, false
		if in.Ref.Kind == asm.RefMap || in.Ref.Kind == asm.RefMapValue {
			index, gone = off(in.Ref.Name)
		}
		switch {
		case !gone:
			if out != nil {
				out = append(out, *in)
			}
			continue
		case !in.Wide():
			return nil, mkerr.Named("map %s: the instruction is no wide load", in.Ref.Name)
		case out == nil:
			out = append(make(asm.Instructions, 0, len(ins)+4), ins[:i]...)
		}
		call := asm.Instruction{Op: asm.OpCall, Imm: poisonMap + int64(index), Note: in.Note}
		second := call
		second.Note = 0
		out = append(out, call, second)
	}
	if out == nil {
		return ins, nil
	}
	return out, nil
}

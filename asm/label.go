package asm

import "github.com/skepbpf/skep/internal/mkerr"

// Label marks a place in hand-built code: the next instruction of the list.
// It takes no space; Assemble removes it.
func Label(name string) Instruction {
	return Instruction{Ref: Ref{Kind: RefMark, Name: name}}
}

// Assemble removes the Labels from code and makes the jumps to them relative.
// It is an error if a label is missing, placed twice or placed after the last
// instruction, or if a jump is too far. Refs to other objects stay.
//
// The argument is not changed.
func Assemble(code ...Instruction) (Instructions, error) {
	places := map[string]int{}
	slot, n := 0, 0
	for i := range code {
		if r := &code[i].Ref; r.Kind == RefMark {
			if _, dup := places[r.Name]; dup {
				return nil, mkerr.Named("assemble: label %q: placed twice", r.Name)
			}
			places[r.Name] = slot
			continue
		}
		slot += code[i].Slots()
		n++
	}
	end := slot
	out := make(Instructions, 0, n)
	slot = 0
	for i := range code {
		in := code[i]
		if in.Ref.Kind == RefMark {
			continue
		}
		if in.Ref.Kind == RefLabel {
			to, ok := places[in.Ref.Name]
			if !ok {
				return nil, mkerr.Errorf("assemble: instruction %d: label %q: not placed", len(out), in.Ref.Name)
			}
			if to == end {
				return nil, mkerr.Named("assemble: label %q: no instruction follows it", in.Ref.Name)
			}
			name := in.Ref.Name
			if err := in.SetTarget(slot, to); err != nil {
				return nil, mkerr.Errorf("assemble: instruction %d: label %q: %w", len(out), name, err)
			}
		}
		out = append(out, in)
		slot += in.Slots()
	}
	return out, nil
}

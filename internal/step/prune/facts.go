package prune

import "github.com/skepbpf/skep/asm"

// fate is what becomes of an instruction.
type fate uint8

const (
	unreachable fate = iota
	kept
	never  // a conditional jump that is not taken
	always // a conditional jump that is
	inlined
	useless // nothing looks at what it computes
)

// facts are what the final states say.
type facts struct {
	fate     []fate
	inline   []constant
	branches []Branch
	tails    []TailCall

	slot int
	last asm.NoteID
}

// constant is a load whose result is known.
type constant struct {
	at int // instruction
	n  uint64
}

// gather walks once more, now that states are final.
func (f *flow) gather() *facts {
	f.final = true
	facts := &facts{fate: make([]fate, len(f.ins))}
	slot := 0
	var last asm.NoteID
	for i := range f.ins {
		in := &f.ins[i]
		if id := max(in.Note, in.Line); id != 0 {
			last = id
		}
		if l := f.leader[i]; l >= 0 && f.states[l].visited {
			s := f.states[l]
			facts.slot, facts.last = slot, last
			f.walk(i, &s, facts)
		}
		slot += in.Slots()
	}
	return facts
}

// note records what is known of instruction i, reached with s.
func (facts *facts) note(f *flow, i int, s *state) {
	in := &f.ins[i]
	facts.fate[i] = kept
	if id := max(in.Note, in.Line); id != 0 {
		facts.last = id
	}
	switch {
	case isCond(in.Op):
		if taken, decided := f.decide(in, s); decided {
			facts.fate[i] = never
			if taken {
				facts.fate[i] = always
			}
			facts.branches = append(facts.branches, Branch{Slot: facts.slot, Note: facts.last, Taken: taken})
		}
	case in.Op.Class() == asm.ClassLDX:
		if n, ok := f.constant(in, s); ok {
			facts.fate[i] = inlined
			facts.inline = append(facts.inline, constant{i, n})
		}
	case isTailCall(in):
		facts.tails = append(facts.tails, f.tailCall(s))
	}
	facts.slot += in.Slots()
}

// tailCall reads the arguments of bpf_tail_call(ctx, array, index).
func (f *flow) tailCall(s *state) TailCall {
	var t TailCall
	if a := s.get(asm.R2); a.kind == mapItself {
		t.Array = f.refs[a.ref].Name
	}
	if k := s.get(asm.R3); k.kind == number {
		t.Index, t.Fixed = uint32(k.n), true
	}
	return t
}

func isTailCall(in *asm.Instruction) bool {
	return in.Op == asm.OpCall && in.Src == asm.PseudoHelper && in.Ref.Kind == asm.RefNone && in.Imm == int64(asm.FnTailCall)
}

func unknownTailCalls(ins asm.Instructions) (t []TailCall) {
	for i := range ins {
		if isTailCall(&ins[i]) {
			t = append(t, TailCall{})
		}
	}
	return t
}

package prune

import "github.com/skepbpf/skep/asm"

// kind says what is known of a register.
type kind uint8

const (
	unknown   kind = iota
	number         // n
	address        // byte n of the read-only memory that a reference names
	mapItself      // the map that a reference names
)

// value is what is known of a register wherever an instruction is reached.
type value struct {
	n    uint64
	ref  int32 // index into flow.refs
	kind kind
}

func known(n uint64) value { return value{kind: number, n: n} }

// state is what is known of R0 to R9. R10 is never asked for.
type state struct {
	regs    [asm.R10]value
	visited bool
}

func (s *state) get(r asm.Reg) value {
	if r >= asm.R10 {
		return value{}
	}
	return s.regs[r]
}

func (s *state) set(r asm.Reg, v value) {
	if r < asm.R10 {
		s.regs[r] = v
	}
}

// clobber forgets what calls do not keep.
func (s *state) clobber() {
	for r := asm.R0; r <= asm.R5; r++ {
		s.regs[r] = value{}
	}
}

// join keeps what s and o agree on, and reports whether s lost something. What
// was never visited takes o as it is.
func (s *state) join(o *state) bool {
	if !s.visited {
		*s = *o
		s.visited = true
		return true
	}
	changed := false
	for r := range s.regs {
		if v := &s.regs[r]; v.kind != unknown && *v != o.regs[r] {
			*v, changed = value{}, true
		}
	}
	return changed
}

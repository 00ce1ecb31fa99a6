package verifierlog

import (
	"strings"
)

// PoisonKind says what could not be resolved where a loader left a call of an
// impossible function, so that the program is rejected only if the
// instruction is reached.
type PoisonKind uint8

// The kinds of poison.
const (
	NotPoison     PoisonKind = iota
	PoisonCORE               // CO-RE relocation without a match in the kernel
	PoisonMap                // reference to a map that was not created
	PoisonKfunc              // call of a kernel function that was not found
	PoisonUnknown            // function id beyond all that kernels know
)

// Helper ids that stand for poison, as libbpf numbers them. Index i is added
// to the bases.
const (
	PoisonCOREID    = 0xbad2310 // 195896080
	PoisonMapBase   = 2001000000
	PoisonKfuncBase = 2002000000
	poisonSpan      = 1000000
)

// Poison names what a rejected call stands for.
type Poison struct {
	Kind  PoisonKind
	Insn  int // the call, in slots; -1 if unknown
	Index int // what the loader numbered: map or extern; 0 for CO-RE
}

var poisonText = [...]string{
	NotPoison:     "",
	PoisonCORE:    "CO-RE relocation has no match in this kernel",
	PoisonMap:     "map is used but was not created",
	PoisonKfunc:   "kernel function is called but was not found",
	PoisonUnknown: "function is not known to any kernel",
}

func (k PoisonKind) String() string {
	if int(k) < len(poisonText) {
		return poisonText[k]
	}
	return ""
}

// poisonOf reads "invalid func unknown#195896080".
func poisonOf(reason string, insn int) Poison {
	_, after, ok := strings.Cut(reason, "invalid func unknown#")
	if !ok {
		return Poison{Insn: -1}
	}
	id, _ := leadingInt(after)
	p := Poison{Insn: insn}
	switch {
	case id == PoisonCOREID:
		p.Kind = PoisonCORE
	case id >= PoisonMapBase && id < PoisonMapBase+poisonSpan:
		p.Kind, p.Index = PoisonMap, id-PoisonMapBase
	case id >= PoisonKfuncBase && id < PoisonKfuncBase+poisonSpan:
		p.Kind, p.Index = PoisonKfunc, id-PoisonKfuncBase
	case id > 1<<16:
		p.Kind = PoisonUnknown
	default:
		return Poison{Insn: -1} // a helper that this kernel does not have
	}
	return p
}

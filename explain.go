package skep

import (
	"fmt"
	"strings"

	"github.com/skepbpf/skep/verifierlog"
)

//go:noinline
func (u unresolved) String() string {
	if u.fn == "" {
		return u.why
	}
	why := u.why
	if u.what != "" {
		_, field, _ := strings.Cut(u.what, " ")
		why = u.what + ": " + strings.TrimPrefix(why, field+": ")
	}
	return fmt.Sprintf("%s: insn %d: %s", u.fn, u.slot, why)
}

// poisonName says what a poisoned call of the program stands for: the verifier
// knows only a number.
func (pp *plannedProgram) poisonName(p verifierlog.Poison) string {
	fn, slot, ok := pp.linked.Origin(p.Insn)
	if !ok {
		return ""
	}
	for _, u := range pp.poison {
		// Both halves of a wide instruction are poisoned.
		if u.fn == fn && (u.slot == slot || u.slot == slot-1) {
			return u.String()
		}
	}
	return ""
}

package probe

import "github.com/skepbpf/skep/internal/sys"

// ProgAttach tells, as ProgType does, whether programs of a type that the
// kernel has can be loaded with an attach type. Of types that are verified
// against a target it cannot be told: nil.
func ProgAttach(t sys.ProgType, at sys.AttachType, token int) error {
	s := shapeOf(t)
	if s.btf || at == s.attach || at == 0 {
		return nil
	}
	a := &asker{token: token}
	p := program{typ: t, attach: at, flags: s.flags, insns: []insn{clear0, exit}, log: make([]byte, 1<<12)}
	err := a.loads(p)
	if err == nil || p.log[0] != 0 {
		return nil
	}
	return a.unsupported(err, "attach type "+at.String()+" of program type "+t.String(), loadSocketFilter)
}

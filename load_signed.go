package skep

import (
	"bytes"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/prog"
)

// stillOwner refuses a program that is no longer the one that its maps were
// made for.
func (l *loader) stillOwner(program string, s *prog.Spec) error {
	for _, m := range l.plan.maps {
		if m.owner != program || m.off || l.opts.Maps[m.name] != nil {
			continue
		}
		sum, err := s.Digest(nil)
		if err != nil {
			return err
		}
		if !bytes.Equal(sum[:], m.spec.ExclusiveHash) {
			return mkerr.Named("map %s is exclusive to the program as it was planned, and Edit changed its instructions: change the Spec's", m.name)
		}
	}
	return nil
}

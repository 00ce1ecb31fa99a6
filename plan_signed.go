package skep

import (
	"errors"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/maps"
)

// owned refuses a program that uses a map of another one, and has the
// instructions of one that has maps of its own, or is signed, name maps by
// place: their bytes say who it is.
func (p *planner) owned(pp *plannedProgram) error {
	if len(pp.spec.Signature) > 0 {
		pp.spec.ByIndex = true
	}
	if !p.exclusive {
		return nil
	}
	for _, name := range pp.spec.UsedMaps() {
		m := p.spec.Maps[name]
		switch {
		case m == nil || m.Off || m.Exclusive == "":
		case m.Exclusive != pp.name:
			return mkerr.Errorf("map %s is exclusive to program %s", name, m.Exclusive)
		default:
			pp.spec.ByIndex = true
		}
	}
	return nil
}

// hasExclusive reports whether any map belongs to one program.
func (s *Spec) hasExclusive() bool {
	for _, m := range s.Maps {
		if m.Exclusive != "" && !m.Off {
			return true
		}
	}
	return false
}

// planExclusive gives a map the digest of the program that it belongs to.
// Without that program there is nobody to make it for.
func (p *planner) planExclusive(pm *plannedMap, owner string) error {
	if len(pm.spec.ExclusiveHash) > 0 {
		return errors.New("both Exclusive and ExclusiveHash are set")
	}
	pm.owner = owner
	for _, pp := range p.done {
		if pp.name != owner {
			continue
		}
		if pp.err != nil || pp.policy == Off {
			why := pp.err
			if why == nil {
				why = ErrOff
			}
			pm.off, pm.why = true, mkerr.WrapNamed("exclusive to program %s, which is left out: %w", owner, why)
			return nil
		}
		sum, err := pp.spec.Digest(p.bytes)
		if err != nil {
			return mkerr.WrapNamed("exclusive to program %s: %w", owner, err)
		}
		pm.spec.ExclusiveHash = sum[:]
		return nil
	}
	return mkerr.Wrap("exclusive: %w", notFound("program", owner, p.spec.ProgramNames()))
}

// Signing is what is known of a program's identity before it is loaded. It
// depends on the Spec and the Facts alone, so that a machine that has the
// signer's key need neither be the one that loads, nor run BPF.
type Signing struct {
	// Code are the instructions as the kernel gets them.
	Code []byte
	// Bytes are what the signature has to cover: Code, and since Linux 7.3 the
	// contents of the program's maps behind it.
	Bytes []byte
	// Digest is the SHA-256 that the kernel knows the program by, as the owner
	// of exclusive maps.
	Digest [32]byte
}

// signsMaps is LINUX_VERSION_CODE of the first kernel whose signatures cover
// maps (bpf_prog_verify_signature in kernel/bpf/verifier.c).
const signsMaps = 7<<16 | 3<<8

// Signing gives what to sign for a program, whether the Spec has a Signature
// for it already or not. With the signature in ProgramSpec.Signature the same
// Spec and Facts give a plan that loads the same bytes.
//
// Since Linux 7.3, what a signed program uses has to be all signed: a map that
// is no frozen Array, exclusive to the program, is an error for such a kernel,
// and so are types of kernel modules.
func (p *Plan) Signing(program string) (*Signing, error) {
	for _, pp := range p.programs {
		if pp.name != program {
			continue
		}
		if pp.err != nil {
			return nil, mkerr.WrapNamed("program %s: left out: %w", program, pp.err)
		}
		s, err := p.signing(pp)
		if err != nil {
			return nil, mkerr.WrapNamed("program %s: sign: %w", program, err)
		}
		return s, nil
	}
	var names []string
	for _, pp := range p.programs {
		names = append(names, pp.name)
	}
	return nil, notFound("program", program, names)
}

func (p *Plan) signing(pp *plannedProgram) (*Signing, error) {
	spec := pp.spec
	spec.ByIndex = true
	s := &Signing{}
	var err error
	if s.Code, err = spec.Code(p.order); err != nil {
		return nil, err
	}
	if s.Digest, err = spec.Digest(p.order); err != nil {
		return nil, err
	}
	s.Bytes = append([]byte(nil), s.Code...)
	if p.version < signsMaps {
		return s, nil
	}
	if len(spec.Modules) > 0 {
		return nil, mkerr.Named("it uses types of module %s, which no signature covers on Linux 7.3", spec.Modules[0])
	}
	for _, name := range spec.UsedMaps() {
		if s.Bytes, err = p.appendContents(s.Bytes, name, pp.name); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// appendContents appends the value of a map that a signature can cover.
func (p *Plan) appendContents(b []byte, name, program string) ([]byte, error) {
	for _, m := range p.maps {
		if m.name != name {
			continue
		}
		if m.spec.Type != maps.Array || !m.spec.Freeze || m.owner != program {
			return nil, mkerr.Named("map %s: Linux 7.3 wants all maps of a signed program to be frozen Arrays that are exclusive to it", name)
		}
		if m.spec.Contents == nil {
			return append(b, make([]byte, m.spec.ValueSize)...), nil
		}
		return append(b, m.spec.Contents...), nil
	}
	return nil, mkerr.Named("map %s: a jump table, which no signature covers on Linux 7.3", name)
}

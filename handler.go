package skep

import (
	"strings"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/link"
	"github.com/skepbpf/skep/prog"
)

// SectionHandler gives a meaning to section names of one's own, or another one
// to those of skep's.
type SectionHandler struct {
	// Section is "abc" for just that, "abc/" for what has more behind the
	// slash, "abc+" for both, and "" for every section that has no meaning yet.
	Section string
	Type    prog.Type
	Attach  prog.AttachType
	Flags   uint32
	// Init, if not nil, makes of the program what it should be. The text behind
	// the slash is in Match.Target, and in Target.Name of types that hook a
	// function by name.
	Init func(*ProgramSpec) error
	// Link, if not nil, attaches the program in Collection.Attach. Without it
	// the program is loaded, and not attached.
	Link func(p *prog.Program, target string) (link.Link, error)
}

// match gives the text behind the slash.
func (h *SectionHandler) match(section string, known bool) (target string, ok bool) {
	if h.Section == "" {
		_, target, _ = strings.Cut(section, "/")
		return target, !known
	}
	name, both := strings.CutSuffix(h.Section, "+")
	if prefix, only := strings.CutSuffix(name, "/"); only {
		name = prefix
	} else if section == name {
		return "", true
	} else if !both {
		return "", false
	}
	target, ok = strings.CutPrefix(section, name+"/")
	return target, ok && (target != "" || both)
}

// Handle applies h to all programs whose section it is for, and gives their
// number. A program that was Off because its section had no meaning is Required
// from now on; one that is marked "?" stays Off.
func (s *Spec) Handle(h SectionHandler) (int, error) {
	n := 0
	for _, name := range s.ProgramNames() {
		p := s.Programs[name]
		section, off := strings.CutPrefix(p.Section, "?")
		target, ok := h.match(section, p.Match.Known)
		if !ok {
			continue
		}
		n++
		if !p.Match.Known && !off {
			p.Policy = Required
		}
		p.handler = &h
		p.Type, p.Spec.Attach, p.Flags = h.Type, h.Attach, h.Flags
		p.AttachOptional = false
		p.Match.Target, p.Match.Known = target, true
		p.Target = hookOf(p, target)
		if h.Init == nil {
			continue
		}
		if err := h.Init(p); err != nil {
			return n, mkerr.Errorf("program %s: section %q: %w", name, p.Section, err)
		}
	}
	return n, nil
}

// attach attaches a program as its section says.
func (pp *plannedProgram) attach(p *prog.Program) (link.Link, error) {
	switch h := pp.handler; {
	case h == nil:
		return link.AttachSection(p, pp.match)
	case h.Link == nil:
		return nil, mkerr.WrapNamed("section %q: its handler does not attach: %w", pp.section, link.ErrNoTarget)
	default:
		return h.Link(p, pp.match.Target)
	}
}

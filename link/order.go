package link

import (
	"errors"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/prog"
)

// Place is where among the programs of one hook a new one goes.
type Place uint8

// The places.
const (
	Last   Place = iota // after all others, unless the kind of hook says otherwise
	First               // before all others
	Before              // before the one that the Order names
	After               // after the one that the Order names
)

// Order says where among the programs of one hook a new one goes, and what the
// caller takes for granted. The zero value appends.
type Order struct {
	Place Place
	// One of these names the neighbour for Before and After.
	Link      Link
	LinkID    ID
	Program   *prog.Program
	ProgramID uint32
	// Revision is the state of the hook that the caller has seen: if others
	// changed it since, attaching fails with ESTALE. 0 does not ask.
	Revision uint64
}

// anchor is an Order as the kernel wants it.
type anchor struct {
	flags    uint32
	relative uint32
	revision uint64
	borrowed *sys.FD // to be released; nil is fine
}

func (a *anchor) release() {
	if a.borrowed != nil {
		a.borrowed.Release()
	}
}

// zero reports whether the order asks for nothing: kernels without ordered
// attachment can do it.
func (o *Order) zero() bool { return *o == Order{} }

// resolve translates. The caller releases the anchor.
func (o *Order) resolve() (anchor, error) {
	a := anchor{revision: o.Revision}
	named := btoi(o.Link != nil) + btoi(o.LinkID != 0) + btoi(o.Program != nil) + btoi(o.ProgramID != 0)
	switch {
	case o.Place > After:
		return a, mkerr.Errorf("no such place: %d", o.Place)
	case o.Place == Before || o.Place == After:
		if named != 1 {
			return a, errors.New("before and after want one neighbour")
		}
	case named != 0:
		return a, errors.New("first and last take no neighbour")
	}
	switch o.Place {
	case First, Before:
		a.flags = sys.BPF_F_BEFORE
	case After:
		a.flags = sys.BPF_F_AFTER
	}
	return a, o.neighbour(&a)
}

func (o *Order) neighbour(a *anchor) error {
	switch {
	case o.LinkID != 0:
		a.flags |= sys.BPF_F_ID | sys.BPF_F_LINK
		a.relative = uint32(o.LinkID)
		return nil
	case o.ProgramID != 0:
		a.flags |= sys.BPF_F_ID
		a.relative = o.ProgramID
		return nil
	case o.Link != nil:
		a.flags |= sys.BPF_F_LINK
		a.borrowed = o.Link.LinkFD()
	case o.Program != nil:
		a.borrowed = o.Program.ProgFD()
	default:
		return nil
	}
	fd, err := a.borrowed.Borrow()
	if err != nil {
		a.borrowed = nil
		return mkerr.Wrap("neighbour: %w", err)
	}
	a.relative = uint32(fd)
	return nil
}

package skep

import (
	"errors"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/link"
	"github.com/skepbpf/skep/maps"
	"github.com/skepbpf/skep/prog"
)

// AttachOptions of Collection.Attach. A nil *AttachOptions is the default.
type AttachOptions struct {
	// Skip lists programs, and struct_ops maps, that are not to be attached.
	Skip []string
	// Attach has, by program, what attaches it in place of what its section
	// says: link.AttachXDP, say, for a section does not name an interface.
	Attach map[string]func(*prog.Program) (link.Link, error)
	// Atomic lets AttachPinned refuse to attach a pinned link anew: for a moment,
	// the old and the new program would both run.
	Atomic bool
}

// Links are the attachments of a collection.
type Links struct {
	// ByProgram holds the link of each attached program.
	ByProgram map[string]link.Link
	// ByMap holds the link of each struct_ops map.
	ByMap map[string]*link.StructOps
	// Skipped says why a loaded program was not attached: its section does
	// not say where, or it is Optional and attaching failed.
	Skipped map[string]error

	order []link.Link
}

// Close ends all attachments, last first. What is pinned stays.
func (l *Links) Close() error {
	if l == nil {
		return nil
	}
	var errs []error
	for i := len(l.order) - 1; i >= 0; i-- {
		errs = append(errs, l.order[i].Close())
	}
	return mkerr.Join(errs...)
}

// Attach attaches every loaded program whose section says where, in the
// object's order, then every struct_ops map. If one fails that is not Optional,
// those attached before it are detached again, and pinned links are as they
// were.
func (c *Collection) Attach(o *AttachOptions) (*Links, error) {
	if o == nil {
		o = &AttachOptions{}
	}
	return c.attachWith(never, o, nil)
}

func never() error { return nil }

// AttachPinned is Attach for links that outlive the process: each is pinned
// under the name of its program in the folder "links" of dir, "" being
// maps.DefaultPinDir, on a bpffs; folders that are missing are made. A link that
// is pinned there already takes the new program in one step, if it is of a kind
// that can; others are attached anew, before the old one goes. On an error,
// pinned links are as they were. It is no part of Attach for the size of
// programs that pin nothing.
func (c *Collection) AttachPinned(dir string, o *AttachOptions) (*Links, error) {
	if o == nil {
		o = &AttachOptions{}
	}
	t, err := openPinning(never, dir)
	if err != nil {
		return nil, c.failAttach("", err)
	}
	t.atomic = o.Atomic
	return c.attachWith(never, o, t)
}

// failAttach is not inlined for the size of programs.
//
//go:noinline
func (c *Collection) failAttach(name string, err error) error {
	return &StepError{Object: c.plan.object, Step: "attach", Name: name, Err: err}
}

// attachWith attaches, and ends t, which may be nil.
func (c *Collection) attachWith(stop func() error, o *AttachOptions, t pinner) (*Links, error) {
	links := &Links{ByProgram: map[string]link.Link{}, ByMap: map[string]*link.StructOps{}, Skipped: map[string]error{}}
	err := c.attachAll(stop, links, o, t)
	switch {
	case t == nil:
	case err == nil:
		if err = t.commit(stop); err != nil {
			err = c.failAttach("", err)
		} else {
			c.report.Pins = t.outcome(c.report.Pins)
			t.end()
		}
	default:
		err = mkerr.Join(err, t.undo())
	}
	if err != nil {
		_ = links.Close()
		return nil, err
	}
	return links, nil
}

func (c *Collection) attachAll(stop func() error, links *Links, o *AttachOptions, t pinner) error {
	skip := map[string]bool{}
	for _, n := range o.Skip {
		_, isProgram := c.report.Programs[n]
		if _, isMap := c.report.Maps[n]; !isProgram && !isMap {
			return c.failAttach(n, notFound("program", n, keys(c.report.Programs)))
		}
		skip[n] = true
	}
	for n := range o.Attach {
		if _, ok := c.report.Programs[n]; !ok {
			return c.failAttach(n, notFound("program", n, keys(c.report.Programs)))
		}
	}
	for _, pp := range c.plan.programs {
		p := c.Programs[pp.name]
		if p == nil || skip[pp.name] || p.Type() == prog.StructOps {
			continue
		}
		if err := stop(); err != nil {
			return c.failAttach(pp.name, mkerr.WrapNamed("program %s: %w", pp.name, err))
		}
		fresh := func() (link.Link, error) {
			if f := o.Attach[pp.name]; f != nil {
				return f(p)
			}
			return pp.attach(p)
		}
		var l link.Link
		var err error
		if t == nil {
			l, err = fresh()
		} else {
			l, err = t.attach(&attaching{name: pp.name, progType: p.Type().String(), fresh: fresh, program: p})
		}
		switch {
		case err == nil:
			links.ByProgram[pp.name] = l
			links.order = append(links.order, l)
		case errors.Is(err, link.ErrNoTarget) || pp.policy == Optional:
			links.Skipped[pp.name] = err
		default:
			return c.failAttach(pp.name, mkerr.WrapNamed("program %s: %w", pp.name, err))
		}
	}
	return c.attachMaps(links, skip, t)
}

// attachMaps registers the struct_ops maps.
func (c *Collection) attachMaps(links *Links, skip map[string]bool, t pinner) error {
	for _, pm := range c.plan.maps {
		if pm.ops == nil || pm.off || skip[pm.name] {
			continue
		}
		l, err := c.attachOps(pm, t)
		switch {
		case err == nil:
			links.ByMap[pm.name] = l
			links.order = append(links.order, l)
		case pm.optional:
			links.Skipped[pm.name] = err
		default:
			return err
		}
	}
	return nil
}

// attachOps registers a struct_ops map. One that has no link is not pinned.
func (c *Collection) attachOps(pm *plannedMap, t pinner) (*link.StructOps, error) {
	if t == nil || pm.spec.Flags&maps.Link == 0 {
		return c.AttachStructOps(pm.name)
	}
	l, err := t.attach(&attaching{name: pm.name, progType: prog.StructOps.String(), coll: c, fresh: func() (link.Link, error) {
		l, err := c.AttachStructOps(pm.name)
		if err != nil {
			return nil, err // not a nil *StructOps in a Link
		}
		return l, nil
	}})
	if err != nil {
		return nil, err
	}
	if ops, ok := l.(*link.StructOps); ok {
		return ops, nil
	}
	return &link.StructOps{Link: l}, nil
}

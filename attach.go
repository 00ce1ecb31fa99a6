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
	// PinDir is a directory on a bpffs, made if it is missing, in whose folder
	// "links" each link is pinned under the name of its program. A link that is
	// pinned there already takes the new program in one step, if it is of a kind
	// that can; others are attached anew, before the old one goes. "" pins
	// nothing.
	PinDir string
	// Atomic refuses to attach a pinned link anew: for a moment, the old and the
	// new program would both run.
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
	never := func() error { return nil }
	if o == nil {
		o = &AttachOptions{}
	}
	var t *pinning
	if o.PinDir != "" {
		var err error
		if t, err = openPinning(never, o.PinDir); err != nil {
			return nil, c.failAttach("", err)
		}
		t.atomic = o.Atomic
	}
	return c.attachWith(never, o, t)
}

func (c *Collection) failAttach(name string, err error) error {
	return &StepError{Object: c.plan.object, Step: "attach", Name: name, Err: err}
}

// attachWith attaches, and ends t, which may be nil.
func (c *Collection) attachWith(stop func() error, o *AttachOptions, t *pinning) (*Links, error) {
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

func (c *Collection) attachAll(stop func() error, links *Links, o *AttachOptions, t *pinning) error {
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
			return c.failAttach(pp.name, mkerr.Errorf("program %s: %w", pp.name, err))
		}
		l, err := t.attach(pp.name, p.Type().String(), func() (link.Link, error) {
			if f := o.Attach[pp.name]; f != nil {
				return f(p)
			}
			return pp.attach(p)
		}, func(l link.Link, b link.Brief) *pinUpdate { return updateProgram(pp.name, l, b, p) })
		switch {
		case err == nil:
			links.ByProgram[pp.name] = l
			links.order = append(links.order, l)
		case errors.Is(err, link.ErrNoTarget) || pp.policy == Optional:
			links.Skipped[pp.name] = err
		default:
			return c.failAttach(pp.name, mkerr.Errorf("program %s: %w", pp.name, err))
		}
	}
	return c.attachMaps(links, skip, t)
}

// updateProgram lets a pinned link take p, and go back to the program it has.
func updateProgram(name string, l link.Link, b link.Brief, p *prog.Program) *pinUpdate {
	u := &pinUpdate{name: name, there: func() error { return l.Update(p) }}
	old, err := prog.FromID(b.Program)
	if u.blind = err; err == nil {
		u.held, u.back = old, func() error { return l.Update(old) }
	}
	return u
}

// attachMaps registers the struct_ops maps.
func (c *Collection) attachMaps(links *Links, skip map[string]bool, t *pinning) error {
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
func (c *Collection) attachOps(pm *plannedMap, t *pinning) (*link.StructOps, error) {
	if pm.spec.Flags&maps.Link == 0 {
		t = nil
	}
	l, err := t.attach(pm.name, prog.StructOps.String(), func() (link.Link, error) {
		l, err := c.AttachStructOps(pm.name)
		if err != nil {
			return nil, err // not a nil *StructOps in a Link
		}
		return l, nil
	}, func(l link.Link, b link.Brief) *pinUpdate {
		ops := &link.StructOps{Link: l}
		u := &pinUpdate{name: pm.name, there: func() error { return c.UpdateStructOps(ops, pm.name) }}
		old, err := maps.FromID(b.Map)
		if u.blind = err; err == nil {
			u.held, u.back = old, func() error { return ops.UpdateMap(old, link.StructOpsOptions{}) }
		}
		return u
	})
	if err != nil {
		return nil, err
	}
	if ops, ok := l.(*link.StructOps); ok {
		return ops, nil
	}
	return &link.StructOps{Link: l}, nil
}

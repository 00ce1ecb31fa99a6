package skep

import (
	"context"
	"path"

	"github.com/skepbpf/skep/internal/bpffs"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/step/upgrade"
	"github.com/skepbpf/skep/maps"
)

// UpgradeOptions of Upgrade. A nil *UpgradeOptions is the default.
type UpgradeOptions struct {
	Options               // of the load; PinDir is what is upgraded
	Attach  AttachOptions // as for AttachPinned
	// Recreate names maps whose contents may be lost, and programs whose links
	// are to be attached anew: for a link stays where it is attached.
	Recreate []string
	// Remove unpins what the object does not have. PinDir must then be the
	// object's own; that it is DefaultPinDir is an error.
	Remove bool
}

// Upgrade brings what is pinned in a directory to a new version of its object,
// or begins there: it does what Plan.Pins says for facts with these pins.
//
// Maps that are as they were are taken over. Of others, whose elements still
// mean the same, new ones are made and the elements copied: what old programs
// write between that and the moment their link has its new program is lost.
// Then all programs are attached: pinned links take their new program in one
// step, last; others are attached anew before the old ones go. All links are
// pinned, at PinDir/links/NAME. The link of a program that is not loaded stays
// as it is.
//
// An Upgrade that fails leaves pins and links as they were. One that was killed
// is cleaned up by the next. Two of one directory wait for each other. Contents
// that would be lost are a *LossError. The Collection and the Links are the
// caller's; what is pinned outlives them. Requires Linux 5.7.
func Upgrade(ctx context.Context, s *Spec, o *UpgradeOptions) (*Collection, *Links, error) {
	if o == nil {
		o = &UpgradeOptions{}
	}
	fail := func(err error) error { return &StepError{Object: s.Name, Step: "pins", Err: err} }
	if o.Remove && pinDir(o.PinDir) == maps.DefaultPinDir {
		return nil, nil, fail(mkerr.Named("remove: %s is not the object's own", maps.DefaultPinDir))
	}
	t, err := openPinning(ctx.Err, o.PinDir)
	if err != nil {
		return nil, nil, fail(err)
	}
	t.atomic, t.remove, t.again = o.Attach.Atomic, o.Remove, map[string]bool{}
	for _, name := range o.Recreate {
		if s.Maps[name] == nil && s.Programs[name] == nil {
			err = fail(notFound("map or program", name, append(s.ProgramNames(), s.MapNames()...)))
		}
		t.again[name] = true
	}
	if err != nil {
		return nil, nil, mkerr.Join(err, t.undo())
	}
	opts := o.Options
	opts.PinDir, opts.pins = t.dir, t
	coll, err := load(ctx.Err, s, &opts)
	if err != nil {
		return nil, nil, mkerr.Join(err, t.undo())
	}
	coll.opts.pins = nil
	links, err := coll.finish(ctx.Err, t, &o.Attach)
	if err != nil {
		_ = coll.Close()
		return nil, nil, err
	}
	return coll, links, nil
}

// finish copies, attaches and commits.
func (c *Collection) finish(stop func() error, t *pinning, o *AttachOptions) (*Links, error) {
	for _, d := range c.report.Pins {
		if err := c.migrate(stop, d); err != nil {
			return nil, mkerr.Join(&StepError{Object: c.plan.object, Step: "pins", Name: d.Name, Err: err}, t.undo())
		}
	}
	links, err := c.attachWith(stop, o, t)
	if err == nil {
		for _, d := range c.report.Pins {
			if m := c.Maps[d.Name]; m != nil && !d.Link {
				m.Renamed(d.Path)
			}
		}
	}
	return links, err
}

// askedFor makes anew what the caller wants to be.
func askedFor(d *PinDecision, again map[string]bool) {
	if again[d.Name] && (d.Action == PinReuse || d.Action == PinMigrate || d.Action == PinUpdate) {
		d.Action, d.Why = PinRecreate, "asked for"
	}
}

// outcome is the decisions with those about links as they were carried out.
func (t *pinning) outcome(planned []*PinDecision) []*PinDecision {
	all := t.links
	for _, d := range planned {
		if !d.Link || d.Action == PinRemove {
			all = append(all, d)
		}
	}
	upgrade.Sort(all)
	return all
}

// facts adds what is pinned.
func (t *pinning) facts(f *Facts, needs Needs) (*Facts, error) {
	with := *f
	var err error
	with.Pins, err = readPins(t.dir, needs.PinPaths)
	return &with, err
}

// decide checks what a plan makes of the pins, and takes on what is removed.
func (t *pinning) decide(p *Plan, given map[string]*maps.Map) ([]*PinDecision, error) {
	planned, err := p.Pins()
	if err != nil {
		return nil, err
	}
	var all, losses []*PinDecision
	for _, d := range planned {
		askedFor(d, t.again)
		switch {
		case !d.Link && given[d.Name] != nil, d.Action == PinRemove && !t.remove:
			continue
		case d.Action == PinRemove:
			t.add(&pinSwap{Swap: bpffs.Swap{Path: d.Path}, gone: true})
		case !d.Link && path.Dir(d.Path) != t.dir:
			return nil, mkerr.Errorf("map %s: pinned at %s, outside of %s: only one directory is upgraded", d.Name, d.Path, t.dir)
		case d.Loses && !t.again[d.Name]:
			losses = append(losses, d)
		}
		all = append(all, d)
	}
	if len(losses) > 0 {
		return nil, &LossError{losses}
	}
	return all, nil
}

// place lets a map that is made anew be pinned beside the old one.
func (t *pinning) place(pins []*PinDecision, m *plannedMap, spec *maps.Spec) {
	for _, d := range pins {
		if d.Link || d.Name != m.name || d.Action == PinReuse || d.Action == PinRemove {
			continue
		}
		s := &pinSwap{Swap: bpffs.Swap{Path: d.Path}}
		spec.PinPath = s.New()
		spec.Freeze = spec.Freeze && d.Action != PinMigrate // after its contents came
		t.add(s)
	}
}

// migrate copies the elements of the pinned map to the new one.
func (c *Collection) migrate(stop func() error, d *PinDecision) error {
	if d.Link || d.Action != PinMigrate {
		return nil
	}
	to := c.Maps[d.Name]
	if to == nil {
		return nil
	}
	var spec *maps.Spec
	for _, m := range c.plan.maps {
		if m.name == d.Name {
			spec = &m.spec
		}
	}
	if err := stop(); err != nil {
		return mkerr.WrapNamed("map %s: %w", d.Name, err)
	}
	old, err := maps.OpenPinned(d.Path, 0)
	if err != nil {
		return err
	}
	defer old.Close()
	n, err := old.CopyTo(to, func(to, from []byte) {
		copy(to, spec.Contents) // initial values of new variables
		d.Values.Apply(to, from)
	})
	if err == nil && spec.Freeze {
		err = to.Freeze()
	}
	if err != nil {
		return err
	}
	o := c.report.Maps[d.Name]
	o.Migrated = n
	c.report.Maps[d.Name] = o
	return nil
}

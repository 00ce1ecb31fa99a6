package skep

import (
	"errors"
	"path"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/step/upgrade"
	"github.com/skepbpf/skep/maps"
	"github.com/skepbpf/skep/prog"
)

// Pins says what an Upgrade by this plan makes of each pin, in the order of
// their paths; nil if the facts do not say what is pinned. What the object does
// not have is PinRemove, which is done only if asked for. It is pure. An error
// is that something pinned in the place of the object's cannot be looked at.
func (p *Plan) Pins() ([]*PinDecision, error) {
	if p.pinned == nil {
		return nil, nil
	}
	d := decider{Pins: p.pinned, wanted: map[string]bool{}}
	for _, m := range p.maps {
		if err := d.decideMap(m); err != nil {
			return nil, err
		}
	}
	for _, l := range p.linked() {
		if err := d.decideLink(l); err != nil {
			return nil, err
		}
	}
	for at, f := range d.Maps {
		if f.State == Known && !d.wanted[at] {
			d.add(&upgrade.Decision{Name: path.Base(at), Path: at, Action: upgrade.Remove, Why: "the object has no such map"})
		}
	}
	for at, f := range d.Links {
		if f.State == Known && !d.wanted[at] {
			d.add(&upgrade.Decision{Link: true, Name: path.Base(at), Path: at, Action: upgrade.Remove, Why: "the object has no such program, or it is off"})
		}
	}
	upgrade.Sort(d.all)
	return d.all, nil
}

// decider goes through what is wanted, then through what is left.
type decider struct {
	*Pins
	wanted map[string]bool // paths
	all    []*upgrade.Decision
}

func (d *decider) add(one *upgrade.Decision) {
	d.wanted[one.Path] = true
	d.all = append(d.all, one)
}

func (d *decider) decideMap(m *plannedMap) error {
	at := m.spec.PinnedAt(d.Dir)
	if at == "" || m.off || m.extern {
		return nil
	}
	have := d.Maps[at]
	if have.State == Hidden {
		return mkerr.Errorf("map %s: pinned at %s: %w", m.name, at, have.Err)
	}
	want := m.spec.Shape()
	if len(m.spec.Slots) > 0 || m.spec.Freeze {
		want.Contents = upgrade.Loaded
	}
	d.add(upgrade.ForMap(m.name, at, want, have.Value))
	return nil
}

func (d *decider) decideLink(l linkable) error {
	at := path.Join(d.Dir, linksDir, l.name)
	have := d.Links[at]
	switch {
	case have.State == Hidden:
		return mkerr.Errorf("link of %s: pinned at %s: %w", l.name, at, have.Err)
	case have.State == Known || l.auto:
		d.add(upgrade.ForLink(l.name, at, l.progType, have.Value))
	}
	return nil
}

// linkable is a program or struct_ops map that can have a link.
type linkable struct {
	name, progType string
	auto           bool // its section says where
}

func (p *Plan) linked() (all []linkable) {
	for _, pp := range p.programs {
		if pp.err == nil && pp.spec.Type != prog.StructOps {
			auto := pp.match.AutoAttach || pp.handler != nil && pp.handler.Link != nil
			all = append(all, linkable{pp.name, pp.spec.Type.String(), auto})
		}
	}
	for _, m := range p.maps {
		if m.ops != nil && !m.off && m.spec.Flags&maps.Link != 0 {
			all = append(all, linkable{m.name, prog.StructOps.String(), true})
		}
	}
	return all
}

// LossError says that an Upgrade would lose what is in pinned maps.
type LossError struct {
	Decisions []*PinDecision // of those maps
}

func (e *LossError) Error() string {
	var errs []error
	for _, d := range e.Decisions {
		errs = append(errs, errors.New(d.String()))
	}
	return mkerr.Join(errs...).Error()
}

// Unwrap gives why each map's contents cannot be kept.
func (e *LossError) Unwrap() []error {
	var errs []error
	for _, d := range e.Decisions {
		errs = append(errs, d.Err)
	}
	return errs
}

package skep

import (
	"slices"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/maps"
	"github.com/skepbpf/skep/prog"
)

// Collection is a loaded object: its maps and programs in the kernel.
type Collection struct {
	// Maps and Programs by the names that the Spec has them under. What was
	// left out is not in them; Map and Program say why.
	Maps     map[string]*maps.Map
	Programs map[string]*prog.Program
	// Arenas are the contents of the arenas among Maps that this load created
	// or found pinned, in this process until Close.
	// Requires Linux 6.9.
	Arenas map[string]*maps.Memory

	plan     *Plan
	report   *Report
	opts     Options
	features *Features
}

// Map gives a map of the collection, which keeps it. A name that the object
// does not have is a *NotFoundError.
func (c *Collection) Map(name string) (*maps.Map, error) {
	if m := c.Maps[name]; m != nil {
		return m, nil
	}
	for _, m := range c.plan.maps {
		if m.name == name {
			why := m.why
			if why == nil {
				why = ErrOff
			}
			return nil, mkerr.WrapNamed("map %s: left out: %w", name, why)
		}
	}
	return nil, notFound("map", name, keys(c.Maps))
}

// Program gives a program of the collection, which keeps it. One that was left
// out is an error that wraps the reason; a name that the object does not have
// is a *NotFoundError.
func (c *Collection) Program(name string) (*prog.Program, error) {
	if p := c.Programs[name]; p != nil {
		return p, nil
	}
	if o, ok := c.report.Programs[name]; ok && o.Why != nil {
		return nil, mkerr.WrapNamed("program %s: left out: %w", name, o.Why)
	}
	return nil, notFound("program", name, keys(c.Programs))
}

// Clone loads a program of the object once more, with this collection's maps:
// edit, if not nil, changes a copy of what was loaded, such as the attach
// target. The Program is the caller's.
func (c *Collection) Clone(name string, edit func(*prog.Spec) error) (*prog.Program, error) {
	for _, pp := range c.plan.programs {
		if pp.name != name {
			continue
		}
		if pp.err != nil {
			return nil, mkerr.WrapNamed("program %s: left out: %w", name, pp.err)
		}
		again := &Prepared{Maps: c.Maps, plan: c.plan, opts: c.opts, features: c.features, report: newReport(c.plan)}
		again.opts.Edit = edit
		t, err := again.opts.token()
		if err != nil {
			return nil, again.fail("token", "", err)
		}
		if again.token = t; t != c.opts.Token {
			again.undo.add(t.Close)
		}
		again.loadBTF()
		l := &loader{Prepared: again}
		l.openModules()
		p, err := l.one(func() error { return nil }, pp)
		_ = again.undo.run() // of types: the program keeps what it needs
		if err != nil {
			return nil, again.fail("program", name, err)
		}
		return p, nil
	}
	return nil, notFound("program", name, keys(c.report.Programs))
}

// Report says what the load did. It is the collection's; do not change it.
func (c *Collection) Report() *Report { return c.report }

// Close closes all programs and maps. What is pinned stays, and so does what
// links keep in use. Closing twice is harmless.
func (c *Collection) Close() error {
	var errs []error
	for _, p := range c.Programs {
		errs = append(errs, p.Close())
	}
	for _, m := range c.Arenas {
		errs = append(errs, m.Close())
	}
	for _, m := range c.Maps {
		errs = append(errs, m.Close())
	}
	return mkerr.Join(errs...)
}

// Report is what became of each part of an object.
type Report struct {
	Programs map[string]Outcome
	Maps     map[string]MapOutcome
	// Externs are what the programs want from outside, in the order of their
	// first use. What only a program that is Off needs is not looked up.
	Externs []Extern
	// Degraded lists what the whole object does without on this kernel.
	Degraded []string
	// Pins is what an Upgrade did, in the order of paths.
	Pins []*PinDecision
}

// Outcome of a program.
type Outcome struct {
	Loaded   bool
	Why      error    // why it was left out
	Degraded []string // what it does without on this kernel
	// Pruned lists what Spec.Prune took out of it.
	Pruned []string
	// Unresolved lists instructions that refer to what the kernel does not
	// have. Such a program loads as long as they cannot be reached.
	Unresolved []string
}

// MapOutcome of a map.
type MapOutcome struct {
	Created  bool
	Reused   bool     // pinned before, or given by the caller
	Migrated int      // elements that an Upgrade copied from the map before
	Why      error    // why it was left out, where that was not asked for
	Degraded []string // what it does without on this kernel
}

func newReport(p *Plan) *Report {
	r := &Report{Programs: map[string]Outcome{}, Maps: map[string]MapOutcome{}, Externs: slices.Clone(p.externs), Degraded: slices.Clone(p.lost)}
	for _, pp := range p.programs {
		o := Outcome{Why: pp.err, Pruned: pp.pruned}
		for _, u := range pp.poison {
			o.Unresolved = append(o.Unresolved, u.String())
		}
		r.Programs[pp.name] = o
	}
	for _, m := range p.maps {
		if m.why != nil {
			r.Maps[m.name] = MapOutcome{Why: m.why}
		}
	}
	return r
}

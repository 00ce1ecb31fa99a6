package skep

import (
	"encoding/binary"

	"github.com/skepbpf/skep/btf/handle"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/maps"
	"github.com/skepbpf/skep/prog"
)

// loader loads the programs of a Prepared plan.
type loader struct {
	*Prepared
	coll      *Collection
	modules   map[string]*handle.Handle
	moduleErr map[string]error // why one of the plan's modules is not among them
}

// unit is what is loaded by one goroutine: a program, or alternatives of which
// one is kept.
type unit struct{ members []*plannedProgram }

func (l *loader) units() []*unit {
	grouped := map[int]*unit{}
	for _, g := range l.plan.groups {
		u := &unit{}
		for _, i := range g {
			u.members = append(u.members, l.plan.programs[i])
			grouped[i] = u
		}
	}
	var units []*unit
	listed := map[*unit]bool{}
	for i, pp := range l.plan.programs {
		u := grouped[i]
		if u == nil {
			u = &unit{members: []*plannedProgram{pp}}
		}
		if !listed[u] {
			listed[u] = true
			units = append(units, u)
		}
	}
	return units
}

// programs loads all units, at most n at a time, each by one goroutine.
func (l *loader) programs(stop func() error, n int) error {
	units := l.units()
	return inParallel(n, len(units), func(i int) error { return l.unit(stop, units[i]) })
}

// unit loads the first member that can be. The error is that of a unit that must
// be there.
func (l *loader) unit(stop func() error, u *unit) error {
	required := false
	var errs []error
	var name string
	for _, pp := range u.members {
		required = required || pp.policy == Required
		name = pp.name
		if pp.err != nil {
			errs = append(errs, mkerr.WrapNamed("program %s: %w", pp.name, pp.err))
			continue
		}
		p, err := l.one(stop, pp)
		l.mu.Lock()
		if err == nil {
			l.loaded(pp, p, u)
			l.mu.Unlock()
			return nil
		}
		o := l.report.Programs[pp.name]
		o.Why = err
		l.report.Programs[pp.name] = o
		l.mu.Unlock()
		if stop() != nil {
			return l.fail("program", pp.name, err)
		}
		errs = append(errs, err)
	}
	if required {
		return l.fail("program", name, mkerr.Join(errs...))
	}
	return nil
}

// loaded records p, and that its alternatives were not needed.
func (l *loader) loaded(pp *plannedProgram, p *prog.Program, u *unit) {
	l.coll.Programs[pp.name] = p
	l.undo.add(p.Close)
	own := l.report.Programs[pp.name]
	own.Loaded, own.Degraded = true, p.Degraded()
	l.report.Programs[pp.name] = own
	for _, other := range u.members {
		if o := l.report.Programs[other.name]; other != pp && o.Why == nil {
			o.Why = mkerr.Errorf("%w: %s", ErrNotPreferred, pp.name)
			l.report.Programs[other.name] = o
		}
	}
}

func (l *loader) one(stop func() error, pp *plannedProgram) (*prog.Program, error) {
	if err := stop(); err != nil {
		return nil, mkerr.WrapNamed("program %s: %w", pp.name, err)
	}
	if err := l.checkModules(pp); err != nil {
		return nil, mkerr.WrapNamed("program %s: %w", pp.name, err)
	}
	spec := pp.spec
	spec.Maps = make(map[string]prog.MapRef, len(l.Maps))
	for n, m := range l.Maps {
		spec.Maps[n] = m
	}
	tables, err := l.tables(pp, spec.Maps)
	defer func() {
		for _, t := range tables {
			_ = t.Close() // the program holds on to it
		}
	}()
	if err == nil && l.opts.Edit != nil {
		spec = *spec.Copy()
		if err = l.opts.Edit(&spec); err == nil {
			err = l.stillOwner(pp.name, &spec)
		}
	}
	if err != nil {
		return nil, mkerr.WrapNamed("program %s: %w", pp.name, err)
	}
	p, err := prog.Load(&spec, &prog.Options{
		BTF:      l.btf,
		NoBTF:    l.btf == nil,
		Features: l.features,
		LogLevel: l.opts.LogLevel,
		Modules:  l.modules,
		Token:    l.token.TokenFD(),
		Name:     pp.poisonName,
	})
	if err != nil {
		return nil, l.forWantOfBTF(err)
	}
	// Cancelled while the verifier ran.
	if err := stop(); err != nil {
		_ = p.Close()
		return nil, mkerr.WrapNamed("program %s: %w", pp.name, err)
	}
	return p, nil
}

// tables creates the jump tables of a program: frozen maps of places in it
// (struct bpf_insn_array_value, of which the kernel fills in the rest).
func (l *loader) tables(pp *plannedProgram, refs map[string]prog.MapRef) (made []*maps.Map, err error) {
	const valueSize = 16
	for _, t := range pp.tables {
		m, err := maps.New(&maps.Spec{
			Name: ".jumptables", Type: maps.InsnArray, KeySize: 4, ValueSize: valueSize, MaxEntries: uint32(len(t.targets)),
		}, &maps.Options{Features: l.features, Token: l.token.TokenFD()})
		if err != nil {
			return made, mkerr.WrapNamed("jump table %s: %w", t.name, err)
		}
		made = append(made, m)
		refs[t.name] = m
		var key [4]byte
		var value [valueSize]byte
		for i, to := range t.targets {
			binary.NativeEndian.PutUint32(key[:], uint32(i))
			binary.NativeEndian.PutUint32(value[:], to)
			if err := m.Update(key[:], value[:], maps.Any); err != nil {
				return made, mkerr.WrapNamed("jump table %s: %w", t.name, err)
			}
		}
		if err := m.Freeze(); err != nil {
			return made, mkerr.WrapNamed("jump table %s: %w", t.name, err)
		}
	}
	return made, nil
}

// slots puts loaded programs into program arrays. One that was left out leaves
// its element empty.
func (l *loader) slots(stop func() error) error {
	for _, m := range l.plan.maps {
		array := l.Maps[m.name]
		if array == nil || m.off || l.opts.Maps[m.name] != nil {
			continue
		}
		for _, s := range m.spec.Slots {
			p := l.coll.Programs[s.Name]
			if !s.Program || p == nil {
				continue
			}
			if err := stop(); err != nil {
				return l.fail("slots", m.name, mkerr.Errorf("map %s: element %d: %w", m.name, s.Index, err))
			}
			if err := array.PutProgram(s.Index, p); err != nil {
				return l.fail("slots", m.name, mkerr.Errorf("map %s: element %d: program %s: %w", m.name, s.Index, s.Name, err))
			}
		}
	}
	return nil
}

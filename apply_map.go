package skep

import (
	"github.com/skepbpf/skep/btf/handle"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/maps"
)

// createMaps creates all maps. Most of the time that takes is the kernel's, to
// find and to clear memory for the elements: where several maps are large, it has
// more than one processor to do so.
func (p *Prepared) createMaps(stop func() error) error {
	large := 0
	for _, m := range p.plan.maps {
		if !m.off && uint64(m.spec.MaxEntries)*uint64(m.spec.KeySize+m.spec.ValueSize) >= largeMap {
			large++
		}
	}
	return inParallel(min(p.parallel(), max(1, large)), len(p.plan.maps), func(i int) error {
		m := p.plan.maps[i]
		err := stop()
		if err != nil {
			err = mkerr.WrapNamed("map %s: %w", m.name, err)
		} else if !m.off {
			err = p.createMap(m)
		}
		if err != nil {
			return p.fail("map", m.name, err)
		}
		return nil
	})
}

// largeMap is the size in bytes from which creating a map takes longer than
// waking a thread does.
const largeMap = 64 << 10

func (p *Prepared) createMap(m *plannedMap) error {
	if given := p.opts.Maps[m.name]; given != nil {
		if m.constant {
			return mkerr.Named("map %s: programs were pruned by what the object says it holds: no other map can be given for it", m.name)
		}
		dup, err := given.Dup()
		if err != nil {
			return mkerr.WrapNamed("map %s: %w", m.name, err)
		}
		p.created(m, dup, MapOutcome{Reused: true})
		return nil
	}
	if m.extern {
		return mkerr.Named("map %s: declared in the object, defined in another: give it in Options.Maps", m.name)
	}
	spec := m.spec
	if p.btf == nil {
		// Not to be tried again for each map.
		spec.Types, spec.Key, spec.Value = nil, 0, 0
	}
	o := maps.Options{PinDir: p.opts.PinDir, BTF: p.btf, Features: p.features, CPUs: p.plan.cpus, Token: p.token.TokenFD()}
	if m.ops != nil && m.ops.Module != vmlinux {
		h, err := handle.Module(m.ops.Module)
		if err != nil {
			return mkerr.WrapNamed("map %s: %w", m.name, err)
		}
		defer h.Close()
		o.ValueBTF = h
	}
	if p.opts.pins != nil {
		p.opts.pins.place(p.report.Pins, m, &spec)
	}
	made, err := maps.New(&spec, &o)
	if err != nil {
		return p.forWantOfBTF(err)
	}
	p.created(m, made, MapOutcome{Created: !made.Reused(), Reused: made.Reused(), Degraded: made.Degraded()})
	if spec.Type == maps.Arena {
		return p.mapArena(m, made)
	}
	return nil
}

// created records a map and how to be rid of it.
func (p *Prepared) created(m *plannedMap, made *maps.Map, o MapOutcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.undo.add(made.Close)
	if o.Created && made.PinPath() != "" {
		p.undo.add(made.Unpin)
	}
	p.Maps[m.name] = made
	p.report.Maps[m.name] = o
}

// mapArena maps an arena, which gives it the address that programs are verified
// with, and stores its variables. Those of an arena that was pinned before stay.
func (p *Prepared) mapArena(m *plannedMap, made *maps.Map) error {
	mem, err := made.Memory()
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.undo.add(mem.Close)
	p.Arenas[m.name] = mem
	p.mu.Unlock()
	if m.arena == nil || made.Reused() {
		return nil
	}
	if _, err := mem.WriteAt(m.arena.contents, int64(m.arena.offset)); err != nil {
		return mkerr.WrapNamed("map %s: variables: %w", m.name, err)
	}
	return nil
}

// fillSlots puts inner maps into their outer map.
func (p *Prepared) fillSlots(m *plannedMap) error {
	outer := p.Maps[m.name]
	if outer == nil || m.off || p.opts.Maps[m.name] != nil {
		return nil
	}
	for _, s := range m.spec.Slots {
		if s.Program {
			continue
		}
		inner := p.Maps[s.Name]
		if inner == nil {
			return mkerr.Errorf("map %s: element %d: map %s was not created", m.name, s.Index, s.Name)
		}
		if err := outer.PutMap(s.Index, inner); err != nil {
			return mkerr.Errorf("map %s: element %d: map %s: %w", m.name, s.Index, s.Name, err)
		}
	}
	return nil
}

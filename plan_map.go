package skep

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skepbpf/skep/elf"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/step/upgrade"
	"github.com/skepbpf/skep/maps"
)

// objNameLen is BPF_OBJ_NAME_LEN of linux/bpf.h, its NUL included.
const objNameLen = 16

// planMap gives the form of a map that only sizes of this kernel decide.
func (p *planner) planMap(name string) (*plannedMap, error) {
	ms := p.spec.Maps[name]
	pm := &plannedMap{name: name, spec: *ms.Spec.Copy(), off: ms.Off, constant: p.constants[name]}
	if ms.Off {
		return pm, nil
	}
	if pm.spec.Name == "" {
		pm.spec.Name = name
	}
	if ms.Exclusive != "" {
		if err := p.planExclusive(pm, ms.Exclusive); err != nil || pm.off {
			return pm, err
		}
	}
	if pm.spec.Type == maps.StructOps {
		return pm, p.planOps(pm)
	}
	if pm.spec.Type == maps.Arena {
		if err := p.planArena(pm); err != nil {
			return pm, err
		}
	}
	def := p.spec.mapDef(name)
	if def != nil {
		if def.Extern {
			pm.extern = true
			return pm, nil
		}
		if p.inline && (def.Kind == elf.MapKconfig || def.Kind == elf.MapData) {
			pm.off, pm.why = true, feature.Unsupported(feature.GlobalData)
			form := "constants are inlined"
			if !def.ReadOnly || p.spec.prune == nil { // who needs it cannot be loaded
				form = "left out"
			}
			p.lose(fmt.Sprintf("map %s: %s: %v", name, form, pm.why))
			return pm, nil
		}
		switch def.Kind {
		case elf.MapKconfig:
			if p.kconfig != nil {
				pm.spec.Contents = p.kconfig
			}
			pm.spec.Name = dataMapName(p.spec.Name, name)
		case elf.MapData:
			pm.spec.Name = dataMapName(p.spec.Name, name)
		}
	}
	if !slices.ContainsFunc(pm.spec.Contents, func(b byte) bool { return b != 0 }) {
		pm.spec.Contents = nil // as the kernel makes it
	}
	for m := &pm.spec; m != nil; m = m.Inner {
		p.size(m)
	}
	return pm, pm.spec.Validate()
}

// size gives m the number of entries that depends on this kernel.
func (p *planner) size(m *maps.Spec) {
	switch m.Type {
	case maps.RingBuf, maps.UserRingBuf:
		m.MaxEntries = ringSize(m.MaxEntries, uint32(p.facts.PageSize))
	case maps.PerfEventArray, maps.CPUMap:
		if m.MaxEntries == 0 {
			m.MaxEntries = uint32(p.facts.CPUs)
		}
	case maps.LRUHash, maps.LRUPerCPUHash:
		if m.Flags&maps.NoCommonLRU != 0 {
			m.MaxEntries = upgrade.RoundLRU(m.MaxEntries, uint32(p.facts.CPUs))
		}
	}
}

//go:noinline
func (s *Spec) mapDef(name string) *elf.MapDef {
	if s.object != nil {
		for _, m := range s.object.Maps {
			if m.Name == name {
				return m
			}
		}
	}
	return nil
}

// dataMapName is the name of a data section's map in the kernel, as libbpf
// chooses it, so that tools find it under the name they know: as much of the
// object's name as fits before the section's; .percpu and a section of one's own
// (".data.config") keeps its name.
func dataMapName(object, section string) string {
	if section == ".percpu" || strings.Contains(strings.TrimPrefix(section, "."), ".") {
		return section
	}
	// libbpf reserves 7 characters, for ".rodata", even where fewer are used.
	room := objNameLen - 1 - max(len(".rodata"), len(section))
	return object[:min(len(object), max(room, 0))] + section
}

// ringSize rounds up to what a ring buffer must be: a power of two of pages
// (kernel/bpf/ringbuf.c, ringbuf_map_alloc). What is too large stays as it is
// and is refused by the kernel.
func ringSize(n, page uint32) uint32 {
	if n == 0 || page == 0 {
		return n
	}
	for size := page; size != 0; size <<= 1 {
		if size >= n {
			return size
		}
	}
	return n
}

package elf

import (
	"slices"
	"sort"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/elffile"
)

// Map types and flags of include/uapi/linux/bpf.h that the format of objects
// refers to.
const (
	mapArray       = 2
	mapProgArray   = 3
	mapPerCPUArray = 6
	mapArrayOfMaps = 12
	mapHashOfMaps  = 13
	mapStructOps   = 26
	mapArena       = 33

	flagRdonlyProg = 1 << 7  // BPF_F_RDONLY_PROG. Requires Linux 5.2.
	flagMmapable   = 1 << 10 // BPF_F_MMAPABLE. Requires Linux 5.5.
	flagLink       = 1 << 13 // BPF_F_LINK. Requires Linux 6.4.
)

// templateSize is about what a MapDef takes in memory.
const templateSize = 200

// placedMap is a map at a place that relocations refer to.
type placedMap struct {
	def    *MapDef
	sec    uint32
	off    uint64
	size   uint64
	values uint64 // offset of the slots within the variable, 0 without any
}

// mapAt finds the map that starts at off of section sec.
func (p *parser) mapAt(sec uint32, off uint64) *MapDef {
	if m := p.mapAround(sec, off); m != nil && m.off == off {
		return m.def
	}
	return nil
}

// mapAround finds the map that covers off of section sec. The maps of a
// section stand together in p.maps, by offset.
func (p *parser) mapAround(sec uint32, off uint64) *placedMap {
	beyond := func(i int) bool {
		m := &p.maps[i]
		return m.sec > sec || m.sec == sec && m.off > off
	}
	i := sort.Search(len(p.maps), beyond) - 1
	if i < 0 || p.maps[i].sec != sec || off-p.maps[i].off >= p.maps[i].size {
		return nil
	}
	return &p.maps[i]
}

// sortMaps puts the maps in the order that mapAround wants. Two maps that
// share bytes are an error.
func (p *parser) sortMaps() error {
	bin.Sort(p.maps, func(a, b *placedMap) bool {
		return a.sec < b.sec || a.sec == b.sec && a.off < b.off
	})
	for i := 1; i < len(p.maps); i++ {
		prev, m := &p.maps[i-1], &p.maps[i]
		if prev.sec == m.sec && prev.off+prev.size > m.off {
			return bin.Errorf(m.def.Section, int64(m.off), "map %s overlaps map %s", m.def.Name, prev.def.Name)
		}
	}
	return nil
}

// externMap finds a map that is declared and not defined.
//
//go:noinline
func (p *parser) externMap(name string) *MapDef {
	if !p.hasExternMaps {
		return nil
	}
	for _, m := range p.obj.Maps {
		if m.Extern && m.Name == name {
			return m
		}
	}
	return nil
}

// parseMaps reads the BTF-defined maps.
func (p *parser) parseMaps() error {
	secs := uint32(0)
	for i := range p.kinds {
		if p.kinds[i] == secMaps {
			if secs != 0 {
				return bin.Errorf(".maps", 0, "section %d is a second one after section %d", i, secs)
			}
			secs = uint32(i)
		}
	}
	i := slices.IndexFunc(p.dataSecs, func(d dataSec) bool { return d.name == ".maps" })
	if i < 0 {
		if secs != 0 {
			return bin.Errorf(".maps", 0, "no BTF describes the section")
		}
		return nil
	}
	d := &p.dataSecs[i]
	p.maps = make([]placedMap, 0, len(d.vars))
	p.obj.Maps = make([]*MapDef, 0, len(d.vars)+8)
	for _, local := range [...]bool{false, true} { // global maps get their names first
		for i := range d.vars {
			if v := &d.vars[i]; (v.linkage == btf.LinkageStatic) == local {
				if err := p.parseMap(d, v); err != nil {
					return err
				}
			}
		}
	}
	if err := p.sortMaps(); err != nil {
		return err
	}
	p.orderMaps()
	return nil
}

// orderMaps lists the maps made so far in the order of their variables, those
// of other objects last.
func (p *parser) orderMaps() {
	var externs []*MapDef
	for _, m := range p.obj.Maps {
		if m.Extern {
			externs = append(externs, m)
		}
	}
	p.obj.Maps = p.obj.Maps[:0]
	for i := range p.maps {
		p.obj.Maps = append(p.obj.Maps, p.maps[i].def)
	}
	p.obj.Maps = append(p.obj.Maps, externs...)
}

func (p *parser) parseMap(d *dataSec, v *secVar) (err error) {
	t, ok := p.types.Strip(v.typ)
	if !ok || t.Kind() != btf.KindStruct {
		return bin.Errorf(d.name, int64(v.off), "map %s: declared as %s, want a struct", v.name, t.Kind())
	}
	m := &MapDef{Section: d.name, Weak: v.weak, Static: v.linkage == btf.LinkageStatic, Extern: v.linkage == btf.LinkageExtern}
	if m.Name, err = p.nameMap(d.name, v); err != nil {
		return err
	}
	a := mapAttrs{types: p.types, m: m, off: int64(v.off)}
	if err := a.parseAll(t); err != nil {
		return err
	}
	p.obj.Maps = append(p.obj.Maps, m)
	if m.Extern {
		m.Weak = p.weakExtern(v.name)
		p.hasExternMaps = true
		return nil
	}
	size := uint64(p.file.Sections[d.sec].Size)
	if d.sec == 0 || uint64(v.off)+uint64(v.size) > size || t.Size() > v.size {
		return bin.Errorf(d.name, int64(v.off), "map %s: %d bytes do not fit the section (%#x bytes)", v.name, v.size, size)
	}
	p.maps = append(p.maps, placedMap{m, d.sec, uint64(v.off), uint64(v.size), a.values})
	if m.Inner != nil { // of which many maps can have one that the file says once
		return p.spend(d.name, templateSize+len(m.Inner.Name))
	}
	return nil
}

func (p *parser) nameMap(section string, v *secVar) (string, error) {
	if v.name == "" {
		return "", bin.Errorf(section, int64(v.off), "map without a name")
	}
	if v.linkage != btf.LinkageStatic && p.mapNs.has(v.name) {
		return "", bin.Errorf(section, int64(v.off), "map %s is defined twice", v.name)
	}
	return p.mapNs.add(p, section, v.name)
}

func (p *parser) weakExtern(name string) bool {
	for i := range p.externs {
		if p.externs[i].def.Name == name {
			return p.externs[i].def.Weak
		}
	}
	return true // not referred to
}

// fillSlots reads what initial elements of maps and function pointers of
// struct_ops values refer to.
func (p *parser) fillSlots() error {
	for sec, kind := range p.kinds {
		if kind != secMaps && kind != secStructOps {
			continue
		}
		relocs, err := p.relocsOf(uint32(sec))
		if err != nil || len(relocs) == 0 {
			if err != nil {
				return err
			}
			continue
		}
		data, err := p.file.Data(sec)
		if err != nil {
			return err
		}
		for _, r := range relocs {
			if err := p.fillSlot(uint32(sec), data, r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *parser) fillSlot(sec uint32, data []byte, r reloc) error {
	name := p.file.Sections[sec].Name
	m := p.mapAround(sec, r.off)
	if m == nil || r.off+8 > m.off+m.size {
		return bin.Errorf(name, int64(r.off), "relocation outside of any map")
	}
	s := &p.syms[r.sym]
	to := s.value + p.file.Order.Uint64(data[r.off:]) // SHT_REL: the addend is in place
	at := r.off - m.off
	slot := Slot{Index: uint32(at)}
	switch typ := m.def.Type; {
	case m.def.Kind == MapStructOps:
		slot.Kind = SlotFunc
	case m.values == 0 || at < m.values || (at-m.values)%8 != 0:
		return bin.Errorf(name, int64(r.off), "map %s: relocation of what is no slot of a map or program array", m.def.Name)
	default:
		slot.Index = uint32((at - m.values) / 8)
		slot.Kind = SlotMap
		if typ == mapProgArray {
			slot.Kind = SlotProg
		}
	}
	if slot.Name = p.slotTarget(slot.Kind, s, r.sym, to); slot.Name == "" {
		return bin.Errorf(name, int64(r.off), "map %s: slot refers to %q, which is no %s", m.def.Name, s.name,
			[...]string{"map", "program", "program"}[slot.Kind])
	}
	m.def.Slots = append(m.def.Slots, slot)
	return nil
}

func (p *parser) slotTarget(kind SlotKind, s *symbol, sym uint32, to uint64) string {
	if s.undefined() {
		if m := p.externMap(s.name); m != nil && kind == SlotMap {
			return m.Name
		}
		return ""
	}
	if kind == SlotMap {
		if m := p.mapAt(s.sec, to); m != nil && m.Kind == MapDeclared {
			return m.Name
		}
		return ""
	}
	if s.sec == 0 || s.sec == p.text {
		return ""
	}
	if f := p.funcAt(sym, to); f != nil {
		return f.Name
	}
	return ""
}

// addArenaData gives the object's arena its global variables.
func (p *parser) addArenaData() error {
	if p.arena == 0 || p.file.Sections[p.arena].Size == 0 {
		return nil
	}
	s := &p.file.Sections[p.arena]
	for _, m := range p.obj.Maps {
		if m.Type != mapArena {
			continue
		}
		if p.data[p.arena] != nil {
			return bin.Errorf(s.Name, 0, "which of the arenas %s and %s holds the variables?", p.data[p.arena].Name, m.Name)
		}
		p.data[p.arena] = m
	}
	m := p.data[p.arena]
	if m == nil {
		return bin.Errorf(s.Name, 0, "the object has variables in an arena, but no arena map")
	}
	if s.Type == elffile.SectionNoBits {
		return bin.Errorf(s.Name, 0, "section without contents")
	}
	var err error
	m.Init, err = p.file.Data(int(p.arena))
	return err
}

package elf

import (
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/bin"
)

// legacySize is the part of struct bpf_map_def that has a meaning: type, key
// size, value size, number of entries, flags. Objects of before libbpf 1.0
// have it, or longer structs that begin like it, in a section "maps".
const legacySize = 5 * 4

// pinnedSize is the size of the one longer struct whose fields are known: that
// of the Rust library aya, which ends with an id and a pinning.
const pinnedSize = legacySize + 2*4

// parseLegacyMaps reads the maps of "maps" sections.
func (p *parser) parseLegacyMaps() error {
	for sec, kind := range p.kinds {
		if kind != secLegacyMaps {
			continue
		}
		if err := p.parseLegacySection(uint32(sec)); err != nil {
			return err
		}
	}
	return p.sortMaps()
}

func (p *parser) parseLegacySection(sec uint32) error {
	s := &p.file.Sections[sec]
	data, err := p.file.Data(int(sec))
	if err != nil {
		return err
	}
	var syms []int32
	for _, i := range p.inSection(sec) {
		if p.syms[i].name != "" {
			syms = append(syms, i)
		}
	}
	if len(syms) == 0 && len(data) > 0 {
		return bin.Errorf(s.Name, 0, "maps without symbols")
	}
	for n, i := range syms {
		sym := &p.syms[i]
		end := s.Size
		if n+1 < len(syms) {
			end = p.syms[syms[n+1]].value
		}
		if sym.size != 0 && sym.size < end-sym.value { // what follows has lost its symbol to another object's
			end = sym.value + sym.size
		}
		if sym.value > s.Size || end > s.Size || end < sym.value {
			return bin.Errorf(s.Name, int64(sym.value), "map %s is beyond the end of the section (%#x bytes)", sym.name, s.Size)
		}
		if err := p.legacyMap(sec, sym, data[sym.value:end]); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) legacyMap(sec uint32, sym *symbol, b []byte) (err error) {
	s := &p.file.Sections[sec]
	c := bin.NewCursor(s.Name, int64(sym.value), b, p.file.Order)
	m := &MapDef{
		Section: s.Name, Legacy: true, Weak: sym.weak(), Static: sym.static(),
		Type: c.U32(), KeySize: c.U32(), ValueSize: c.U32(), MaxEntries: c.U32(),
	}
	if c.Len() > 0 { // the oldest ones end before the flags
		m.Flags = c.U32()
	}
	if c.Err() != nil {
		return bin.Errorf(s.Name, int64(sym.value), "map %s: definition of %d bytes, want %d or more", sym.name, len(b), legacySize-4)
	}
	if len(b) == pinnedSize && m.Type != 0 {
		tail := *c
		tail.Skip(4)
		if pin := tail.U32(); pin == PinByName {
			m.Pinning = pin
			c.Skip(8)
		}
	}
	for _, x := range c.Bytes(uint64(c.Len())) {
		if x != 0 {
			return bin.Errorf(s.Name, int64(sym.value), "map %s: definition of %d bytes has fields beyond struct bpf_map_def that are not zero",
				sym.name, len(b))
		}
	}
	if m.Type == 0 {
		return bin.Errorf(s.Name, int64(sym.value), "map %s: no type", sym.name)
	}
	m.Key, m.Value = p.legacyTypes(sym.name, m)
	v := secVar{name: sym.name, off: uint32(sym.value), linkage: btf.LinkageGlobal}
	if m.Static {
		v.linkage = btf.LinkageStatic
	}
	if m.Name, err = p.nameMap(s.Name, &v); err != nil {
		return err
	}
	p.obj.Maps = append(p.obj.Maps, m)
	p.maps = append(p.maps, placedMap{m, sec, sym.value, uint64(len(b)), 0})
	return nil
}

// legacyTypes finds the struct that the macro BPF_ANNOTATE_KV_PAIR made to
// tell the types of a map's keys and values.
func (p *parser) legacyTypes(name string, m *MapDef) (key, value btf.ID) {
	if p.types == nil {
		return 0, 0
	}
	t, ok := p.types.ByName("____btf_map_"+name, btf.KindStruct)
	if !ok || t.Vlen() != 2 {
		return 0, 0
	}
	key, value = t.Member(0).Type, t.Member(1).Type
	if n, err := p.types.Sizeof(key); err != nil || n != m.KeySize {
		return 0, 0
	}
	if n, err := p.types.Sizeof(value); err != nil || n != m.ValueSize {
		return 0, 0
	}
	return key, value
}

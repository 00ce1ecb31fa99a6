package elf

import (
	"slices"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/elffile"
)

// addDataMaps makes a map of one element of each data section.
func (p *parser) addDataMaps() error {
	for sec, kind := range p.kinds {
		if !kind.isData() {
			continue
		}
		s := &p.file.Sections[sec]
		m := &MapDef{
			Section: s.Name, Kind: MapData,
			Type: mapArray, KeySize: 4, ValueSize: uint32(s.Size), MaxEntries: 1,
		}
		var err error
		if m.Name, err = p.mapNs.add(p, s.Name, s.Name); err != nil {
			return err
		}
		if m.Init, err = p.file.Data(sec); err != nil {
			return err
		}
		switch kind {
		case secRodata:
			m.Flags, m.ReadOnly = flagRdonlyProg, true
		case secPerCPU:
			m.Type = mapPerCPUArray
		}
		if d := p.dataSecOf(uint32(sec)); d != nil {
			m.DataSec, m.Value = d.typ.ID(), d.typ.ID()
			if kind != secPerCPU && d.exported() {
				m.Flags |= flagMmapable
			}
		}
		p.data[sec] = m
		p.obj.Maps = append(p.obj.Maps, m)
	}
	return nil
}

// dataSecOf gives the DATASEC that describes a section.
func (p *parser) dataSecOf(sec uint32) *dataSec {
	for i := range p.dataSecs {
		if p.dataSecs[i].sec == sec {
			return &p.dataSecs[i]
		}
	}
	return nil
}

// exported reports whether user space is meant to see one of the variables:
// then libbpf lets it map them.
func (d *dataSec) exported() bool {
	return slices.ContainsFunc(d.vars, func(v secVar) bool { return v.linkage != btf.LinkageStatic })
}

// addKconfigMap makes the map of the .kconfig variables.
func (p *parser) addKconfigMap() error {
	if p.kconfig.size == 0 {
		return nil
	}
	name, err := p.mapNs.add(p, kconfigSection, kconfigSection)
	if err != nil {
		return err
	}
	id := p.kconfig.sec.ID()
	p.obj.Maps = append(p.obj.Maps, &MapDef{
		Name: name, Section: kconfigSection, Kind: MapKconfig,
		Type: mapArray, KeySize: 4, ValueSize: p.kconfig.size, MaxEntries: 1,
		// Its variables are linked from outside, so it can be mapped.
		Flags: flagRdonlyProg | flagMmapable, ReadOnly: true,
		DataSec: id, Value: id,
	})
	return nil
}

// addStructOps makes a map of each variable of the struct_ops sections.
func (p *parser) addStructOps() error {
	for sec, kind := range p.kinds {
		if kind != secStructOps {
			continue
		}
		s := &p.file.Sections[sec]
		d := p.dataSecOf(uint32(sec))
		if d == nil {
			return bin.Errorf(s.Name, 0, "no BTF describes the section")
		}
		data, err := p.file.Data(sec)
		if err != nil {
			return err
		}
		for i := range d.vars {
			if err := p.addStructOp(d, &d.vars[i], data); err != nil {
				return err
			}
		}
	}
	return p.sortMaps()
}

func (p *parser) addStructOp(d *dataSec, v *secVar, data []byte) (err error) {
	t, ok := p.types.Strip(v.typ)
	if !ok || t.Kind() != btf.KindStruct || t.Name() == "" {
		return bin.Errorf(d.name, int64(v.off), "variable %s: declared as %s, want a struct with a name", v.name, t.Kind())
	}
	end := uint64(v.off) + uint64(t.Size())
	if end > uint64(len(data)) || t.Size() == 0 {
		return bin.Errorf(d.name, int64(v.off), "variable %s of %d bytes does not fit the section (%#x bytes)", v.name, t.Size(), len(data))
	}
	m := &MapDef{
		Section: d.name, Kind: MapStructOps,
		Type: mapStructOps, KeySize: 4, ValueSize: t.Size(), MaxEntries: 1,
		Value: t.ID(), Init: data[v.off:end:end],
		Weak: v.weak, Static: v.linkage == btf.LinkageStatic, Off: d.name[0] == '?',
	}
	if m.Name, err = p.nameMap(d.name, v); err != nil {
		return err
	}
	if name := d.name; name == ".struct_ops.link" || name == "?.struct_ops.link" {
		m.Flags = flagLink
	}
	p.obj.Maps = append(p.obj.Maps, m)
	p.maps = append(p.maps, placedMap{m, d.sec, uint64(v.off), uint64(t.Size()), 0})
	return nil
}

// addVars lists the variables of data sections and of the arena.
func (p *parser) addVars() error {
	n := 0
	for i := range p.dataSecs {
		if d := &p.dataSecs[i]; p.data[d.sec] != nil {
			n += len(d.vars)
		}
	}
	p.varDefs, p.obj.Vars = make([]VarDef, n), make([]*VarDef, 0, n)
	for _, local := range [...]bool{false, true} { // global ones get their names first
		for sec := range p.data {
			m := p.data[sec]
			if m == nil {
				continue
			}
			var err error
			if d := p.dataSecOf(uint32(sec)); d != nil {
				err = p.addTypedVars(d, m, local)
			} else {
				err = p.addSymbolVars(uint32(sec), m, local)
			}
			if err != nil {
				return err
			}
		}
	}
	at := make(map[string]int, len(p.obj.Maps))
	for i, m := range p.obj.Maps {
		at[m.Name] = i
	}
	bin.Sort(p.obj.Vars, func(a, b **VarDef) bool {
		x, y := *a, *b
		if x.Map != y.Map {
			return at[x.Map] < at[y.Map]
		}
		return x.Offset < y.Offset
	})
	return nil
}

func (p *parser) addTypedVars(d *dataSec, m *MapDef, local bool) error {
	for i := range d.vars {
		v := &d.vars[i]
		if (v.linkage == btf.LinkageStatic) != local || v.linkage == btf.LinkageExtern {
			continue
		}
		err := p.addVar(VarDef{
			Name: v.name, Offset: v.off, Size: v.size, Type: v.typ, Static: local, Weak: v.weak,
		}, d.sec, m)
		if err != nil {
			return err
		}
	}
	return nil
}

// addSymbolVars does without BTF.
func (p *parser) addSymbolVars(sec uint32, m *MapDef, local bool) error {
	for _, i := range p.inSection(sec) {
		s := &p.syms[i]
		if s.static() != local || s.typ != elffile.SymObject || s.value >= 1<<32 || s.size >= 1<<32 {
			continue
		}
		err := p.addVar(VarDef{
			Name: s.name, Offset: uint32(s.value), Size: uint32(s.size),
			Static: local, Weak: s.bind == elffile.BindWeak,
		}, sec, m)
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) addVar(v VarDef, sec uint32, m *MapDef) (err error) {
	s := &p.file.Sections[sec]
	if uint64(v.Offset)+uint64(v.Size) > s.Size {
		return bin.Errorf(s.Name, int64(v.Offset), "variable %s of %d bytes does not fit the section (%#x bytes)", v.Name, v.Size, s.Size)
	}
	if !v.Static && p.vars.has(v.Name) {
		return bin.Errorf(s.Name, int64(v.Offset), "variable %s is defined twice", v.Name)
	}
	v.Section, v.Map, v.ReadOnly = s.Name, m.Name, m.ReadOnly
	v.Name, err = p.vars.add(p, s.Name, v.Name)
	if len(p.varDefs) == 0 {
		p.varDefs = make([]VarDef, 1)
	}
	p.varDefs[0] = v
	p.obj.Vars = append(p.obj.Vars, &p.varDefs[0])
	p.varDefs = p.varDefs[1:]
	return err
}

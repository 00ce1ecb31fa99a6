package elf

import "github.com/skepbpf/skep/internal/bin"

// jumpKey identifies a jump table: libbpf too makes one for each function that
// uses it, because its contents count from that function's start.
type jumpKey struct {
	fn  *FuncDef
	off uint64
}

// jumpTable gives the name of the table that symbol s means, for f.
func (p *parser) jumpTable(f *function, off uint64, s *symbol) (string, error) {
	key := jumpKey{f.def, s.value}
	if name, ok := p.jumps[key]; ok {
		return name, nil
	}
	sec := &p.file.Sections[s.sec]
	data, err := p.file.Data(int(s.sec))
	if err != nil {
		return "", err
	}
	const entry = 8
	n := uint64(len(data))
	if s.value > n || s.size > n-s.value || s.value%entry != 0 || s.size%entry != 0 || s.size == 0 {
		return "", bin.Errorf(sec.Name, int64(s.value), "jump table %s of %#x bytes is not made of entries in this section (%#x bytes)",
			s.name, s.size, n)
	}
	if err := p.spend(sec.Name, int(s.size/2)+len(f.def.Name)+16); err != nil {
		return "", err
	}
	t := &JumpTable{Func: f.def.Name, Targets: make([]uint32, s.size/entry)}
	for i := range t.Targets {
		at := s.value + uint64(i)*entry
		v := p.file.Order.Uint64(data[at:])
		if v%slotSize != 0 || v < f.off || v-f.off >= f.size {
			// Only of concern to the programs that use it.
			t.Targets, t.Bad = nil, bin.Errorf(sec.Name, int64(at), "jump to offset %#x of section %s, which is not in function %s (used at %#x)",
				v, f.def.Section, f.def.Symbol, off)
			break
		}
		t.Targets[i] = uint32((v - f.off) / slotSize)
	}
	if t.Name, err = p.mapNs.add(p, sec.Name, f.def.Name+".jumptable"); err != nil {
		return "", err
	}
	if p.jumps == nil {
		p.jumps = make(map[jumpKey]string)
	}
	p.jumps[key] = t.Name
	p.obj.JumpTables = append(p.obj.JumpTables, t)
	return t.Name, nil
}

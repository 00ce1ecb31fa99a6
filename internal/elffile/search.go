package elffile

import "encoding/binary"

// EachDefined calls f with the index and name of each defined symbol of a type
// (SymFunc, …), in order, until it gives false. It reads no more of an entry
// than that takes: a search in a table of a hundred thousand symbols should cost
// little more than looking at them. What At or Name would refuse ends it with
// their error.
func (t *Symbols) EachDefined(typ uint8, f func(i int, name string) bool) error {
	info, section := 4, 6 // Elf64_Sym: st_info, st_shndx
	if t.width == symSize32 {
		info, section = 12, 14
	}
	big := t.file.Order == binary.ByteOrder(binary.BigEndian)
	sections := min(len(t.file.Sections), sectionReserve)
	for i, n := 1, t.Len(); i < n; i++ {
		b := t.b[i*t.width:][:symSize32]
		off, shndx := binary.LittleEndian.Uint32(b), int(binary.LittleEndian.Uint16(b[section:]))
		if big {
			off, shndx = binary.BigEndian.Uint32(b), int(binary.BigEndian.Uint16(b[section:]))
		}
		if shndx >= sections { // rare: At knows what it means
			s, err := t.At(i)
			if err != nil {
				return err
			}
			if !s.Defined() {
				continue
			}
		}
		if b[info]&0xf != typ || shndx == SectionUndef {
			continue
		}
		name, ok := cstring(t.strs, off)
		if !ok {
			_, err := t.Name(Symbol{NameOff: off})
			return err
		}
		if !f(i, name) {
			return nil
		}
	}
	return nil
}

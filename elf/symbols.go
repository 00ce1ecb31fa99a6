package elf

import (
	"sort"
	"strconv"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/elffile"
)

const slotSize = 8 // bytes of an instruction slot

func itoa(n int) string { return strconv.Itoa(n) }

// symbol is one entry of the symbol table with its name.
type symbol struct {
	name    string
	value   uint64
	size    uint64
	sec     uint32 // 0 if undefined or special
	typ     uint8
	bind    uint8
	vis     uint8
	special bool // absolute, common
}

// hidden reports whether the symbol's visibility ends at this object.
func (s *symbol) hidden() bool {
	return s.vis == elffile.VisHidden || s.vis == elffile.VisInternal
}

// static reports whether nothing outside this object can mean the symbol.
func (s *symbol) static() bool { return s.bind == elffile.BindLocal || s.hidden() }

// undefined reports whether the symbol is to be found outside this object.
func (s *symbol) undefined() bool {
	return s.sec == 0 && !s.special && s.name != "" && s.bind != elffile.BindLocal
}

func (p *parser) collectSymbols() error {
	table, err := p.file.Symbols()
	if err != nil {
		return err
	}
	p.syms = make([]symbol, table.Len())
	placed := 0
	for i := range p.syms {
		s, err := table.At(i)
		if err != nil {
			return err
		}
		name, err := table.Name(s)
		if err != nil {
			return err
		}
		p.syms[i] = symbol{name: name, value: s.Value, size: s.Size, sec: s.Section,
			typ: s.Type(), bind: s.Bind(), vis: s.Visibility(), special: s.Special}
		if s.Special {
			p.syms[i].sec = 0
		}
		if p.syms[i].isPlace() {
			placed++
		}
	}
	p.order = make([]int32, 0, placed)
	for i := range p.syms {
		if p.syms[i].isPlace() {
			p.order = append(p.order, int32(i))
		}
	}
	bin.Sort(p.order, func(a, b *int32) bool {
		x, y := &p.syms[*a], &p.syms[*b]
		return x.sec < y.sec || x.sec == y.sec && x.value < y.value
	})
	return nil
}

// isPlace reports whether the symbol names a function or an object here.
// Objects of LLVM before 7 have symbols without a type: those that can be
// linked against count too; local ones are jump labels.
func (s *symbol) isPlace() bool {
	if s.sec == 0 || s.name == "" {
		return false
	}
	return s.typ == elffile.SymFunc || s.typ == elffile.SymObject ||
		s.typ == elffile.SymNoType && s.bind != elffile.BindLocal
}

// inSection gives the indexes of the places in section sec, by value.
func (p *parser) inSection(sec uint32) []int32 {
	lo := sort.Search(len(p.order), func(i int) bool { return p.syms[p.order[i]].sec >= sec })
	hi := lo + sort.Search(len(p.order)-lo, func(i int) bool { return p.syms[p.order[lo+i]].sec > sec })
	return p.order[lo:hi]
}

// weak reports whether another object may override the symbol.
func (s *symbol) weak() bool { return s.bind == elffile.BindWeak }

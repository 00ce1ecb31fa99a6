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
	// First how many places each section has, then where its next one goes.
	next := make([]int32, len(p.file.Sections)+1)
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
			next[p.syms[i].sec+1]++
		}
	}
	for sec := 1; sec < len(next); sec++ {
		next[sec] += next[sec-1]
	}
	p.order = make([]int32, next[len(next)-1])
	for i := range p.syms {
		if s := &p.syms[i]; s.isPlace() {
			p.order[next[s.sec]] = int32(i)
			next[s.sec]++
		}
	}
	// Now each entry is where the next section begins.
	first := int32(0)
	for _, end := range next[:len(next)-1] {
		if end-first > 1 {
			bin.Sort(p.order[first:end], func(a, b *int32) bool { return p.syms[*a].value < p.syms[*b].value })
		}
		first = end
	}
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

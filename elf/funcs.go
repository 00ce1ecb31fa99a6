package elf

import (
	"errors"
	"slices"
	"sort"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/elffile"
	"github.com/skepbpf/skep/internal/mkerr"
)

// function is what the parser keeps beside a FuncDef.
type function struct {
	def  *FuncDef
	sym  int32
	sec  uint32
	off  uint64
	size uint64
}

// collectFuncs makes a FuncDef of every function symbol, and a ProgDef of
// those outside .text.
func (p *parser) collectFuncs() error {
	n, progs := 0, 0
	for _, i := range p.order {
		if sec := p.syms[i].sec; p.kinds[sec] == secProg {
			n++
			if sec != p.text {
				progs++
			}
		}
	}
	p.funcs = make([]function, 0, n)
	p.defs = make([]FuncDef, n)
	for sec := range p.kinds {
		if p.kinds[sec] != secProg {
			continue
		}
		if err := p.collectSectionFuncs(uint32(sec)); err != nil {
			return err
		}
	}
	if err := p.nameFuncs(); err != nil {
		return err
	}
	p.obj.Funcs = make([]*FuncDef, len(p.funcs))
	p.obj.Progs = make([]*ProgDef, 0, progs)
	made := make([]ProgDef, 0, progs)
	for i := range p.funcs {
		f := &p.funcs[i]
		p.obj.Funcs[i] = f.def
		if f.sec != p.text {
			made = append(made, ProgDef{FuncDef: f.def, SEC: f.def.Section, Match: MatchSection(f.def.Section)})
			p.obj.Progs = append(p.obj.Progs, &made[len(made)-1])
		}
	}
	return nil
}

func (p *parser) collectSectionFuncs(sec uint32) error {
	s := &p.file.Sections[sec]
	syms := p.inSection(sec)
	typed := slices.ContainsFunc(syms, func(i int32) bool { return p.syms[i].typ == elffile.SymFunc })
	later := 0 // the first of a higher value
	for n, i := range syms {
		sym := &p.syms[i]
		for later = max(later, n+1); later < len(syms) && p.syms[syms[later]].value <= sym.value; later++ {
		}
		if typed && sym.typ != elffile.SymFunc || sym.typ == elffile.SymObject {
			continue
		}
		size := sym.size
		if size == 0 { // LLVM before 7: up to the next one
			size = s.Size - min(sym.value, s.Size)
			if later < len(syms) {
				size = min(size, p.syms[syms[later]].value-sym.value)
			}
		}
		if sym.value > s.Size || size > s.Size-sym.value || size == 0 || sym.value%slotSize != 0 || size%slotSize != 0 {
			return bin.Errorf(s.Name, int64(sym.value), "function %s of %#x bytes is not made of instructions in this section (%#x bytes)",
				sym.name, size, s.Size)
		}
		if err := p.addFunc(sec, i, size); err != nil {
			return err
		}
	}
	return nil
}

// addFunc appends a function that starts at or after all others of its
// section.
func (p *parser) addFunc(sec uint32, i int32, size uint64) error {
	s, sym := &p.file.Sections[sec], &p.syms[i]
	if n := len(p.funcs); n > 0 {
		prev := &p.funcs[n-1]
		same := prev.off == sym.value && prev.size == size
		if prev.sec == sec && prev.off+prev.size > sym.value && !same {
			return bin.Errorf(s.Name, int64(sym.value), "function %s overlaps function %s", sym.name, prev.def.Symbol)
		}
	}
	def := &p.defs[len(p.funcs)]
	*def = FuncDef{Symbol: sym.name, Section: s.Name, Offset: sym.value, Static: sym.static(), Weak: sym.weak()}
	p.funcs = append(p.funcs, function{def: def, sym: i, sec: sec, off: sym.value, size: size})
	return nil
}

// nameFuncs gives global functions their C names, and static ones what is
// left.
func (p *parser) nameFuncs() (err error) {
	for _, local := range [...]bool{false, true} {
		for i := range p.funcs {
			f := &p.funcs[i]
			if (p.syms[f.sym].bind == elffile.BindLocal) != local {
				continue
			}
			if !local && p.names.has(f.def.Symbol) {
				return bin.Errorf(f.def.Section, int64(f.off), "function %s is defined twice", f.def.Symbol)
			}
			if f.def.Name, err = p.names.add(p, f.def.Section, f.def.Symbol); err != nil {
				return err
			}
		}
	}
	return nil
}

// firstFunc finds the first function that starts at off of section sec.
func (p *parser) firstFunc(sec uint32, off uint64) (int, bool) {
	i := sort.Search(len(p.funcs), func(i int) bool {
		f := &p.funcs[i]
		return f.sec > sec || f.sec == sec && f.off >= off
	})
	return i, i < len(p.funcs) && p.funcs[i].sec == sec && p.funcs[i].off == off
}

// funcAt finds the function that starts at off of the section of symbol i; of
// several names for one place, that of the symbol.
func (p *parser) funcAt(i uint32, off uint64) *FuncDef {
	sec := p.syms[i].sec
	first, ok := p.firstFunc(sec, off)
	if !ok {
		return nil
	}
	for n := first; n < len(p.funcs) && p.funcs[n].sec == sec && p.funcs[n].off == off; n++ {
		if p.funcs[n].sym == int32(i) {
			return p.funcs[n].def
		}
	}
	return p.funcs[first].def
}

// decodeFuncs fills in instructions, references, types and notes.
func (p *parser) decodeFuncs() error {
	info := p.extSections()
	var w funcWalk
	p.obj.Notes = make([]btf.Note, p.countNotes())
	for i := range p.funcs {
		f := &p.funcs[i]
		if i > 0 && f.sec == p.funcs[i-1].sec && f.off == p.funcs[i-1].off {
			f.def.Insns, f.def.Type = p.funcs[i-1].def.Insns, p.funcs[i-1].def.Type
			continue
		}
		if i == 0 || f.sec != p.funcs[i-1].sec {
			var err error
			if w, err = p.walkSection(f.sec, info[f.sec]); err != nil {
				return err
			}
		}
		ins, err := asm.Decode(w.code[f.off:f.off+f.size], p.file.Order)
		if err != nil {
			return wrapFunc(f, err)
		}
		f.def.Insns = ins
		if err := p.annotate(&w, f); err != nil {
			return err
		}
	}
	p.obj.Notes = p.obj.Notes[:p.notes:p.notes]
	return nil
}

// countNotes bounds the notes of all instructions: one for each line and CO-RE
// record at most.
func (p *parser) countNotes() int {
	n := 0
	if p.extInfo != nil {
		for i := range p.extInfo.Sections {
			s := &p.extInfo.Sections[i]
			n += len(s.Lines) + len(s.CORE)
		}
	}
	return n
}

// wrapFunc makes an error about the bytes of f one about its section.
func wrapFunc(f *function, err error) error {
	if fe, ok := errors.AsType[*bin.FormatError](err); ok {
		return bin.Errorf(f.def.Section, int64(f.off)+fe.Offset, "function %s: %s", f.def.Symbol, fe.Msg)
	}
	return mkerr.WrapNamed("function %s: %w", f.def.Symbol, err)
}

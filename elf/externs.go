package elf

import (
	"slices"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/elffile"
)

// Sections that declare externs. They exist in BTF only.
const (
	kconfigSection = ".kconfig"
	ksymsSection   = ".ksyms"
)

// extern is what the parser keeps beside an ExternDef.
type extern struct {
	def   *ExternDef
	known bool // BTF or a use has told the kind
	align uint32
}

// collectExterns sorts the DATASECs and finds out what every undefined symbol
// is declared as.
func (p *parser) collectExterns() error {
	byName := make(map[string]int)
	p.externBy = make(map[int32]int)
	for i := range p.syms {
		s := &p.syms[i]
		if !s.undefined() {
			continue
		}
		n, ok := byName[s.name]
		if !ok {
			n = len(p.externs)
			byName[s.name] = n
			p.externs = append(p.externs, extern{def: &ExternDef{Name: s.name, Weak: true}})
		}
		p.externBy[int32(i)] = n
		if s.bind != elffile.BindWeak {
			p.externs[n].def.Weak = false
		}
	}
	if p.types == nil {
		return nil
	}
	var kconfig []btf.Type
	for t := range p.types.OfKind(btf.KindDeclTag, btf.KindDatasec, btf.KindVar, btf.KindFunc) {
		switch k := t.Kind(); {
		case k == btf.KindDeclTag:
			p.tagged = true
		case k == btf.KindDatasec:
			switch name := t.Name(); name {
			case kconfigSection:
				kconfig = append(kconfig, t)
			case ksymsSection:
				p.ksyms = append(p.ksyms, t)
			default:
				p.dataSecs = append(p.dataSecs, dataSec{typ: t, name: name})
			}
		case t.Linkage() == btf.LinkageExtern:
			// The kernel takes no extern types.
			p.edit.SetLinkage(t.ID(), btf.LinkageGlobal)
			if k == btf.KindFunc {
				p.nameParams(t.Target())
			}
			if n, ok := byName[t.Name()]; ok {
				p.declare(n, t)
			}
		}
	}
	for _, sec := range p.ksyms {
		if err := p.declareKsyms(sec, byName); err != nil {
			return err
		}
	}
	for _, sec := range kconfig {
		if err := p.layoutKconfig(sec, byName); err != nil {
			return err
		}
	}
	return nil
}

// declare notes the type of an extern that no section tells more about: it is
// part of another object, unless declareKsyms or layoutKconfig knows better.
func (p *parser) declare(n int, t btf.Type) {
	e := &p.externs[n]
	if e.known {
		return
	}
	e.known = true
	if t.Kind() == btf.KindFunc {
		e.def.Kind, e.def.Type = ExternFunc, t.ID()
		return
	}
	e.def.Kind, e.def.Type = ExternVar, t.Target()
}

// declareKsyms goes through .ksyms, whose entries are variables and functions.
func (p *parser) declareKsyms(sec btf.Type, byName map[string]int) error {
	for i := range sec.Vlen() {
		id := sec.SecVar(i).Type
		t, ok := p.types.Type(id)
		if !ok || t.Kind() != btf.KindVar && t.Kind() != btf.KindFunc {
			return bin.Errorf(".BTF", 0, "section %s: entry %d is neither VAR nor FUNC (type %d)", ksymsSection, i, id)
		}
		n, ok := byName[t.Name()]
		if !ok {
			continue // declared and not used
		}
		d := p.externs[n].def
		p.externs[n].known = true
		if t.Kind() == btf.KindFunc {
			d.Kind, d.Type = ExternKfunc, id
			continue
		}
		d.Kind, d.Type = ExternKsymVar, t.Target()
		if target, ok := p.types.Strip(t.Target()); ok && target.Kind() == btf.KindVoid {
			d.Kind = ExternKsym
		}
	}
	return nil
}

// layoutKconfig gives each variable of .kconfig its place in the map: by
// alignment, the widest first, then by size, then by name.
func (p *parser) layoutKconfig(sec btf.Type, byName map[string]int) error {
	if p.kconfig.size != 0 {
		return bin.Errorf(".BTF", 0, "section %s is described twice", kconfigSection)
	}
	var vars []int // indexes in externs, one for each entry
	for i := range sec.Vlen() {
		id := sec.SecVar(i).Type
		t, ok := p.types.Type(id)
		if !ok || t.Kind() != btf.KindVar {
			return bin.Errorf(".BTF", 0, "section %s: entry %d is no VAR (type %d)", kconfigSection, i, id)
		}
		n, ok := byName[t.Name()]
		if !ok { // declared and not used: it has a place all the same
			n = len(p.externs)
			byName[t.Name()] = n
			p.externs = append(p.externs, extern{def: &ExternDef{Name: t.Name(), Weak: true}})
		}
		e := &p.externs[n]
		if e.known && e.def.Kind == ExternKconfig {
			return bin.Errorf(".BTF", 0, "section %s: variable %s is declared twice", kconfigSection, t.Name())
		}
		size, err := p.types.Sizeof(t.Target())
		if err != nil || size == 0 || size > 1<<16 {
			return bin.Errorf(".BTF", 0, "section %s: variable %s of %d bytes: %v", kconfigSection, t.Name(), size, err)
		}
		e.known, e.align = true, p.alignOf(t.Target())
		e.def.Kind, e.def.Type, e.def.Size = ExternKconfig, t.Target(), size
		vars = append(vars, n)
	}
	placed := slices.Clone(vars)
	bin.Sort(placed, func(a, b *int) bool {
		x, y := &p.externs[*a], &p.externs[*b]
		switch {
		case x.align != y.align:
			return x.align > y.align
		case x.def.Size != y.def.Size:
			return x.def.Size < y.def.Size
		}
		return x.def.Name < y.def.Name
	})
	off := uint64(0)
	for _, n := range placed {
		e := &p.externs[n]
		off = (off + uint64(e.align) - 1) &^ (uint64(e.align) - 1)
		e.def.Offset = uint32(off)
		off += uint64(e.def.Size)
	}
	// Real ones have a few hundred bytes. What an object says in 50 bytes must
	// not take as much memory as it likes.
	if off > 1<<16 {
		return bin.Errorf(".BTF", 0, "section %s of %d bytes", kconfigSection, off)
	}
	p.kconfig = kconfigMap{sec: sec, size: uint32(off), vars: vars}
	return nil
}

// kconfigMap is what addKconfigMap and fixExterns need to know.
type kconfigMap struct {
	sec  btf.Type
	size uint32
	vars []int // index in externs of each entry of sec
}

// alignOf is the alignment of a type that a .kconfig variable may have.
func (p *parser) alignOf(id btf.ID) uint32 {
	for range 32 {
		t, ok := p.types.Strip(id)
		if !ok {
			return 1
		}
		switch t.Kind() {
		case btf.KindArray:
			id = t.Target()
			continue
		case btf.KindInt, btf.KindEnum, btf.KindEnum64, btf.KindFloat:
			if n := t.Size(); n == 1 || n == 2 || n == 4 {
				return n
			}
		case btf.KindPtr:
		default:
			return 1
		}
		return 8
	}
	return 1
}

// fixExterns gives the declarations in .kconfig and .ksyms places, without
// which the kernel refuses BTF; functions cannot be in a section at all.
func (p *parser) fixExterns() error {
	if k := &p.kconfig; k.size > 0 {
		id := k.sec.ID()
		for i, n := range k.vars {
			v := k.sec.SecVar(i)
			p.edit.SetSecVar(id, i, btf.SecVar{Type: v.Type, Offset: p.externs[n].def.Offset, Size: p.externs[n].def.Size})
		}
		p.edit.SetSize(id, k.size)
		p.edit.SortSecVars(id)
	}
	if len(p.ksyms) == 0 {
		return nil
	}
	num := p.int32Type()
	dummy := btf.ID(0)
	for _, sec := range p.ksyms {
		for i := range sec.Vlen() {
			id := sec.SecVar(i).Type
			t, _ := p.types.Type(id) // declareKsyms has seen it
			at := btf.SecVar{Type: id, Offset: uint32(i) * 4, Size: 4}
			if t.Kind() == btf.KindFunc {
				if dummy == 0 {
					dummy = p.edit.AddVar("dummy_ksym", num, btf.LinkageGlobal)
				}
				at.Type = dummy
			} else {
				p.edit.SetTarget(id, num)
			}
			p.edit.SetSecVar(sec.ID(), i, at)
		}
		p.edit.SetSize(sec.ID(), uint32(sec.Vlen())*4)
	}
	return nil
}

// nameParams names the parameters of a prototype: an extern declaration may
// leave names out, a function that is not extern may not.
func (p *parser) nameParams(proto btf.ID) {
	t, ok := p.types.Type(proto)
	if !ok {
		return
	}
	for i := range t.Vlen() {
		if a := t.Param(i); a.Name == "" && a.Type != 0 {
			p.edit.SetParamName(proto, i, "dummy_ksym")
		}
	}
}

// int32Type finds an INT of 32 bits, or adds one.
func (p *parser) int32Type() btf.ID {
	for t := range p.types.OfKind(btf.KindInt) {
		if _, bits, _ := t.Int(); bits == 32 {
			return t.ID()
		}
	}
	return p.edit.AddInt("int", 4, btf.IntSigned)
}

// listExterns hands over what is known to be wanted from outside.
func (p *parser) listExterns() error {
	for i := range p.externs {
		if e := &p.externs[i]; e.known && p.externMap(e.def.Name) == nil {
			p.obj.Externs = append(p.obj.Externs, e.def)
		}
	}
	bin.Sort(p.obj.Externs, func(a, b **ExternDef) bool {
		x, y := *a, *b
		kx, ky := x.Kind == ExternKconfig, y.Kind == ExternKconfig
		switch {
		case kx && ky:
			return x.Offset < y.Offset
		case kx || ky:
			return kx
		}
		return x.Name < y.Name
	})
	return nil
}

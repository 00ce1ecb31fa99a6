package elf

import (
	"sort"
	"strings"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/elffile"
)

// dataSec is a DATASEC together with the ELF section it describes.
type dataSec struct {
	typ  btf.Type
	name string
	sec  uint32 // 0 if the file has no section of that name
	vars []secVar
}

// secVar is a variable of a DATASEC, with what its symbol says.
type secVar struct {
	name      string
	id        btf.ID // the VAR
	typ       btf.ID // of the variable
	off, size uint32
	linkage   btf.Linkage
	weak      bool
}

// parseTypes reads .BTF and .BTF.ext.
func (p *parser) parseTypes() (err error) {
	if p.btf == nil {
		return nil
	}
	if p.types, err = btf.Parse(p.btf); err != nil {
		return err
	}
	p.edit = p.types.Edit()
	if p.ext != nil {
		p.extInfo, err = btf.ParseExt(p.ext, p.types)
	}
	return err
}

// extSections gives the .BTF.ext records by section index.
func (p *parser) extSections() []*btf.ExtSection {
	out := make([]*btf.ExtSection, len(p.kinds))
	if p.extInfo == nil {
		return out
	}
	byName := make(map[string]int, len(p.extInfo.Sections))
	for i := range p.extInfo.Sections {
		byName[p.extInfo.Sections[i].Name] = i
	}
	for sec := range p.kinds {
		if p.kinds[sec] != secProg {
			continue
		}
		name := p.file.Sections[sec].Name
		if i, ok := byName[name]; ok {
			out[sec] = &p.extInfo.Sections[i]
			delete(byName, name) // of several sections of a name, libbpf too takes the first
		}
	}
	return out
}

// fixDataSecs finds the place of each variable and tells the editor: compilers
// leave sizes of sections and offsets of global variables to the linker.
func (p *parser) fixDataSecs() error {
	if p.types == nil {
		return nil
	}
	byName := make(map[string]uint32, len(p.kinds))
	for i := len(p.kinds) - 1; i > 0; i-- {
		byName[p.file.Sections[i].Name] = uint32(i)
	}
	p.placed = make([]bool, p.types.Len())
	for i := range p.dataSecs {
		d := &p.dataSecs[i]
		d.sec = byName[d.name]
		if err := p.fixDataSec(d); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) fixDataSec(d *dataSec) error {
	n := d.typ.Vlen()
	d.vars = make([]secVar, 0, n)
	fix := d.typ.Size() == 0 && d.sec != 0
	find := p.finder(d.sec, n)
	for i := range n {
		v := d.typ.SecVar(i)
		t, ok := p.types.Type(v.Type)
		if !ok || t.Kind() != btf.KindVar {
			return bin.Errorf(".BTF", 0, "section %s: variable %d is no VAR (type %d)", d.name, i, v.Type)
		}
		if p.placed[v.Type] {
			return bin.Errorf(".BTF", 0, "section %s: variable %s (type %d) has a place already", d.name, t.Name(), v.Type)
		}
		p.placed[v.Type] = true
		sv := secVar{name: t.Name(), id: v.Type, typ: t.Target(), off: v.Offset, size: v.Size, linkage: t.Linkage()}
		if err := p.placeVar(d, &sv, find, fix); err != nil {
			return err
		}
		if sv.off != v.Offset {
			p.edit.SetSecVar(d.typ.ID(), i, btf.SecVar{Type: v.Type, Offset: sv.off, Size: v.Size})
		}
		d.vars = append(d.vars, sv)
	}
	size := uint64(d.typ.Size())
	if fix {
		size = p.file.Sections[d.sec].Size
	}
	size = p.placeExterns(d, size)
	if size != uint64(d.typ.Size()) {
		if size >= 1<<32 {
			return bin.Errorf(d.name, 0, "section of %#x bytes", size)
		}
		p.edit.SetSize(d.typ.ID(), uint32(size))
	}
	if bin.Sort(d.vars, func(a, b *secVar) bool { return a.off < b.off }) {
		p.edit.SortSecVars(d.typ.ID())
	}
	return nil
}

// placeExterns puts variables of other objects behind the section's own: the
// kernel wants each to have a place and none to be extern. It gives the size
// that the section has then.
func (p *parser) placeExterns(d *dataSec, size uint64) uint64 {
	for i := range d.vars {
		v := &d.vars[i]
		if v.linkage != btf.LinkageExtern || d.sec == 0 {
			continue
		}
		size = (size + 7) &^ 7
		v.off = uint32(size)
		size += uint64(v.size)
		p.edit.SetSecVar(d.typ.ID(), i, btf.SecVar{Type: v.id, Offset: v.off, Size: v.size})
	}
	return size
}

// placeVar takes a variable's offset and visibility from its symbol.
func (p *parser) placeVar(d *dataSec, v *secVar, find func(string) *symbol, fix bool) error {
	if d.sec == 0 || v.linkage == btf.LinkageExtern {
		return nil
	}
	s := find(v.name)
	if v.linkage == btf.LinkageStatic {
		// The compiler knows the offset; where it does not (gcc), the symbol
		// does. Two static variables of a name have nothing but the former.
		if fix && v.off == 0 && s != nil {
			v.off = uint32(s.value)
		}
		return nil
	}
	if s == nil || s.bind == elffile.BindLocal {
		if fix {
			return bin.Errorf(d.name, 0, "variable %s has no symbol", v.name)
		}
		return nil
	}
	v.weak = s.bind == elffile.BindWeak
	if fix {
		if s.value > p.file.Sections[d.sec].Size {
			return bin.Errorf(d.name, int64(s.value), "variable %s is beyond the end of the section", v.name)
		}
		v.off = uint32(s.value)
	}
	if s.hidden() {
		v.linkage = btf.LinkageStatic
		p.edit.SetLinkage(v.id, btf.LinkageStatic)
	}
	return nil
}

// finder gives a lookup of object symbols of a section by name, for n lookups:
// a global symbol, or the only local one. A few are sought one by one.
func (p *parser) finder(sec uint32, n int) func(string) *symbol {
	syms := p.inSection(sec)
	if n*len(syms) <= 256 {
		return func(name string) *symbol {
			var found *symbol
			for _, i := range syms {
				if s := &p.syms[i]; s.name == name {
					found = better(found, s)
				}
			}
			return only(found)
		}
	}
	byName := p.byName[sec]
	if byName == nil { // once for a section, however many DATASECs it has
		byName = make(map[string]*symbol, len(syms))
		for _, i := range syms {
			s := &p.syms[i]
			byName[s.name] = better(byName[s.name], s)
		}
		if p.byName == nil {
			p.byName = make(map[uint32]map[string]*symbol)
		}
		p.byName[sec] = byName
	}
	return func(name string) *symbol { return only(byName[name]) }
}

// ambiguous stands for two local symbols of one name.
var ambiguous = &symbol{}

func better(have, s *symbol) *symbol {
	switch {
	case have == nil:
		return s
	case s.bind != elffile.BindLocal:
		return s
	case have == ambiguous || have.bind == elffile.BindLocal:
		return ambiguous
	}
	return have
}

func only(s *symbol) *symbol {
	if s == ambiguous {
		return nil
	}
	return s
}

// finishTypes applies the edits. Hidden functions become static, so that the
// kernel verifies them with their callers.
func (p *parser) finishTypes() (err error) {
	if p.types == nil {
		return nil
	}
	info := p.extSections()
	for i := range p.funcs {
		f := &p.funcs[i]
		if ext := info[f.sec]; ext != nil && p.syms[f.sym].bind != elffile.BindLocal && p.syms[f.sym].hidden() {
			if id := funcType(ext, f.off); id != 0 {
				p.edit.SetLinkage(id, btf.LinkageStatic)
			}
		}
	}
	if p.obj.Types, err = p.edit.Spec(); err != nil {
		return err
	}
	p.listTags()
	return nil
}

func (p *parser) listTags() {
	if !p.tagged {
		return
	}
	for t := range p.obj.Types.OfKind(btf.KindDeclTag) {
		text, param := t.Name(), t.ComponentIndex()
		if text != TagCtx && !(strings.HasPrefix(text, TagException) && param == -1) {
			continue
		}
		if f, ok := p.obj.Types.Type(t.Target()); ok && f.Kind() == btf.KindFunc {
			p.obj.FuncTags = append(p.obj.FuncTags, FuncTag{f.ID(), param, text})
		}
	}
}

// funcType is the FUNC of the function at off.
func funcType(ext *btf.ExtSection, off uint64) btf.ID {
	i := sort.Search(len(ext.Funcs), func(i int) bool { return uint64(ext.Funcs[i].Off) >= off })
	if i == len(ext.Funcs) || uint64(ext.Funcs[i].Off) != off {
		return 0
	}
	return ext.Funcs[i].Type
}

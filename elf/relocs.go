package elf

import (
	"math"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/elffile"
)

// relSection is a relocation section and what it patches.
type relSection struct {
	target uint32
	table  *elffile.Relocs
}

// collectRelocs keeps section i if it patches something that is read here.
// Which sections those are is known only at the end, so all are kept but those
// of BTF and of debug information.
func (p *parser) collectRelocs(i int) error {
	s := &p.file.Sections[i]
	target := s.Info
	if int64(target) >= int64(len(p.file.Sections)) {
		return bin.Errorf(s.Name, 0, "relocations for section %d of %d", target, len(p.file.Sections))
	}
	t := &p.file.Sections[target]
	switch k := classify(t); {
	case k == secProg, k == secMaps, k == secStructOps:
	default:
		// What data points to cannot be known before load: as in libbpf, such
		// pointers stay zero. .BTF and .BTF.ext hold section offsets already.
		return nil
	}
	if s.Type == elffile.SectionRela {
		return bin.Errorf(s.Name, 0, "relocations with addends are not supported")
	}
	table, err := p.file.Relocs(i)
	if err != nil {
		return err
	}
	p.rels = append(p.rels, relSection{target, table})
	return nil
}

// reloc is one relocation of a section.
type reloc struct {
	off uint64
	sym uint32
}

// relocsOf gives all relocations of a section, by offset, until it is called
// again.
func (p *parser) relocsOf(sec uint32) ([]reloc, error) {
	out := p.relocs[:0]
	s, ordered := &p.file.Sections[sec], true
	for _, r := range p.rels {
		if r.target != sec {
			continue
		}
		n := r.table.Len()
		if cap(out)-len(out) < n {
			out = append(make([]reloc, 0, len(out)+n), out...)
		}
		for i := range n {
			e := r.table.At(i)
			if e.Offset >= s.Size {
				return nil, bin.Errorf(s.Name, int64(e.Offset), "relocation beyond the end of the section (%#x bytes)", s.Size)
			}
			if int64(e.Symbol) >= int64(len(p.syms)) {
				return nil, bin.Errorf(s.Name, int64(e.Offset), "relocation by symbol %d of %d", e.Symbol, len(p.syms))
			}
			ordered = ordered && (len(out) == 0 || out[len(out)-1].off <= e.Offset)
			out = append(out, reloc{e.Offset, e.Symbol})
		}
	}
	if !ordered {
		bin.Sort(out, func(a, b *reloc) bool { return a.off < b.off })
	}
	p.relocs = out
	return out, nil
}

// funcWalk goes through the functions of one section in the order of offsets,
// and beside them through its relocations and records, each once.
type funcWalk struct {
	sec    uint32
	code   []byte
	relocs []reloc
	funcs  []btf.FuncInfo
	lines  []btf.LineInfo
	cores  []btf.COREInfo
	// the next of each
	reloc, fn, line, core int
}

// ahead is the offset of the next relocation or CO-RE record.
func (w *funcWalk) ahead() uint64 {
	at := uint64(math.MaxUint64)
	if w.reloc < len(w.relocs) {
		at = w.relocs[w.reloc].off
	}
	if w.core < len(w.cores) {
		at = min(at, uint64(w.cores[w.core].Off))
	}
	return at
}

// lineAt is the offset of the i-th line.
func (w *funcWalk) lineAt(i int) uint64 {
	if i < len(w.lines) {
		return uint64(w.lines[i].Off)
	}
	return math.MaxUint64
}

func (p *parser) walkSection(sec uint32, ext *btf.ExtSection) (funcWalk, error) {
	code, err := p.file.Data(int(sec))
	if err != nil {
		return funcWalk{}, err
	}
	w := funcWalk{sec: sec, code: code}
	if ext != nil {
		w.funcs, w.lines, w.cores = ext.Funcs, ext.Lines, ext.CORE
	}
	w.relocs, err = p.relocsOf(sec)
	return w, err
}

// annotate gives the instructions of f their references and notes.
func (p *parser) annotate(w *funcWalk, f *function) error {
	w.skipTo(f.off)
	if w.fn < len(w.funcs) && uint64(w.funcs[w.fn].Off) == f.off {
		f.def.Type = w.funcs[w.fn].Type
	}
	list, notes, used := f.def.Insns, p.obj.Notes, p.notes
	off, ahead, line := f.off, w.ahead(), w.line
	lineOff := w.lineAt(line)
	for i := range list {
		in := &list[i]
		end := off + slotSize
		if in.Op == asm.OpLoadImm64 {
			end += slotSize
		}
		if lineOff == off {
			notes[used].Line, notes[used].HasLine = w.lines[line].Line, true
			used++
			in.Note = asm.NoteID(used)
		}
		for lineOff < end { // within a wide instruction there can be more
			line++
			lineOff = w.lineAt(line)
		}
		if ahead < end || in.Op == asm.OpCall {
			p.notes = used
			if err := p.annotateOne(w, f, in, off, end); err != nil {
				return err
			}
			used, ahead = p.notes, w.ahead()
		}
		off = end
	}
	p.notes, w.line = used, line
	return nil
}

// annotateOne is annotate for the instruction from off to end.
func (p *parser) annotateOne(w *funcWalk, f *function, in *asm.Instruction, off, end uint64) error {
	if w.reloc < len(w.relocs) && w.relocs[w.reloc].off < end {
		r := &w.relocs[w.reloc]
		w.reloc++
		if r.off != off || w.reloc < len(w.relocs) && w.relocs[w.reloc].off < end {
			return bin.Errorf(f.def.Section, int64(r.off), "function %s: relocation between instructions, or a second one", f.def.Symbol)
		}
		if err := p.refer(f, in, off, r.sym); err != nil {
			return err
		}
	} else if in.CallsFunc() {
		if err := p.callNear(f, in, off); err != nil {
			return err
		}
	}
	return p.noteCORE(w, f, in, off, end)
}

// skipTo leaves out what lies before off: code that no symbol names, such as
// the body of a weak function that the linker replaced.
func (w *funcWalk) skipTo(off uint64) {
	for w.reloc < len(w.relocs) && w.relocs[w.reloc].off < off {
		w.reloc++
	}
	for w.fn < len(w.funcs) && uint64(w.funcs[w.fn].Off) < off {
		w.fn++
	}
	for w.line < len(w.lines) && uint64(w.lines[w.line].Off) < off {
		w.line++
	}
	for w.core < len(w.cores) && uint64(w.cores[w.core].Off) < off {
		w.core++
	}
}

// noteCORE records what CO-RE changes in the instruction at off.
func (p *parser) noteCORE(w *funcWalk, f *function, in *asm.Instruction, off, end uint64) error {
	if w.core >= len(w.cores) || uint64(w.cores[w.core].Off) >= end {
		return nil
	}
	c := &w.cores[w.core]
	if uint64(c.Off) != off {
		return bin.Errorf(f.def.Section, int64(c.Off), "function %s: CO-RE relocation between instructions", f.def.Symbol)
	}
	w.core++
	if in.Note == 0 {
		p.notes++
		in.Note = asm.NoteID(p.notes)
	}
	p.obj.Notes[in.Note-1].CORE = &c.CORERelo
	return nil
}

// callNear names the target of a call that the assembler resolved because it
// is in the same section, as LLVM up to 9 did for static functions.
func (p *parser) callNear(f *function, in *asm.Instruction, off uint64) error {
	target := off + slotSize + uint64(in.Imm)*slotSize
	if i, ok := p.firstFunc(f.sec, target); ok {
		callFunc(in, p.funcs[i].def)
		return nil
	}
	if target >= f.off && target < f.off+f.size {
		return nil // within the function: hand-written, and left alone
	}
	return bin.Errorf(f.def.Section, int64(off), "function %s: call of offset %#x, where no function starts", f.def.Symbol, target)
}

func callFunc(in *asm.Instruction, to *FuncDef) {
	in.Imm = -1
	in.Ref = asm.Ref{Kind: asm.RefFunc, Name: to.Name}
}

// refer makes the instruction at off refer to what symbol number sym means.
func (p *parser) refer(f *function, in *asm.Instruction, off uint64, sym uint32) error {
	s := &p.syms[sym]
	if in.Op != asm.OpCall && !in.Wide() {
		return p.badRef(f, off, sym, "neither a call nor a 64-bit load")
	}
	if s.undefined() {
		return p.referExtern(f, in, off, sym)
	}
	if s.sec == 0 {
		return p.badRef(f, off, sym, "not defined in any section")
	}
	if in.Op == asm.OpCall {
		// A section symbol leaves the place in the immediate, counted in
		// slots from the next one; a function's own symbol leaves -1.
		to := p.funcAt(sym, s.value+uint64(in.Imm+1)*slotSize)
		if to == nil || in.Src != asm.PseudoCall {
			return p.badRef(f, off, sym, "no function to call")
		}
		callFunc(in, to)
		return nil
	}
	// SHT_REL keeps the addend in the first of the two immediates.
	addend := s.value + uint64(int64(int32(in.Imm)))
	switch kind := p.kinds[s.sec]; {
	case kind == secProg:
		to := p.funcAt(sym, addend)
		if to == nil {
			return p.badRef(f, off, sym, "no function starts there")
		}
		in.Src, in.Imm = asm.PseudoFunc, 0
		in.Ref = asm.Ref{Kind: asm.RefFunc, Name: to.Name}
	case kind == secMaps || kind == secLegacyMaps:
		// libbpf takes the symbol and forgets the addend.
		m := p.mapAt(s.sec, addend)
		if m == nil {
			m = p.mapAt(s.sec, s.value)
		}
		if m == nil {
			return p.badRef(f, off, sym, "no map starts there")
		}
		referMap(in, m.Name)
	case kind.isData() || kind == secArena:
		m := p.data[s.sec]
		if m == nil {
			return p.badRef(f, off, sym, "its section became no map")
		}
		referValue(in, m.Name, int32(uint32(addend)))
	case kind == secJumpTables:
		name, err := p.jumpTable(f, off, s)
		if err != nil {
			return err
		}
		referValue(in, name, 0)
	default:
		return p.badRef(f, off, sym, "not a map, a function or data")
	}
	return nil
}

func referMap(in *asm.Instruction, name string) {
	in.Src, in.Imm = asm.PseudoMapFD, 0
	in.Ref = asm.Ref{Kind: asm.RefMap, Name: name}
}

func referValue(in *asm.Instruction, name string, offset int32) {
	in.Src, in.Imm = asm.PseudoMapValue, 0
	in.Ref = asm.Ref{Kind: asm.RefMapValue, Name: name, Addend: offset}
}

// referExtern makes the instruction refer to an undefined symbol.
func (p *parser) referExtern(f *function, in *asm.Instruction, off uint64, sym uint32) error {
	if m := p.externMap(p.syms[sym].name); m != nil && in.Wide() {
		referMap(in, m.Name)
		return nil
	}
	n, ok := p.externBy[int32(sym)]
	if !ok {
		return p.badRef(f, off, sym, "not known as an extern")
	}
	e := &p.externs[n]
	call := in.Op == asm.OpCall
	if !e.known { // no BTF: the use decides
		e.known, e.def.Kind = true, ExternKsym
		if call {
			e.def.Kind = ExternFunc
		}
	}
	var kind asm.RefKind
	switch k := e.def.Kind; {
	case call && k == ExternKfunc:
		kind = asm.RefKfunc
	case k == ExternFunc:
		kind = asm.RefFunc
	case !call && k == ExternKconfig:
		kind = asm.RefVar
	case !call:
		kind = asm.RefKsym
	default:
		return p.badRef(f, off, sym, "a variable, and cannot be called")
	}
	in.Ref = asm.Ref{Kind: kind, Name: e.def.Name}
	if !call {
		in.Ref.Addend = int32(in.Imm)
		in.Imm = 0
	}
	return nil
}

func (p *parser) badRef(f *function, off uint64, sym uint32, why string) error {
	s := &p.syms[sym]
	name := s.name
	if name == "" {
		name = "section " + p.file.Sections[s.sec].Name
	}
	return bin.Errorf(f.def.Section, int64(off), "function %s: bad reference to %s: %s", f.def.Symbol, name, why)
}

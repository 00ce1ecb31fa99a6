package elffile

import (
	"bytes"
	"encoding/binary"
)

// image builds ELF files by hand, sound ones and others.
type image struct {
	class   Class
	order   binary.AppendByteOrder
	typ     Type
	secs    []rawSection
	progs   []Prog
	shStr   uint32
	shNum   uint32 // 0: the number of secs
	big     bool   // counts go to section header 0
	patches []patch
}

type rawSection struct {
	Section
	name uint32
	data []byte
}

type patch struct {
	at int
	b  []byte
}

func (m *image) put(b []byte, v uint64, word bool) []byte {
	if word && m.class == Class64 {
		return m.order.AppendUint64(b, v)
	}
	return m.order.AppendUint32(b, uint32(v))
}

// bytes lays the file out: header, contents, section headers, segments.
func (m *image) bytes() []byte {
	hdr, shSize, phSize := 52, 40, 32
	if m.class == Class64 {
		hdr, shSize, phSize = 64, 64, 56
	}
	body := []byte{}
	for i := range m.secs {
		s := &m.secs[i]
		if s.Offset == 0 && s.data != nil {
			s.Offset = uint64(hdr + len(body))
		}
		if s.Size == 0 {
			s.Size = uint64(len(s.data))
		}
		body = append(body, s.data...)
		for len(body)%8 != 0 {
			body = append(body, 0)
		}
	}
	shOff := hdr + len(body)
	phOff := shOff + len(m.secs)*shSize
	num, str, ph := uint32(len(m.secs)), m.shStr, uint32(len(m.progs))
	if m.shNum != 0 {
		num = m.shNum
	}
	if m.big {
		m.secs[0].Size, m.secs[0].Link, m.secs[0].Info = uint64(num), str, ph
		num, str, ph = 0, shnXIndex, pnXNum
	}
	data := byte(1)
	if m.order.AppendUint16(nil, 1)[1] == 1 {
		data = 2
	}
	b := append([]byte("\x7fELF"), byte(m.class), data, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	b = m.order.AppendUint16(b, uint16(m.typ))
	b = m.order.AppendUint16(b, uint16(MachineBPF))
	b = m.order.AppendUint32(b, 1)
	b = m.put(b, 0x1000, true)
	b = m.put(b, uint64(phOff), true)
	b = m.put(b, uint64(shOff), true)
	b = m.order.AppendUint32(b, 0)
	for _, v := range []uint32{uint32(hdr), uint32(phSize), ph, uint32(shSize), num, str} {
		b = m.order.AppendUint16(b, uint16(v))
	}
	b = append(b, body...)
	for i := range m.secs {
		s := &m.secs[i]
		b = m.put(b, uint64(s.name), false)
		b = m.put(b, uint64(s.Type), false)
		b = m.put(b, s.Flags, true)
		b = m.put(b, s.Addr, true)
		b = m.put(b, s.Offset, true)
		b = m.put(b, s.Size, true)
		b = m.put(b, uint64(s.Link), false)
		b = m.put(b, uint64(s.Info), false)
		b = m.put(b, s.Align, true)
		b = m.put(b, s.EntSize, true)
	}
	for _, p := range m.progs {
		b = m.put(b, uint64(p.Type), false)
		if m.class == Class64 {
			b = m.put(b, uint64(p.Flags), false)
		}
		for _, v := range []uint64{p.Offset, p.Vaddr, p.Paddr, p.Filesz, p.Memsz} {
			b = m.put(b, v, true)
		}
		if m.class == Class32 {
			b = m.put(b, uint64(p.Flags), false)
		}
		b = m.put(b, p.Align, true)
	}
	for _, p := range m.patches {
		copy(b[p.at:], p.b)
	}
	return b
}

// Names of the sections and symbols of sample.
const sampleNames = "\x00.text\x00.symtab\x00.strtab\x00.bss\x00.rel.text\x00main\x00"

func nameAt(s string) uint32 { return uint32(bytes.Index([]byte(sampleNames), []byte(s+"\x00"))) }

// sample is a small sound file with one symbol and one relocation.
func sample(class Class, order binary.AppendByteOrder) *image {
	m := &image{class: class, order: order, typ: TypeRel, shStr: 3}
	sym := make([]byte, symSize32, 2*symSize64)
	sym = m.put(sym, uint64(nameAt("main")), false)
	rel := m.put(nil, 4, true)
	symSize := uint64(symSize32)
	if class == Class64 {
		symSize = symSize64
		sym = append(make([]byte, symSize64), sym[symSize32:]...)
		sym = append(sym, BindGlobal<<4|SymFunc, VisHidden)
		sym = order.AppendUint16(sym, 1)
		sym = order.AppendUint64(sym, 8)
		sym = order.AppendUint64(sym, 16)
		rel = m.put(rel, 1<<32|10, true)
	} else {
		sym = order.AppendUint32(sym, 8)
		sym = order.AppendUint32(sym, 16)
		sym = append(sym, BindGlobal<<4|SymFunc, VisHidden)
		sym = order.AppendUint16(sym, 1)
		rel = m.put(rel, 1<<8|10, true)
	}
	m.secs = []rawSection{
		{},
		{Section: Section{Type: SectionProgBits, Flags: FlagAlloc | FlagExec}, name: nameAt(".text"), data: make([]byte, 24)},
		{Section: Section{Type: SectionSymTab, Link: 3, EntSize: symSize}, name: nameAt(".symtab"), data: sym},
		{Section: Section{Type: SectionStrTab}, name: nameAt(".strtab"), data: []byte(sampleNames)},
		{Section: Section{Type: SectionNoBits, Size: 1 << 40 >> (8 * (2 - class))}, name: nameAt(".bss")},
		{Section: Section{Type: SectionRel, Link: 2, Info: 1, EntSize: uint64(len(rel))}, name: nameAt(".rel.text"), data: rel},
	}
	return m
}

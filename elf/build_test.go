package elf

import (
	"encoding/binary"
	"strings"
)

// builder writes little-endian BPF objects by hand.
type builder struct {
	names strings.Builder
	secs  []madeSection
	syms  []byte
}

type madeSection struct {
	name             string
	typ, link, info  uint32
	flags, size, ent uint64
	data             []byte
}

func (b *builder) str(s string) uint32 {
	if b.names.Len() == 0 {
		b.names.WriteByte(0)
	}
	off := b.names.Len()
	b.names.WriteString(s)
	b.names.WriteByte(0)
	return uint32(off)
}

// sym adds a symbol whose name is at off in the strings.
func (b *builder) sym(off uint32, info byte, sec uint16, value, size uint64) {
	b.syms = binary.LittleEndian.AppendUint32(b.syms, off)
	b.syms = append(b.syms, info, 0)
	b.syms = binary.LittleEndian.AppendUint16(b.syms, sec)
	b.syms = binary.LittleEndian.AppendUint64(b.syms, value)
	b.syms = binary.LittleEndian.AppendUint64(b.syms, size)
}

// bytes appends the symbol table and the strings as the last two sections.
func (b *builder) bytes() []byte {
	le := binary.LittleEndian
	strtab := uint32(len(b.secs) + 2)
	secs := append([]madeSection{{}}, b.secs...)
	secs = append(secs, madeSection{name: ".symtab", typ: 2, link: strtab, ent: 24, data: append(make([]byte, 24), b.syms...)})
	names := make([]uint32, len(secs)+1)
	for i := range secs {
		names[i] = b.str(secs[i].name)
	}
	names[len(secs)] = b.str(".strtab")
	secs = append(secs, madeSection{typ: 3, data: []byte(b.names.String())})
	body, heads := []byte(nil), []byte(nil)
	for i, s := range secs {
		for len(body)%8 != 0 {
			body = append(body, 0)
		}
		heads = le.AppendUint32(heads, names[i])
		heads = le.AppendUint32(heads, s.typ)
		heads = le.AppendUint64(heads, s.flags)
		heads = le.AppendUint64(heads, 0)
		heads = le.AppendUint64(heads, uint64(64+len(body)))
		heads = le.AppendUint64(heads, max(s.size, uint64(len(s.data))))
		heads = le.AppendUint32(heads, s.link)
		heads = le.AppendUint32(heads, s.info)
		heads = le.AppendUint64(heads, 1)
		heads = le.AppendUint64(heads, s.ent)
		body = append(body, s.data...)
	}
	out := append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 9)...)
	out = le.AppendUint16(out, 1)
	out = le.AppendUint16(out, 247)
	out = le.AppendUint32(out, 1)
	out = le.AppendUint64(out, 0)
	out = le.AppendUint64(out, 0)
	out = le.AppendUint64(out, uint64(64+len(body)))
	out = le.AppendUint32(out, 0)
	for _, v := range []uint16{64, 0, 0, 64, uint16(len(secs)), uint16(strtab)} {
		out = le.AppendUint16(out, v)
	}
	return append(append(out, body...), heads...)
}

func (b *builder) section(s madeSection) uint16 {
	b.secs = append(b.secs, s)
	return uint16(len(b.secs))
}

func code(n int) []byte {
	b := make([]byte, 8*n)
	for i := range n {
		b[8*i] = 0x95
	}
	return b
}

const exec = 6 // SHF_ALLOC | SHF_EXECINSTR

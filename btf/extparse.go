package btf

import (
	"encoding/binary"
	"math/bits"

	"github.com/skepbpf/skep/internal/bin"
)

const extSection = ".BTF.ext"

// extPart is one of the tables that the header of .BTF.ext points to.
type extPart struct {
	name   string
	header uint32 // place of its offset and length in the header
	record uint32 // least size of a record
	// read takes n records of size bytes; at is the place of the first.
	read func(p *extParser, at int64, body []byte, size, n int, sec *ExtSection) error
}

var extParts = [...]extPart{
	{"func_info", 8, 8, readFuncs},
	{"line_info", 16, 16, readLines},
	{"core_relo", 24, 16, readCORE},
}

// room makes room for n records in a list that has none yet; one that is
// continued grows as it does.
func room[T any](list []T, n int) []T {
	if list == nil {
		return make([]T, 0, n)
	}
	return list
}

type extParser struct {
	b      []byte
	s      *Spec
	order  binary.ByteOrder
	big    bool
	out    []ExtSection
	byName map[string]int
	// unordered says that the offsets of some list do not only grow.
	unordered bool
}

func (p *extParser) u32(at uint32) uint32 { return p.order.Uint32(p.b[at:]) }

// part reads one table: the record size, then for each ELF section its name,
// the number of records, and the records. It reports whether that is all: a
// table without sections.
func (p *extParser) part(part *extPart) (empty bool, err error) {
	c, size, err := p.table(part)
	if err != nil || c == nil {
		return false, err
	}
	empty = c.Len() == 0
	for c.Len() > 0 {
		if err := p.section(part, c, size); err != nil {
			return false, err
		}
	}
	return empty, c.Err()
}

// table finds a table; the cursor stands behind the size of its records, and is
// nil if there is none.
func (p *extParser) table(part *extPart) (*bin.Cursor, uint32, error) {
	hdrLen := uint64(p.u32(4))
	if hdrLen < 24 || hdrLen > uint64(len(p.b)) {
		return nil, 0, bin.Errorf(extSection, 4, "header of %d bytes in a blob of %d", hdrLen, len(p.b))
	}
	if uint64(part.header)+8 > hdrLen {
		return nil, 0, nil
	}
	off, n := uint64(p.u32(part.header)), uint64(p.u32(part.header+4))
	if n == 0 {
		return nil, 0, nil
	}
	if off+n > uint64(len(p.b))-hdrLen || off%4 != 0 {
		return nil, 0, bin.Errorf(extSection, int64(part.header), "%s %d+%d beyond the end or not aligned", part.name, off, n)
	}
	c := bin.NewCursor(extSection, int64(hdrLen+off), p.b[hdrLen+off:][:n], p.order)
	size := c.U32()
	if c.Err() == nil && (size < part.record || size%4 != 0) {
		c.Failf("%s records of %d bytes, want at least %d", part.name, size, part.record)
	}
	return c, size, c.Err()
}

func (p *extParser) section(part *extPart, c *bin.Cursor, size uint32) error {
	at := c.Offset()
	nameOff, n := c.U32(), c.U32()
	name, ok := p.s.String(nameOff)
	if c.Err() == nil && (!ok || name == "") {
		return bin.Errorf(extSection, at, "%s: section name at string offset %#x", part.name, nameOff)
	}
	if c.Err() == nil && n == 0 {
		return bin.Errorf(extSection, at, "%s: no records for section %s", part.name, name)
	}
	first := c.Offset()
	body := c.Bytes(uint64(n) * uint64(size))
	if err := c.Err(); err != nil {
		return err
	}
	i, ok := p.byName[name]
	if !ok {
		i = len(p.out)
		p.byName[name] = i
		p.out = append(p.out, ExtSection{Name: name})
	}
	return part.read(p, first, body, int(size), int(n), &p.out[i])
}

// words are four of a record, or two and no more of a shorter one.
func (p *extParser) words(rec []byte) (a, b, c, d uint32) {
	lo, hi := binary.LittleEndian.Uint64(rec), uint64(0)
	if len(rec) >= 16 {
		hi = binary.LittleEndian.Uint64(rec[8:])
	}
	a, b, c, d = uint32(lo), uint32(lo>>32), uint32(hi), uint32(hi>>32)
	if p.big {
		a, b, c, d = bits.ReverseBytes32(a), bits.ReverseBytes32(b), bits.ReverseBytes32(c), bits.ReverseBytes32(d)
	}
	return a, b, c, d
}

func readFuncs(p *extParser, at int64, body []byte, size, n int, sec *ExtSection) error {
	sec.Funcs = room(sec.Funcs, n)
	for ; len(body) > 0; body, at = body[size:], at+int64(size) {
		off, id, _, _ := p.words(body[:size])
		if t, ok := p.s.Type(ID(id)); !ok || t.Kind() != KindFunc {
			return bin.Errorf(extSection, at, "func_info: type %d is no func", id)
		}
		if off%8 != 0 {
			return badOff(at, off)
		}
		p.unordered = p.unordered || len(sec.Funcs) > 0 && off <= sec.Funcs[len(sec.Funcs)-1].Off
		sec.Funcs = append(sec.Funcs, FuncInfo{off, ID(id)})
	}
	return nil
}

func readLines(p *extParser, at int64, body []byte, size, n int, sec *ExtSection) error {
	first := len(sec.Lines)
	sec.Lines = append(sec.Lines, make([]LineInfo, n)...)
	list, end, next := sec.Lines[first:], p.s.strEnd(), uint32(0)
	if first > 0 {
		next = sec.Lines[first-1].Off + 1
	}
	for i := range list {
		rec := body[:16:16]
		body = body[size:]
		lo, hi := binary.LittleEndian.Uint64(rec), binary.LittleEndian.Uint64(rec[8:])
		off, file, text, col := uint32(lo), uint32(lo>>32), uint32(hi), uint32(hi>>32)
		if p.big {
			off, file, text, col = p.words(rec)
		}
		if max(file, text) >= end || off%8 != 0 {
			return badLine(at+int64(i)*int64(size), off, file, text, end)
		}
		if off < next {
			p.unordered = true
		}
		next = off + 1
		list[i] = LineInfo{off, Line{file, text, col}}
	}
	return nil
}

func badLine(at int64, off, file, text, end uint32) error {
	if off%8 != 0 && max(file, text) < end {
		return badOff(at, off)
	}
	return bin.Errorf(extSection, at, "line_info: strings at %#x and %#x of %#x", file, text, end)
}

func readCORE(p *extParser, at int64, body []byte, size, n int, sec *ExtSection) error {
	sec.CORE = room(sec.CORE, n)
	for ; len(body) > 0; body, at = body[size:], at+int64(size) {
		off, id, access, kind := p.words(body[:size])
		if _, ok := p.s.Type(ID(id)); !ok {
			return bin.Errorf(extSection, at, "core_relo: no type %d", id)
		}
		s, ok := p.s.String(access)
		if !ok {
			return bin.Errorf(extSection, at, "core_relo: access at string offset %#x", access)
		}
		if off%8 != 0 {
			return badOff(at, off)
		}
		p.unordered = p.unordered || len(sec.CORE) > 0 && off <= sec.CORE[len(sec.CORE)-1].Off
		sec.CORE = append(sec.CORE, COREInfo{off, CORERelo{COREKind(kind), ID(id), s}})
	}
	return nil
}

// badOff refuses a place between instructions.
func badOff(at int64, off uint32) error {
	return bin.Errorf(extSection, at, "offset %#x is not that of an instruction", off)
}

// sort orders the records of each section. Compilers write them in order;
// linked objects may not. The kernel wants offsets that only grow.
func (p *extParser) sort() error {
	if !p.unordered {
		return nil
	}
	for i := range p.out {
		sec := &p.out[i]
		err := sortOff(sec.Name, "func_info", sec.Funcs, func(f *FuncInfo) uint32 { return f.Off })
		if err == nil {
			err = sortOff(sec.Name, "line_info", sec.Lines, func(l *LineInfo) uint32 { return l.Off })
		}
		if err == nil {
			err = sortOff(sec.Name, "core_relo", sec.CORE, func(c *COREInfo) uint32 { return c.Off })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func sortOff[T any](sec, table string, list []T, off func(*T) uint32) error {
	ordered := true
	for i := 1; ordered && i < len(list); i++ {
		ordered = off(&list[i-1]) < off(&list[i])
	}
	if ordered {
		return nil
	}
	bin.Sort(list, func(a, b *T) bool { return off(a) < off(b) })
	return distinct(sec, table, len(list), func(i int) uint32 { return off(&list[i]) })
}

// distinct refuses two records for one place among n in order.
func distinct(sec, table string, n int, off func(i int) uint32) error {
	for i := 1; i < n; i++ {
		if off(i-1) == off(i) {
			return bin.Errorf(extSection, 0, "%s of section %s: two records for offset %#x", table, sec, off(i))
		}
	}
	return nil
}

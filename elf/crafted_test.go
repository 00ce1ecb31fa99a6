package elf

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// craftedObjects are seeds for the fuzzer: hostile in ways that it would need
// long to come to. Whether they parse is not said here.
func craftedObjects() map[string][]byte {
	all := map[string][]byte{}
	for _, h := range hostileObjects() {
		all[h.name] = h.in
	}
	for name, size := range map[string]uint64{"2^31": 1 << 31, "2^32": 1 << 32, "2^32-1": 1<<32 - 1, "2^63": 1 << 63, "2^64-1": math.MaxUint64} {
		for _, sec := range []string{".bss", ".data", "tc", "maps", ".maps", ".BTF", ".rodata.x", ".addr_space.1"} {
			all[sec+" of "+name] = sectionOf(sec, size)
		}
	}
	all["overlapping sections"] = overlapping()
	all["section count in the first header"] = extended(false)
	all["no section count anywhere"] = extended(true)
	all["names"] = strangeNames()
	for name, n := range map[string]uint32{"0": 0, "1": 1, "2^16": 1 << 16, "2^31": 1 << 31, "2^32-1": math.MaxUint32} {
		all["map of absurd numbers "+name] = absurdMap(n)
	}
	all["many functions"] = manySymbols(300, 0x12)
	all["many symbols of a place"] = manySymbols(300, 0x10)
	all["maps of maps"] = manyMaps(2, 2).bytes()
	return all
}

// sectionOf has a section that claims to be larger than it is, with a symbol
// at its end.
func sectionOf(name string, size uint64) []byte {
	b := &builder{}
	s := madeSection{name: name, typ: 1, size: size, data: make([]byte, 16)}
	switch name {
	case ".bss":
		s.typ, s.data = 8, nil
	case "tc":
		s.flags = exec
	}
	b.sym(b.str("x"), globalData, b.section(s), size-8, 8)
	return b.bytes()
}

// header is where the section header i of an object of the builder is.
func header(b []byte, i int) []byte {
	le := binary.LittleEndian
	return b[le.Uint64(b[40:])+64*uint64(i):]
}

// overlapping has 40 sections of data over the same bytes.
func overlapping() []byte {
	b := &builder{}
	for i := range 40 {
		b.section(madeSection{name: fmt.Sprint(".data.", i), typ: 1, data: make([]byte, 16)})
	}
	out := b.bytes()
	for i := range 40 {
		binary.LittleEndian.PutUint64(header(out, i+1)[24:], 64)
		binary.LittleEndian.PutUint64(header(out, i+1)[32:], 640)
	}
	return out
}

// extended says in section header 0 how many there are, or nowhere.
func extended(nowhere bool) []byte {
	out := one(insns(opExit), nil, func(b *builder, sec uint16) { b.sym(b.str("main"), globalFunc, sec, 0, 8) })
	le := binary.LittleEndian
	if n := le.Uint16(out[60:]); !nowhere {
		le.PutUint64(header(out, 0)[32:], uint64(n))
		le.PutUint32(header(out, 0)[40:], uint32(le.Uint16(out[62:])))
		le.PutUint16(out[62:], 0xffff)
	}
	le.PutUint16(out[60:], 0)
	return out
}

// strangeNames has programs, sections and variables whose names no compiler
// writes.
func strangeNames() []byte {
	b := &builder{}
	for i, name := range []string{"", "/", "..", "a/b", "a\nb", "\xff\xfe", "%s%n", strings.Repeat("n", 4096), "?", "?kprobe/"} {
		sec := b.section(madeSection{name: "kprobe/" + name, typ: 1, flags: exec, data: code(1)})
		b.sym(b.str(name), globalFunc, sec, 0, 8)
		sec = b.section(madeSection{name: ".data." + name, typ: 1, data: make([]byte, 8)})
		b.sym(b.str(fmt.Sprint("v", name, i)), globalData, sec, 0, 8)
	}
	b.sym(uint32(b.names.Len()), globalFunc, 1, 0, 8)     // the name begins at the end
	b.sym(uint32(b.names.Len()+99), globalFunc, 1, 0, 8)  // and beyond
	b.sym(math.MaxUint32, globalFunc, 0xfff1, 0, 8)       // absolute
	b.sym(b.str("far"), globalFunc, 0xfffe, 1<<64-8, 1e9) // of no section
	return b.bytes()
}

// mapFields are the numbers of a BTF map, in the order of mapOf's.
var mapFields = [...]string{"type", "key_size", "value_size", "max_entries", "map_flags", "map_extra", "numa_node", "pinning"}

// absurdMap is a BTF map whose type, sizes, entries and flags are all n.
func absurdMap(n uint32) []byte {
	var all [len(mapFields)]uint32
	for i := range all {
		all[i] = n
	}
	return mapOf(all)
}

// mapOf is a BTF map of these numbers: each is the length of an array.
func mapOf(numbers [len(mapFields)]uint32) []byte {
	le := binary.LittleEndian
	const size = uint32(8 * len(mapFields))
	var types []byte
	strs := "\x00"
	word := func(words ...uint32) {
		for _, w := range words {
			types = le.AppendUint32(types, w)
		}
	}
	at := func(s string) uint32 {
		strs += s + "\x00"
		return uint32(len(strs) - len(s) - 1)
	}
	word(at("int"), 1<<24, 4, 32) // 1
	for i, n := range numbers {
		word(0, 3<<24, 0, 1, 1, n)            // 2 + 2i: int[n]
		word(0, 2<<24, uint32(2)+uint32(2*i)) // 3 + 2i: int (*)[n]
	}
	word(0, 4<<24|uint32(len(mapFields)), size)
	for i, f := range mapFields {
		word(at(f), uint32(3+2*i), uint32(64*i))
	}
	last := uint32(2 + 2*len(mapFields))
	word(at("m"), 14<<24, last, 1)
	word(at(".maps"), 15<<24|1, size, last+1, 0, size)
	blob := append(le.AppendUint16(nil, 0xeb9f), 1, 0)
	for _, w := range []int{24, 0, len(types), len(types), len(strs)} {
		blob = le.AppendUint32(blob, uint32(w))
	}
	b := &builder{}
	b.section(madeSection{name: ".BTF", typ: 1, data: append(append(blob, types...), strs...)})
	sec := b.section(madeSection{name: ".maps", typ: 1, data: make([]byte, size)})
	b.sym(b.str("m"), globalData, sec, 0, uint64(size))
	return b.bytes()
}

// manySymbols has n symbols without a size at the start of a section of code.
func manySymbols(n int, info byte) []byte {
	b := &builder{}
	sec := b.section(madeSection{name: "tc", typ: 1, flags: exec, data: code(n)})
	for i := range n {
		b.sym(b.str(fmt.Sprint("f", i)), info, sec, 0, 0)
	}
	return b.bytes()
}

package elf

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/fuzztest"
)

// TestCeiling parses objects made to take much memory for their size.
func TestCeiling(t *testing.T) {
	const n = 20000
	for _, tt := range []struct {
		name string
		make func() *builder
		ok   bool
	}{
		{"functions of one instruction", func() *builder {
			b := &builder{}
			sec := b.section(madeSection{name: "tc", typ: 1, flags: exec, data: code(n)})
			for i := range n {
				b.sym(b.str(fmt.Sprint("f", i)), 0x12, sec, uint64(8*i), 8)
			}
			return b
		}, true},
		{"static functions of one short name", func() *builder {
			b := &builder{}
			name := b.str("f")
			sec := b.section(madeSection{name: "tc", typ: 1, flags: exec, data: code(n)})
			for i := range n {
				b.sym(name, 0x02, sec, uint64(8*i), 8)
			}
			return b
		}, true},
		{"static functions of one long name", func() *builder {
			b := &builder{}
			name := b.str(strings.Repeat("f", 4000))
			sec := b.section(madeSection{name: "tc", typ: 1, flags: exec, data: code(n)})
			for i := range n {
				b.sym(name, 0x02, sec, uint64(8*i), 8)
			}
			return b
		}, false},
		{"names of one large function", func() *builder {
			b := &builder{}
			sec := b.section(madeSection{name: "tc", typ: 1, flags: exec, data: code(n)})
			for i := range n {
				b.sym(b.str(fmt.Sprint("f", i)), 0x12, sec, 0, 8*n)
			}
			return b
		}, true},
		{"undefined symbols", func() *builder {
			b := &builder{}
			for i := range n {
				b.sym(b.str(fmt.Sprint("x", i)), 0x10, 0, 0, 0)
			}
			return b
		}, true},
		{"variables without BTF", func() *builder {
			b := &builder{}
			sec := b.section(madeSection{name: ".bss", typ: 8, size: n})
			for i := range n {
				b.sym(b.str(fmt.Sprint("v", i)), 0x11, sec, uint64(i), 1)
			}
			return b
		}, true},
		{"static variables of one name", func() *builder {
			b := &builder{}
			name := b.str("v")
			sec := b.section(madeSection{name: ".bss", typ: 8, size: n})
			for i := range n {
				b.sym(name, 0x01, sec, uint64(i), 1)
			}
			return b
		}, true},
		{"legacy maps", func() *builder {
			b := &builder{}
			data := make([]byte, 16*n)
			for i := range n {
				data[16*i] = 1
			}
			sec := b.section(madeSection{name: "maps", typ: 1, data: data})
			for i := range n {
				b.sym(b.str(fmt.Sprint("m", i)), 0x11, sec, uint64(16*i), 16)
			}
			return b
		}, true},
		{"jump tables over one section", func() *builder {
			b := &builder{}
			insns := make([]byte, 0, 16*n)
			var rels []byte
			for i := range n / 2 {
				rels = binary.LittleEndian.AppendUint64(rels, uint64(16*i))
				rels = binary.LittleEndian.AppendUint64(rels, uint64(i+1)<<32|1)
				insns = append(insns, 0x18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
			}
			b.section(madeSection{name: ".jumptables", typ: 1, data: make([]byte, 8*n)})
			sec := b.section(madeSection{name: "tc", typ: 1, flags: exec, data: insns})
			b.section(madeSection{name: ".reltc", typ: 9, info: uint32(sec), ent: 16, data: rels})
			name := b.str("j")
			for i := range n / 2 {
				b.sym(name, 0x01, 1, uint64(8*i), uint64(8*(n-i)))
			}
			b.sym(b.str("f"), 0x12, sec, 0, uint64(len(insns)))
			return b
		}, false},
		{"maps of one name", func() *builder { return manyMaps(n, 1) }, true},
		{"maps of maps of one name", func() *builder { return manyMaps(n, 2) }, false},
		{"data sections", func() *builder {
			b := &builder{}
			for range n / 10 {
				b.section(madeSection{name: ".bss", typ: 8, size: 8})
			}
			return b
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := tt.make().bytes()
			var o *Object
			var err error
			got := fuzztest.Allocated(func() { o, err = Parse(in) })
			if (err == nil) != tt.ok {
				t.Errorf("error = %v, want one: %v", err, !tt.ok)
			}
			t.Logf("%d bytes allocated for %d: %.1f times", got, len(in), float64(got)/float64(len(in)))
			if limit := fuzztest.Ceiling(len(in)); got > limit {
				t.Errorf("%d bytes allocated for an object of %d, want at most %d", got, len(in), limit)
			}
			runtime.KeepAlive(o)
		})
	}
}

// manyMaps is an object of n static maps that share name and type; of two
// members, the second says of what maps they are maps.
func manyMaps(n, members int) *builder {
	le := binary.LittleEndian
	var types []byte
	word := func(words ...uint32) {
		for _, w := range words {
			types = le.AppendUint32(types, w)
		}
	}
	const strs = "\x00int\x00type\x00values\x00m\x00.maps\x00"
	at := func(s string) uint32 { return uint32(strings.Index(strs, "\x00"+s+"\x00") + 1) }
	info := func(kind btf.Kind, vlen int) uint32 { return uint32(kind)<<24 | uint32(vlen) }
	word(at("int"), info(btf.KindInt, 0), 4, 32)                // 1
	word(0, info(btf.KindArray, 0), 0, 1, 1, mapArrayOfMaps)    // 2
	word(0, info(btf.KindPtr, 0), 2)                            // 3
	word(0, info(btf.KindStruct, 1), 8, at("type"), 3, 0)       // 4: template
	word(0, info(btf.KindPtr, 0), 4)                            // 5
	word(0, info(btf.KindArray, 0), 0, 5, 1, 0)                 // 6
	word(0, info(btf.KindStruct, members), 8, at("type"), 3, 0) // 7: map
	if members > 1 {
		word(at("values"), 6, 64)
	}
	for range n {
		word(at("m"), info(btf.KindVar, 0), 7, 0)
	}
	word(at(".maps"), info(btf.KindDatasec, n), uint32(8*n))
	for i := range uint32(n) {
		word(8+i, 8*i, 8)
	}
	blob := le.AppendUint16(nil, 0xeb9f)
	blob = append(blob, 1, 0)
	for _, w := range []int{24, 0, len(types), len(types), len(strs)} {
		blob = le.AppendUint32(blob, uint32(w))
	}
	b := &builder{}
	b.section(madeSection{name: ".BTF", typ: 1, data: append(append(blob, types...), strs...)})
	b.section(madeSection{name: ".maps", typ: 1, data: make([]byte, 8*n)})
	return b
}

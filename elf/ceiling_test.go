package elf

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"testing"
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
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			o, err := Parse(in)
			runtime.ReadMemStats(&after)
			if (err == nil) != tt.ok {
				t.Errorf("error = %v, want one: %v", err, !tt.ok)
			}
			got := after.TotalAlloc - before.TotalAlloc
			t.Logf("%d bytes allocated for %d: %.1f times", got, len(in), float64(got)/float64(len(in)))
			if got > ceiling(len(in)) {
				t.Errorf("%d bytes allocated for an object of %d, want at most %d", got, len(in), ceiling(len(in)))
			}
			runtime.KeepAlive(o)
		})
	}
}

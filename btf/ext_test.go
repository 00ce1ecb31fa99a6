package btf

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/skepbpf/skep/internal/bin"
)

// extFixture is a Spec with what records refer to.
func extFixture(t testing.TB, order byteOrders) (s *Spec, sec, file, access uint32) {
	b := everyKind(order)
	sec, file, access = b.str("tp/x"), b.str("x.c"), b.str("0:1")
	return b.spec(t), sec, file, access
}

// table is one table of .BTF.ext.
func table(order byteOrders, size uint32, secs ...[]uint32) []byte {
	out := order.AppendUint32(nil, size)
	for _, w := range secs {
		for _, v := range w {
			out = order.AppendUint32(out, v)
		}
	}
	return out
}

func extBlob(order byteOrders, hdr int, tables ...[]byte) []byte {
	out := order.AppendUint16(nil, magic)
	out = append(out, 1, 0)
	out = order.AppendUint32(out, uint32(hdr))
	off := 0
	for _, t := range tables {
		out = order.AppendUint32(out, uint32(off))
		out = order.AppendUint32(out, uint32(len(t)))
		off += len(t)
	}
	out = append(out, make([]byte, hdr-len(out))...)
	for _, t := range tables {
		out = append(out, t...)
	}
	return out
}

func TestParseExt(t *testing.T) {
	for _, order := range orders {
		s, sec, file, access := extFixture(t, order)
		funcs := table(order, 12, []uint32{sec, 2, 16, 14, 77, 0, 14, 77}) // longer records, not in order
		lines := table(order, 16, []uint32{sec, 1, 8, file, sec, 3<<10 | 5})
		core := table(order, 16, []uint32{sec, 1, 24, 5, access, 2})
		for _, tt := range []struct {
			name string
			b    []byte
			core bool
		}{
			{"all", extBlob(order, 32, funcs, lines, core), true},
			{"longer header", extBlob(order, 40, funcs, lines, core), true},
			{"no CO-RE", extBlob(order, 24, funcs, lines), false},
		} {
			want := &Ext{Sections: []ExtSection{{
				Name:  "tp/x",
				Funcs: []FuncInfo{{0, 14}, {16, 14}},
				Lines: []LineInfo{{8, Line{file, sec, 3<<10 | 5}}},
			}}}
			if tt.core {
				want.Sections[0].CORE = []COREInfo{{24, CORERelo{COREFieldExists, 5, "0:1"}}}
			}
			got, err := ParseExt(tt.b, s)
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
				continue
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Ext{})); diff != "" {
				t.Errorf("%s: (-want +got)\n%s", tt.name, diff)
			}
			if l := got.Section("tp/x").Lines[0]; l.Line.Line() != 3 || l.Column() != 5 {
				t.Errorf("line %d, column %d", l.Line.Line(), l.Column())
			}
		}
	}
}

func TestParseExtRefuses(t *testing.T) {
	le := binary.LittleEndian
	s, sec, file, access := extFixture(t, le)
	none := table(le, 8)
	f := func(w ...uint32) []byte { return extBlob(le, 32, table(le, 8, w), nil, nil) }
	l := func(w ...uint32) []byte { return extBlob(le, 32, nil, table(le, 16, w), nil) }
	c := func(w ...uint32) []byte { return extBlob(le, 32, nil, nil, table(le, 16, w)) }
	cut := f(sec, 1, 0, 14)
	for _, tt := range []struct {
		name string
		b    []byte
		want string
	}{
		{"empty", nil, "too few"},
		{"magic", make([]byte, 40), "magic"},
		{"header too long", extBlob(le, 32)[:30], "header of"},
		{"header too short", extBlob(le, 8), "header of 8"},
		{"records too short", extBlob(le, 32, table(le, 4), none, nil), "records of 4 bytes"},
		{"cut", cut[:len(cut)-4], "beyond the end"},
		{"more records than bytes", f(sec, 1<<30, 0, 14), "need"},
		{"no records", f(sec, 0), "no records"},
		{"no section name", f(0, 1, 0, 14), "section name"},
		{"section name out of range", f(1<<20, 1, 0, 14), "section name"},
		{"func of no func", f(sec, 1, 0, 1), "no func"},
		{"func of no type", f(sec, 1, 0, 999), "no func"},
		{"offset within an instruction", f(sec, 1, 4, 14), "not that of an instruction"},
		{"two funcs at one place", f(sec, 2, 8, 14, 8, 14), "two records"},
		{"two funcs at one place in two parts", f(sec, 1, 8, 14, sec, 1, 8, 14), "two records"},
		{"line string out of range", l(sec, 1, 0, file, 1<<24, 0), "strings at"},
		{"relocation of no type", c(sec, 1, 0, 999, access, 0), "no type 999"},
		{"access out of range", c(sec, 1, 0, 5, 1<<24, 0), "access at"},
	} {
		e, err := ParseExt(tt.b, s)
		var fe *bin.FormatError
		if err == nil || e != nil || !errors.As(err, &fe) || fe.Section != ".BTF.ext" || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

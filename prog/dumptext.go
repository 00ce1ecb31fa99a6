package prog

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/skepbpf/skep/asm"
)

// String is a listing: for each function its instructions below the lines that
// they come from, and what they refer to behind them.
func (d *Dump) String() string { return d.text((*DumpFunc).insnText) }

// Machine is a listing of the machine code, in hexadecimal, below the lines of
// the source that it was made of.
func (d *Dump) Machine() string { return d.text((*DumpFunc).codeText) }

func (d *Dump) text(body func(*DumpFunc, *strings.Builder)) string {
	var b strings.Builder
	for i := range d.Funcs {
		f := &d.Funcs[i]
		name := f.Name
		if name == "" {
			name = fmt.Sprintf("function %d", i)
		}
		fmt.Fprintf(&b, "%s: tag %x, %d instructions, %d bytes of machine code", name, f.Tag, f.Insns.Slots(), len(f.Code))
		if f.Addr != 0 {
			fmt.Fprintf(&b, " at %#x", f.Addr)
		}
		b.WriteByte('\n')
		body(f, &b)
	}
	for _, err := range d.Hidden {
		fmt.Fprintf(&b, "not shown: %v\n", err)
	}
	return b.String()
}

// writeLine gives a line of the source.
func (l *DumpLine) writeLine(b *strings.Builder) {
	fmt.Fprintf(b, "; %s:%d: %s\n", l.File, l.Line, strings.TrimSpace(l.Text))
}

func (f *DumpFunc) insnText(b *strings.Builder) {
	slot, lines, last := f.Slot, f.Lines, 0
	for i := range f.Insns {
		for ; len(lines) > 0 && lines[0].Slot <= slot; lines = lines[1:] {
			if lines[0].Line != last {
				lines[0].writeLine(b)
			}
			last = lines[0].Line
		}
		in := &f.Insns[i]
		fmt.Fprintf(b, "%6d: %v%s\n", slot, in, refText(in.Ref))
		slot += in.Slots()
	}
}

func refText(r asm.Ref) string {
	switch {
	case r.Kind == asm.RefNone:
		return ""
	case r.Kind == asm.RefMapValue:
		return fmt.Sprintf(" ; %s %s%+d", r.Kind, r.Name, r.Addend)
	}
	return " ; " + r.Kind.String() + " " + r.Name
}

func (f *DumpFunc) codeText(b *strings.Builder) {
	const width = 16
	off := 0
	put := func(end int) {
		for ; off < end; off += width {
			fmt.Fprintf(b, "%6x: %s\n", off, hex.EncodeToString(f.Code[off:min(off+width, end)]))
		}
		off = end
	}
	for i := range f.Lines {
		if l := &f.Lines[i]; l.Code >= off {
			put(l.Code)
			l.writeLine(b)
		}
	}
	put(len(f.Code))
}

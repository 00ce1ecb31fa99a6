package elf

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
)

// dump prints all of an Object as text, for golden files.
func dump(o *Object) string {
	var b strings.Builder
	fmt.Fprintf(&b, "order %v license %q version %#x\n", o.Order, o.License, o.Version)
	for _, m := range o.Maps {
		dumpMap(&b, o, m, "map")
	}
	for _, v := range o.Vars {
		fmt.Fprintf(&b, "var %s in %s (%s) at %d size %d type %s%s\n", v.Name, v.Map, v.Section, v.Offset, v.Size,
			typeName(o.Types, v.Type), flags("static", v.Static, "weak", v.Weak, "readonly", v.ReadOnly))
	}
	for _, e := range o.Externs {
		fmt.Fprintf(&b, "extern %s kind %d at %d size %d type %s%s\n", e.Name, e.Kind, e.Offset, e.Size,
			typeName(o.Types, e.Type), flags("weak", e.Weak))
	}
	for _, t := range o.JumpTables {
		fmt.Fprintf(&b, "jump table %s of %s: %v\n", t.Name, t.Func, t.Targets)
	}
	for _, p := range o.Progs {
		fmt.Fprintf(&b, "prog %s SEC(%q) %s\n", p.Name, p.SEC, matchText(p.Match))
	}
	for _, f := range o.Funcs {
		fmt.Fprintf(&b, "func %s (%s) in %s at %#x type %s%s\n", f.Name, f.Symbol, f.Section, f.Offset,
			typeName(o.Types, f.Type), flags("static", f.Static, "weak", f.Weak))
		for i := range f.Insns {
			dumpInsn(&b, o, i, &f.Insns[i])
		}
	}
	dumpDataSecs(&b, o)
	return b.String()
}

func dumpMap(b *strings.Builder, o *Object, m *MapDef, what string) {
	fmt.Fprintf(b, "%s %s section %s kind %d type %d key %d value %d entries %d flags %#x", what, m.Name, m.Section,
		m.Kind, m.Type, m.KeySize, m.ValueSize, m.MaxEntries, m.Flags)
	if m.HasNuma {
		fmt.Fprintf(b, " numa %d", m.NumaNode)
	}
	if m.MapExtra != 0 {
		fmt.Fprintf(b, " extra %#x", m.MapExtra)
	}
	if m.Pinning != 0 {
		fmt.Fprintf(b, " pinning %d", m.Pinning)
	}
	fmt.Fprintf(b, " <%s, %s>%s\n", typeName(o.Types, m.Key), typeName(o.Types, m.Value),
		flags("datasec", m.DataSec != 0, "readonly", m.ReadOnly, "weak", m.Weak, "static", m.Static, "extern", m.Extern, "legacy", m.Legacy, "off", m.Off))
	if m.Inner != nil {
		dumpMap(b, o, m.Inner, "  inner")
	}
	if m.Init != nil {
		fmt.Fprintf(b, "  init %s\n", hex.EncodeToString(m.Init))
	}
	for _, s := range m.Slots {
		fmt.Fprintf(b, "  slot %d %s (kind %d)\n", s.Index, s.Name, s.Kind)
	}
}

func dumpInsn(b *strings.Builder, o *Object, i int, in *asm.Instruction) {
	fmt.Fprintf(b, "  %d: %02x r%d r%d off %d imm %#x", i, uint8(in.Op), in.Dst, in.Src, in.Off, in.Imm)
	if in.Ref.Kind != asm.RefNone {
		fmt.Fprintf(b, " %v %s%+d", in.Ref.Kind, in.Ref.Name, in.Ref.Addend)
	}
	if in.Note != 0 {
		n := o.Notes[in.Note-1]
		if n.HasLine {
			text, _ := o.Types.String(n.Line.Text)
			fmt.Fprintf(b, " ; %d:%d %s", n.Line.Line(), n.Line.Column(), strings.TrimSpace(text))
		}
		if n.CORE != nil {
			fmt.Fprintf(b, " [CO-RE %d %s %s]", n.CORE.Kind, typeName(o.Types, n.CORE.Root), n.CORE.Access)
		}
	}
	b.WriteByte('\n')
}

func dumpDataSecs(b *strings.Builder, o *Object) {
	if o.Types == nil {
		return
	}
	for t := range o.Types.All() {
		switch t.Kind() {
		case btf.KindDatasec:
			fmt.Fprintf(b, "datasec %s size %d\n", t.Name(), t.Size())
			for i := range t.Vlen() {
				v := t.SecVar(i)
				vt, _ := o.Types.Type(v.Type)
				fmt.Fprintf(b, "  %s %s linkage %d at %d size %d type %s\n", vt.Kind(), vt.Name(), vt.Linkage(), v.Offset, v.Size, typeName(o.Types, vt.Target()))
			}
		case btf.KindFunc:
			fmt.Fprintf(b, "btf func %s linkage %d\n", t.Name(), t.Linkage())
		}
	}
}

func typeName(s *btf.Spec, id btf.ID) string {
	if s == nil || id == 0 {
		return "-"
	}
	t, ok := s.Type(id)
	if !ok {
		return "bad"
	}
	return fmt.Sprintf("[%d]%s(%s)", id, t.Kind(), t.Name())
}

func flags(pairs ...any) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1].(bool) {
			fmt.Fprintf(&b, " %s", pairs[i])
		}
	}
	return b.String()
}

func matchText(m Match) string {
	return fmt.Sprintf("type %d attach %d flags %#x pattern %q target %q%s", m.Type, m.AttachType, m.Flags, m.Pattern, m.Target,
		flags("btf", m.NeedsBTF, "attachopt", m.AttachOpt, "attachrequired", m.AttachRequired, "off", m.Off,
			"autoattach", m.AutoAttach, "exact", m.Exact, "known", m.Known))
}

package skep

import (
	"fmt"
	"strings"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/maps"
	"github.com/skepbpf/skep/prog"
)

// String is the plan as text: maps in the order of their creation, programs in
// the object's. The same plan gives the same text.
func (p *Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "object %q license %q for kernel %s\n", p.object, p.license, p.release)
	if p.types != nil {
		fmt.Fprintf(&b, "btf %d types\n", p.types.Len()-1)
	}
	for i := range p.externs {
		fmt.Fprintf(&b, "extern %s\n", &p.externs[i])
	}
	for _, m := range p.maps {
		m.print(&b)
	}
	for _, pr := range p.programs {
		pr.print(&b, p.types)
	}
	for _, g := range p.groups {
		b.WriteString("alternatives")
		for _, i := range g {
			b.WriteString(" " + p.programs[i].name)
		}
		b.WriteByte('\n')
	}
	pins, err := p.Pins()
	for _, d := range pins {
		fmt.Fprintf(&b, "pin of %s\n", d)
	}
	if err != nil {
		fmt.Fprintf(&b, "pin of %v\n", err)
	}
	return b.String()
}

func (m *plannedMap) print(b *strings.Builder) {
	if m.off {
		fmt.Fprintf(b, "map %s: off", m.name)
		if m.why != nil {
			fmt.Fprintf(b, ": %v", m.why)
		}
		b.WriteByte('\n')
		return
	}
	fmt.Fprintf(b, "map %s: %s", m.name, describeMap(&m.spec))
	if m.extern {
		b.WriteString(", to be given")
	}
	if m.spec.Name != m.name {
		fmt.Fprintf(b, ", named %s", m.spec.Name)
	}
	b.WriteByte('\n')
	if len(m.spec.Contents) > 0 && len(m.spec.Contents) <= 64 {
		fmt.Fprintf(b, "\tcontents %x\n", m.spec.Contents)
	}
	if m.owner != "" {
		fmt.Fprintf(b, "\texclusive to program %s, %x\n", m.owner, m.spec.ExclusiveHash)
	}
	if m.arena != nil {
		fmt.Fprintf(b, "\tvariables of %d bytes at +%d\n", len(m.arena.contents), m.arena.offset)
	}
	if m.ops != nil {
		m.printOps(func(format string, args ...any) { fmt.Fprintf(b, format, args...) })
	}
	for _, s := range m.spec.Slots {
		fmt.Fprintf(b, "\telement %d: %s\n", s.Index, s.Name)
	}
}

func describeMap(s *maps.Spec) string {
	t := fmt.Sprintf("%s, key %d, value %d, entries %d", s.Type, s.KeySize, s.ValueSize, s.MaxEntries)
	if s.Flags != 0 {
		t += fmt.Sprintf(", flags %#x", s.Flags)
	}
	if s.PinPath != "" {
		t += ", pinned at " + s.PinPath
	} else if s.Pinning == maps.ByName {
		t += ", pinned by name"
	}
	if s.Freeze {
		t += ", frozen"
	}
	if s.Inner != nil {
		t += fmt.Sprintf(", inner (%s)", describeMap(s.Inner))
	}
	return t
}

func (pp *plannedProgram) print(b *strings.Builder, types *btf.Spec) {
	fmt.Fprintf(b, "program %s: %s, section %q, %s\n", pp.name, describeType(&pp.spec), pp.section, pp.policy)
	if pp.err != nil {
		fmt.Fprintf(b, "\tleft out: %v\n", pp.err)
		return
	}
	fmt.Fprintf(b, "\t%d instructions: %s\n", pp.spec.Insns.Slots(), strings.Join(pp.linked.Names(), ", "))
	if len(pp.spec.Signature) > 0 {
		fmt.Fprintf(b, "\tsigned, keyring %s\n", pp.spec.Keyring)
	}
	for _, text := range pp.pruned {
		fmt.Fprintf(b, "\tpruned: %s\n", text)
	}
	for _, n := range pp.notes {
		fmt.Fprintf(b, "\t%s\n", n.String(types))
	}
	if len(pp.spec.Modules) > 0 {
		fmt.Fprintf(b, "\tmodules: %s\n", strings.Join(pp.spec.Modules, ", "))
	}
	for i := range pp.tables {
		fmt.Fprintf(b, "\tjump table %s: %v\n", pp.tables[i].name, pp.tables[i].targets)
	}
	for _, u := range pp.poison {
		fmt.Fprintf(b, "\tunresolved: %s\n", u)
	}
	slot := 0
	for i := range pp.spec.Insns {
		in := &pp.spec.Insns[i]
		switch in.Ref.Kind {
		case asm.RefMap:
			fmt.Fprintf(b, "\t%d: {map %s}\n", slot, in.Ref.Name)
		case asm.RefMapValue:
			fmt.Fprintf(b, "\t%d: {value %s+%d}\n", slot, in.Ref.Name, in.Ref.Addend)
		case asm.RefKsym:
			fmt.Fprintf(b, "\t%d: {module %s}\n", slot, pp.spec.Modules[in.Ref.Addend-1])
		}
		slot += in.Slots()
	}
}

func describeType(s *prog.Spec) string {
	if s.Attach == 0 || s.Type == prog.StructOps { // there, the member's index
		return s.Type.String()
	}
	return fmt.Sprintf("%s %s", s.Type, s.Attach)
}

// note is something that was resolved: words, or a CO-RE relocation, which
// costs too much to put into words that nobody may ask for.
type note struct {
	text string
	core *btf.CORERelo
	fix  btf.Fixup
}

func (n *note) String(types *btf.Spec) string {
	switch {
	case n.core == nil:
		return n.text
	case n.fix.Poison:
		return fmt.Sprintf("core %s: none", n.core.Describe(types))
	case n.fix.Old != n.fix.New:
		return fmt.Sprintf("core %s: %d (was %d)", n.core.Describe(types), n.fix.New, n.fix.Old)
	}
	return fmt.Sprintf("core %s: %d", n.core.Describe(types), n.fix.New)
}

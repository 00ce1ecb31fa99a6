package skep

import (
	"bytes"
	"strings"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/elf"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/maps"
	"github.com/skepbpf/skep/prog"
)

// cloneInsns copies instructions; slices.Clone would keep their methods, and so
// the disassembler, in every program.
//
//go:noinline
func cloneInsns(in asm.Instructions) asm.Instructions { return append(asm.Instructions(nil), in...) }

// newProgramSpec translates the elf definition of a program. (That every
// field of it is consumed is held by a test.)
func newProgramSpec(o *elf.Object, d *elf.ProgDef) *ProgramSpec {
	p := &ProgramSpec{
		Spec: prog.Spec{
			Name:           d.Symbol,
			Type:           prog.Type(d.Match.Type),
			Attach:         prog.AttachType(d.Match.AttachType),
			AttachOptional: d.Match.AttachOpt,
			License:        o.License,
			KernelVersion:  o.Version,
			Flags:          d.Match.Flags,
			Insns:          cloneInsns(d.Insns),
		},
		Section: d.SEC,
		Match:   d.Match,
	}
	p.Target = hookOf(p, d.Match.Target)
	if d.Match.Off || !d.Match.Known {
		p.Policy = Off
	}
	return p
}

// hookOf is what the text behind a section's slash says of the hook. Programs for
// many functions name at most a module, which the kernel verifies them for.
func hookOf(p *ProgramSpec, target string) prog.Target {
	switch {
	case needsHook(p):
		return prog.Target{Name: target}
	case p.Type == prog.Tracing:
		if module, _, ok := strings.Cut(target, ":"); ok && module != vmlinux {
			return prog.Target{Module: module}
		}
	}
	return prog.Target{}
}

// newMapSpec translates the elf definition of a map.
func newMapSpec(o *elf.Object, d *elf.MapDef) *MapSpec {
	m := &MapSpec{Spec: *mapSpec(o, d), Section: d.Section, Off: d.Off}
	switch d.Kind {
	case elf.MapData:
		m.Freeze = d.ReadOnly
		// A section whose variables are all static is not meant to be seen
		// from outside; libbpf does not make it mappable either.
		if m.Type == maps.Array && hasVisible(o, d.Name) { // no per-CPU map can be mapped
			m.Flags |= sys.BPF_F_MMAPABLE
		}
	case elf.MapKconfig:
		m.Freeze = true
	}
	return m
}

func mapSpec(o *elf.Object, d *elf.MapDef) *maps.Spec {
	s := &maps.Spec{
		Name:       d.Name,
		Type:       maps.Type(d.Type),
		KeySize:    d.KeySize,
		ValueSize:  d.ValueSize,
		MaxEntries: d.MaxEntries,
		Flags:      d.Flags,
		MapExtra:   d.MapExtra,
		Pinning:    maps.Pinning(d.Pinning),
		Types:      o.Types,
		Key:        d.Key,
		Value:      d.Value,
		Contents:   bytes.Clone(d.Init),
	}
	if s.Type == maps.RingBuf || s.Type == maps.UserRingBuf {
		// __type(value, …) says what a record is; ringbuf_map_alloc wants no size.
		s.ValueSize = 0
	}
	if d.HasNuma {
		s.Flags |= sys.BPF_F_NUMA_NODE
		s.NumaNode = d.NumaNode
	}
	if d.DataSec != 0 {
		s.Value = d.DataSec
	}
	for _, slot := range d.Slots {
		s.Slots = append(s.Slots, maps.Slot{Index: slot.Index, Name: slot.Name, Program: slot.Kind != elf.SlotMap})
	}
	if d.Inner != nil {
		s.Inner = mapSpec(o, d.Inner)
	}
	return s
}

// hasVisible reports whether a data section holds a variable that is not
// static.
func hasVisible(o *elf.Object, section string) bool {
	for _, v := range o.Vars {
		if v.Map == section && !v.Static {
			return true
		}
	}
	return false
}

package skep

import (
	"errors"
	"fmt"
	"slices"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/elf"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/relo"
	"github.com/skepbpf/skep/internal/step/kconfig"
	"github.com/skepbpf/skep/internal/step/ksyms"
)

// vmlinux is the name of the kernel's own BTF.
const vmlinux = "vmlinux"

// kconfigMap is the map that holds .kconfig externs.
const kconfigMap = ".kconfig"

// function resolves one function, once for all programs that call it.
func (p *planner) function(f *FuncSpec) *plannedFunc {
	if pf := p.funcs[f.Name]; pf != nil {
		return pf
	}
	pf := &plannedFunc{Func: relo.Func{Name: f.Name, Insns: f.Insns, Type: f.Type}}
	p.funcs[f.Name] = pf
	if pf.err = p.core(pf); pf.err != nil {
		return pf
	}
	slot := 0
	for i := range pf.Insns {
		in := &pf.Insns[i]
		if err := p.extern(pf, in, slot); err != nil {
			pf.err = fmt.Errorf("%s: %w", f.Name, err)
			return pf
		}
		slot += in.Slots()
	}
	return pf
}

// core applies the CO-RE relocations of a function.
func (p *planner) core(pf *plannedFunc) error {
	insns, poisoned, err := relo.ApplyCORE(pf.Insns, p.spec.notes(), func(c *btf.CORERelo) (btf.Fixup, error) {
		fix, err := p.relo.Resolve(c)
		if err == nil {
			pf.notes = append(pf.notes, note{core: c, fix: fix})
		}
		return fix, err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", pf.Name, err)
	}
	pf.Insns = insns
	for _, u := range poisoned {
		pf.poison = append(pf.poison, unresolved{pf.Name, u.Slot, u.Why})
	}
	return nil
}

// extern resolves the reference of one instruction to something outside the
// object.
func (p *planner) extern(pf *plannedFunc, in *asm.Instruction, slot int) error {
	switch in.Ref.Kind {
	case asm.RefVar, asm.RefKsym, asm.RefKfunc:
	default:
		return nil
	}
	x := p.spec.extern(in.Ref.Name)
	if x == nil {
		// Code added by hand: kernel functions need no declaration.
		x = &elf.ExternDef{Name: in.Ref.Name, Kind: elf.ExternKfunc}
		if in.Ref.Kind != asm.RefKfunc {
			return fmt.Errorf("extern %s is not declared", in.Ref.Name)
		}
	}
	var res ksyms.Result
	var err error
	switch x.Kind {
	case elf.ExternKconfig:
		in.Ref = asm.Ref{Kind: asm.RefMapValue, Name: kconfigMap, Addend: int32(x.Offset)}
		err = p.config(x)
	case elf.ExternKsym, elf.ExternKsymVar, elf.ExternKfunc:
		k := ksyms.Kernel{BTF: p.facts.BTF, Address: p.facts.address}
		res, err = k.Resolve(p.spec.Types, x, slices.Index(p.spec.Externs(), x), in)
	default:
		err = errors.New("a function of another object: link the objects first")
	}
	if err != nil {
		return fmt.Errorf("extern %s: %w", x.Name, err)
	}
	if res.Note != "" {
		pf.notes = append(pf.notes, note{text: res.Note})
	}
	if res.Unresolved != "" {
		pf.poison = append(pf.poison, unresolved{pf.Name, slot, res.Unresolved})
	}
	if res.Lost != "" {
		p.lose(res.Lost)
	}
	return nil
}

// config puts the value of a .kconfig extern into the map's contents.
func (p *planner) config(x *elf.ExternDef) error {
	if p.kconfig == nil {
		n := uint32(0)
		for _, e := range p.spec.object.Externs {
			if e.Kind == elf.ExternKconfig {
				n = max(n, e.Offset+e.Size)
			}
		}
		p.kconfig = make([]byte, n)
	}
	b, text, err := p.configValue(x)
	if err != nil {
		return err
	}
	copy(p.kconfig[x.Offset:x.Offset+x.Size], b)
	note := fmt.Sprintf("%s = %s", x.Name, text)
	for _, v := range p.values {
		if v == note {
			return nil
		}
	}
	p.values = append(p.values, note)
	return nil
}

// lose remembers what programs go without although the kernel may have it.
func (p *planner) lose(what string) {
	if !slices.Contains(p.lost, what) {
		p.lost = append(p.lost, what)
	}
}

func (p *planner) configValue(x *elf.ExternDef) (b []byte, text string, err error) {
	if x.Name == kconfig.KernelVersion {
		v := p.facts.versionOf()
		b, err = kconfig.EncodeNumber(p.spec.Types, x.Type, uint64(v))
		return b, fmt.Sprintf("%d.%d.%d", v>>16, v>>8&0xff, v&0xff), err
	}
	if f, ok := virtualExterns[x.Name]; ok {
		n := uint64(0)
		switch p.facts.Features.Get(f) {
		case feature.Yes:
			n = 1
		case feature.No:
			p.lose(fmt.Sprintf("extern %s is 0: %v", x.Name, feature.Unsupported(f)))
		case feature.Unknown:
			p.lose(fmt.Sprintf("extern %s is 0: whether the kernel has %v is not known: %s", x.Name, f, p.facts.whyUnknown()))
		}
		b, err = kconfig.EncodeNumber(p.spec.Types, x.Type, n)
		return b, fmt.Sprint(n), err
	}
	v := p.facts.Config[x.Name]
	switch v.State {
	case Known:
		b, err = kconfig.Encode(p.spec.Types, x.Type, v.Value)
		return b, v.Value, err
	case Hidden:
		err = fmt.Errorf("the kernel's configuration cannot be read: %w", v.Err)
	case NotAsked:
		err = fmt.Errorf("the facts do not say")
	default:
		err = fmt.Errorf("not set in the kernel's configuration")
	}
	if !kconfig.IsOption(x.Name) && v.State != NotAsked {
		err = fmt.Errorf("no configuration option, and none of skep's own names")
	}
	if x.Weak {
		if v.State == Hidden {
			p.lose(fmt.Sprintf("extern %s is 0: %v", x.Name, err))
		}
		return nil, "0 (weak: " + err.Error() + ")", nil
	}
	return nil, "", err
}

package skep

import (
	"encoding/binary"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/step/kconfig"
	"github.com/skepbpf/skep/internal/step/prune"
	"github.com/skepbpf/skep/maps"
)

// reach says which instructions of a function can be reached. nil: none.
type reach struct {
	now   *prune.Result // in this plan; nil: none
	older *prune.Result // where every test of the kernel says no
}

func (r *reach) here(slot int) bool { return r != nil && isLeft(r.now, slot) }

// always reports whether an instruction can be reached whatever the kernel.
func (r *reach) always(slot int) bool { return r != nil && isLeft(r.older, slot) }

func isLeft(r *prune.Result, slot int) bool {
	if r == nil {
		return false
	}
	_, ok := r.Slot(slot)
	return ok
}

// reach follows the constants of a program: as they are planned, and as they
// would be on a kernel that has nothing of what the program asks for.
func (p *Plan) reach(pp *plannedProgram) map[string]*reach {
	all := map[string]*reach{}
	of := func(fn string) *reach {
		if all[fn] == nil {
			all[fn] = &reach{}
		}
		return all[fn]
	}
	p.follow(pp, false, func(fn string, r *prune.Result) { of(fn).now = r })
	p.follow(pp, true, func(fn string, r *prune.Result) { of(fn).older = r })
	return all
}

// follow gives what is left of each function that can be reached.
func (p *Plan) follow(pp *plannedProgram, older bool, found func(string, *prune.Result)) {
	order := p.order
	if order == nil {
		order = binary.NativeEndian
	}
	env := &prune.Env{Order: order, Memory: p.constant}
	if older {
		env.Memory = p.constantOlder
	}
	left := []string{pp.name}
	seen := map[string]bool{pp.name: true}
	add := func(name string) {
		if p.funcs[name] != nil && !seen[name] {
			seen[name] = true
			left = append(left, name)
		}
	}
	for len(left) > 0 {
		pf := p.funcs[left[0]]
		left = left[1:]
		if pf == nil {
			continue
		}
		insns := pf.Insns
		if older {
			insns = p.withoutGuards(pf)
		}
		r, err := prune.Func(insns, env)
		if err != nil {
			r = &prune.Result{Insns: insns}
		}
		found(pf.Name, r)
		for i := range r.Insns {
			if ref := &r.Insns[i].Ref; ref.Kind == asm.RefFunc {
				add(ref.Name)
			}
		}
		if pf.Name == pp.name {
			for _, name := range p.spec.callbacks(pf.Type) {
				add(name)
			}
		}
	}
}

// constant gives bytes of a data section that stays what it is, nil of others.
func (p *Plan) constant(ref asm.Ref, off int64, n int) []byte {
	for _, m := range p.maps {
		s := &m.spec
		if m.name != ref.Name {
			continue
		}
		switch {
		case m.off, m.extern, s.Type != maps.Array, !s.Freeze, s.Flags&maps.ReadOnlyProg == 0, s.Pinning != maps.NotPinned:
			return nil
		case off < 0, off > int64(s.ValueSize)-int64(n):
			return nil
		case s.Contents == nil:
			return make([]byte, n)
		}
		return s.Contents[off:][:n]
	}
	return nil
}

// constantOlder is constant on a kernel that is older than any test, and has no
// feature.
func (p *Plan) constantOlder(ref asm.Ref, off int64, n int) []byte {
	b := p.constant(ref, off, n)
	if b == nil || ref.Name != kconfigMap {
		return b
	}
	for _, x := range p.spec.Externs() {
		if isConfig(x) && !kconfig.IsOption(x.Name) && off >= int64(x.Offset) && off < int64(x.Offset)+int64(x.Size) {
			return make([]byte, n)
		}
	}
	return b
}

// withoutGuards is a function on a kernel where nothing that it asks about
// exists.
func (p *Plan) withoutGuards(pf *plannedFunc) asm.Instructions {
	insns := cloneInsns(pf.Insns)
	slot := 0
	for i := range insns {
		in := &insns[i]
		width := in.Slots()
		if c := p.spec.core(in); c != nil && asksExistence(c.Kind) && in.Ref.Kind == asm.RefNone {
			in.Imm = 0
		}
		for _, o := range pf.outer {
			if o.slot == slot && o.weak && in.Wide() {
				in.Src, in.Imm, in.Ref = 0, 0, asm.Ref{}
			}
		}
		slot += width
	}
	return insns
}

func asksExistence(k btf.COREKind) bool {
	switch k {
	case btf.COREFieldExists, btf.CORETypeExists, btf.COREEnumvalExists, btf.CORETypeMatches:
		return true
	}
	return false
}

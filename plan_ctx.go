package skep

import (
	"fmt"

	"github.com/skepbpf/skep/elf"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/step/argctx"
)

// marksContext reports whether it matters to a program that the kernel knows
// the tag arg:ctx.
func (s *Spec) marksContext(p *ProgramSpec) bool {
	if s.object == nil {
		return false
	}
	if _, named := argctx.Of(uint32(p.Type)); !named {
		return false
	}
	for _, t := range s.object.FuncTags {
		if t.Text == elf.TagCtx {
			return true
		}
	}
	return false
}

// markContexts gives tagged parameters the type by which a kernel that does not
// know the tag knows the context. It changes the object's types.
func (p *planner) markContexts(plan *Plan) error {
	if p.spec.object == nil || p.facts.Features.Get(feature.ArgCtxTag) != feature.No {
		return nil
	}
	fixer := argctx.New(plan.types, p.spec.object.FuncTags)
	if fixer == nil {
		return nil
	}
	for _, pp := range plan.programs {
		if ctx, ok := argctx.Of(uint32(pp.spec.Type)); ok && pp.err == nil {
			pp.spec.Funcs = fixer.Program(ctx, pp.spec.Funcs)
		}
	}
	types, err := fixer.Types()
	if err != nil {
		return err
	}
	if types != plan.types {
		p.lose(fmt.Sprintf("types of functions: %v: contexts are marked by type", feature.Unsupported(feature.ArgCtxTag)))
	}
	plan.types = types
	for _, pp := range plan.programs {
		if pp.spec.Types != nil {
			pp.spec.Types = types
		}
	}
	return nil
}

package skep

import (
	"errors"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/btf/handle"
	"github.com/skepbpf/skep/internal/mkerr"
)

// openModules opens the BTF of the kernel modules that programs refer to, each
// once for all programs. What fails is the error of the programs that need it.
func (l *loader) openModules() {
	var names []string
	for _, m := range l.plan.modules {
		for _, pp := range l.plan.programs {
			if pp.err == nil && pp.uses(m.name) {
				names = append(names, m.name)
				break
			}
		}
	}
	if len(names) == 0 {
		return
	}
	l.moduleErr = make(map[string]error, len(names))
	found, err := handle.Modules(names...)
	if err != nil {
		for _, n := range names {
			l.moduleErr[n] = mkerr.WrapNamed("module %s: %w", n, err)
		}
		return
	}
	l.modules = found
	for _, h := range found {
		l.undo.add(h.Close)
	}
	for _, m := range l.plan.modules {
		if err := m.check(found[m.name]); err != nil {
			l.moduleErr[m.name] = mkerr.WrapNamed("module %s: %w", m.name, err)
		}
	}
}

var errModuleChanged = errors.New("its types are not those that the plan was made for: plan again")

// check compares the types that are in the kernel with those of the plan: the
// numbers of types of a module that was built anew mean other ones.
func (m *plannedModule) check(h *handle.Handle) error {
	if h == nil {
		return mkerr.Wrap("BTF: %w: is it loaded?", btf.ErrNotFound)
	}
	b, err := h.Bytes()
	if err == nil && sumOf(b) != m.sum {
		err = errModuleChanged
	}
	return err
}

// uses reports whether the program refers to types of a module.
//
//go:noinline
func (pp *plannedProgram) uses(module string) bool {
	if pp.spec.Target.Program == nil && pp.spec.Target.Module == module {
		return true
	}
	for _, n := range pp.spec.Modules {
		if n == module {
			return true
		}
	}
	return false
}

// checkModules gives the error of the first module that the program cannot
// have.
func (l *loader) checkModules(pp *plannedProgram) error {
	for _, m := range l.plan.modules {
		if err := l.moduleErr[m.name]; err != nil && pp.uses(m.name) {
			return err
		}
	}
	return nil
}

package btf

import "strings"

// Prefixes of Target: what the kernel puts before the name of an attach point.
const (
	PrefixTrace = "btf_trace_" // raw tracepoints: a TYPEDEF of the probe's pointer
	PrefixLSM   = "bpf_lsm_"   // LSM hooks: a FUNC
	PrefixIter  = "bpf_iter_"  // iterators: a FUNC
)

// Target finds the type that an attach point names: the first of Targets.
func (k *Kernel) Target(prefix, name string) (module string, t Type, err error) {
	list, err := k.Targets(prefix, name)
	if err != nil {
		return "", Type{}, err
	}
	return list[0].Module, list[0].Type, nil
}

// Place is a type and the module that has it; "vmlinux" is the kernel itself.
type Place struct {
	Module string
	Type   Type
}

// Targets finds the types that an attach point may name. name is "func" (in
// vmlinux, or else in all modules) or "mod:func"; prefix is one of the Prefix
// constants, or "" for a kernel function. An absent target is a *NotFoundError.
func (k *Kernel) Targets(prefix, name string) ([]Place, error) {
	if err := k.lock(); err != nil {
		return nil, err
	}
	defer k.unlock()
	only := ""
	if mod, fn, ok := strings.Cut(name, ":"); ok {
		only, name = mod, fn
	}
	return k.findTypes(only, prefix+name, targetKind(prefix))
}

// TargetQuery is what Find should be asked ahead of Target.
func TargetQuery(prefix, name string) Query {
	if _, fn, ok := strings.Cut(name, ":"); ok {
		name = fn
	}
	return Query{prefix + name, targetKind(prefix)}
}

func targetKind(prefix string) Kind {
	if prefix == PrefixTrace {
		return KindTypedef
	}
	return KindFunc
}

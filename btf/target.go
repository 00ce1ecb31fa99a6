package btf

import "strings"

// Prefixes of Target: what the kernel puts before the name of an attach point.
const (
	PrefixTrace = "btf_trace_" // raw tracepoints: a TYPEDEF of the probe's pointer
	PrefixLSM   = "bpf_lsm_"   // LSM hooks: a FUNC
	PrefixIter  = "bpf_iter_"  // iterators: a FUNC
)

// Target finds the type that an attach point names. name is "func" (in
// vmlinux, or else the first module that has it) or "mod:func"; prefix is one
// of the Prefix constants, or "" for a kernel function. An absent target is a
// *NotFoundError.
func (k *Kernel) Target(prefix, name string) (module string, t Type, err error) {
	if err := k.lock(); err != nil {
		return "", Type{}, err
	}
	defer k.unlock()
	only := ""
	if mod, fn, ok := strings.Cut(name, ":"); ok {
		only, name = mod, fn
	}
	return k.findType(only, prefix+name, targetKind(prefix))
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

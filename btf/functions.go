package btf

// Functions lists the functions of the kernel's BTF, or, if mod is neither
// "" nor "vmlinux", of that module's alone, for whose names match is true, in
// the order of their ids. match must not keep the name. An absent module is a
// *NotFoundError, a broken one a ModuleError.
func (k *Kernel) Functions(mod string, match func(name []byte) bool) ([]Type, error) {
	if err := k.lock(); err != nil {
		return nil, err
	}
	defer k.unlock()
	s, err := k.vmlinux(nil)
	if err == nil && mod != "" && mod != vmlinuxName {
		var m *module
		if m, err = k.module(mod); err == nil {
			s = m.spec
		}
	}
	if err != nil {
		return nil, err
	}
	var found []Type
	off := uint32(0)
	for i := range s.index.n {
		info := s.u32(s.types[off+4:])
		if Kind(info>>24&0x7f) == KindFunc {
			if t := s.at(s.first+ID(i), off); match(t.nameBytes()) {
				found = append(found, t)
			}
		}
		off += s.recordLen(off)
	}
	return found, nil
}

// Limits of functions that the kernel attaches trampolines to
// (MAX_BPF_FUNC_ARGS, and btf_distill_func_proto on the size of arguments).
const (
	maxTraceArgs    = 12
	maxTraceArgSize = 16
)

// Traceable reports whether the kernel can attach a trampoline to a FUNC, as
// fentry and fexit do, by what its prototype says. (Functions that were inlined,
// or are marked as not to be traced, have prototypes too.)
func (t Type) Traceable() bool {
	if t.s == nil || t.Kind() != KindFunc || !t.s.guard.enter() {
		return false
	}
	defer t.s.guard.leave()
	proto, ok := t.s.typ(t.ref())
	if !ok || proto.Kind() != KindFuncProto || proto.vlen() > maxTraceArgs {
		return false
	}
	if _, ok := t.s.passedBy(proto.ref(), true); !ok {
		return false
	}
	for i := range proto.Vlen() {
		_, id, ok := proto.rawParam(i)
		if !ok {
			return false
		}
		if size, ok := t.s.passedBy(id, false); !ok || size == 0 || size > maxTraceArgSize {
			return false // 0: void, or what "..." is written as
		}
	}
	return true
}

// passedBy is the size of a parameter or result in bytes; false for types that
// trampolines do not take, which are, of results, those in memory.
func (s *Spec) passedBy(id ID, result bool) (uint32, bool) {
	t, ok := s.strip(id)
	if !ok {
		return 0, false
	}
	switch t.Kind() {
	case KindVoid:
		return 0, true
	case KindPtr:
		return 8, true
	case KindInt, KindEnum, KindEnum64:
		return t.size, true
	case KindStruct, KindUnion:
		return t.size, !result
	}
	return 0, false
}

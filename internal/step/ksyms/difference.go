package ksyms

import (
	"fmt"

	"github.com/skepbpf/skep/btf"
)

// difference says why the object's type cannot stand for the kernel's, by the
// rule that libbpf has for externs (bpf_core_types_are_compat): "" if it can.
func difference(object, kernel btf.Type) string {
	if compatible(object, kernel) {
		return ""
	}
	l, lok := object.Spec().Strip(object.ID())
	t, tok := kernel.Spec().Strip(kernel.ID())
	if lok && tok && l.Kind() == btf.KindFuncProto && t.Kind() == btf.KindFuncProto {
		return prototypes(l, t)
	}
	return unlike(object, kernel)
}

func compatible(object, kernel btf.Type) bool {
	return btf.Compatible(object.Spec(), object.ID(), kernel.Spec(), kernel.ID())
}

func unlike(object, kernel btf.Type) string {
	l, t := object.String(), kernel.String()
	if l == t {
		// A forward declaration is another kind of type, to libbpf too.
		return t + ", which the object declares but does not define, or defines as something else"
	}
	return fmt.Sprintf("%s, not %s", t, l)
}

// prototypes names the first part in which two functions differ.
func prototypes(object, kernel btf.Type) string {
	if object.Vlen() != kernel.Vlen() {
		return fmt.Sprintf("it takes %d parameters, not %d", kernel.Vlen(), object.Vlen())
	}
	for i := range object.Vlen() {
		p := kernel.Param(i)
		l, _ := object.Spec().Type(object.Param(i).Type)
		t, _ := kernel.Spec().Type(p.Type)
		if !compatible(l, t) {
			return fmt.Sprintf("parameter %d (%s) is %s", i+1, p.Name, unlike(l, t))
		}
	}
	l, _ := object.Spec().Type(object.Target())
	t, _ := kernel.Spec().Type(kernel.Target())
	return "it returns " + unlike(l, t)
}

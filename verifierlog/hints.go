package verifierlog

import "strings"

// hints say what helps against the rejections that people meet most. The
// first row whose text is part of the reason wins.
var hints = [...]struct{ part, hint string }{
	{"_or_null'", "compare the pointer with NULL before using it"},
	{"map_value_or_null", "compare the pointer with NULL before using it"},
	{"invalid mem access 'scalar'", "this is a number to the verifier: read kernel memory with bpf_probe_read_kernel, or keep the pointer's type"},
	{"invalid mem access 'inv'", "this is a number to the verifier: read kernel memory with bpf_probe_read_kernel, or keep the pointer's type"},
	{"unknown func", "this kernel, or this program type, does not have the helper"},
	{"program of this type cannot use helper", "the helper is not for this program type"},
	{"cannot call GPL-restricted function", "the program's license must be GPL compatible"},
	{"invalid func unknown#", "this kernel does not have the helper"},
	{"calling kernel function", "the kernel function is not for this program type"},
	{"BPF_CALL uses reserved fields", "kernel functions can be called since Linux 5.13, those of modules since 5.16"},
	{"isn't KIND_VAR", "the address of a kernel function can be taken since Linux 6.4"},
	{"find the address for kernel symbol", "variables need a kernel with CONFIG_KALLSYMS_ALL"},
	{"cannot find address for kernel function", "the module that has the kernel function is gone, or the function was left out of the kernel's symbols"},
	{"back-edge", "loops need Linux 5.3"},
	{"unreachable insn", "some instruction can never run: dead code must be removed before loading"},
	{"infinite loop detected", "the verifier cannot see the loop end: bound its counter"},
	{"BPF program is too large", "too many paths: bound loops, split the program, or use bpf_loop"},
	{"sequence of", "too many branches are open at once: simplify the conditions or split the program"},
	{"invalid access to packet", "compare the access with data_end first"},
	{"unbounded memory access", "bound the value with a comparison or a mask before using it"},
	{"unbounded min value is not allowed", "the value may be negative: use an unsigned type or check the lower bound"},
	{"min value is negative", "the value may be negative: use an unsigned type or check the lower bound"},
	{"max value is outside of the allowed memory range", "check the index against the size first"},
	{"min value is outside of the allowed memory range", "check the index against the size first"},
	{"invalid indirect read from stack", "initialise the whole buffer, padding included, before passing it"},
	{"invalid read from stack", "the stack slot was never written"},
	{"!read_ok", "the register was never set on this path"},
	{"Unreleased reference", "every path must release what it acquired"},
	{"R0 is not a known value", "the return value must lie in the range that the hook allows"},
	{"combined stack size", "at most 512 bytes of stack over all nested calls"},
	{"call stack of", "at most 8 nested calls"},
	{"bpf_spin_lock", "see which calls are allowed while the lock is held"},
	{"dereference of modified ctx ptr", "context fields must be read at constant offsets"},
	{"reference type('UNKNOWN", "the function's BTF does not fit the program type"},
	{"attach_btf_id", "the attach target is missing or of the wrong kind"},
}

func hintFor(reason string) string {
	for _, h := range hints {
		if strings.Contains(reason, h.part) {
			return h.hint
		}
	}
	return ""
}

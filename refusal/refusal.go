// Package refusal names what made the kernel refuse something: a missing
// capability, a sysctl, a limit, a type that it does not have. What is created,
// loaded and attached by this module reports it in an *Error, which errors.As
// finds in theirs.
//
// A cause is named only where facts prove it. Where none does, it is Unknown:
// a security module, for instance, gives no reasons.
package refusal

import (
	"errors"
	"strings"
)

// Cause is why the kernel refused.
type Cause uint8

// The causes. What Error.Caps and Error.Detail hold is said with each.
const (
	// Unknown: nothing that can be asked explains it.
	Unknown Cause = iota
	// Capability: the process lacks Caps.
	Capability
	// Unprivileged: the sysctl kernel.unprivileged_bpf_disabled, whose value
	// is Detail, forbids to processes without Caps what is otherwise open to
	// all.
	Unprivileged
	// UserNamespace: the process holds Caps, but in a user namespace of its
	// own, where they do not count without a BPF token.
	UserNamespace
	// Token: the BPF token does not grant Detail.
	Token
	// Paranoid: the sysctl kernel.perf_event_paranoid, whose value is Detail,
	// asks for Caps.
	Paranoid
	// Lockdown: the kernel is locked down at the level Detail.
	Lockdown
	// Memlock: memory is charged to RLIMIT_MEMLOCK, which is Detail bytes and
	// could not be raised without Caps (before Linux 5.11).
	Memlock
	// Filtered: bpf(2) is refused whatever it is called for, by a seccomp
	// filter or a security module.
	Filtered
	// TooLong: the program has more instructions than Detail.
	TooLong
	// TooComplex: the verifier gave up after Detail instructions, all paths
	// together.
	TooComplex
	// LogTooShort: only the verifier's log was at fault: it is longer than
	// the most that can be asked for.
	LogTooShort
	// Unsupported: the kernel does not have Detail.
	Unsupported
	// Hidden: the sysctl kernel.kptr_restrict, whose value is Detail, hides
	// kernel addresses, and what could tell them, from all.
	Hidden
	// NoJIT: the program needs the JIT compiler, which is off.
	NoJIT
	// Signature: of the program, which the kernel does not accept; Detail says
	// why.
	Signature
	// Exclusive: the map belongs to another program, by the SHA-256 of its
	// instructions. Detail is that of this one, in hexadecimal.
	Exclusive
)

// causes has for each cause its name, and how it reads: "%" stands for the
// detail, "&" for the capabilities.
var causes = [...]struct{ name, text string }{
	Unknown:       {"unknown", "refused, cause unknown"},
	Capability:    {"capability", "needs &"},
	Unprivileged:  {"unprivileged", "needs &, or the sysctl kernel.unprivileged_bpf_disabled to be 0; it is %"},
	UserNamespace: {"user namespace", "& counts only in the initial user namespace, or with a BPF token"},
	Token:         {"token", "the BPF token does not grant %"},
	Paranoid:      {"paranoid", "needs &, or a lower sysctl kernel.perf_event_paranoid than %"},
	Lockdown:      {"lockdown", "kernel lockdown forbids it (/sys/kernel/security/lockdown is %)"},
	Memlock:       {"memlock", "RLIMIT_MEMLOCK is % bytes and charged for it: raise it, or grant &"},
	Filtered:      {"filtered", "a seccomp filter or security module forbids bpf(2) altogether"},
	TooLong:       {"too long", "more instructions than %"},
	TooComplex:    {"too complex", "the verifier gave up after % instructions"},
	LogTooShort:   {"log too short", "the verifier's log is longer than can be asked for: load without a log level"},
	Unsupported:   {"unsupported", "this kernel does not have %"},
	Hidden:        {"hidden", "hidden, since the sysctl kernel.kptr_restrict is %"},
	NoJIT:         {"no JIT", "needs the JIT compiler: set the sysctl net.core.bpf_jit_enable to 1; it is %"},
	Signature:     {"signature", "the program's signature: %"},
	Exclusive:     {"exclusive", "a map that it uses is exclusive to another program than one with SHA-256 %"},
}

// String names the cause.
func (c Cause) String() string {
	if int(c) < len(causes) {
		return causes[c].name
	}
	return "no such cause"
}

// Error is a refusal with its cause.
type Error struct {
	Cause Cause
	// Caps are capabilities such as "CAP_BPF", all of which are meant.
	Caps   []string
	Detail string
	Err    error // what the kernel said
}

// Error is the kernel's answer, the cause, and by that what helps.
func (e *Error) Error() string {
	text := "no such cause"
	if int(e.Cause) < len(causes) {
		text = causes[e.Cause].text
	}
	if a, b, ok := strings.Cut(text, "&"); ok {
		text = a + strings.Join(e.Caps, " and ") + b
	}
	if a, b, ok := strings.Cut(text, "%"); ok {
		text = a + e.Detail + b
	}
	if e.Err == nil {
		return text
	}
	return e.Err.Error() + ": " + text
}

// Unwrap leads to the errno.
func (e *Error) Unwrap() error { return e.Err }

// Is makes a refusal for what the kernel does not have match
// errors.ErrUnsupported.
func (e *Error) Is(target error) bool {
	return e.Cause == Unsupported && target == errors.ErrUnsupported
}

// Missing reports whether the process lacks a capability that the refusal
// names, such as "CAP_BPF".
func (e *Error) Missing(capability string) bool {
	switch e.Cause {
	case Capability, Unprivileged, Paranoid, Memlock:
		for _, c := range e.Caps {
			if c == capability {
				return true
			}
		}
	}
	return false
}

package btf

import (
	"errors"
	"fmt"
	"strings"
)

// section is the name that format errors of type data carry.
const section = ".BTF"

// Errors that callers tell apart with errors.Is.
var (
	// ErrNotFound: no type, module or attach target of that name.
	ErrNotFound = errors.New("not found")
	// ErrNoModule: no such kernel module is loaded, or it has no BTF.
	ErrNoModule = errors.New("no such module")
	// ErrNoBTF: the kernel offers no BTF at any of the known places.
	ErrNoBTF = errors.New("no kernel BTF")
	// ErrClosed: the Kernel was closed.
	ErrClosed = errors.New("kernel BTF is closed")
)

// NotFoundError says what was sought, and which module BTFs could not be
// searched because they are broken. errors.Is(err, ErrNotFound) holds.
type NotFoundError struct {
	Name string
	Kind Kind // KindVoid: any
	// Module is the only one that was searched; "" is all. NoModule says that
	// it is what was not found: errors.Is(err, ErrNoModule) holds then.
	Module   string
	NoModule bool
	// Vmlinux says that the kernel itself has the name, which was sought in
	// the module.
	Vmlinux bool
	Broken  []ModuleError
}

func (e *NotFoundError) Error() string {
	var b strings.Builder
	switch {
	case e.NoModule:
		fmt.Fprintf(&b, "module %s is not loaded, or has no BTF", e.Module)
	default:
		if e.Kind != KindVoid {
			b.WriteString(e.Kind.String() + " ")
		}
		fmt.Fprintf(&b, "%s: not found in kernel BTF", e.Name)
		if e.Module != "" {
			fmt.Fprintf(&b, " of module %s", e.Module)
		}
	}
	if e.Vmlinux {
		b.WriteString("; vmlinux has " + e.Name)
	}
	for i, m := range e.Broken {
		if i == 0 {
			b.WriteString("; skipped: ")
		} else {
			b.WriteString(", ")
		}
		b.WriteString(m.Error())
	}
	return b.String()
}

// Is makes the error match ErrNotFound, and ErrNoModule if that is what it is.
func (e *NotFoundError) Is(target error) bool {
	return target == ErrNotFound || target == ErrNoModule && e.NoModule
}

// ModuleError is a module whose BTF cannot be read.
type ModuleError struct {
	Module string
	Err    error
}

func (e ModuleError) Error() string { return fmt.Sprintf("module %s: %v", e.Module, e.Err) }

// Unwrap gives the cause.
func (e ModuleError) Unwrap() error { return e.Err }

// AmbiguousError says that several target types match a CO-RE relocation and
// do not agree on its value. libbpf refuses these too: any choice is a guess.
type AmbiguousError struct {
	Relo       string // what was sought, in the words of the C source
	Candidates []Candidate
}

// Candidate is one target type that matched.
type Candidate struct {
	Module    string // "vmlinux", a module's name, or "" for a caller's BTF
	ID        ID
	Type      string // such as "struct sock"
	BitOffset uint32 // of the field, from the start of the root type
	Value     uint64
	Poison    bool // it matched, but gives no value
}

func (e *AmbiguousError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: ambiguous:", e.Relo)
	for i, c := range e.Candidates {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, " [%d] %s", c.ID, c.Type)
		if c.Module != "" {
			fmt.Fprintf(&b, " in %s", c.Module)
		}
		if c.Poison {
			b.WriteString(" gives none")
		} else {
			fmt.Fprintf(&b, " gives %d (at bit %d)", c.Value, c.BitOffset)
		}
	}
	return b.String()
}

package prog

import (
	"errors"
	"strconv"
	"strings"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/kernel"
)

// ErrAmbiguous says that a name is to stand for one function and stands for
// several.
var ErrAmbiguous = errors.New("name is ambiguous")

// Function is a function of the kernel. What is not known of it is zero.
type Function struct {
	Name    string
	Module  string // "" for the kernel itself
	Address uint64
	Type    btf.ID // in the BTF of the kernel or the module
	Proto   string // as C writes it
}

func (f Function) String() string {
	s := f.Name
	if f.Proto != "" {
		s = f.Proto
	}
	if f.Type != 0 {
		s = "[" + strconv.FormatUint(uint64(f.Type), 10) + "] " + s
	}
	if f.Address != 0 {
		s += " at 0x" + strconv.FormatUint(f.Address, 16)
	}
	if f.Module != "" {
		s += " in module " + f.Module
	}
	return s
}

// AmbiguousError says that a name, or a pattern, stands for several functions of
// the kernel. errors.Is(err, ErrAmbiguous) holds.
type AmbiguousError struct {
	Name       string
	Candidates []Function
}

func (e *AmbiguousError) Error() string {
	const most = 8
	var names []string
	for _, f := range e.Candidates[:min(len(e.Candidates), most)] {
		names = append(names, f.String())
	}
	s := e.Name + ": " + ErrAmbiguous.Error() + ": " + strings.Join(names, ", ")
	if n := len(e.Candidates) - most; n > 0 {
		s += " and " + strconv.Itoa(n) + " more"
	}
	return s
}

// Is makes the error match ErrAmbiguous.
func (e *AmbiguousError) Is(target error) bool { return target == ErrAmbiguous }

// functionsOf translates what kallsyms has. It is not inlined for the size of
// programs.
//
//go:noinline
func functionsOf(list []kernel.Function) []Function {
	out := make([]Function, len(list))
	for i, f := range list {
		out[i] = Function{Name: f.Name, Module: f.Module, Address: f.Addr}
	}
	return out
}

// Namesakes looks for the functions of a name in the kernel's symbols: what
// Target.Unique asks. It takes as long as reading /proc/kallsyms does, some
// tenths of a second; addresses are hidden from those without CAP_SYSLOG, and
// then the error says so.
func Namesakes(names ...string) (map[string][]Function, error) {
	found, hidden, err := kernel.ReadNamesakes(kernel.FS("/"), names)
	if err == nil && hidden {
		err = errHidden
	}
	if err != nil {
		return nil, err
	}
	out := make(map[string][]Function, len(found))
	for name, n := range found {
		out[name] = functionsOf(n.Exact)
	}
	return out, nil
}

var errHidden = errors.New("the kernel hides its addresses (sysctl kernel.kptr_restrict, or CAP_SYSLOG is missing)")

// CheckUnique gives an *AmbiguousError if several of the functions are where the
// kernel seeks the target: it takes the first of that name, in the kernel itself
// or in the module.
//
//go:noinline
func (t *Target) CheckUnique(namesakes []Function) error {
	module := t.Module
	if module == vmlinux {
		module = ""
	}
	var there []Function
	for _, f := range namesakes {
		if f.Module == module {
			there = append(there, f)
		}
	}
	if len(there) > 1 {
		return &AmbiguousError{t.Name, there}
	}
	return nil
}

package skep

import (
	"errors"
	"fmt"
	"strings"

	"github.com/skepbpf/skep/internal/bin"
)

// StepError says which step of which object failed.
type StepError struct {
	Object string // name of the Spec
	Step   string // "token", "facts", "plan", "btf", "map", "program", "slots", "attach"
	Name   string // map or program; empty where the step has none
	Err    error
}

func (e *StepError) Error() string {
	if e.Object == "" {
		return e.Err.Error()
	}
	return e.Object + ": " + e.Err.Error()
}

// Unwrap gives the cause: errors.Is(err, syscall.EPERM) works.
func (e *StepError) Unwrap() error { return e.Err }

// NotFoundError is the answer to a name that a Spec or Collection does not
// hold.
type NotFoundError struct {
	Kind string // "map", "program", "variable"
	Name string
	Have []string // what there is, sorted
}

func (e *NotFoundError) Error() string {
	if len(e.Have) == 0 {
		return fmt.Sprintf("no %s %s: there is none", e.Kind, e.Name)
	}
	return fmt.Sprintf("no %s %s: have %s", e.Kind, e.Name, strings.Join(e.Have, ", "))
}

// notFound owns have.
//
//go:noinline
func notFound(kind, name string, have []string) error {
	bin.SortStrings(have)
	return &NotFoundError{Kind: kind, Name: name, Have: have}
}

// keys are in no order. Not for maps of what holds instructions: a generic
// function keeps its types' methods in every program, and the disassembler is
// one of Instruction's. Inlined, its loop would be in each caller.
//
//go:noinline
func keys[V any](m map[string]V) []string {
	var names []string
	for n := range m {
		names = append(names, n)
	}
	return names
}

// Reasons a program or map is left out of a collection. They are wrapped in
// the text that says more.
var (
	// ErrOff: its policy is Off, or its map is marked Off.
	ErrOff = errors.New("switched off")
	// ErrPruned: Spec.Prune was called, and constants make unreachable what uses it.
	ErrPruned = errors.New("pruned")
	// ErrNotPreferred: another program of its Prefer group was loaded.
	ErrNotPreferred = errors.New("another program is preferred")
)

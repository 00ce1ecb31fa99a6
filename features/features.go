// Package features asks the kernel what it can do, for programs that choose
// between ways of their own. The library itself does not need it: what it
// loads finds its form by itself.
//
// Every function gives nil for yes; an error that Is errors.ErrUnsupported for
// no; and any other error where the kernel's answer says neither, such as for
// want of privilege. Each call asks anew: keep the answer. Nothing is left
// behind in the kernel.
package features

import (
	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/internal/probe"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/maps"
	"github.com/skepbpf/skep/prog"
)

// HaveProgType asks for programs of a type. Needs what loading them needs.
func HaveProgType(t prog.Type) error { return probe.ProgType(sys.ProgType(t), 0) }

// HaveMapType asks for maps of a type. Needs what creating them needs.
func HaveMapType(t maps.Type) error { return probe.MapType(sys.MapType(t), 0) }

// HaveHelper asks whether programs of a type can call a helper. Of the types
// that are verified against a target (Tracing, LSM, Ext, StructOps) it cannot
// be told without one.
func HaveHelper(t prog.Type, f asm.FuncID) error {
	return probe.Helper(sys.ProgType(t), sys.FuncID(f), 0)
}

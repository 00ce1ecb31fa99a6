package skep

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/probe"
	"github.com/skepbpf/skep/internal/step/kconfig"
	"github.com/skepbpf/skep/internal/step/ksyms"
	"github.com/skepbpf/skep/internal/tree"
	"github.com/skepbpf/skep/internal/version"
	"github.com/skepbpf/skep/prog"
	"github.com/skepbpf/skep/token"
)

// Feature names one thing that a kernel has or lacks.
type Feature = feature.ID

// Features holds what is known of a kernel's features. It only grows; share
// one between loads to ask once.
type Features = feature.Set

// State says what is known of a fact. Absent, hidden and not asked are
// different answers.
type State uint8

const (
	// NotAsked is the zero State.
	NotAsked State = iota
	// Absent: the kernel has no such thing.
	Absent
	// Hidden: it cannot be told; Err of the Fact says why.
	Hidden
	// Known: Value holds.
	Known
	// Ambiguous: there are several values; Err of the Fact names them.
	Ambiguous
)

// Fact is one answer about a kernel.
type Fact[T any] struct {
	State State
	Value T
	// From is where it was found, or, if it is Absent, where it was sought: a
	// config file, a kernel module. "" is the kernel itself.
	From string
	Err  error // why it is Hidden or Ambiguous
}

// Facts are the answers to a Spec's Needs. They are plain data, apart from
// BTF, which is read as names are sought in it. Made up or recorded, they plan
// for a kernel that is not running here.
type Facts struct {
	Release  string // as `uname -r` prints it
	Version  uint32 // LINUX_VERSION_CODE, with what Ubuntu and Debian know better
	PageSize int    // bytes
	CPUs     int    // possible ones
	Config   map[string]Fact[string]
	Symbols  map[string]Fact[uint64]
	// Functions are all of a name that are not one and the same.
	Functions map[string]Fact[[]prog.Function]
	Features  *Features
	// Unknown is why features that were asked for are not known.
	Unknown error
	BTF     *btf.Kernel
	// Pins are what is pinned already; nil: not asked.
	Pins *Pins

	owned bool // BTF was opened by ReadFacts
}

// Close releases the kernel BTF if ReadFacts opened it.
func (f *Facts) Close() error {
	if f == nil || !f.owned {
		return nil
	}
	return f.BTF.Close()
}

// FactOptions says where facts come from. The zero value asks the running
// kernel.
type FactOptions struct {
	Root     fs.FS        // in place of "/"
	BTF      *btf.Kernel  // shared; stays the caller's
	Config   *Config      // in place of, or before, the kernel's own; may be nil
	Features *Features    // shared; what is known already is not asked again
	Token    *token.Token // to probe with; stays the caller's
	// PinDir is where to look for pins: see Plan.Pins. "" is nowhere.
	PinDir string
}

// ReadFacts answers needs, and nothing else. It reads files, and probes the
// kernel for needs.Features alone. A fact that cannot be had is no error here:
// it is Absent or Hidden, and the Plan decides whether that matters.
func ReadFacts(needs Needs, o *FactOptions) (*Facts, error) {
	if o == nil {
		o = &FactOptions{}
	}
	root := kernel.FS("/")
	if o.Root != nil {
		root = tree.From(o.Root)
	}
	f, err := readFacts(needs, o, root)
	if err != nil || o.PinDir == "" {
		return f, err
	}
	// Not for each load: what looks at pins is then in each program.
	if f.Pins, err = readPins(o.PinDir, needs.PinPaths); err != nil {
		_ = f.Close()
		return nil, mkerr.Wrap("facts: %w", err)
	}
	return f, nil
}

// ask probes with the rights of a token, if there is one.
func (f *Facts) ask(t *token.Token, features []Feature) error {
	raw := 0
	if fd := t.TokenFD(); fd != nil {
		var err error
		if raw, err = fd.Borrow(); err != nil {
			return err
		}
		defer fd.Release()
	}
	_, err := probe.Ask(f.Features, raw, features...)
	return err
}

// inDoubt leaves out what every kernel of this release has: data sections, which
// no configuration leaves out. To ask costs as much as to create a map and a
// program.
func (f *Facts) inDoubt(features []Feature) (ask []Feature) {
	v, err := version.Parse(f.Release)
	for _, id := range features {
		since, _ := version.Parse(id.Since())
		if id != feature.GlobalData || err != nil || v.Code() < since.Code() {
			ask = append(ask, id)
		}
	}
	return ask
}

func readFacts(needs Needs, o *FactOptions, root tree.Root) (*Facts, error) {
	f := &Facts{PageSize: os.Getpagesize(), Features: o.Features, BTF: o.BTF}
	if f.Features == nil {
		f.Features = new(Features)
	}
	var err error
	if f.Release, err = kernel.Release(root); err != nil {
		return nil, mkerr.Wrap("facts: %w", err)
	}
	if f.CPUs, err = kernel.PossibleCPUs(root); err != nil {
		return nil, mkerr.Wrap("facts: possible CPUs: %w", err)
	}
	if needs.Version {
		v, err := kernel.Version(root)
		if err != nil {
			return nil, mkerr.Wrap("facts: %w", err)
		}
		f.Version = v.Code()
	}
	if err := f.readConfig(needs.Config, root, o.Config); err != nil {
		return nil, mkerr.Wrap("facts: %w", err)
	}
	f.readSymbols(needs.Symbols, root)
	f.readFunctions(needs.Functions, root)
	if f.BTF == nil {
		f.BTF, f.owned = btf.NewKernelAt(root), true
	}
	if ask := f.inDoubt(needs.Features); len(ask) > 0 {
		f.Unknown = f.ask(o.Token, ask)
	}
	return f, nil
}

// errHiddenSymbols explains addresses that are all 0.
var errHiddenSymbols = errors.New("the kernel hides its addresses (sysctl kernel.kptr_restrict, or CAP_SYSLOG is missing)")

func (f *Facts) readSymbols(names []string, root tree.Root) {
	if len(names) == 0 {
		return
	}
	f.Symbols = make(map[string]Fact[uint64], len(names))
	syms, err := kernel.ReadSymbols(root, names, kernel.ScanAll)
	if err == nil && syms.Hidden {
		err = errHiddenSymbols
	}
	for _, n := range names {
		s, ok := syms.Found[n]
		switch {
		case err != nil:
			f.Symbols[n] = Fact[uint64]{State: Hidden, Err: err}
		case !ok:
			f.Symbols[n] = Fact[uint64]{State: Absent, From: "/proc/kallsyms"}
		case s.Ambiguous:
			f.Symbols[n] = Fact[uint64]{State: Ambiguous, Err: ambiguous(s)}
		default:
			f.Symbols[n] = Fact[uint64]{State: Known, Value: s.Addr, From: s.Module}
		}
	}
}

// readFunctions is another pass over the symbols, for the few who ask.
func (f *Facts) readFunctions(names []string, root tree.Root) {
	if len(names) == 0 {
		return
	}
	f.Functions = make(map[string]Fact[[]prog.Function], len(names))
	found, hidden, err := kernel.ReadNamesakes(root, names)
	if err == nil && hidden {
		err = errHiddenSymbols
	}
	for _, n := range names {
		fact := Fact[[]prog.Function]{State: Absent, From: "/proc/kallsyms"}
		if err != nil {
			fact = Fact[[]prog.Function]{State: Hidden, Err: err}
		} else if list := found[n].Exact; len(list) != 0 {
			fact = Fact[[]prog.Function]{State: Known}
			for _, x := range list {
				fact.Value = append(fact.Value, prog.Function{Name: x.Name, Module: x.Module, Address: x.Addr})
			}
		}
		f.Functions[n] = fact
	}
}

// one checks that a target which is to be unique is.
func (f *Facts) one(t *prog.Target) error {
	switch fact := f.Functions[functionName(t)]; fact.State {
	case Hidden:
		return mkerr.WrapNamed("%s: is it unique: %w", t.Name, fact.Err)
	case NotAsked:
		return mkerr.Named("%s: is it unique: the facts do not say", t.Name)
	default:
		return t.CheckUnique(fact.Value)
	}
}

func ambiguous(s kernel.Symbol) error {
	place := func(addr uint64, module string) string {
		if module != "" {
			module = " in module " + module
		}
		return fmt.Sprintf("%#x%s", addr, module)
	}
	return mkerr.Errorf("ambiguous: several symbols have this name, %s and %s",
		place(s.Addr, s.Module), place(s.Other, s.OtherModule))
}

// versionOf is the kernel's version for facts that were made up with a
// release alone.
func (f *Facts) versionOf() uint32 {
	if f.Version != 0 {
		return f.Version
	}
	v, err := version.Parse(f.Release)
	if err != nil {
		return 0
	}
	return v.Code()
}

// address is that of a kernel symbol.
func (f *Facts) address(name string) (ksyms.Address, ksyms.Doubt, error) {
	s := f.Symbols[name]
	switch s.State {
	case Known:
		return ksyms.Address{Value: s.Value, Module: s.From}, 0, nil
	case Hidden:
		return ksyms.Address{}, ksyms.Hidden, s.Err
	case Ambiguous:
		return ksyms.Address{}, ksyms.Ambiguous, s.Err
	case NotAsked:
		return ksyms.Address{}, ksyms.Absent, errors.New("the facts do not say")
	}
	return ksyms.Address{}, ksyms.Absent, errors.New("not among the kernel's symbols")
}

func (f *Facts) whyUnknown() string {
	if f.Unknown == nil {
		return "the facts do not say"
	}
	return f.Unknown.Error()
}

// virtualExtern is the feature that answers an extern which is no option.
func virtualExtern(name string) (f Feature, ok bool) {
	switch name {
	case kconfig.HasBPFCookie:
		return feature.BPFCookie, true
	case kconfig.HasSyscallWrapper:
		return feature.SyscallWrapper, true
	}
	return 0, false
}

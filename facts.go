package skep

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/probe"
	"github.com/skepbpf/skep/internal/step/kconfig"
	"github.com/skepbpf/skep/internal/tree"
	"github.com/skepbpf/skep/internal/version"
)

// Feature names one thing that a kernel has or lacks.
type Feature = feature.ID

// Features holds what is known of a kernel's features. It only grows; share
// one between loads to ask once.
type Features = feature.Set

// State says what is known of a fact. Absent, hidden and not asked are three
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
)

// Fact is one answer about a kernel.
type Fact[T any] struct {
	State State
	Value T
	Err   error // why it is Hidden
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
	Features *Features
	// Unknown is why features that were asked for are not known.
	Unknown error
	BTF     *btf.Kernel

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
	Root     fs.FS       // in place of "/"
	BTF      *btf.Kernel // shared; stays the caller's
	Config   io.Reader   // text of a kernel config, in place of the kernel's own
	Features *Features   // shared; what is known already is not asked again
}

// ReadFacts answers needs, and nothing else. It reads files, and probes the
// kernel for needs.Features alone. A fact that cannot be had is no error here:
// it is Absent or Hidden, and the Plan decides whether that matters.
func ReadFacts(needs Needs, o *FactOptions) (*Facts, error) {
	if o == nil {
		o = &FactOptions{}
	}
	if o.Root != nil {
		return readFacts(needs, o, tree.From(o.Root))
	}
	return readFacts(needs, o, kernel.FS("/"))
}

func readFacts(needs Needs, o *FactOptions, root tree.Root) (*Facts, error) {
	f := &Facts{PageSize: os.Getpagesize(), Features: o.Features, BTF: o.BTF}
	if f.Features == nil {
		f.Features = new(Features)
	}
	var err error
	if f.Release, err = kernel.Release(root); err != nil {
		return nil, fmt.Errorf("facts: %w", err)
	}
	if f.CPUs, err = kernel.PossibleCPUs(root); err != nil {
		return nil, fmt.Errorf("facts: possible CPUs: %w", err)
	}
	if needs.Version {
		v, err := kernel.Version(root)
		if err != nil {
			return nil, fmt.Errorf("facts: %w", err)
		}
		f.Version = v.Code()
	}
	if f.BTF == nil {
		f.BTF, f.owned = btf.NewKernelAt(root), true
	}
	f.readConfig(needs.Config, root, o.Config)
	f.readSymbols(needs.Symbols, root)
	if len(needs.Features) > 0 {
		_, f.Unknown = probe.Ask(f.Features, 0, needs.Features...)
	}
	return f, nil
}

func (f *Facts) readConfig(names []string, root tree.Root, text io.Reader) {
	if len(names) == 0 {
		return
	}
	f.Config = make(map[string]Fact[string], len(names))
	b, err := configText(root, f.Release, text)
	if err != nil {
		for _, n := range names {
			f.Config[n] = Fact[string]{State: Hidden, Err: err}
		}
		return
	}
	values := kernel.ParseConfig(b, names)
	for _, n := range names {
		if v, ok := values[n]; ok {
			f.Config[n] = Fact[string]{State: Known, Value: v}
		} else {
			f.Config[n] = Fact[string]{State: Absent}
		}
	}
}

func configText(root tree.Root, release string, text io.Reader) ([]byte, error) {
	if text == nil {
		return kernel.ReadConfig(root, release)
	}
	var b bytes.Buffer
	_, err := b.ReadFrom(text)
	return b.Bytes(), err
}

var (
	errHiddenSymbols = errors.New("the kernel hides its addresses (sysctl kernel.kptr_restrict, or CAP_SYSLOG is missing)")
	errAmbiguous     = errors.New("several symbols of this name have different addresses")
)

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
			f.Symbols[n] = Fact[uint64]{State: Absent}
		case s.Ambiguous:
			f.Symbols[n] = Fact[uint64]{State: Hidden, Err: errAmbiguous}
		default:
			f.Symbols[n] = Fact[uint64]{State: Known, Value: s.Addr}
		}
	}
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

// address is that of a kernel symbol. hidden: the kernel may have it all the
// same.
func (f *Facts) address(name string) (addr uint64, hidden bool, err error) {
	switch s := f.Symbols[name]; s.State {
	case Known:
		return s.Value, false, nil
	case Hidden:
		return 0, true, s.Err
	case NotAsked:
		return 0, false, errors.New("the facts do not say")
	}
	return 0, false, errors.New("not among the kernel's symbols")
}

func (f *Facts) whyUnknown() string {
	if f.Unknown == nil {
		return "the facts do not say"
	}
	return f.Unknown.Error()
}

// virtual externs and the feature that answers each.
var virtualExterns = map[string]Feature{
	kconfig.HasBPFCookie:      feature.BPFCookie,
	kconfig.HasSyscallWrapper: feature.SyscallWrapper,
}

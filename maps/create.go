package maps

import (
	"errors"
	"fmt"

	"github.com/skepbpf/skep/btf/handle"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/probe"
	"github.com/skepbpf/skep/internal/sys"
)

// Options of New; nil and the zero value are the default.
type Options struct {
	// PinDir is where maps that are pinned by name go: a directory of a
	// bpffs, which is made if it is missing. "" is DefaultPinDir.
	PinDir string
	// BTF is Spec.Types in the kernel, for callers that create several maps
	// of one object. It stays the caller's. nil: loaded for this map alone.
	BTF *handle.Handle
	// ValueBTF is the module's BTF that Spec.VmlinuxValue belongs to.
	ValueBTF *handle.Handle
	// Features is what is known of the kernel, and learns. nil: start anew.
	Features *Features
	// Token delegates the right to create maps (Linux 6.9); nil for none.
	// It stays the caller's.
	Token *sys.FD
	// CPUs is the number of possible CPUs; 0: read from sysfs if needed.
	CPUs int
}

// DefaultPinDir is where the BPF file system is mounted on most systems.
const DefaultPinDir = "/sys/fs/bpf"

// New creates the map, or takes the one pinned by its name if it is as s wants
// it. On a kernel that lacks something for which there is a lesser form
// (Spec.For), that form is created: see Map.Degraded. The map belongs to the
// caller.
func New(s *Spec, o *Options) (*Map, error) {
	if o == nil {
		o = &Options{}
	}
	if err := s.Validate(); err != nil {
		if s == nil {
			return nil, mkerr.Wrap("map: %w", err)
		}
		return nil, mkerr.WrapNamed("map %s: %w", s.Name, err)
	}
	c := creation{o: *o, spec: s.Copy()}
	if c.o.Features == nil {
		c.o.Features = new(feature.Set)
	}
	m, err := c.run()
	if err != nil {
		return nil, mkerr.WrapNamed("map %s: %w", s.Name, err)
	}
	return m, nil
}

// creation is the state of one New.
type creation struct {
	o      Options
	spec   *Spec
	lost   []string // what was given up for reasons that are no feature
	raised bool     // RLIMIT_MEMLOCK
	ownBTF *handle.Handle
	noBTF  string // why the kernel does not take the map's BTF
}

func (c *creation) run() (*Map, error) {
	defer func() { c.ownBTF.Close() }()
	if c.spec.MaxEntries == 0 && (c.spec.Type == PerfEventArray || c.spec.Type == CPUMap) {
		n, err := c.cpus()
		if err != nil {
			return nil, mkerr.Wrap("create: max_entries: %w", err)
		}
		c.spec.MaxEntries = uint32(n)
	}
	if c.spec.ownLRU() && c.spec.PinnedAt("") != "" {
		if n, err := c.cpus(); err == nil {
			c.spec.roundLRU(n)
		}
	}
	if path := c.spec.PinnedAt(c.o.PinDir); path != "" {
		return c.pinned(path)
	}
	return c.create()
}

func (c *creation) cpus() (int, error) {
	if c.o.CPUs > 0 {
		return c.o.CPUs, nil
	}
	return kernel.PossibleCPUs(kernel.FS("/"))
}

// create makes a map with its contents.
func (c *creation) create() (*Map, error) {
	m, err := c.ladder()
	if err != nil {
		return nil, mkerr.Wrap("create: %w", err)
	}
	if err := c.fill(m); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// ladder tries forms until one is taken or none is left: each round either
// ends or adds to what is known, which is bounded.
func (c *creation) ladder() (*Map, error) {
	for {
		form, lost := c.spec.For(c.o.Features)
		if c.noBTF != "" && form.Types != nil {
			form.Types, form.Key, form.Value = nil, 0, 0
			lost = append(lost, "BTF: "+c.noBTF)
		}
		fd, err := c.attempt(form)
		if err == nil {
			return c.finish(fd, form, append(lost, c.lost...))
		}
		again, why := c.explain(form, err)
		if !again {
			return nil, why
		}
	}
}

func (c *creation) finish(fd *sys.FD, form *Spec, lost []string) (*Map, error) {
	m := &Map{
		fd: fd, name: c.spec.Name, typ: form.Type,
		keySize: int(form.KeySize), valueSize: int(form.ValueSize),
		maxEntries: form.MaxEntries, flags: form.Flags, extra: form.MapExtra,
		degraded: lost, cpuNum: c.o.CPUs,
		types: form.Types, key: form.Key, value: form.Value,
	}
	if form.Type.has(fdArray) {
		m.valueSize = 4
	}
	return m, nil
}

// fill stores and freezes what the Spec says.
func (c *creation) fill(m *Map) error {
	if c.spec.Contents != nil {
		value, err := c.contents(m)
		if err != nil {
			return mkerr.Wrap("contents: %w", err)
		}
		if err := m.Update(make([]byte, 4), value, Any); err != nil {
			return mkerr.Wrap("contents: %w", errors.Unwrap(err))
		}
	}
	if c.spec.Freeze {
		if err := m.Freeze(); err != nil {
			return mkerr.Wrap("freeze: %w", errors.Unwrap(err))
		}
	}
	return nil
}

// contents is the value to store: of a per-CPU map, the same for each CPU.
func (c *creation) contents(m *Map) ([]byte, error) {
	if !m.typ.PerCPU() {
		return c.spec.Contents, nil
	}
	n, err := m.cpus()
	if err != nil {
		return nil, err
	}
	all := make([]byte, n*m.stride())
	for i := range n {
		copy(all[i*m.stride():][:m.stride()], c.spec.Contents)
	}
	return all, nil
}

// attempt is one MAP_CREATE, with what it needs beside it.
func (c *creation) attempt(form *Spec) (*sys.FD, error) {
	attr := sys.MapCreateAttr{
		MapType: sys.MapType(form.Type), KeySize: form.KeySize, ValueSize: form.ValueSize,
		MaxEntries: form.MaxEntries, MapFlags: form.Flags, MapName: sys.ObjName(form.Name),
		MapIfindex: form.IfIndex, MapExtra: form.MapExtra,
		BtfVmlinuxValueTypeId: uint32(form.VmlinuxValue),
		ExclProgHash:          sys.BytesPtr(form.ExclusiveHash),
		ExclProgHashSize:      uint32(len(form.ExclusiveHash)),
	}
	if form.Flags&NUMANode != 0 {
		attr.NumaNode = form.NumaNode
	}
	var held borrowed
	defer held.release()
	if form.Inner != nil {
		inner, err := c.inner(form)
		if err != nil {
			return nil, mkerr.Wrap("inner map: %w", err)
		}
		defer inner.Close()
		attr.InnerMapFd = uint32(held.borrow(inner.fd))
	}
	if form.Types != nil {
		h, err := c.btf(form)
		if err != nil {
			return nil, err
		}
		attr.BtfFd = uint32(held.borrow(h.BTFFD()))
		if form.VmlinuxValue == 0 { // else the kernel's type describes the value (map_create)
			attr.BtfKeyTypeId, attr.BtfValueTypeId = uint32(form.Key), uint32(form.Value)
		}
	}
	if c.o.ValueBTF != nil {
		attr.MapFlags |= sys.BPF_F_VTYPE_BTF_OBJ_FD
		attr.ValueTypeBtfObjFd = int32(held.borrow(c.o.ValueBTF.BTFFD()))
	}
	if c.o.Token != nil {
		attr.MapFlags |= sys.BPF_F_TOKEN_FD
		attr.MapTokenFd = int32(held.borrow(c.o.Token))
	}
	if held.err != nil {
		return nil, held.err
	}
	return sys.MapCreate(&attr)
}

// borrowed collects descriptors for the length of one call.
type borrowed struct {
	fds []*sys.FD
	err error
}

func (b *borrowed) borrow(fd *sys.FD) int {
	n, err := fd.Borrow()
	if err != nil {
		b.err = mkerr.Join(b.err, err)
		return 0
	}
	b.fds = append(b.fds, fd)
	return n
}

func (b *borrowed) release() {
	for _, fd := range b.fds {
		fd.Release()
	}
}

// inner is a map like those that an outer map will hold; the kernel copies its
// properties and lets it go.
func (c *creation) inner(form *Spec) (*Map, error) {
	s := form.Inner.Copy()
	s.Pinning, s.PinPath, s.Contents, s.Freeze = NotPinned, "", nil, false
	ic := creation{o: c.o, spec: s}
	if s.Types == nil || s.Types != form.Types && s.Types != c.spec.Types {
		ic.o.BTF = nil
	}
	defer func() { ic.ownBTF.Close() }()
	m, err := ic.ladder()
	if err == nil {
		c.lostInner(m.degraded)
	}
	return m, err
}

// lostInner remembers what the template lost beyond what For says of it.
func (c *creation) lostInner(lost []string) {
	c.lost = c.lost[:0]
	for _, what := range lost {
		c.lost = append(c.lost, "inner map: "+what)
	}
}

// btf is the map's types in the kernel.
func (c *creation) btf(form *Spec) (*handle.Handle, error) {
	if c.o.BTF != nil {
		return c.o.BTF, nil
	}
	if c.ownBTF == nil {
		h, err := handle.Load(form.Types, &handle.Options{Features: c.o.Features, Token: c.o.Token})
		if err != nil {
			return nil, err
		}
		c.ownBTF = h
	}
	return c.ownBTF, nil
}

// explain asks what could have made the kernel refuse form. again means that
// there is another form to try; else why is the error.
func (c *creation) explain(form *Spec, err error) (again bool, why error) {
	if errors.Is(err, errors.ErrUnsupported) && !c.o.Features.Has(feature.BTF) && form.Types != nil {
		return true, nil // loading the BTF found that there is none
	}
	switch {
	case isErrno(err, sys.ENOTSUPP) && form.Types != nil:
		// map_check_no_btf: this type of map takes no BTF ids.
		c.noBTF = fmt.Sprintf("the kernel takes none for a %v", form.Type)
		return true, nil
	case isErrno(err, sys.EINVAL) && form.Types != nil && form.Type == PerCPUArray && form.Key == 0:
		// array_map_check_btf takes a section's types without a key's only of
		// an Array, on kernels without per-CPU variables.
		c.noBTF = "the kernel takes none of per-CPU variables"
		return true, nil
	case isErrno(err, sys.EINVAL, sys.E2BIG):
		if again, why := c.ask(err, c.suspects(form)); again || why != err {
			return again, why
		}
	case isErrno(err, sys.EPERM):
		if again, why := c.memlock(err); again || why != err {
			return again, why
		}
	}
	return false, c.diagnose(form, err)
}

// suspects are the features that form uses and that, if missing, make the
// kernel refuse it as it did.
func (c *creation) suspects(form *Spec) (ids []feature.ID) {
	if form.Name != "" {
		ids = append(ids, feature.ProgName)
	}
	if form.Flags&Mmapable != 0 && form.Type != Arena {
		ids = append(ids, feature.ArrayMmap)
	}
	if form.Types != nil {
		ids = append(ids, feature.BTF)
	}
	return ids
}

func (c *creation) ask(err error, ids []feature.ID) (again bool, why error) {
	var open []feature.ID
	for _, id := range ids {
		if c.o.Features.Get(id) == feature.Unknown {
			open = append(open, id)
		}
	}
	if len(open) == 0 {
		return false, err
	}
	token := 0
	if c.o.Token != nil {
		fd, terr := c.o.Token.Borrow()
		if terr != nil {
			return false, terr
		}
		defer c.o.Token.Release()
		token = fd
	}
	no, perr := probe.Ask(c.o.Features, token, open...)
	if !no && perr != nil {
		err = mkerr.Errorf("%w (looking for the reason: %v)", err, perr)
	}
	return no, err
}

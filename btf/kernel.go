package btf

import (
	"io"
	"io/fs"
	"slices"
	"sync"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/tree"
)

// Where the kernel shows its BTF, from the root of a Kernel's fs.FS.
const (
	btfDir      = "sys/kernel/btf"
	vmlinuxName = "vmlinux"
)

// sampleShift keeps every 8th offset of kernel BTF: 63 KiB for 126,000 types,
// and a lookup steps over 3.5 records.
const sampleShift = 3

// Kernel is the types of a kernel: vmlinux and its modules, opened when first
// needed and searched where they lie. It is safe for concurrent use and owned
// by the caller. Every record is checked to lie within its blob before it is
// read; that references make sense is left to the kernel, whose blob it is.
type Kernel struct {
	root  tree.Root
	guard guard

	mu      sync.Mutex // of all that follows
	opened  bool
	vm      module
	modules []*module
	listed  bool
	swept   map[string]kindSet // names that all modules were searched for
	known   map[candKey][]cand
	files   []io.Closer // that the mappings hang on
}

// module is one blob of the kernel: vmlinux or a module's.
type module struct {
	name  string
	spec  *Spec // nil until opened
	err   error // why it cannot be read
	found map[string]hits
}

// hits are the types of one essential name, of those kinds.
type hits struct {
	kinds kindSet
	ids   []ID
}

// NewKernel reads through fsys, whose root is that of the machine: paths such
// as "sys/kernel/btf/vmlinux". Nothing is opened yet.
func NewKernel(fsys fs.FS) *Kernel { return NewKernelAt(tree.From(fsys)) }

// NewKernelAt is NewKernel for the rest of this module, which does without
// fs.FS.
func NewKernelAt(root tree.Root) *Kernel {
	return &Kernel{root: root, vm: module{name: vmlinuxName}, swept: make(map[string]kindSet)}
}

// lock keeps Close out until unlock.
func (k *Kernel) lock() error {
	if !k.guard.enter() {
		return ErrClosed
	}
	k.mu.Lock()
	return nil
}

func (k *Kernel) unlock() {
	k.mu.Unlock()
	k.guard.leave()
}

// Vmlinux is the BTF of the kernel itself. A kernel without any gives an error
// that is ErrNoBTF. Requires Linux 5.4, or an image of the kernel on disk that
// has BTF.
func (k *Kernel) Vmlinux() (*Spec, error) {
	if err := k.lock(); err != nil {
		return nil, err
	}
	defer k.unlock()
	return k.vmlinux(nil)
}

// Module is the BTF of a module, split on vmlinux; "vmlinux" is vmlinux.
// An absent module is a *NotFoundError, a broken one a ModuleError. Requires
// Linux 5.11.
func (k *Kernel) Module(name string) (*Spec, error) {
	if name == vmlinuxName {
		return k.Vmlinux()
	}
	if err := k.lock(); err != nil {
		return nil, err
	}
	defer k.unlock()
	m, err := k.module(name)
	if err != nil {
		return nil, err
	}
	return m.spec, nil
}

// Modules names the modules that have BTF, sorted: none before Linux 5.11.
func (k *Kernel) Modules() ([]string, error) {
	if err := k.lock(); err != nil {
		return nil, err
	}
	defer k.unlock()
	if err := k.list(); err != nil {
		return nil, err
	}
	names := make([]string, len(k.modules))
	for i, m := range k.modules {
		names[i] = m.name
	}
	return names, nil
}

// Broken lists the modules whose BTF was skipped because it cannot be read.
func (k *Kernel) Broken() []ModuleError {
	if k.lock() != nil {
		return nil
	}
	defer k.unlock()
	return k.broken()
}

//go:noinline
func (k *Kernel) broken() []ModuleError {
	var list []ModuleError
	for _, m := range k.modules {
		if m.err != nil {
			list = append(list, ModuleError{m.name, m.err})
		}
	}
	return list
}

// Close unmaps everything, once nobody reads. Specs and Types got from k give
// zero values and false afterwards, the Kernel's methods ErrClosed. What was
// copied (names, Bytes) stays. Closing twice is harmless.
func (k *Kernel) Close() error {
	if k == nil || !k.guard.close() {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	var errs []error
	for _, f := range k.files {
		errs = append(errs, f.Close())
	}
	k.files = nil
	return mkerr.Join(errs...)
}

// vmlinux opens vmlinux, looking for names in the pass that indexes it.
func (k *Kernel) vmlinux(names []sought) (*Spec, error) {
	m := &k.vm
	if !k.opened {
		k.opened = true
		err := k.openVmlinux(func(b []byte, mapped bool) error {
			for i := range names {
				names[i].ids = nil // of one that broke off
			}
			return k.load(m, b, mapped, nil, names)
		})
		if err != nil {
			m.err = mkerr.Wrap("kernel BTF: %w", err)
		}
		return m.spec, m.err
	}
	if m.err == nil && len(names) > 0 {
		return m.spec, m.search(names)
	}
	return m.spec, m.err
}

// load makes the Spec of a module from its blob.
func (k *Kernel) load(m *module, b []byte, mapped bool, base *Spec, names []sought) error {
	s, err := newSpec(b, base)
	if err != nil {
		return err
	}
	if mapped {
		s.guard = &k.guard
	}
	f := newFinder(names)
	if s.index, err = s.scan(sampleShift, f); err != nil {
		return err
	}
	m.spec = s
	m.keep(names)
	return nil
}

// search is a further pass, for names that were not asked for before.
func (m *module) search(names []sought) error {
	if _, err := m.spec.scan(noIndex, newFinder(names)); err != nil {
		return err
	}
	m.keep(names)
	return nil
}

//go:noinline
func (m *module) keep(names []sought) {
	if m.found == nil {
		m.found = make(map[string]hits, len(names))
	}
	for _, q := range names {
		m.found[q.name] = hits{q.kinds, q.ids}
	}
}

// missing drops the names that m was searched for already, and widens the
// kinds of the others to all that were ever asked for.
func (m *module) missing(names []sought) []sought {
	var out []sought
	for _, q := range names {
		have := m.found[q.name].kinds
		if q.kinds&^have == 0 {
			continue
		}
		q.kinds |= have
		if i := slices.IndexFunc(out, func(o sought) bool { return o.name == q.name }); i >= 0 {
			out[i].kinds |= q.kinds
		} else {
			out = append(out, q)
		}
	}
	return out
}

// Find looks for many names in one pass over vmlinux, so that the lookups that
// follow need none. Names that are not there are not an error.
func (k *Kernel) Find(q ...Query) error {
	if err := k.lock(); err != nil {
		return err
	}
	defer k.unlock()
	names := make([]sought, len(q))
	for i := range q {
		names[i] = sought{name: essential(q[i].Name), kinds: like(q[i].Kind)}
	}
	return k.findInVmlinux(names)
}

func (k *Kernel) findInVmlinux(names []sought) error {
	names = k.vm.missing(names)
	if len(names) == 0 && k.opened {
		return k.vm.err
	}
	_, err := k.vmlinux(names)
	return err
}

// cand is a type of kernel BTF found by name.
type cand struct {
	module string
	t      Type
}

type candKey struct {
	name  string
	kinds kindSet
}

// candidates gives all types of an essential name: vmlinux's, or else those of
// all modules. The list is for all who ask. The caller is past the guard.
func (k *Kernel) candidates(name []byte, kinds kindSet) ([]cand, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if list, ok := k.known[candKey{string(name), kinds}]; ok {
		return list, nil
	}
	key := candKey{string(name), kinds}
	list, err := k.searchAll(key.name, kinds)
	if err == nil {
		if k.known == nil {
			k.known = make(map[candKey][]cand)
		}
		k.known[key] = list
	}
	return list, err
}

func (k *Kernel) searchAll(name string, kinds kindSet) ([]cand, error) {
	q := []sought{{name: name, kinds: kinds}}
	if err := k.findInVmlinux(q); err != nil {
		return nil, err
	}
	list := k.vm.pick(name, kinds, nil)
	if len(list) > 0 {
		return list, nil
	}
	if err := k.sweep(q[0]); err != nil {
		return nil, err
	}
	for _, m := range k.modules {
		if m.err == nil {
			list = m.pick(name, kinds, list)
		}
	}
	return list, nil
}

func (m *module) pick(name string, kinds kindSet, list []cand) []cand {
	for _, id := range m.found[name].ids {
		if t, ok := m.spec.typ(id); ok && kinds.has(t.Kind()) {
			list = append(list, cand{m.name, t})
		}
	}
	return list
}

// FindType gives the first type of exactly that name and kind (KindVoid: any),
// in vmlinux or else in a module. module is "vmlinux" or the module's name.
// An absent name is a *NotFoundError.
func (k *Kernel) FindType(name string, kind Kind) (module string, t Type, err error) {
	if err := k.lock(); err != nil {
		return "", Type{}, err
	}
	defer k.unlock()
	return k.findType("", name, kind)
}

// findType gives the first of findTypes.
func (k *Kernel) findType(only, name string, kind Kind) (string, Type, error) {
	list, err := k.findTypes(only, name, kind)
	if err != nil {
		return "", Type{}, err
	}
	return list[0].Module, list[0].Type, nil
}

// findTypes looks in vmlinux and else in all modules, or in only one of them. It
// gives at least one type, or an error.
func (k *Kernel) findTypes(only, name string, kind Kind) ([]Place, error) {
	kinds := anyKind
	if kind != KindVoid {
		kinds = 1 << kind & anyKind
	}
	q := sought{name: essential(name), kinds: kinds}
	if only != "" && only != vmlinuxName {
		return k.findIn(only, name, kind, q)
	}
	if err := k.findInVmlinux([]sought{q}); err != nil {
		return nil, err
	}
	list := k.vm.exact(name, q, nil)
	if len(list) == 0 && only == "" {
		if err := k.sweep(q); err != nil {
			return nil, err
		}
		for _, m := range k.modules {
			if m.err == nil {
				list = m.exact(name, q, list)
			}
		}
	}
	if len(list) == 0 {
		return nil, &NotFoundError{Name: name, Kind: kind, Module: only, Broken: k.broken()}
	}
	return list, nil
}

// findIn looks in one module; others are not opened.
func (k *Kernel) findIn(only, name string, kind Kind, q sought) ([]Place, error) {
	m, err := k.module(only)
	if err == nil {
		if k.open(m, []sought{q}); m.err != nil {
			return nil, ModuleError{only, m.err}
		}
		if list := m.exact(name, q, nil); len(list) != 0 {
			return list, nil
		}
		err = &NotFoundError{Name: name, Kind: kind, Module: only}
	}
	if e, ok := err.(*NotFoundError); ok && k.findInVmlinux([]sought{q}) == nil {
		e.Vmlinux = len(k.vm.exact(name, q, nil)) != 0
		e.Name, e.Kind = name, kind
	}
	return nil, err
}

// exact adds the types of exactly that name to list.
func (m *module) exact(name string, q sought, list []Place) []Place {
	for _, id := range m.found[q.name].ids {
		if t, ok := m.spec.typ(id); ok && q.kinds.has(t.Kind()) && t.s.equal(t.name, name) {
			list = append(list, Place{m.name, t})
		}
	}
	return list
}

package btf

import "io/fs"

// Mapper is what a file of a Kernel's fs.FS may also implement: the whole file
// as memory that stays valid until the file is closed.
type Mapper interface{ Map() ([]byte, error) }

// Kernel is the types of a kernel: vmlinux and its modules, opened when first
// needed. It is safe for concurrent use and owned by the caller.
type Kernel struct {
	fsys  fs.FS
	guard guard
}

// NewKernel reads through fsys, whose root is that of the machine: paths such
// as "sys/kernel/btf/vmlinux". Nothing is opened yet.
func NewKernel(fsys fs.FS) *Kernel { return &Kernel{fsys: fsys} }

// Vmlinux is the BTF of the kernel itself.
func (k *Kernel) Vmlinux() (*Spec, error) { return nil, ErrNoBTF }

// Module is the BTF of a module, split on vmlinux.
func (k *Kernel) Module(name string) (*Spec, error) { return nil, ErrNoBTF }

// Modules names the modules that have BTF, sorted.
func (k *Kernel) Modules() ([]string, error) { return nil, nil }

// Find looks for many names in one pass over vmlinux, so that the lookups that
// follow need none. Names that are not there are not an error.
func (k *Kernel) Find(q ...Query) error { return nil }

// FindType gives the first type of exactly that name and kind (KindVoid: any),
// in vmlinux or else in a module. module is "vmlinux" or the module's name.
// An absent name is a *NotFoundError.
func (k *Kernel) FindType(name string, kind Kind) (module string, t Type, err error) {
	return "", Type{}, ErrNotFound
}

// Target finds the type that an attach point names: name is "func" or
// "mod:func", prefix what the attach type puts before it: PrefixTrace for raw
// tracepoints (a TYPEDEF), PrefixLSM, PrefixIter or "" (a FUNC).
func (k *Kernel) Target(prefix, name string) (module string, t Type, err error) {
	return "", Type{}, ErrNotFound
}

// Prefixes of Target.
const (
	PrefixTrace = "btf_trace_"
	PrefixLSM   = "bpf_lsm_"
	PrefixIter  = "bpf_iter_"
)

// Broken lists the modules whose BTF was skipped because it cannot be read.
func (k *Kernel) Broken() []ModuleError { return nil }

// Close unmaps everything. Specs and Types got from k give zero values and
// false afterwards, the Kernel's methods ErrClosed. Closing twice is harmless.
func (k *Kernel) Close() error { return nil }

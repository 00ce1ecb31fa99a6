package btf

// Relocator computes CO-RE relocations of one object against one kernel or a
// set of blobs. It keeps what it found; it is safe for concurrent use.
type Relocator struct {
	local *Spec
	k     *Kernel
}

// NewRelocator resolves the relocations of local against k: vmlinux, and the
// modules for types that vmlinux does not have.
func NewRelocator(local *Spec, k *Kernel) *Relocator { return &Relocator{local: local, k: k} }

// NewRelocatorFor resolves against given blobs, all of them at once. Modules
// of the running kernel are never consulted.
func NewRelocatorFor(local *Spec, targets ...*Spec) *Relocator { return &Relocator{local: local} }

// Prepare finds the candidates of all relocations in one pass. It is optional.
func (r *Relocator) Prepare(relos []*CORERelo) error { return nil }

// Resolve computes one relocation. A target that lacks what is sought is not
// an error: the Fixup says so. Candidates that disagree are *AmbiguousError.
func (r *Relocator) Resolve(relo *CORERelo) (Fixup, error) { return Fixup{}, nil }

package handle

import (
	"errors"
	"fmt"
	"iter"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/diagnose"
	"github.com/skepbpf/skep/internal/sys"
)

// byID explains a refusal of what takes an id.
func byID(err error) error {
	return diagnose.Explain(err, &diagnose.Ask{Needs: diagnose.SysAdmin})
}

// FromID opens the BTF object of an id. Requires Linux 4.18 and CAP_SYS_ADMIN.
func FromID(id uint32) (*Handle, error) {
	fd, err := sys.BtfGetFDByID(&sys.GetIDAttr{StartId: id})
	if err != nil {
		return nil, fmt.Errorf("btf %d: %w", id, byID(err))
	}
	return &Handle{fd: fd, id: id}, nil
}

// All gives every BTF object of the kernel, by ascending id; an object that
// goes away meanwhile is left out. A Handle is the receiver's to close. The
// first error ends it. Requires Linux 5.4 and CAP_SYS_ADMIN.
func All() iter.Seq2[*Handle, error] {
	return func(yield func(*Handle, error) bool) {
		attr := sys.GetIDAttr{}
		for {
			err := sys.BtfGetNextID(&attr)
			if errors.Is(err, sys.ENOENT) {
				return
			}
			if err != nil {
				yield(nil, fmt.Errorf("btf: next id: %w", byID(err)))
				return
			}
			attr.StartId = attr.NextId
			h, err := FromID(attr.NextId)
			if errors.Is(err, sys.ENOENT) {
				continue
			}
			if !yield(h, err) || err != nil {
				return
			}
		}
	}
}

// Module opens the BTF of a kernel module; "vmlinux" is the kernel's own. If
// the module is not loaded, or has no BTF, the error Is btf.ErrNotFound.
// Requires Linux 5.11 and CAP_SYS_ADMIN.
func Module(name string) (*Handle, error) {
	for h, err := range All() {
		if err != nil {
			return nil, fmt.Errorf("module %s: %w", name, err)
		}
		in, err := h.Info()
		if err == nil && in.Kernel && in.Name == name {
			return h, nil
		}
		_ = h.Close()
		if err != nil {
			return nil, fmt.Errorf("module %s: %w", name, err)
		}
	}
	return nil, fmt.Errorf("module %s: BTF: %w", name, btf.ErrNotFound)
}

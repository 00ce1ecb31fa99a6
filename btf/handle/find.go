package handle

import (
	"errors"
	"iter"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/diagnose"
	"github.com/skepbpf/skep/internal/mkerr"
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
		return nil, mkerr.Errorf("btf %d: %w", id, byID(err))
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
				yield(nil, mkerr.Wrap("btf: next id: %w", byID(err)))
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
	found, err := Modules(name)
	if err != nil {
		return nil, mkerr.WrapNamed("module %s: %w", name, err)
	}
	h, ok := found[name]
	if !ok {
		return nil, mkerr.WrapNamed("module %s: BTF: %w", name, btf.ErrNotFound)
	}
	return h, nil
}

// Modules opens the BTF of several kernel modules in one pass over all BTF
// objects, which ends when they are found. Modules that are not loaded, or
// have no BTF, are missing from the result. The Handles are the caller's; an
// error leaves none. Requires Linux 5.11 and CAP_SYS_ADMIN.
func Modules(names ...string) (map[string]*Handle, error) {
	want := make(map[string]bool, len(names))
	for _, n := range names {
		want[n] = true
	}
	found := make(map[string]*Handle, len(want))
	if len(want) == 0 {
		return found, nil
	}
	for h, err := range All() {
		var in Info
		if err == nil {
			in, err = h.Info()
		}
		if err != nil {
			_ = h.Close()
			for _, f := range found {
				_ = f.Close()
			}
			return nil, err
		}
		if !in.Kernel || !want[in.Name] || found[in.Name] != nil {
			_ = h.Close()
			continue
		}
		if found[in.Name] = h; len(found) == len(want) {
			break
		}
	}
	return found, nil
}

package prog

import (
	"errors"

	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/sys"
)

// BindMap ties a map to the program's life without being used by it: its
// metadata, for instance. Binding a map twice, or one that the program uses, is
// no error. Requires Linux 5.10.
func (p *Program) BindMap(m MapRef) error {
	return p.withMap("bind map", m, func(fd, m int) error {
		err := sys.ProgBindMap(&sys.ProgBindMapAttr{ProgFd: uint32(fd), MapFd: uint32(m)})
		if errors.Is(err, sys.EINVAL) {
			return feature.Unsupported(feature.ProgBindMap)
		}
		return err
	})
}

// AssocStructOps ties the program, which must not be of type StructOps itself,
// to a struct_ops map: kernel functions that it calls find that map's
// operations. It can be done with one map (EBUSY: it was done with another),
// which then lives as long as the program.
// Requires Linux 7.0.
func (p *Program) AssocStructOps(m MapRef) error {
	return p.withMap("associate struct_ops", m, func(fd, m int) error {
		err := sys.ProgAssocStructOps(&sys.ProgAssocStructOpsAttr{ProgFd: uint32(fd), MapFd: uint32(m)})
		if errors.Is(err, sys.EINVAL) && older(7, 0) {
			return &feature.UnsupportedError{Name: "associating programs with struct_ops", Since: "7.0"}
		}
		return err
	})
}

// withMap calls f with the open descriptors of the program and a map.
func (p *Program) withMap(verb string, m MapRef, f func(fd, m int) error) error {
	return p.with(verb, func(fd int) error {
		if m == nil || m.MapFD() == nil {
			return errors.New("no map")
		}
		mfd := m.MapFD()
		raw, err := mfd.Borrow()
		if err != nil {
			return err
		}
		defer mfd.Release()
		return f(fd, raw)
	})
}

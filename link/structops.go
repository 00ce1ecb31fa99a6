package link

import (
	"encoding/binary"
	"errors"
	"sync"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/maps"
	"github.com/skepbpf/skep/prog"
)

// FormMapUpdate is a struct_ops map without BPF_F_LINK: storing its value
// registers it, and it stays registered if the process dies without Close.
const FormMapUpdate Form = "BPF_MAP_UPDATE_ELEM"

// StructOpsProgram is a program in a struct_ops value.
type StructOpsProgram struct {
	Offset  uint32 // of the function pointer in the value, in bytes
	Program *prog.Program
}

// StructOpsOptions say what to store in a struct_ops map before it is
// registered. Without a Value the map is taken as it is.
type StructOpsOptions struct {
	// Value in the kernel's layout (struct bpf_struct_ops_X), function
	// pointers zero; its state, which is the kernel's, too.
	Value    []byte
	Programs []StructOpsProgram
}

// StructOps is the link of a struct_ops map.
type StructOps struct{ Link }

// AttachStructOps registers a struct_ops map with its subsystem: by a bpf_link
// if the map has the flag maps.Link (Linux 6.4), else by storing its value
// (Linux 5.6). The map stays the caller's.
func AttachStructOps(m *maps.Map, o StructOpsOptions) (*StructOps, error) {
	l, err := attachStructOps(m, &o)
	if err != nil {
		return nil, mkerr.Wrap("attach struct_ops: %w", err)
	}
	return &StructOps{l}, nil
}

func attachStructOps(m *maps.Map, o *StructOpsOptions) (Link, error) {
	if m == nil || m.Type() != maps.StructOps {
		return nil, errors.New("not a struct_ops map")
	}
	if m.Flags()&maps.Link == 0 {
		return register(m, o)
	}
	if err := o.store(m); err != nil {
		return nil, err
	}
	mfd := m.MapFD()
	raw, err := mfd.Borrow()
	if err != nil {
		return nil, err
	}
	defer mfd.Release()
	// link_create.map_fd shares its place with prog_fd (linux/bpf.h).
	fd, err := sys.LinkCreate(&sys.LinkCreateAttr{ProgFd: uint32(raw), AttachType: sys.BPF_STRUCT_OPS})
	if err != nil {
		return nil, err
	}
	return wrapLink(fd, TypeStructOps, FormLink, nil), nil
}

// store writes the value. A map that was registered before keeps what it has:
// the kernel answers EBUSY (bpf_struct_ops_map_update_elem), and the value is
// the same, for only this map's own programs can be in it.
func (o *StructOpsOptions) store(m *maps.Map) error {
	if o.Value == nil {
		return nil
	}
	value := append([]byte(nil), o.Value...)
	for _, p := range o.Programs {
		raw, fd, err := borrowProgram(p.Program, prog.StructOps)
		if err != nil {
			return err
		}
		defer fd.Release()
		if uint64(p.Offset)+8 > uint64(len(value)) {
			return mkerr.Errorf("program %s: offset %d lies outside of the value of %d bytes", p.Program.Name(), p.Offset, len(value))
		}
		binary.NativeEndian.PutUint64(value[p.Offset:], uint64(raw))
	}
	err := m.Update(make([]byte, 4), value, maps.Any)
	if !errors.Is(err, sys.EBUSY) {
		return err
	}
	if m.Flags()&maps.Link == 0 {
		return mkerr.Wrap("%w: without the flag Link, a map can be registered once, and not again when it was detached", err)
	}
	return nil
}

// UpdateMap puts another map in the place of the registered one, in one step.
// Only a struct_ops that its subsystem can replace is updated; the error of
// others Is errors.ErrUnsupported. Requires Linux 6.4, and both maps to have
// the flag maps.Link.
func (l *StructOps) UpdateMap(m *maps.Map, o StructOpsOptions) error {
	if err := l.updateMap(m, &o); err != nil {
		return mkerr.Wrap("update struct_ops link: %w", err)
	}
	return nil
}

func (l *StructOps) updateMap(m *maps.Map, o *StructOpsOptions) error {
	lfd := l.LinkFD()
	if lfd == nil {
		return mkerr.Errorf("registered by %s: %w", FormMapUpdate, errors.ErrUnsupported)
	}
	if m == nil || m.Type() != maps.StructOps || m.Flags()&maps.Link == 0 {
		return errors.New("not a struct_ops map with the flag Link")
	}
	if err := o.store(m); err != nil {
		return err
	}
	raw, err := lfd.Borrow()
	if err != nil {
		return err
	}
	defer lfd.Release()
	mfd := m.MapFD()
	mraw, err := mfd.Borrow()
	if err != nil {
		return err
	}
	defer mfd.Release()
	return sys.LinkUpdate(&sys.LinkUpdateAttr{LinkFd: uint32(raw), NewProgFd: uint32(mraw)})
}

// registration is a struct_ops that storing its value registered. The kernel
// keeps it until the element is deleted.
type registration struct {
	m  *maps.Map // a duplicate
	id uint32

	mu     sync.Mutex
	gone   bool
	closed bool
}

func register(m *maps.Map, o *StructOpsOptions) (Link, error) {
	own, err := m.Dup()
	if err != nil {
		return nil, err
	}
	r := &registration{m: own}
	in, err := own.Info()
	if err == nil {
		r.id = uint32(in.ID)
		err = o.store(own)
	}
	if err != nil {
		return nil, mkerr.Join(err, own.Close())
	}
	return r, nil
}

func (*registration) sealed() {}

func (*registration) LinkFD() *sys.FD { return nil }

func (r *registration) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	if err := r.unregister(); err != nil {
		return err // the kernel would keep it for good: Close can be tried again
	}
	r.closed = true
	return r.m.Close()
}

func (r *registration) Detach() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return mkerr.Wrap("detach link: %w", sys.ErrClosed)
	}
	return r.unregister()
}

func (r *registration) unregister() error {
	if r.gone {
		return nil
	}
	// ENOENT: somebody else deleted it.
	if err := r.m.Delete(make([]byte, 4)); err != nil && !errors.Is(err, sys.ENOENT) {
		return mkerr.Wrap("detach: %w", err)
	}
	r.gone = true
	return nil
}

func (r *registration) Pin(string) error { return &errNoLink{"pin", FormMapUpdate} }

func (r *registration) Unpin() error { return nil }

func (r *registration) Update(*prog.Program) error { return &errNoLink{"update", FormMapUpdate} }

func (r *registration) Info() (Info, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return Info{}, mkerr.Wrap("link info: %w", sys.ErrClosed)
	}
	return Info{Form: FormMapUpdate, Details: StructOpsInfo{Map: r.id}}, nil
}

package prog

import (
	"encoding/binary"
	"errors"

	"github.com/skepbpf/skep/btf/handle"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
)

// attr makes the attributes for s. Every descriptor in them stays borrowed
// until the Load is over.
func (l *loader) attr(s *Spec) (*sys.ProgLoadAttr, error) {
	image, err := s.image(operands{
		mapFD:    func(name string) (int, error) { return l.mapFD(s, name) },
		moduleFD: func(i int) (int, error) { return l.moduleFD(s, i) },
	}, binary.NativeEndian)
	if err != nil {
		return nil, err
	}
	attr := &sys.ProgLoadAttr{
		ProgType:           sys.ProgType(s.Type),
		InsnCnt:            uint32(len(image) / 8),
		Insns:              sys.BytesPtr(image),
		License:            sys.BytesPtr(append([]byte(s.License), 0)), // "" is a license too
		KernVersion:        s.KernelVersion,
		ProgFlags:          s.Flags,
		ProgIfindex:        s.Ifindex,
		ExpectedAttachType: sys.AttachType(s.Attach),
		Signature:          sys.BytesPtr(s.Signature),
		SignatureSize:      uint32(len(s.Signature)),
	}
	if len(s.Signature) > 0 { // older kernels take nothing but 0
		attr.KeyringId = int32(s.Keyring)
	}
	if !s.unnamed {
		attr.ProgName = sys.ObjName(s.Name)
	}
	for _, set := range [...]func(*sys.ProgLoadAttr, *Spec) error{
		l.setToken, l.setTarget, l.setArray, l.setTypes,
	} {
		if err := set(attr, s); err != nil {
			return nil, err
		}
	}
	return attr, nil
}

func (l *loader) mapFD(s *Spec, name string) (int, error) {
	m, ok := s.Maps[name]
	if !ok || m == nil {
		return 0, errors.New("not given")
	}
	fd := m.MapFD()
	if fd == nil {
		return 0, errors.New("not created")
	}
	return l.borrow(fd)
}

func (l *loader) moduleFD(s *Spec, i int) (int, error) {
	if i < 0 || i >= len(s.Modules) {
		return 0, mkerr.Errorf("module %d of %d", i, len(s.Modules))
	}
	return l.module(s.Modules[i])
}

// module gives the descriptor of a module's BTF, looking each up once.
func (l *loader) module(name string) (int, error) {
	h := l.Modules[name]
	for _, o := range l.owned {
		if in, err := o.Info(); h == nil && err == nil && in.Name == name {
			h = o
		}
	}
	if h == nil {
		var err error
		if h, err = handle.Module(name); err != nil {
			return 0, err
		}
		l.owned = append(l.owned, h)
	}
	return l.borrow(h.BTFFD())
}

func (l *loader) setToken(attr *sys.ProgLoadAttr, _ *Spec) error {
	if l.Token == nil {
		return nil
	}
	fd, err := l.borrow(l.Token)
	if err != nil {
		return mkerr.Wrap("token: %w", err)
	}
	attr.ProgFlags |= sys.BPF_F_TOKEN_FD
	attr.ProgTokenFd = int32(fd)
	return nil
}

// setTarget says what the program hooks. attach_prog_fd and attach_btf_obj_fd
// are one field of the kernel's.
func (l *loader) setTarget(attr *sys.ProgLoadAttr, s *Spec) error {
	t := &s.Target
	attr.AttachBtfId = uint32(t.ID)
	var fd int
	var err error
	switch {
	case t.Program != nil:
		fd, err = l.borrow(t.Program.ProgFD())
	case t.Module != "" && t.Module != vmlinux:
		fd, err = l.module(t.Module)
	}
	if err != nil {
		return mkerr.WrapNamed("target %s: %w", t.Name, err)
	}
	attr.AttachBtfObjFd = uint32(fd)
	return nil
}

// setArray fills fd_array: the kernel itself and modules, whose places are the
// offsets of calls; then maps, if they go by place. The maps of a signed
// program are bound to it, if there is nothing else, before its signature is
// checked: since Linux 7.3 that is a must.
func (l *loader) setArray(attr *sys.ProgLoadAttr, s *Spec) error {
	var used []string
	if s.indexed() {
		used = s.usedMaps()
	}
	if len(s.Modules)+len(used) == 0 {
		return nil
	}
	fds := make([]int32, 0, 1+len(s.Modules)+len(used))
	if len(s.Modules) > 0 {
		fds = append(fds, 0)
	}
	for _, name := range s.Modules {
		fd, err := l.module(name)
		if err != nil {
			return err
		}
		fds = append(fds, int32(fd))
	}
	for _, name := range used {
		fd, err := l.mapFD(s, name)
		if err != nil {
			return mkerr.WrapNamed("map %q: %w", name, err)
		}
		fds = append(fds, int32(fd))
	}
	attr.FdArray = sys.SlicePtr(fds)
	if len(s.Signature) > 0 && len(s.Modules) == 0 {
		attr.FdArrayCnt = uint32(len(used))
	}
	return nil
}

// setTypes passes the object's BTF on, with what it says of functions and
// lines. A program goes without if the kernel does not take the BTF, as it
// would with libbpf: most do not need it. Want of memory or descriptors is
// another matter.
func (l *loader) setTypes(attr *sys.ProgLoadAttr, s *Spec) error {
	if s.Types == nil || l.NoBTF || l.noBTF != "" {
		return nil
	}
	if l.BTF == nil {
		h, err := handle.Load(s.Types, &handle.Options{Features: l.set, Token: l.Token})
		if err != nil && !refused(err) {
			return err
		}
		if err != nil {
			l.noBTF = "BTF of the program: left out: " + err.Error()
			return nil
		}
		l.owned = append(l.owned, h)
		c := *l.Options
		c.BTF = h
		l.Options = &c
		if l.set.Get(feature.BTFFunc) == feature.No {
			return nil // learned just now
		}
	}
	fd, err := l.borrow(l.BTF.BTFFD())
	if err != nil {
		return mkerr.Wrap("btf: %w", err)
	}
	attr.ProgBtfFd = uint32(fd)
	if len(s.Funcs) > 0 {
		attr.FuncInfo = sys.BytesPtr(encodeFuncs(s.Funcs))
		attr.FuncInfoCnt, attr.FuncInfoRecSize = uint32(len(s.Funcs)), funcInfoSize
	}
	if len(s.Lines) > 0 {
		attr.LineInfo = sys.BytesPtr(encodeLines(s.Lines))
		attr.LineInfoCnt, attr.LineInfoRecSize = uint32(len(s.Lines)), lineInfoSize
	}
	return nil
}

// refused reports whether the kernel took a look and said no.
func refused(err error) bool {
	return errors.Is(err, sys.EINVAL) || errors.Is(err, sys.E2BIG) || errors.Is(err, sys.EPERM) ||
		errors.Is(err, sys.EACCES) || errors.Is(err, errors.ErrUnsupported)
}

// Package handle is BTF inside the kernel: load it once and share it, find it
// by id or by module, read it back.
package handle

import (
	"errors"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
)

// Handle is a BTF object in the kernel. The caller that got it owns it and
// closes it; maps and programs that were made with it keep the object itself.
// It is safe for concurrent use.
type Handle struct {
	fd      *sys.FD
	id      uint32
	log     string
	without []string
}

// BTFFD is the descriptor, for packages of this module. The Handle keeps
// owning it.
func (h *Handle) BTFFD() *sys.FD {
	if h == nil {
		return nil
	}
	return h.fd
}

// ID is the kernel's number for the object; 0 if the kernel does not say,
// which needs Linux 4.18 and is given to everyone.
func (h *Handle) ID() uint32 { return h.id }

// Without says what Load had to leave out for this kernel, in words.
func (h *Handle) Without() []string { return h.without }

// Close gives up the descriptor. It is safe to call more than once, and on nil.
func (h *Handle) Close() error {
	if h == nil {
		return nil
	}
	return h.fd.Close()
}

// Info describes a BTF object.
type Info struct {
	ID     uint32
	Name   string // module, "vmlinux", or "" for a program's BTF
	Size   uint32 // bytes of the blob
	Kernel bool   // made by the kernel or a module, not by BPF_BTF_LOAD
}

// maxName is longer than any module's name (MODULE_NAME_LEN, 56 or 64).
const maxName = 64

// Info asks the kernel about the object. Name and Kernel require Linux 5.11
// and are zero before it.
func (h *Handle) Info() (Info, error) {
	fd, err := h.fd.Borrow()
	if err != nil {
		return Info{}, mkerr.Wrap("btf: info: %w", err)
	}
	defer h.fd.Release()
	return info(fd)
}

func info(fd int) (Info, error) {
	name := make([]byte, maxName)
	raw := sys.BtfInfo{Name: sys.BytesPtr(name), NameLen: maxName}
	err := sys.ObjGetInfoByFD(fd, &raw)
	if errors.Is(err, sys.E2BIG) {
		// Before Linux 5.11 the fields from Name on must be 0.
		raw = sys.BtfInfo{}
		err = sys.ObjGetInfoByFD(fd, &raw)
	}
	if err != nil {
		return Info{}, mkerr.Wrap("btf: info: %w", err)
	}
	return Info{ID: raw.Id, Name: sys.NameString(name), Size: raw.BtfSize, Kernel: raw.KernelBtf != 0}, nil
}

// maxSpec bounds what Spec reads: the BTF of a kernel with everything built in
// is below 16 MiB.
const maxSpec = 64 << 20

// Bytes reads the object back from the kernel.
func (h *Handle) Bytes() ([]byte, error) {
	fd, err := h.fd.Borrow()
	if err != nil {
		return nil, mkerr.Errorf("btf %d: read: %w", h.id, err)
	}
	defer h.fd.Release()
	b, err := read(fd)
	if err != nil {
		return nil, mkerr.Errorf("btf %d: read: %w", h.id, err)
	}
	return b, nil
}

// Spec is Bytes, parsed. base is what split BTF, such as a module's, is on top
// of; nil if it stands alone.
func (h *Handle) Spec(base *btf.Spec) (*btf.Spec, error) {
	b, err := h.Bytes()
	if err != nil {
		return nil, err
	}
	if base != nil {
		return btf.ParseSplit(b, base)
	}
	return btf.Parse(b)
}

func read(fd int) ([]byte, error) {
	in, err := info(fd)
	if err != nil {
		return nil, err
	}
	if in.Size > maxSpec {
		return nil, mkerr.Errorf("%d bytes are more than %d", in.Size, maxSpec)
	}
	b := make([]byte, in.Size)
	raw := sys.BtfInfo{Btf: sys.BytesPtr(b), BtfSize: in.Size}
	if err := sys.ObjGetInfoByFD(fd, &raw); err != nil {
		return nil, err
	}
	return b[:min(raw.BtfSize, in.Size)], nil
}

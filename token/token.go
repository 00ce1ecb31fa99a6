// Package token gives the right to use bpf(2) to processes in a user namespace:
// a BPF token stands for what the mount of a bpffs delegates. Requires Linux
// 6.9.
package token

import (
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
)

// Token is a BPF token. Its methods may be called from many goroutines.
type Token struct{ fd *sys.FD }

// Create makes a token of the bpffs at path, whose mount options delegate_cmds,
// delegate_maps, delegate_progs and delegate_attachs say what it is good for.
// The file system must have been opened in the user namespace of this process,
// which cannot be the first one (bpf_token_create in kernel/bpf/token.c).
func Create(path string) (*Token, error) {
	t, err := create(path)
	if err != nil {
		return nil, mkerr.WrapNamed("bpf token of %s: %w", path, err)
	}
	return t, nil
}

func create(path string) (*Token, error) {
	dir, err := sys.OpenPath(path, sys.O_RDONLY|sys.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	raw, err := dir.Borrow()
	if err != nil {
		return nil, err
	}
	defer dir.Release()
	fd, err := sys.TokenCreate(&sys.TokenCreateAttr{BpffsFd: uint32(raw)})
	if err != nil {
		return nil, err
	}
	return &Token{fd}, nil
}

// FromFD takes ownership of a token's descriptor, such as one that another
// process sent.
func FromFD(fd int) (*Token, error) {
	f, err := sys.NewFD(fd)
	if err != nil {
		return nil, mkerr.Wrap("bpf token: %w", err)
	}
	return &Token{f}, nil
}

// TokenFD is the descriptor, which the Token keeps owning: for the Options of
// maps, prog and btf/handle. That of nil is nil.
func (t *Token) TokenFD() *sys.FD {
	if t == nil {
		return nil
	}
	return t.fd
}

// Close gives the token up; what was made with it stays. Close of nil, and a
// second one, does nothing.
func (t *Token) Close() error {
	if t == nil {
		return nil
	}
	return t.fd.Close()
}

// Info is what a token is good for: bit n of each stands for number n of the
// kernel's enum.
type Info struct {
	Commands    uint64 // enum bpf_cmd
	MapTypes    uint64 // enum bpf_map_type
	ProgTypes   uint64 // enum bpf_prog_type
	AttachTypes uint64 // enum bpf_attach_type
}

// Info asks the kernel. Requires Linux 6.17.
func (t *Token) Info() (Info, error) {
	in, err := t.info()
	if err != nil {
		return Info{}, mkerr.Wrap("bpf token: info: %w", err)
	}
	return in, nil
}

func (t *Token) info() (Info, error) {
	raw, err := t.fd.Borrow()
	if err != nil {
		return Info{}, err
	}
	defer t.fd.Release()
	var in sys.TokenInfo
	if err := sys.ObjGetInfoByFD(raw, &in); err != nil {
		return Info{}, err
	}
	return Info{in.AllowedCmds, in.AllowedMaps, in.AllowedProgs, in.AllowedAttachs}, nil
}

package link

import (
	"errors"
	"sync"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/prog"
)

// attachment is what BPF_PROG_ATTACH made: the kernel keeps it until it is
// detached, whatever becomes of the process. Close detaches.
type attachment struct {
	target *sys.FD // of a cgroup, map, device; nil for hooks that have none
	at     sys.AttachType
	flags  uint32 // as attached, for replacing

	mu      sync.Mutex
	prog    *sys.FD // the program, to name it when detaching
	id      uint32
	gone    bool // detached
	closed  bool
	details Details
}

func (*attachment) sealed() {}

func (*attachment) LinkFD() *sys.FD { return nil }

// attach makes the attachment; attr says the rest.
func (a *attachment) attach(p *prog.Program, attr sys.ProgAttachAttr) error {
	pfd, pf, err := borrowProgram(p)
	if err != nil {
		return err
	}
	defer pf.Release()
	id, err := programID(pfd)
	if err != nil {
		return err
	}
	own, err := pf.Dup()
	if err != nil {
		return err
	}
	tfd, err := a.borrowTarget()
	if err != nil {
		return mkerr.Join(err, own.Close())
	}
	defer a.releaseTarget()
	attr.TargetFd, attr.AttachBpfFd, attr.AttachType = uint32(tfd), uint32(pfd), a.at
	if err := sys.ProgAttach(&attr); err != nil {
		return mkerr.Join(err, own.Close())
	}
	a.prog, a.id = own, id
	return nil
}

func (a *attachment) borrowTarget() (int, error) {
	if a.target == nil {
		return 0, nil
	}
	return a.target.Borrow()
}

func (a *attachment) releaseTarget() {
	if a.target != nil {
		a.target.Release()
	}
}

func (a *attachment) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil
	}
	// The kernel would keep the attachment for good: a Close that failed can
	// be tried again.
	if err := a.detach(); err != nil {
		return err
	}
	a.closed = true
	return mkerr.Join(a.prog.Close(), a.target.Close())
}

func (a *attachment) Detach() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return mkerr.Wrap("detach link: %w", sys.ErrClosed)
	}
	return a.detach()
}

// detach names program and hook, so that nobody else's program goes. That the
// program is not there any more is as good: someone replaced or detached it, or
// removed the cgroup.
func (a *attachment) detach() error {
	if a.gone {
		return nil
	}
	pfd, err := a.prog.Borrow()
	if err != nil {
		return err
	}
	defer a.prog.Release()
	tfd, err := a.borrowTarget()
	if err != nil {
		return err
	}
	defer a.releaseTarget()
	err = sys.ProgDetach(&sys.ProgAttachAttr{
		TargetFd: uint32(tfd), AttachBpfFd: uint32(pfd), AttachType: a.at,
	})
	if err != nil && !errors.Is(err, sys.ENOENT) {
		return mkerr.Wrap("detach: %w", err)
	}
	a.gone = true
	return nil
}

// Update replaces the program in one step: BPF_F_REPLACE (Linux 5.6) beside
// other programs, else by attaching over it.
func (a *attachment) Update(p *prog.Program) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || a.gone {
		return mkerr.Wrap("update link: %w", sys.ErrClosed)
	}
	if a.details != nil {
		return &errNoLink{"update", FormProgAttach} // not a cgroup
	}
	old, err := a.prog.Borrow()
	if err != nil {
		return mkerr.Wrap("update link: %w", err)
	}
	attr := sys.ProgAttachAttr{AttachFlags: a.flags}
	if a.flags&sys.BPF_F_ALLOW_MULTI != 0 {
		attr.AttachFlags |= sys.BPF_F_REPLACE
		attr.ReplaceBpfFd = uint32(old)
	}
	before := a.prog
	err = a.attach(p, attr)
	before.Release()
	if err != nil {
		return mkerr.Wrap("update link: %w", err)
	}
	return before.Close()
}

func (*attachment) Pin(string) error { return &errNoLink{"pin", FormProgAttach} }
func (*attachment) Unpin() error     { return nil }

func (a *attachment) Info() (Info, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return Info{}, mkerr.Wrap("link info: %w", sys.ErrClosed)
	}
	in := Info{Program: a.id, Form: FormProgAttach, Details: a.details}
	if a.gone {
		in.Program = 0
	}
	if in.Details == nil {
		in.Details = a.cgroup()
	}
	return in, nil
}

// cgroup describes the cgroup: its id is the inode number of its directory.
func (a *attachment) cgroup() Details {
	d := CgroupInfo{Attach: prog.AttachType(a.at)}
	if fd, err := a.target.Borrow(); err == nil {
		defer a.target.Release()
		if _, ino, err := sys.FileID(fd); err == nil {
			d.Cgroup = ino
		}
	}
	return d
}

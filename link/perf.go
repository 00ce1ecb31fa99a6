package link

import (
	"errors"
	"sync"

	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/prog"
)

// probeEvent is a perf event that a program is attached to, with the entry in
// tracefs that defines it on kernels without the kprobe and uprobe PMUs.
type probeEvent struct {
	info PerfEventInfo // as asked for
	fd   *sys.FD
	def  *legacyProbe // nil unless made through tracefs
	// lent: the caller keeps the event open, so that closing fd ends nothing.
	lent bool

	mu        sync.Mutex
	undefined bool // def was removed
}

// remove closes the event and removes its definition. What it cannot remove, a
// later call tries again: nobody else would.
//
//go:noinline
func (e *probeEvent) remove() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	err := e.fd.Close()
	if e.def == nil || e.undefined {
		return err
	}
	removed := e.def.remove()
	e.undefined = removed == nil
	return mkerr.Join(err, removed)
}

// programType is the type of the programs that the event runs.
func (e *probeEvent) programType() prog.Type {
	switch e.info.Event {
	case PerfTracepoint:
		return prog.Tracepoint
	case PerfOther:
		return prog.PerfEvent
	}
	return prog.Kprobe
}

// details is what is known of the event: what the kernel says, unless it says
// nothing, or calls it a tracepoint because tracefs defined it.
func (e *probeEvent) details(told Details) Details {
	d, ok := told.(PerfEventInfo)
	if ok && d.Event != PerfUnknown && e.def == nil {
		return d
	}
	out := e.info
	if ok && d.Event != PerfUnknown {
		out.Cookie = d.Cookie
	}
	return out
}

// attachEvent attaches p to e and takes e over. It makes a bpf_link (Linux
// 5.15); on kernels without, which cannot pass cookies, the ioctl does it.
func attachEvent(p *prog.Program, e *probeEvent, cookie uint64) (Link, error) {
	e.info.Cookie = cookie
	l, err := tryAttachEvent(p, e, cookie)
	if err != nil {
		err = mkerr.Join(err, e.remove())
		if e.def != nil { // nobody will try again
			err = mkerr.Join(err, e.def.events.Close())
		}
		return nil, err
	}
	return l, nil
}

func tryAttachEvent(p *prog.Program, e *probeEvent, cookie uint64) (Link, error) {
	pfd, pf, err := borrowProgram(p, e.programType())
	if err != nil {
		return nil, err
	}
	defer pf.Release()
	efd, err := e.fd.Borrow()
	if err != nil {
		return nil, mkerr.Wrap("perf event: %w", err)
	}
	defer e.fd.Release()

	fd, err := sys.LinkCreate(&sys.LinkCreatePerfEventAttr{
		ProgFd: uint32(pfd), TargetFd: uint32(efd), AttachType: sys.BPF_PERF_EVENT, BpfCookie: cookie,
	})
	if err == nil {
		if err := sys.PerfEnable(efd); err != nil {
			return nil, mkerr.Join(err, fd.Close())
		}
		e.fd.Close() // the link holds the event
		return wrapLink(fd, TypePerfEvent, FormLink, e), nil
	}
	if !maybeMissing(err) || knowsLink(pfd, sys.BPF_PERF_EVENT, &err) {
		return nil, err
	}
	if cookie != 0 {
		return nil, feature.Unsupported(feature.BPFCookie)
	}
	id, err := programID(pfd)
	if err != nil {
		return nil, err
	}
	if err := sys.PerfSetBPF(efd, pfd); err != nil {
		return nil, err
	}
	if err := sys.PerfEnable(efd); err != nil {
		return nil, err
	}
	return &eventLink{event: e, prog: id}, nil
}

// maybeMissing reports whether err is what a kernel says to a form that it
// does not know: EINVAL to an unknown command or attach type, E2BIG to a field
// beyond its attribute. Both have other causes too.
func maybeMissing(err error) bool {
	return errors.Is(err, sys.EINVAL) || errors.Is(err, sys.E2BIG)
}

// knowsLink reports whether BPF_LINK_CREATE looks at the target of an
// attachment at all: asked for a link to a target that does not exist, a kernel
// that has such links objects to the target, others to the request. Where it
// cannot be asked, err, which is to be explained, stands and says so.
func knowsLink(pfd int, at sys.AttachType, err *error) bool {
	attr := sys.LinkCreateAttr{ProgFd: uint32(pfd), TargetFd: ^uint32(0), AttachType: at}
	if at == sys.BPF_XDP {
		// To an interface that is not there, EINVAL is the answer of both
		// (bpf_xdp_link_attach): ask for lo, which has number 1 in each network
		// namespace, to run the program in its hardware.
		attr.TargetFd, attr.Flags = 1, 1<<3
	}
	fd, asked := sys.LinkCreate(&attr)
	switch {
	case asked == nil:
		fd.Close()
		return true
	case maybeMissing(asked):
		return false
	case !errors.Is(asked, sys.EBADF) && !errors.Is(asked, sys.ENODEV) && !errors.Is(asked, sys.EOPNOTSUPP) && !errors.Is(asked, sys.EBUSY):
		*err = mkerr.Errorf("%w (asking for links to nothing: %w)", *err, asked)
	}
	return true
}

// programID asks the kernel for a program's id.
func programID(pfd int) (uint32, error) {
	var in sys.ProgInfo
	if err := sys.ObjGetInfoByFD(pfd, &in); err != nil {
		return 0, mkerr.Wrap("program: %w", err)
	}
	return in.Id, nil
}

// eventLink is an attachment made by PERF_EVENT_IOC_SET_BPF: it ends when the
// event is closed.
type eventLink struct {
	event *probeEvent
	prog  uint32

	mu     sync.Mutex
	closed bool
}

func (*eventLink) sealed() {}

func (*eventLink) LinkFD() *sys.FD { return nil }

func (l *eventLink) Close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	return l.release()
}

// release ends the attachment with the event. One that is the caller's goes on,
// and the program with it: it is stopped, as it was started here.
func (l *eventLink) release() error {
	if l.event.lent {
		if fd, err := l.event.fd.Borrow(); err == nil { // the first time
			err = sys.PerfDisable(fd)
			l.event.fd.Release()
			return mkerr.Join(err, l.event.remove())
		}
	}
	return l.event.remove()
}

func (l *eventLink) Detach() error {
	if err := l.check("detach"); err != nil {
		return err
	}
	return l.release()
}

func (*eventLink) Pin(string) error           { return &errNoLink{"pin", FormPerfIoctl} }
func (*eventLink) Unpin() error               { return nil }
func (*eventLink) Update(*prog.Program) error { return &errNoLink{"update", FormPerfIoctl} }

func (l *eventLink) Info() (Info, error) {
	if err := l.check("info of"); err != nil {
		return Info{}, err
	}
	return Info{Program: l.prog, Form: FormPerfIoctl, Details: l.event.info}, nil
}

func (l *eventLink) check(verb string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return mkerr.WrapNamed("%s link: %w", verb, sys.ErrClosed)
	}
	return nil
}

// Package link attaches loaded programs to what they hook.
//
// There is one function for each kind of hook, AttachX(p, XOptions), and each
// gives a Link. Whenever the kernel can, that is a bpf_link: the kernel
// detaches when the last descriptor and pin of it are gone, also when the
// process dies. Kernels that lack the bpf_link of a kind get the form that they
// have, but only after the failing call has proved the lack; Info says which
// form was used. No function falls back to weaker semantics.
package link

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	pinfs "github.com/skepbpf/skep/internal/bpffs"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/prog"
)

// Link is an attachment of a program. Its methods may be called from many
// goroutines. The interface is sealed: this package makes all Links.
type Link interface {
	// Close gives the attachment up: it ends, unless it is pinned or another
	// process holds it. What the attachment needed (perf events, events in
	// tracefs) goes with it. Calls after one that succeeded do nothing.
	Close() error
	// Pin makes the link outlive the process, under a path of a bpffs. What
	// tracefs defines for a probe (Legacy) then stays there for good. Forms
	// without a bpf_link cannot be pinned: the error Is
	// errors.ErrUnsupported.
	Pin(path string) error
	// Unpin removes the pin that Pin or OpenPinned know of. The link lives on
	// while it is open. Without a pin it does nothing.
	Unpin() error
	// Update replaces the program, in one step: no event is missed. Kinds
	// whose program cannot be replaced give an error that Is
	// errors.ErrUnsupported.
	Update(p *prog.Program) error
	// Detach ends the attachment now, whoever else holds the link. Info goes
	// on working. Requires Linux 5.9 and a kind that has it; the error of
	// others Is errors.ErrUnsupported.
	Detach() error
	// Info says what is attached to what, and by which form.
	Info() (Info, error)
	// LinkFD is the descriptor of the bpf_link, owned by the Link; nil for
	// forms that have none.
	LinkFD() *sys.FD

	sealed()
}

// Form is the interface of the kernel that made an attachment.
type Form string

// The forms. All but the first two are for kernels without the bpf_link of the
// kind in question, or were asked for.
const (
	FormLink          Form = "bpf_link"               // BPF_LINK_CREATE
	FormRawTracepoint Form = "RAW_TRACEPOINT_OPEN"    // a bpf_link since Linux 5.7, a bare descriptor before
	FormPerfIoctl     Form = "PERF_EVENT_IOC_SET_BPF" // an ioctl on a perf event
	FormProgAttach    Form = "PROG_ATTACH"            // stays after the process if it dies without Close
)

// errNoLink is why a form cannot do what only a bpf_link can.
type errNoLink struct {
	verb string
	form Form
}

func (e *errNoLink) Error() string {
	return fmt.Sprintf("%s link: attachments by %s cannot do it", e.verb, e.form)
}

func (e *errNoLink) Is(target error) bool { return target == errors.ErrUnsupported }

// bpfLink is an attachment that has a descriptor of its own.
type bpfLink struct {
	fd   *sys.FD
	form Form
	typ  Type
	// event is what the link needs beside itself, or nil.
	event *probeEvent
	// skipped are the functions that were asked for and left out.
	skipped []string

	mu  sync.Mutex // of what follows
	pin string     // where it is pinned, as far as known
}

func (*bpfLink) sealed() {}

func (l *bpfLink) LinkFD() *sys.FD { return l.fd }

func (l *bpfLink) Close() error {
	l.mu.Lock()
	pinned := l.pin != ""
	l.mu.Unlock()
	err := l.fd.Close()
	if l.event == nil {
		return err
	}
	eerr := l.event.remove()
	if pinned && errors.Is(eerr, sys.EBUSY) {
		eerr = nil // the pinned link goes on using it
	}
	return mkerr.Join(err, eerr)
}

func (l *bpfLink) Pin(path string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pin != "" {
		return mkerr.WrapNamed("pin link: already pinned at %s: %w", l.pin, sys.EEXIST)
	}
	fd, err := l.fd.Borrow()
	if err != nil {
		return mkerr.Wrap("pin link: %w", err)
	}
	defer l.fd.Release()
	if err := checkPath(path); err != nil {
		return mkerr.Wrap("pin link: %w", err)
	}
	if err := sys.ObjPin(&sys.ObjAttr{Pathname: sys.StringPtr(path), BpfFd: uint32(fd)}); err != nil {
		return mkerr.WrapNamed("pin link at %s: %w", path, pinfs.Explain(path, err))
	}
	l.pin = path
	return nil
}

func (l *bpfLink) Unpin() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pin == "" {
		return nil
	}
	if err := removeFile(l.pin); err != nil {
		return mkerr.Wrap("unpin link: %w", err)
	}
	l.pin = ""
	return nil
}

func (l *bpfLink) Update(p *prog.Program) error {
	if !l.typ.Updatable() {
		return mkerr.Errorf("update link: a %s link keeps its program: %w", l.typ, errors.ErrUnsupported)
	}
	fd, err := l.fd.Borrow()
	if err != nil {
		return mkerr.Wrap("update link: %w", err)
	}
	defer l.fd.Release()
	pfd, done, err := borrowProgram(p)
	if err != nil {
		return mkerr.Wrap("update link: %w", err)
	}
	defer done.Release()
	if err := sys.LinkUpdate(&sys.LinkUpdateAttr{LinkFd: uint32(fd), NewProgFd: uint32(pfd)}); err != nil {
		return mkerr.Wrap("update link: %w", err)
	}
	return nil
}

func (l *bpfLink) Detach() error {
	fd, err := l.fd.Borrow()
	if err != nil {
		return mkerr.Wrap("detach link: %w", err)
	}
	defer l.fd.Release()
	if err := sys.LinkDetach(&sys.LinkDetachAttr{LinkFd: uint32(fd)}); err != nil {
		return mkerr.Wrap("detach link: %w", err)
	}
	return nil
}

// borrowProgram borrows p's descriptor, if p is of one of the types, or no type
// is given; the caller releases the FD it gets. The kernel says EINVAL to
// programs of other types, as it does to what it does not know.
func borrowProgram(p *prog.Program, types ...prog.Type) (int, *sys.FD, error) {
	if p == nil {
		return -1, nil, errors.New("no program")
	}
	if len(types) != 0 && !slices.Contains(types, p.Type()) {
		return -1, nil, mkerr.Errorf("program %s is of type %s, want %s", p.Name(), p.Type(), types[0])
	}
	f := p.ProgFD()
	fd, err := f.Borrow()
	if err != nil {
		return -1, nil, mkerr.Wrap("program: %w", err)
	}
	return fd, f, nil
}

// wrapLink makes a Link of a new or opened bpf_link.
//
//go:noinline
func wrapLink(fd *sys.FD, t Type, form Form, event *probeEvent) Link {
	l := &bpfLink{fd: fd, form: form, typ: t, event: event}
	if t == TypeIter {
		return &Iter{l}
	}
	return l
}

package prog

import (
	"errors"
	"io/fs"
	"os"
	"sync"

	"github.com/skepbpf/skep/internal/bpffs"
	"github.com/skepbpf/skep/internal/diagnose"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/verifierlog"
)

// Program is a program in the kernel. The caller that got it owns it and
// closes it; links and maps that hold the program keep it loaded. It is safe
// for concurrent use.
type Program struct {
	fd       *sys.FD
	name     string
	typ      Type
	attach   AttachType
	log      verifierlog.Log
	degraded []string

	mu  sync.Mutex
	pin string
}

// ProgFD is the descriptor, for packages of this module. The Program keeps
// owning it.
func (p *Program) ProgFD() *sys.FD {
	if p == nil {
		return nil
	}
	return p.fd
}

// Name as in the Spec, or as the kernel gives it.
func (p *Program) Name() string { return p.name }

// Type of the program.
func (p *Program) Type() Type { return p.typ }

// AttachType is the attach type that the program was loaded with. Of a program
// that this process did not load it is 0: the kernel does not tell.
func (p *Program) AttachType() AttachType { return p.attach }

// Log is what the verifier wrote, if Options.LogLevel asked for it.
func (p *Program) Log() verifierlog.Log { return p.log }

// Degraded lists what had to be left out for this kernel, in words.
func (p *Program) Degraded() []string { return p.degraded }

// Close gives up the descriptor. The program goes away with the last of its
// descriptors, pins, links and maps. It is safe to call more than once, and on
// nil.
func (p *Program) Close() error {
	if p == nil {
		return nil
	}
	return p.fd.Close()
}

// with calls f with the open descriptor; verb names what is done, for errors.
func (p *Program) with(verb string, f func(fd int) error) error {
	if p == nil {
		return errors.New("prog: " + verb + ": no program")
	}
	fd, err := p.fd.Borrow()
	if err == nil {
		defer p.fd.Release()
		err = f(fd)
	}
	if err != nil {
		err = diagnose.Explain(err, &diagnose.Ask{Quiet: true})
		return mkerr.Errorf("program %s: %s: %w", p.name, verb, err)
	}
	return nil
}

// Pin gives the program a path on a bpffs, under which it stays when it is
// closed. The directory must exist. Requires Linux 4.4.
func (p *Program) Pin(path string) error {
	return p.with("pin", func(fd int) error {
		p.mu.Lock()
		defer p.mu.Unlock()
		if err := sys.ObjPin(&sys.ObjAttr{Pathname: sys.StringPtr(path), BpfFd: uint32(fd)}); err != nil {
			return mkerr.WrapNamed("%s: %w", path, bpffs.Explain(path, err))
		}
		p.pin = path
		return nil
	})
}

// Unpin removes the path that Pin, or OpenPinned, was last called with. It is
// no error if there is none.
func (p *Program) Unpin() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pin == "" {
		return nil
	}
	if err := os.Remove(p.pin); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return mkerr.WrapNamed("program %s: unpin: %w", p.name, err)
	}
	p.pin = ""
	return nil
}

package link

import (
	"errors"
	"slices"

	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/prog"
)

// UprobeMultiOptions says which places of one file a program probes at once.
type UprobeMultiOptions struct {
	// Path of the file, as in UprobeOptions.
	Path string
	// Pattern stands for all functions of the file whose names match, with '*'
	// for any characters and '?' for one: those of the symbol table, or else
	// of the dynamic symbols. Functions at one place count once. A name without
	// wildcards is taken as one of Symbols.
	Pattern string
	// Symbols are functions; Offsets are places in the file. Both may be
	// given: the places of Symbols come first.
	Symbols []string
	Offsets []uint64
	// RefCtrOffsets and Cookies go with the places by index; nil is none.
	RefCtrOffsets []uint64
	Cookies       []uint64
	// PID limits the probes to a process; 0 is every process.
	PID int
	// Return probes the functions' returns. A program with attach type
	// TraceUprobeSession gets both (Linux 6.13).
	Return bool
}

// AttachUprobeMulti attaches a program of type Kprobe that was loaded with
// attach type TraceUprobeMulti or TraceUprobeSession. Requires Linux 6.6.
func AttachUprobeMulti(p *prog.Program, o UprobeMultiOptions) (Link, error) {
	l, err := attachUprobeMulti(p, &o)
	if err != nil {
		return nil, mkerr.WrapNamed("attach uprobe.multi %s: %w", o.Path, err)
	}
	return l, nil
}

// places resolves path and symbols.
func (o *UprobeMultiOptions) places() (path string, offsets []uint64, err error) {
	n := len(o.Symbols) + len(o.Offsets)
	switch {
	case (n == 0) == (o.Pattern == ""):
		return "", nil, errors.New("want a pattern, or symbols or offsets")
	case len(o.Cookies) != 0 && len(o.Cookies) != n, len(o.RefCtrOffsets) != 0 && len(o.RefCtrOffsets) != n:
		return "", nil, mkerr.Errorf("%d cookies and %d reference counters for %d places", len(o.Cookies), len(o.RefCtrOffsets), n)
	case o.PID < 0:
		return "", nil, mkerr.Errorf("process %d", o.PID)
	}
	if path, err = absBinary(o.Path); err != nil {
		return "", nil, err
	}
	if o.Pattern != "" && isGlob(o.Pattern) {
		if offsets, err = patternOffsets(path, o.Pattern); err != nil {
			return "", nil, err
		}
		return path, offsets, nil
	}
	if o.Pattern != "" {
		o.Symbols = []string{o.Pattern}
	}
	if len(o.Symbols) != 0 {
		if offsets, err = functionOffsets(path, o.Symbols); err != nil {
			return "", nil, err
		}
	}
	return path, slices.Concat(offsets, o.Offsets), nil
}

func attachUprobeMulti(p *prog.Program, o *UprobeMultiOptions) (Link, error) {
	path, offsets, err := o.places()
	if err != nil {
		return nil, err
	}
	pfd, pf, err := borrowProgram(p, prog.Kprobe)
	if err != nil {
		return nil, err
	}
	defer pf.Release()
	at := multiHook(p, prog.AttachTraceUprobeMulti, prog.AttachTraceUprobeSession)
	attr := sys.LinkCreateUprobeMultiAttr{
		ProgFd: uint32(pfd), AttachType: at, Path: sys.StringPtr(path),
		Offsets: sys.SlicePtr(offsets), RefCtrOffsets: sys.SlicePtr(o.RefCtrOffsets), Cookies: sys.SlicePtr(o.Cookies),
		Cnt: uint32(len(offsets)), Pid: uint32(o.PID),
	}
	if o.Return {
		attr.UprobeMultiFlags = sys.BPF_F_UPROBE_MULTI_RETURN
	}
	fd, err := sys.LinkCreate(&attr)
	if err == nil {
		return wrapLink(fd, TypeUprobeMulti, FormLink, nil), nil
	}
	if maybeMissing(err) {
		if why := askUprobeMulti(pfd, at); why != nil {
			return nil, why
		}
	}
	return nil, explainPerm(err, 0)
}

// askUprobeMulti asks for uprobes of a directory: where the program can have the
// link, the kernel objects to the path (EBADF). It gives the reason for another
// answer.
func askUprobeMulti(pfd int, at sys.AttachType) error {
	err := tryUprobeMulti(pfd, at)
	switch {
	case err == nil || !maybeMissing(err):
		return nil
	case has(prog.Kprobe, at, tryUprobeMulti):
		return notLoadedFor(err, at)
	case at == sys.BPF_TRACE_UPROBE_SESSION:
		return &feature.UnsupportedError{Name: "uprobe sessions", Since: "6.13"}
	}
	return feature.Unsupported(feature.UprobeMulti)
}

func tryUprobeMulti(pfd int, at sys.AttachType) error {
	offset := []uint64{0}
	fd, err := sys.LinkCreate(&sys.LinkCreateUprobeMultiAttr{
		ProgFd: uint32(pfd), AttachType: at, Path: sys.StringPtr("/"), Offsets: sys.SlicePtr(offset), Cnt: 1,
	})
	if err == nil {
		fd.Close()
	}
	return err
}

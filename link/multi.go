package link

import (
	"errors"
	"slices"

	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/prog"
)

// KprobeMultiOptions says which kernel functions a program probes at once.
type KprobeMultiOptions struct {
	Symbols   []string // functions, or
	Addresses []uint64 // where they begin
	// Cookies are what bpf_get_attach_cookie gives, by index; nil is none.
	Cookies []uint64
	// Return probes the functions' returns. A program with attach type
	// TraceKprobeSession gets both (Linux 6.10).
	Return bool
}

// AttachKprobeMulti attaches a program of type Kprobe that was loaded with
// attach type TraceKprobeMulti or TraceKprobeSession. Requires Linux 5.18.
func AttachKprobeMulti(p *prog.Program, o KprobeMultiOptions) (Link, error) {
	l, err := attachKprobeMulti(p, &o)
	if err != nil {
		return nil, mkerr.Errorf("attach kprobe.multi: %w", err)
	}
	return l, nil
}

func attachKprobeMulti(p *prog.Program, o *KprobeMultiOptions) (Link, error) {
	n := len(o.Symbols) + len(o.Addresses)
	switch {
	case n == 0, len(o.Symbols) != 0 && len(o.Addresses) != 0:
		return nil, errors.New("want symbols or addresses")
	case len(o.Cookies) != 0 && len(o.Cookies) != n:
		return nil, mkerr.Errorf("%d cookies for %d functions", len(o.Cookies), n)
	}
	for _, s := range o.Symbols {
		if err := checkPath(s); err != nil {
			return nil, mkerr.Errorf("bad function name %q", s)
		}
	}
	pfd, pf, err := borrowProgram(p, prog.Kprobe)
	if err != nil {
		return nil, err
	}
	defer pf.Release()
	at := multiHook(p, prog.AttachTraceKprobeMulti, prog.AttachTraceKprobeSession)
	attr := sys.LinkCreateKprobeMultiAttr{
		ProgFd: uint32(pfd), AttachType: at, Cnt: uint32(n),
		Addrs: sys.SlicePtr(o.Addresses), Cookies: sys.SlicePtr(o.Cookies),
	}
	if len(o.Symbols) != 0 {
		attr.Syms = sys.StringsPtr(o.Symbols)
	}
	if o.Return {
		attr.KprobeMultiFlags = sys.BPF_F_KPROBE_MULTI_RETURN
	}
	fd, err := sys.LinkCreate(&attr)
	switch {
	case err == nil:
		return wrapLink(fd, TypeKprobeMulti, FormLink, nil), nil
	case errors.Is(err, sys.EOPNOTSUPP):
		return nil, mkerr.Errorf("%w: the kernel lacks CONFIG_FPROBE", err)
	case errors.Is(err, sys.ESRCH):
		return nil, mkerr.Errorf("%w: not all functions exist, are unique and can be traced", err)
	}
	return nil, explainPerm(err, 0)
}

// multiHook is the session attach type if the program was loaded for it, else
// the multi one: also for programs of which it is not known.
func multiHook(p *prog.Program, multi, session prog.AttachType) sys.AttachType {
	if p.AttachType() == session {
		return sys.AttachType(session)
	}
	return sys.AttachType(multi)
}

// UprobeMultiOptions says which places of one file a program probes at once.
type UprobeMultiOptions struct {
	// Path of the file, as in UprobeOptions.
	Path string
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
		return nil, mkerr.Errorf("attach uprobe.multi %s: %w", o.Path, err)
	}
	return l, nil
}

// places resolves path and symbols.
func (o *UprobeMultiOptions) places() (path string, offsets []uint64, err error) {
	n := len(o.Symbols) + len(o.Offsets)
	switch {
	case n == 0:
		return "", nil, errors.New("want symbols or offsets")
	case len(o.Cookies) != 0 && len(o.Cookies) != n, len(o.RefCtrOffsets) != 0 && len(o.RefCtrOffsets) != n:
		return "", nil, mkerr.Errorf("%d cookies and %d reference counters for %d places", len(o.Cookies), len(o.RefCtrOffsets), n)
	case o.PID < 0:
		return "", nil, mkerr.Errorf("process %d", o.PID)
	}
	if path, err = absBinary(o.Path); err != nil {
		return "", nil, err
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
	switch {
	case err == nil:
		return wrapLink(fd, TypeUprobeMulti, FormLink, nil), nil
	case maybeMissing(err) && !knowsMulti(pfd, at):
		return nil, feature.Unsupported(feature.UprobeMulti)
	}
	return nil, explainPerm(err, 0)
}

// knowsMulti asks for uprobes of a directory: kernels that have the link
// object to the path (EBADF), others to the request.
func knowsMulti(pfd int, at sys.AttachType) bool {
	offset := []uint64{0}
	fd, err := sys.LinkCreate(&sys.LinkCreateUprobeMultiAttr{
		ProgFd: uint32(pfd), AttachType: at, Path: sys.StringPtr("/"), Offsets: sys.SlicePtr(offset), Cnt: 1,
	})
	if err == nil {
		fd.Close()
		return true
	}
	return !maybeMissing(err)
}

package link

import (
	"errors"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/prog"
)

// UprobeOptions says which code of an executable or library a program probes.
type UprobeOptions struct {
	// Path of the file. A name without '/' is sought as ResolveBinary says.
	// For a process in a container: /proc/PID/root/….
	Path string
	// Symbol is a function of the file, with a version or without ("malloc",
	// "malloc@GLIBC_2.2.5"); "" if Offset alone says where.
	Symbol string
	// Offset is in bytes: from the start of Symbol, or, without one, of the
	// file.
	Offset uint64
	// Address is a virtual address as the file's symbol table has it, in
	// place of Symbol.
	Address uint64
	// Return probes the function's return; it takes no offset from a symbol.
	Return bool
	// PID limits the probe to a process; 0 is every process.
	PID int
	// RefCtrOffset is where the file keeps a semaphore that the kernel counts
	// up while the probe exists, as USDT probes have it. Requires Linux 4.20.
	RefCtrOffset uint64
	// Cookie is what bpf_get_attach_cookie gives. Requires Linux 5.15.
	Cookie uint64
	// Legacy defines the probe in tracefs, as kernels before 4.17 need it,
	// even where there is a better way.
	Legacy bool
	// Tracefs is where tracefs is mounted; "" finds it. Used only for Legacy,
	// or where the kernel lacks the uprobe PMU.
	Tracefs string
}

// AttachUprobe attaches a program of type Kprobe to user code. Requires Linux
// 4.3.
func AttachUprobe(p *prog.Program, o UprobeOptions) (Link, error) {
	l, err := attachUprobe(p, &o)
	if err != nil {
		return nil, mkerr.Errorf("attach %s %s:%s: %w", o.kind(), o.Path, o.Symbol, err)
	}
	return l, nil
}

func (o *UprobeOptions) kind() PerfEventKind {
	if o.Return {
		return PerfUretprobe
	}
	return PerfUprobe
}

func attachUprobe(p *prog.Program, o *UprobeOptions) (Link, error) {
	if o.Return && o.Symbol != "" && o.Offset != 0 {
		return nil, errors.New("a return probe takes no offset")
	}
	if o.PID < 0 {
		return nil, mkerr.Errorf("process %d", o.PID)
	}
	path, offset, err := resolveUser(o.Path, o.Symbol, o.Address, o.Offset)
	if err != nil {
		return nil, err
	}
	pr := probe{
		kind: o.kind(), target: path, offset: offset, refCtr: o.RefCtrOffset,
		pid: o.PID, legacy: o.Legacy, fs: o.Tracefs,
	}
	e, err := pr.open()
	if err != nil {
		return nil, err
	}
	return attachEvent(p, e, o.Cookie)
}

// resolveUser finds the file, absolute, and the offset in it.
func resolveUser(path, symbol string, address, offset uint64) (string, uint64, error) {
	path, err := absBinary(path)
	if err != nil {
		return "", 0, err
	}
	base := uint64(0)
	switch {
	case symbol != "" && address != 0:
		return "", 0, errors.New("want a symbol or an address, not both")
	case symbol != "":
		var found []uint64
		if found, err = functionOffsets(path, []string{symbol}); err == nil {
			base = found[0]
		}
	case address != 0:
		base, err = addressOffset(path, address)
	case offset == 0:
		return "", 0, errors.New("want a symbol, an address or an offset")
	}
	if err != nil {
		return "", 0, err
	}
	if base+offset < base {
		return "", 0, mkerr.Errorf("offset %#x is too large", offset)
	}
	return path, base + offset, nil
}

// absBinary finds the file of path; tracefs resolves relative paths where it
// likes.
func absBinary(path string) (string, error) {
	if err := checkPath(path); err != nil {
		return "", err
	}
	path, err := ResolveBinary(path)
	if err != nil {
		return "", err
	}
	return sys.AbsPath(path)
}

package link

import (
	"errors"
	"fmt"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/prog"
)

// KprobeOptions says which kernel function a program probes.
type KprobeOptions struct {
	Symbol string // function; "" if Address is given
	// Module is where Symbol is sought alone, for names that others have too;
	// "vmlinux" is the kernel itself. It needs that the kernel shows its
	// addresses (CAP_SYSLOG), and takes reading them all.
	Module string
	// Clones takes the one function that the compiler made of Symbol where that
	// is gone, such as "f.isra.0" or "f.constprop.0". Its parameters may be
	// others than the source has; Info says which it is.
	Clones bool
	Offset uint64 // bytes from the function's start; not for returns
	// Address is a kernel address, for functions whose name is not unique.
	Address uint64
	// Return probes the function's return.
	Return bool
	// Cookie is what bpf_get_attach_cookie gives. Requires Linux 5.15.
	Cookie uint64
	// Legacy defines the probe in tracefs, as kernels before 4.17 need it,
	// even where there is a better way.
	Legacy bool
	// Tracefs is where tracefs is mounted; "" finds it. Used only for Legacy,
	// or where the kernel lacks the kprobe PMU.
	Tracefs string
}

// AttachKprobe attaches a program of type Kprobe to a kernel function. A name that
// stands for several is an *AmbiguousError, whose candidates have the addresses
// to choose from (Linux 6.7, and older ones that took this over; before, the
// kernel takes the first). A function that ThinLTO renamed is found. Requires Linux 4.1 and CONFIG_KPROBES.
func AttachKprobe(p *prog.Program, o KprobeOptions) (Link, error) {
	what := o.Symbol
	if what == "" {
		what = fmt.Sprintf("%#x", o.Address)
	}
	l, err := attachKprobe(p, &o)
	if err != nil {
		return nil, mkerr.Errorf("attach %s %s: %w", o.kind(), what, err)
	}
	return l, nil
}

func (o *KprobeOptions) kind() PerfEventKind {
	if o.Return {
		return PerfKretprobe
	}
	return PerfKprobe
}

func attachKprobe(p *prog.Program, o *KprobeOptions) (Link, error) {
	switch {
	case (o.Symbol == "") == (o.Address == 0):
		return nil, errors.New("want a symbol or an address")
	case o.Address != 0 && o.Offset != 0:
		return nil, errors.New("an address takes no offset")
	case o.Address != 0 && (o.Module != "" || o.Clones):
		return nil, errors.New("an address takes no module")
	case o.Return && o.Offset != 0:
		return nil, errors.New("a return probe takes no offset")
	}
	if o.Symbol != "" {
		if t, err := ParseKprobeTarget(o.Symbol); err != nil || t.Symbol != o.Symbol || t.Module != "" {
			return nil, errors.New("bad function name")
		}
	}
	pr := probe{kind: o.kind(), target: o.Symbol, offset: o.Offset + o.Address, legacy: o.Legacy, fs: o.Tracefs}
	if o.Module != "" {
		f, err := o.inModule()
		if err != nil {
			return nil, err
		}
		pr.target, pr.offset = "", f.Address+o.Offset
	}
	e, err := pr.open()
	if o.Symbol != "" && o.Module == "" && refusesName(err) {
		if pr.target, err = o.other(err); err == nil {
			e, err = pr.open()
		}
	}
	if err != nil {
		return nil, err
	}
	return attachEvent(p, e, o.Cookie)
}

// refusesName reports whether the kernel knows no function, or several, of a
// name: not that it has no such file.
func refusesName(err error) bool {
	call, ok := errors.AsType[*sys.Error](err) // As brings reflection, 20 KB
	if !ok || call.Call == "openat" {
		return false
	}
	// tracefs says EINVAL for both.
	return call.Errno == sys.ENOENT || call.Errno == sys.EADDRNOTAVAIL || call.Call == "write" && call.Errno == sys.EINVAL
}

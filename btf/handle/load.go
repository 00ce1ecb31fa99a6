package handle

import (
	"errors"
	"slices"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/diagnose"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/probe"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/verifierlog"
)

// Options of Load; nil is the default.
type Options struct {
	// Features is what is known of the kernel, and learns. May be nil.
	Features *feature.Set
	// Token delegates the right to load BTF (Linux 6.9); nil for none. It
	// stays the caller's.
	Token *sys.FD
	// LogLevel other than 0 asks for the kernel's log of BTF that it
	// accepts; see Handle.Log. What it rejects is always explained.
	LogLevel uint32
}

// kinds are the features that btf.Sanitize knows a substitute for, with what
// is left out when one is missing.
var kinds = [...]struct {
	id      feature.ID
	without string
}{
	{feature.BTFFunc, "BTF: functions"},
	{feature.BTFGlobalFunc, "BTF: global linkage of functions"},
	{feature.BTFDatasec, "BTF: variables and sections"},
	{feature.BTFFloat, "BTF: floats"},
	{feature.BTFDeclTag, "BTF: declaration tags"},
	{feature.BTFTypeTag, "BTF: type tags"},
	{feature.BTFEnum64, "BTF: 64-bit enums"},
	{feature.BTFQmarkDatasec, "BTF: '?' in section names"},
	{feature.BTFLayout, "BTF: layout section"},
}

// Load hands BTF to the kernel. The form for what is known of the kernel goes
// first; if that is refused, the features that could explain it are probed,
// and a form without what is missing is tried. A kernel without any BTF gives
// a *feature.UnsupportedError. Requires Linux 4.18.
func Load(s *btf.Spec, o *Options) (*Handle, error) {
	if o == nil {
		o = &Options{}
	}
	if s == nil {
		return nil, errors.New("btf: load: no types")
	}
	l := loader{spec: s, set: o.Features, level: o.LogLevel}
	if l.set == nil {
		l.set = new(feature.Set)
	}
	if o.Token != nil {
		fd, err := o.Token.Borrow()
		if err != nil {
			return nil, mkerr.Wrap("btf: load: token: %w", err)
		}
		defer o.Token.Release()
		l.token, l.tokenFD = fd, o.Token
	}
	return l.run()
}

type loader struct {
	spec  *btf.Spec
	set   *feature.Set
	token int
	level uint32

	tokenFD *sys.FD
}

func (l *loader) run() (*Handle, error) {
	for {
		if !l.set.Has(feature.BTF) {
			return nil, mkerr.Wrap("btf: load: %w", feature.Unsupported(feature.BTF))
		}
		form := btf.Sanitize(l.spec, l.set)
		h, err := l.once(form)
		if err == nil {
			h.without = l.without(form)
			return h, nil
		}
		if !slices.ContainsFunc([]error{sys.EINVAL, sys.E2BIG, sys.EPERM, sys.EACCES}, func(e error) bool { return errors.Is(err, e) }) {
			return nil, err
		}
		no, perr := probe.Ask(l.set, l.token, l.questions()...)
		if !no {
			if perr != nil && errors.Is(err, sys.EINVAL) {
				return nil, mkerr.Errorf("%w (probing for the reason: %v)", err, perr)
			}
			return nil, err
		}
	}
}

// questions are the BTF features not yet known.
func (l *loader) questions() []feature.ID {
	var ids []feature.ID
	ask := func(id feature.ID) {
		if l.set.Get(id) == feature.Unknown {
			ids = append(ids, id)
		}
	}
	ask(feature.BTF)
	for _, k := range kinds {
		ask(k.id)
	}
	return ids
}

// without lists what form lacks of the original: the missing features that the
// original uses.
func (l *loader) without(form *btf.Spec) []string {
	if form == l.spec {
		return nil
	}
	var list []string
	for _, k := range kinds {
		if l.set.Has(k.id) {
			continue
		}
		alone := new(feature.Set)
		alone.Learn(k.id, feature.No)
		if btf.Sanitize(l.spec, alone) != l.spec {
			list = append(list, k.without)
		}
	}
	return list
}

// Sizes of the log buffer, in bytes. BTF logs list every type before the one
// that is wrong.
const (
	firstLog = 64 << 10
	maxLog   = 16<<20 - 1 // UINT_MAX >> 8, the most that kernels before 5.2 take
)

// once loads form, and again for the log if that fails.
func (l *loader) once(form *btf.Spec) (*Handle, error) {
	blob := form.Bytes()
	fd, first := l.attempt(blob, l.level, l.logBuffer(l.level, firstLog))
	if first == nil {
		return newHandle(fd.fd, fd.log), nil
	}
	if fd.log != "" && !fd.short {
		return nil, l.failure(first, fd.log)
	}
	for size := uint32(firstLog); ; size = min(max(size*2, fd.want), maxLog) {
		var err error
		fd, err = l.attempt(blob, max(l.level, 1), l.logBuffer(1, size))
		if err == nil {
			return newHandle(fd.fd, fd.log), nil
		}
		if !fd.short || size >= maxLog {
			return nil, l.failure(first, fd.log)
		}
	}
}

func (l *loader) logBuffer(level, size uint32) []byte {
	if level == 0 {
		return nil
	}
	return make([]byte, size)
}

type attempt struct {
	fd    *sys.FD
	log   string
	short bool   // the log did not fit
	want  uint32 // bytes it needs, if the kernel says (Linux 6.4)
}

func (l *loader) attempt(blob []byte, level uint32, log []byte) (attempt, error) {
	attr := sys.BtfLoadAttr{
		Btf:         sys.BytesPtr(blob),
		BtfSize:     uint32(len(blob)),
		BtfLogBuf:   sys.BytesPtr(log),
		BtfLogSize:  uint32(len(log)),
		BtfLogLevel: level,
	}
	if l.token != 0 {
		attr.BtfFlags, attr.BtfTokenFd = sys.BPF_F_TOKEN_FD, int32(l.token)
	}
	fd, err := sys.BtfLoad(&attr)
	a := attempt{fd: fd, log: verifierlog.Parse(log).String(), want: attr.BtfLogTrueSize}
	a.short = errors.Is(err, sys.ENOSPC) || attr.BtfLogTrueSize > uint32(len(log))
	return a, err
}

func (l *loader) failure(err error, log string) error {
	if log == "" && errors.Is(err, sys.EPERM) {
		err = diagnose.Explain(err, &diagnose.Ask{
			Needs: diagnose.BPF, Memlock: true, Token: l.tokenFD, Rights: diagnose.Rights{Cmd: sys.BPF_BTF_LOAD},
		})
	}
	return &verifierlog.Error{Op: "btf: load", Err: err, Log: verifierlog.Parse([]byte(log))}
}

func newHandle(fd *sys.FD, log string) *Handle {
	h := &Handle{fd: fd, log: log}
	if raw, err := fd.Borrow(); err == nil {
		var in sys.BtfInfo
		if sys.ObjGetInfoByFD(raw, &in) == nil {
			h.id = in.Id
		}
		fd.Release()
	}
	return h
}

// Log is what the kernel wrote about BTF that it accepted, if Options.LogLevel
// asked for it.
func (h *Handle) Log() string { return h.log }

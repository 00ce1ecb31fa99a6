package link

import (
	"errors"
	"strings"

	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/prog"
)

// KprobeMultiOptions says which kernel functions a program probes at once: one
// of Pattern, Symbols and Addresses.
type KprobeMultiOptions struct {
	// Pattern is "[module:]glob" as in FindFunctions: all functions that can be
	// traced and match. A name without wildcards and module is given to the
	// kernel as it is, which takes the first function of that name.
	Pattern string
	// Unique wants Pattern to match one function; the error is an
	// *AmbiguousError if it matches more.
	Unique    bool
	Symbols   []string // functions, or
	Addresses []uint64 // where they begin
	// Lenient leaves out Symbols that do not exist or cannot be traced:
	// Info.Skipped has them.
	Lenient bool
	// Cookies are what bpf_get_attach_cookie gives, by index of Symbols or
	// Addresses; nil is none.
	Cookies []uint64
	// Return probes the functions' returns. A program with attach type
	// TraceKprobeSession gets both (Linux 6.10).
	Return bool
	// Tracefs is where tracefs is mounted; "" finds it. It is read for
	// patterns, and to say which of Symbols cannot be traced.
	Tracefs string
}

// AttachKprobeMulti attaches a program of type Kprobe that was loaded with
// attach type TraceKprobeMulti or TraceKprobeSession. Requires Linux 5.18 and
// CONFIG_FPROBE.
func AttachKprobeMulti(p *prog.Program, o KprobeMultiOptions) (Link, error) {
	l, err := attachKprobeMulti(p, &o)
	if err != nil {
		return nil, mkerr.Wrap("attach kprobe.multi: %w", err)
	}
	return l, nil
}

func (o *KprobeMultiOptions) check() error {
	n := len(o.Symbols) + len(o.Addresses)
	switch {
	case btoi(o.Pattern != "")+btoi(len(o.Symbols) != 0)+btoi(len(o.Addresses) != 0) != 1:
		return errors.New("want a pattern, symbols or addresses")
	case o.Pattern != "" && len(o.Cookies) != 0:
		return errors.New("a pattern takes no cookies")
	case o.Pattern == "" && o.Unique:
		return errors.New("only a pattern can be unique")
	case len(o.Symbols) == 0 && o.Lenient:
		return errors.New("only symbols can be left out")
	case len(o.Cookies) != 0 && len(o.Cookies) != n:
		return mkerr.Errorf("%d cookies for %d functions", len(o.Cookies), n)
	}
	for _, s := range o.Symbols {
		if err := checkPath(s); err != nil {
			return mkerr.Named("bad function name %q", s)
		}
	}
	return nil
}

// resolve makes symbols or addresses of the pattern.
func (o *KprobeMultiOptions) resolve() error {
	if o.Pattern == "" {
		return nil
	}
	if _, _, err := splitPattern(o.Pattern); err != nil {
		return err
	}
	if !o.Unique && !isGlob(o.Pattern) && strings.IndexByte(o.Pattern, ':') < 0 {
		o.Symbols = []string{o.Pattern}
		return nil
	}
	list, err := findFunctions(o.Pattern, o.Tracefs)
	if err != nil {
		return err
	}
	if o.Unique && len(list) > 1 {
		return &AmbiguousError{Name: o.Pattern, Candidates: list}
	}
	hidden := false
	for _, f := range list {
		hidden = hidden || f.Address == 0
	}
	for _, f := range list {
		if hidden {
			o.Symbols = append(o.Symbols, f.Name)
		} else {
			o.Addresses = append(o.Addresses, f.Address)
		}
	}
	return nil
}

func attachKprobeMulti(p *prog.Program, o *KprobeMultiOptions) (Link, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	pfd, pf, err := borrowProgram(p, prog.Kprobe)
	if err != nil {
		return nil, err
	}
	defer pf.Release()
	at := multiHook(p, prog.AttachTraceKprobeMulti, prog.AttachTraceKprobeSession)
	if o.Pattern != "" {
		// Reading tracefs costs more than asking first.
		if err := askKprobeMulti(pfd, at); err != nil {
			return nil, err
		}
		if err := o.resolve(); err != nil {
			return nil, err
		}
	}
	fd, err := o.create(pfd, at)
	var left []string
	if errors.Is(err, sys.ESRCH) && len(o.Symbols) != 0 {
		var good []string
		good, left = o.partition()
		switch {
		case len(left) == 0 || !o.Lenient:
			return nil, cannotTrace(err, left)
		case len(good) == 0:
			return nil, cannotTrace(err, left)
		}
		o.keep(left)
		fd, err = o.create(pfd, at)
	}
	if err == nil {
		return skipped(wrapLink(fd, TypeKprobeMulti, FormLink, nil), left), nil
	}
	if maybeMissing(err) || errors.Is(err, sys.EOPNOTSUPP) {
		if why := askKprobeMulti(pfd, at); why != nil {
			return nil, why
		}
	}
	return nil, explainPerm(err, 0)
}

func (o *KprobeMultiOptions) create(pfd int, at sys.AttachType) (*sys.FD, error) {
	attr := sys.LinkCreateKprobeMultiAttr{
		ProgFd: uint32(pfd), AttachType: at, Cnt: uint32(len(o.Symbols) + len(o.Addresses)),
		Addrs: sys.SlicePtr(o.Addresses), Cookies: sys.SlicePtr(o.Cookies),
	}
	if len(o.Symbols) != 0 {
		attr.Syms = sys.StringsPtr(o.Symbols)
	}
	if o.Return {
		attr.KprobeMultiFlags = sys.BPF_F_KPROBE_MULTI_RETURN
	}
	return sys.LinkCreate(&attr)
}

// askKprobeMulti asks for a function whose name lies nowhere: where the program
// can have the link, the kernel objects to the name (EFAULT). It gives the reason
// for another answer.
func askKprobeMulti(pfd int, at sys.AttachType) error {
	err := tryKprobeMulti(pfd, at)
	switch {
	case errors.Is(err, sys.EOPNOTSUPP):
		return mkerr.Wrap("%w: the kernel lacks CONFIG_FPROBE", err)
	case err == nil || !maybeMissing(err):
		return nil
	case has(prog.Kprobe, at, tryKprobeMulti):
		return notLoadedFor(err, at)
	case at == sys.BPF_TRACE_KPROBE_SESSION:
		return &feature.UnsupportedError{Name: "kprobe sessions", Since: "6.10"}
	}
	return &feature.UnsupportedError{Name: "multi-kprobe links", Since: "5.18"}
}

func tryKprobeMulti(pfd int, at sys.AttachType) error {
	nowhere := make([]sys.Pointer, 1)
	fd, err := sys.LinkCreate(&sys.LinkCreateKprobeMultiAttr{ProgFd: uint32(pfd), AttachType: at, Cnt: 1, Syms: sys.SlicePtr(nowhere)})
	if err == nil {
		fd.Close()
	}
	return err
}

// partition tells which Symbols can be traced. If that is not known, all can.
func (o *KprobeMultiOptions) partition() (good, bad []string) {
	want := make(map[string]bool, len(o.Symbols))
	for _, s := range o.Symbols {
		want[s] = true
	}
	found, err := traceable(o.Tracefs, func(name []byte) bool { return want[string(name)] })
	if err != nil {
		return o.Symbols, nil
	}
	have := make(map[string]bool, len(found))
	for _, f := range found {
		have[f.Name] = true
	}
	for _, s := range o.Symbols {
		if have[s] {
			good = append(good, s)
		} else {
			bad = append(bad, s)
		}
	}
	return good, bad
}

// keep drops symbols, with their cookies.
func (o *KprobeMultiOptions) keep(bad []string) {
	drop := make(map[string]bool, len(bad))
	for _, s := range bad {
		drop[s] = true
	}
	var symbols []string
	var cookies []uint64
	for i, s := range o.Symbols {
		if drop[s] {
			continue
		}
		symbols = append(symbols, s)
		if len(o.Cookies) != 0 {
			cookies = append(cookies, o.Cookies[i])
		}
	}
	o.Symbols, o.Cookies = symbols, cookies
}

// cannotTrace explains ESRCH.
func cannotTrace(err error, names []string) error {
	if len(names) == 0 {
		return mkerr.Wrap("%w: not all functions exist and can be traced", err)
	}
	const most = 8
	list := strings.Join(names[:min(len(names), most)], ", ")
	if len(names) > most {
		list += " and more"
	}
	return mkerr.Errorf("%w: no functions that can be traced: %s", err, list)
}

// multiHook is the session attach type if the program was loaded for it, else
// the multi one: also for programs of which it is not known.
func multiHook(p *prog.Program, multi, session prog.AttachType) sys.AttachType {
	if p.AttachType() == session {
		return sys.AttachType(session)
	}
	return sys.AttachType(multi)
}

// skipped notes what a link was made without.
func skipped(l Link, names []string) Link {
	if b, ok := l.(*bpfLink); ok {
		b.skipped = names
	}
	return l
}

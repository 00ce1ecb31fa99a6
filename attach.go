package skep

import (
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/skepbpf/skep/link"
	"github.com/skepbpf/skep/prog"
)

// AttachOptions of Collection.Attach. A nil *AttachOptions is the default.
type AttachOptions struct {
	// Skip lists programs that are not to be attached.
	Skip []string
}

// Links are the attachments of a collection.
type Links struct {
	// ByProgram holds the link of each attached program.
	ByProgram map[string]link.Link
	// Skipped says why a loaded program was not attached: its section does
	// not say where, or it is Optional and attaching failed.
	Skipped map[string]error

	order []link.Link
}

// Close ends all attachments, last first. What is pinned stays.
func (l *Links) Close() error {
	if l == nil {
		return nil
	}
	var errs []error
	for i := len(l.order) - 1; i >= 0; i-- {
		errs = append(errs, l.order[i].Close())
	}
	return errors.Join(errs...)
}

// ErrNoTarget is why a program is not attached by its section: the section
// does not name what it hooks. Package link attaches it.
var ErrNoTarget = errors.New("its section does not say where to attach it")

// Attach attaches every loaded program whose section says where, in the
// object's order. If one fails that is not Optional, those attached before it
// are detached again.
func (c *Collection) Attach(o *AttachOptions) (*Links, error) {
	links := &Links{ByProgram: map[string]link.Link{}, Skipped: map[string]error{}}
	skip := map[string]bool{}
	if o != nil {
		for _, n := range o.Skip {
			if _, ok := c.report.Programs[n]; !ok {
				return nil, &StepError{Object: c.plan.object, Step: "attach", Name: n, Err: notFound("program", n, c.report.Programs)}
			}
			skip[n] = true
		}
	}
	for _, pp := range c.plan.programs {
		p := c.Programs[pp.name]
		if p == nil || skip[pp.name] {
			continue
		}
		l, err := attach(p, pp)
		switch {
		case err == nil:
			links.ByProgram[pp.name] = l
			links.order = append(links.order, l)
		case errors.Is(err, ErrNoTarget) || pp.policy == Optional:
			links.Skipped[pp.name] = err
		default:
			_ = links.Close()
			return nil, &StepError{Object: c.plan.object, Step: "attach", Name: pp.name, Err: fmt.Errorf("program %s: %w", pp.name, err)}
		}
	}
	return links, nil
}

// attachers attach by the first word of a section, without the ".s" of
// sleepable programs.
var attachers = map[string]func(p *prog.Program, target string) (link.Link, error){
	"kprobe":         attachKprobe(false),
	"kretprobe":      attachKprobe(true),
	"uprobe":         attachUprobe(false),
	"uretprobe":      attachUprobe(true),
	"ksyscall":       attachSyscall(false),
	"kretsyscall":    attachSyscall(true),
	"tracepoint":     attachTracepoint,
	"tp":             attachTracepoint,
	"raw_tracepoint": attachRawTracepoint,
	"raw_tp":         attachRawTracepoint,
	"tp_btf":         attachTracing,
	"fentry":         attachTracing,
	"fexit":          attachTracing,
	"fmod_ret":       attachTracing,
	"fsession":       attachTracing,
	"lsm":            attachTracing,
	"freplace":       attachFreplace,
	"iter":           attachIter,
}

func attach(p *prog.Program, pp *plannedProgram) (link.Link, error) {
	if !pp.match.AutoAttach {
		return nil, ErrNoTarget
	}
	word := strings.TrimSuffix(pp.match.Pattern, "+")
	word = strings.TrimSuffix(strings.TrimSuffix(word, ".s"), ".w")
	f := attachers[word]
	if f == nil {
		return nil, fmt.Errorf("attach section %q: %w: attach it with package link", pp.section, errors.ErrUnsupported)
	}
	return f(p, pp.match.Target)
}

func attachKprobe(ret bool) func(*prog.Program, string) (link.Link, error) {
	return func(p *prog.Program, target string) (link.Link, error) {
		t, err := link.ParseKprobeTarget(target)
		if err != nil {
			return nil, err
		}
		return link.AttachKprobe(p, link.KprobeOptions{Symbol: t.Symbol, Offset: t.Offset, Return: ret})
	}
}

func attachUprobe(ret bool) func(*prog.Program, string) (link.Link, error) {
	return func(p *prog.Program, target string) (link.Link, error) {
		t, err := link.ParseUprobeTarget(target)
		if err != nil {
			return nil, err
		}
		return link.AttachUprobe(p, link.UprobeOptions{Path: t.Path, Symbol: t.Symbol, Offset: t.Offset, Return: ret})
	}
}

func attachTracepoint(p *prog.Program, target string) (link.Link, error) {
	category, name, err := link.ParseTracepointTarget(target)
	if err != nil {
		return nil, err
	}
	return link.AttachTracepoint(p, link.TracepointOptions{Category: category, Name: name})
}

func attachRawTracepoint(p *prog.Program, target string) (link.Link, error) {
	return link.AttachRawTracepoint(p, link.RawTracepointOptions{Name: target})
}

func attachTracing(p *prog.Program, _ string) (link.Link, error) {
	return link.AttachTracing(p, link.TracingOptions{})
}

func attachFreplace(p *prog.Program, _ string) (link.Link, error) {
	return link.AttachFreplace(p, link.FreplaceOptions{})
}

func attachIter(p *prog.Program, _ string) (link.Link, error) {
	l, err := link.AttachIter(p, link.IterOptions{})
	if err != nil {
		return nil, err // not a nil *Iter in a Link
	}
	return l, nil
}

// syscallPrefixes are what the kernel puts before a syscall's name since 4.17,
// by GOARCH (arch/*/include/asm/syscall_wrapper.h). Elsewhere the name is
// "__se_sys_" (include/linux/syscalls.h).
var syscallPrefixes = map[string]string{
	"386": "__ia32_sys_", "amd64": "__x64_sys_", "arm64": "__arm64_sys_",
	"riscv64": "__riscv_sys_", "s390x": "__s390x_sys_",
}

func attachSyscall(ret bool) func(*prog.Program, string) (link.Link, error) {
	return func(p *prog.Program, name string) (link.Link, error) {
		var errs []error
		for _, prefix := range [...]string{syscallPrefixes[runtime.GOARCH], "__se_sys_"} {
			if prefix == "" {
				continue
			}
			l, err := link.AttachKprobe(p, link.KprobeOptions{Symbol: prefix + name, Return: ret})
			if err == nil {
				return l, nil
			}
			errs = append(errs, err)
		}
		return nil, errors.Join(errs...)
	}
}

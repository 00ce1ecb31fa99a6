package link

import (
	"errors"
	"runtime"
	"strings"

	"github.com/skepbpf/skep/elf"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/prog"
)

// ErrNoTarget is why a program is not attached by its section: the section
// does not name what it hooks. The AttachX function of its kind attaches it.
var ErrNoTarget = errors.New("its section does not say where to attach it")

// AttachSection attaches p where its section says: m is the match of the
// section's name. A section that does not say enough is ErrNoTarget; one whose
// way to attach is not known here Is errors.ErrUnsupported.
func AttachSection(p *prog.Program, m elf.Match) (Link, error) {
	if !m.AutoAttach {
		return nil, ErrNoTarget
	}
	word := strings.TrimSuffix(m.Pattern, "+")
	word = strings.TrimSuffix(strings.TrimSuffix(word, ".s"), ".w")
	for _, s := range sections {
		if s.word == word {
			return s.attach(p, m.Target, s.ret)
		}
	}
	return nil, mkerr.WrapNamed("attach section %q by its name: %w", word, errors.ErrUnsupported)
}

// sections attach by the first word of a section's name, without the ".s" of
// sleepable programs. ret marks those that probe returns.
var sections = [...]struct {
	word   string
	ret    bool
	attach func(p *prog.Program, target string, ret bool) (Link, error)
}{
	{"kprobe", false, kprobeSection},
	{"kretprobe", true, kprobeSection},
	{"uprobe", false, uprobeSection},
	{"uretprobe", true, uprobeSection},
	{"kprobe.multi", false, kprobeMultiSection},
	{"kretprobe.multi", true, kprobeMultiSection},
	{"kprobe.session", false, kprobeMultiSection},
	{"uprobe.multi", false, uprobeMultiSection},
	{"uretprobe.multi", true, uprobeMultiSection},
	{"uprobe.session", false, uprobeMultiSection},
	{"fentry.multi", false, tracingMultiSection},
	{"fexit.multi", false, tracingMultiSection},
	{"fsession.multi", false, tracingMultiSection},
	{"ksyscall", false, syscallSection},
	{"kretsyscall", true, syscallSection},
	{"tracepoint", false, tracepointSection},
	{"tp", false, tracepointSection},
	{"raw_tracepoint", false, rawTracepointSection},
	{"raw_tp", false, rawTracepointSection},
	{"tp_btf", false, tracingSection},
	{"fentry", false, tracingSection},
	{"fexit", false, tracingSection},
	{"fmod_ret", false, tracingSection},
	{"fsession", false, tracingSection},
	{"lsm", false, tracingSection},
	{"freplace", false, freplaceSection},
	{"iter", false, iterSection},
}

func kprobeSection(p *prog.Program, target string, ret bool) (Link, error) {
	t, err := ParseKprobeTarget(target)
	if err != nil {
		return nil, err
	}
	return AttachKprobe(p, KprobeOptions{Symbol: t.Symbol, Module: t.Module, Offset: t.Offset, Return: ret})
}

func uprobeSection(p *prog.Program, target string, ret bool) (Link, error) {
	t, err := ParseUprobeTarget(target)
	if err != nil {
		return nil, err
	}
	return AttachUprobe(p, UprobeOptions{Path: t.Path, Symbol: t.Symbol, Offset: t.Offset, Return: ret})
}

func kprobeMultiSection(p *prog.Program, target string, ret bool) (Link, error) {
	return AttachKprobeMulti(p, KprobeMultiOptions{Pattern: target, Return: ret})
}

// uprobeMultiSection takes "path:glob". Names of C++ and Go may have any
// character in them, so the rest is the pattern.
func uprobeMultiSection(p *prog.Program, target string, ret bool) (Link, error) {
	path, pattern, ok := strings.Cut(target, ":")
	if !ok || path == "" || pattern == "" {
		return nil, mkerr.Named("uprobe target %q: want path:function", shown(target))
	}
	return AttachUprobeMulti(p, UprobeMultiOptions{Path: path, Pattern: pattern, Return: ret})
}

func tracingMultiSection(p *prog.Program, target string, _ bool) (Link, error) {
	return AttachTracingMulti(p, TracingMultiOptions{Pattern: target})
}

func tracepointSection(p *prog.Program, target string, _ bool) (Link, error) {
	category, name, err := ParseTracepointTarget(target)
	if err != nil {
		return nil, err
	}
	return AttachTracepoint(p, TracepointOptions{Category: category, Name: name})
}

func rawTracepointSection(p *prog.Program, target string, _ bool) (Link, error) {
	return AttachRawTracepoint(p, RawTracepointOptions{Name: target})
}

func tracingSection(p *prog.Program, _ string, _ bool) (Link, error) {
	return AttachTracing(p, TracingOptions{})
}

func freplaceSection(p *prog.Program, _ string, _ bool) (Link, error) {
	return AttachFreplace(p, FreplaceOptions{})
}

func iterSection(p *prog.Program, _ string, _ bool) (Link, error) {
	l, err := AttachIter(p, IterOptions{})
	if err != nil {
		return nil, err // not a nil *Iter in a Link
	}
	return l, nil
}

// syscallPrefix is what the kernel puts before a syscall's name since 4.17
// (arch/*/include/asm/syscall_wrapper.h); "" where it does not.
func syscallPrefix(arch string) string {
	switch arch {
	case "386":
		return "__ia32_sys_"
	case "amd64":
		return "__x64_sys_"
	case "arm64":
		return "__arm64_sys_"
	case "riscv64":
		return "__riscv_sys_"
	case "s390x":
		return "__s390x_sys_"
	}
	return ""
}

// syscallSection probes the function of a syscall: the wrapper, or, where
// there is none, what include/linux/syscalls.h makes of SYSCALL_DEFINE.
func syscallSection(p *prog.Program, name string, ret bool) (Link, error) {
	var errs []error
	for _, prefix := range [...]string{syscallPrefix(runtime.GOARCH), "__se_sys_"} {
		if prefix == "" {
			continue
		}
		l, err := AttachKprobe(p, KprobeOptions{Symbol: prefix + name, Return: ret})
		if err == nil {
			return l, nil
		}
		errs = append(errs, err)
	}
	return nil, mkerr.Join(errs...)
}

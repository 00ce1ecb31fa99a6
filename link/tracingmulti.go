package link

import (
	"errors"
	"slices"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/prog"
)

// TracingMultiOptions says which functions a program traces at once: those of a
// Pattern, or Types.
type TracingMultiOptions struct {
	// Pattern is "[module:]glob", in which '*' stands for any characters and '?'
	// for one: all functions of the kernel, or of the module, that match and
	// can be traced. Info.Skipped has those that match and cannot. The module
	// is the one that the program was loaded for.
	Pattern string
	// Types are functions in the BTF of the kernel, or of that module.
	Types []btf.ID
	// Cookies are what bpf_get_attach_cookie gives, by index of Types; nil is
	// none.
	Cookies []uint64
	// Kernel is where a Pattern is sought; nil opens the running kernel's BTF.
	Kernel *btf.Kernel
	// Tracefs is where tracefs is mounted; "" finds it. It is read if the
	// kernel does not take all functions of a pattern.
	Tracefs string
}

// AttachTracingMulti attaches a program of type Tracing that was loaded with
// attach type TraceFentryMulti, TraceFexitMulti or TraceFsessionMulti. Requires
// Linux 7.2.
func AttachTracingMulti(p *prog.Program, o TracingMultiOptions) (Link, error) {
	l, err := attachTracingMulti(p, &o)
	if err != nil {
		return nil, mkerr.Wrap("attach tracing multi: %w", explainTracing(err))
	}
	return l, nil
}

func (o *TracingMultiOptions) check() error {
	switch {
	case (o.Pattern == "") == (len(o.Types) == 0):
		return errors.New("want a pattern or types")
	case o.Pattern != "" && len(o.Cookies) != 0:
		return errors.New("a pattern takes no cookies")
	case len(o.Cookies) != 0 && len(o.Cookies) != len(o.Types):
		return mkerr.Errorf("%d cookies for %d functions", len(o.Cookies), len(o.Types))
	}
	return nil
}

// traced are the functions that a pattern stands for.
type traced struct {
	module string
	names  []string // by index of types
	types  []btf.ID
	left   []string // what else matches
}

func attachTracingMulti(p *prog.Program, o *TracingMultiOptions) (Link, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	pfd, pf, err := borrowProgram(p, prog.Tracing)
	if err != nil {
		return nil, err
	}
	defer pf.Release()
	found := &traced{types: o.Types}
	if o.Pattern != "" {
		if found, err = o.find(); err != nil {
			return nil, err
		}
	}
	at := sys.AttachType(p.AttachType())
	fd, err := o.create(pfd, at, found)
	// One function that cannot be traced fails them all: ENOENT if there is no
	// place to hook it, EINVAL if it is on a list of the kernel's.
	if o.Pattern != "" && (errors.Is(err, sys.ENOENT) || errors.Is(err, sys.EINVAL)) && found.limit(o.Tracefs) {
		if len(found.types) == 0 {
			return nil, errNoMatch(o.Pattern)
		}
		fd, err = o.create(pfd, at, found)
	}
	if err != nil {
		return nil, o.explain(p, err)
	}
	return skipped(wrapLink(fd, TypeTracingMulti, FormLink, nil), found.left), nil
}

func (o *TracingMultiOptions) create(pfd int, at sys.AttachType, f *traced) (*sys.FD, error) {
	return sys.LinkCreate(&sys.LinkCreateTracingMultiAttr{
		ProgFd: uint32(pfd), AttachType: at, Ids: sys.SlicePtr(f.types), Cookies: sys.SlicePtr(o.Cookies), Cnt: uint32(len(f.types)),
	})
}

// find looks for the functions of the pattern, as libbpf does; but a name that
// stands for several functions is left out, since the kernel would hook the first
// one for each of them.
func (o *TracingMultiOptions) find() (*traced, error) {
	module, pattern, err := splitPattern(o.Pattern)
	if err != nil {
		return nil, err
	}
	k := o.Kernel
	if k == nil {
		k = btf.NewKernelAt(kernel.FS("/"))
		defer k.Close()
	}
	list, err := k.Functions(module, func(name []byte) bool { return glob(pattern, name) })
	if err != nil {
		return nil, err
	}
	names := make([]string, len(list))
	times := make(map[string]int, len(list))
	for i, t := range list {
		names[i] = t.Name()
		times[names[i]]++
	}
	f := &traced{module: module}
	for i, t := range list {
		if times[names[i]] > 1 || !t.Traceable() {
			f.left = append(f.left, names[i])
			continue
		}
		f.names, f.types = append(f.names, names[i]), append(f.types, t.ID())
	}
	if len(f.types) == 0 {
		return nil, errNoMatch(o.Pattern)
	}
	return f, nil
}

// limit keeps the functions that ftrace can hook. It is false if all of them
// are, or if that cannot be told.
func (f *traced) limit(tracefs string) bool {
	want := make(map[string]bool, len(f.names))
	for _, n := range f.names {
		want[n] = true
	}
	list, err := traceable(tracefs, func(name []byte) bool { return want[string(name)] })
	if err != nil {
		return false
	}
	times := make(map[string]int, len(list))
	for _, e := range list {
		if e.Module == f.module {
			times[e.Name]++
		}
	}
	var names []string
	var types []btf.ID
	for i, n := range f.names {
		if times[n] != 1 || slices.Contains(denied[:], n) {
			f.left = append(f.left, n)
			continue
		}
		names, types = append(names, n), append(types, f.types[i])
	}
	fewer := len(names) < len(f.names)
	f.names, f.types = names, types
	return fewer
}

// denied are functions that ftrace can hook, and trampolines must not
// (kernel/bpf/verifier.c, btf_id_deny and noreturn_deny).
var denied = [...]string{
	"migrate_disable", "migrate_enable", "___migrate_enable", "rcu_read_unlock_strict", "preempt_count_add",
	"preempt_count_sub", "__rcu_read_lock", "__rcu_read_unlock", "__ia32_sys_exit", "__ia32_sys_exit_group",
	"__x64_sys_exit", "__x64_sys_exit_group", "__kunit_abort", "kunit_try_catch_throw", "__module_put_and_kthread_exit",
	"do_exit", "do_group_exit", "kthread_complete_and_exit", "make_task_dead",
}

// explain says what errnos mean.
func (o *TracingMultiOptions) explain(p *prog.Program, err error) error {
	switch p.AttachType() {
	case prog.AttachTraceFentryMulti, prog.AttachTraceFexitMulti, prog.AttachTraceFsessionMulti:
	default:
		return mkerr.Errorf("%w: the program was loaded with attach type %s, which is for one function", err, p.AttachType())
	}
	switch {
	case errors.Is(err, sys.ENOENT):
		return mkerr.Wrap("%w: not all of the functions can be traced", err)
	case errors.Is(err, sys.EINVAL):
		return mkerr.Wrap("%w: not all of the types are functions that can be traced, of the module that the program was loaded for", err)
	}
	return err
}

package link

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/prog"
)

// vmlinux is the kernel itself where modules are named.
const vmlinux = "vmlinux"

// Function is a function of the kernel.
type Function = prog.Function

// AmbiguousError says that a name or pattern which is to stand for one function
// stands for several. errors.Is(err, ErrAmbiguous) holds.
type AmbiguousError = prog.AmbiguousError

// errNoMatch says that a pattern matches nothing: it Is fs.ErrNotExist.
func errNoMatch(pattern string) error {
	return mkerr.WrapNamed("no function that can be traced matches %q: %w", shown(pattern), fs.ErrNotExist)
}

func badPattern(s string) error {
	return mkerr.Named("pattern %q: want [module:]function, with letters, digits, '_', '.', '*' and '?'", shown(s))
}

// FindFunctions lists the functions of the kernel that can be traced and match
// "[module:]pattern", in which '*' stands for any characters and '?' for one.
// Without a module, those of all modules are listed too, which "vmlinux:"
// leaves out. Functions of one name are listed one by one. tracefs is where
// that is mounted; "" finds it. What is listed is what KprobeMultiOptions.
// Pattern means. Requires CAP_SYS_ADMIN, or a tracefs that is readable, and
// CONFIG_DYNAMIC_FTRACE; for addresses Linux 6.5, or that kernel symbols are not
// hidden.
func FindFunctions(pattern, tracefs string) ([]Function, error) {
	list, err := findFunctions(pattern, tracefs)
	if err != nil {
		return nil, mkerr.Wrap("find kernel functions: %w", err)
	}
	return list, nil
}

func findFunctions(pattern, tracefs string) ([]Function, error) {
	module, fn, err := splitPattern(pattern)
	if err != nil {
		return nil, err
	}
	list, err := traceable(tracefs, func(name []byte) bool { return glob(fn, name) })
	if err != nil {
		return nil, err
	}
	only := strings.IndexByte(pattern, ':') >= 0
	var out []Function
	for _, f := range list {
		if !only || f.Module == module {
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		return nil, errNoMatch(pattern)
	}
	return out, nil
}

// traceable lists functions of tracefs, with the addresses that kallsyms has
// where tracefs has none.
func traceable(tracefs string, match func(name []byte) bool) ([]Function, error) {
	t, err := kernel.OpenTracefs(tracefs)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	found, err := t.Traceable(match)
	if err != nil {
		return nil, err
	}
	list := make([]Function, len(found))
	bare := false
	for i, f := range found {
		list[i] = Function{Name: f.Name, Module: f.Module, Address: f.Addr}
		bare = bare || f.Addr == 0
	}
	if bare {
		return withAddresses(list)
	}
	return list, nil
}

// withAddresses gives each function those addresses that kallsyms has for its
// name and module.
func withAddresses(list []Function) ([]Function, error) {
	key := func(module, name string) string { return module + ":" + cutLLVM(name) }
	want := make(map[string]bool, len(list))
	for _, f := range list {
		want[key(f.Module, f.Name)] = true
	}
	var out []Function
	have := make(map[string]bool, len(list))
	err := kernel.EachText(kernel.FS("/"), func(s *kernel.Text) {
		name := string(s.Name)
		if k := key(string(s.Module), name); s.Addr != 0 && want[k] {
			have[k] = true
			out = append(out, Function{Name: name, Module: string(s.Module), Address: s.Addr})
		}
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, f := range list {
		if k := key(f.Module, f.Name); !have[k] {
			have[k] = true
			out = append(out, f)
		}
	}
	bin.Sort(out, func(a, b *Function) bool { return a.Address < b.Address })
	return out, nil
}

// cutLLVM cuts the suffix that ThinLTO gives to promoted statics:
// available_filter_functions of some kernels lacks it, kallsyms has it (commit
// fb6a421fb615).
func cutLLVM(name string) string {
	name, _, _ = strings.Cut(name, ".llvm.")
	return name
}

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/btf/handle"
)

// btfVerbs are those of `skep btf`.
func btfVerbs() []verb {
	return []verb{
		{"dump", "SOURCE", "print types: raw as bpftool, C as vmlinux.h, Go, or JSON", btfDump},
		{"find", "NAME…", "say where types of a name are", btfFind},
		{"size", "TYPE…", "print structs with offsets, sizes and holes, as pahole does", btfSize},
		{"min", "OBJ…", "keep of a kernel's types what objects look at", btfMin},
		{"pack", "DIR", "put the types of many kernels in one archive", btfPack},
		{"dedup", "SOURCE", "write types with what is twice left out", btfDedup},
		{"diff", "A B", "say which types and functions differ", btfDiff},
		{"check", "OBJ KERNEL…", "say on which kernels an object would fail, and at which field", btfCheck},
	}
}

func runBTF(e env, args []string) int {
	if len(args) > 0 {
		for _, v := range btfVerbs() {
			if v.name == args[0] {
				return v.run(e, args[1:])
			}
		}
		fmt.Fprintf(e.err, "skep btf: unknown verb %q\n", args[0])
	}
	fmt.Fprintln(e.err, "usage: skep btf VERB [flags] …")
	for _, v := range btfVerbs() {
		fmt.Fprintf(e.err, "  %-6s %-12s %s\n", v.name, v.args, v.help)
	}
	fmt.Fprintln(e.err, "A SOURCE is a file (raw BTF or ELF), kernel, mod:NAME, or id:N of loaded BTF.")
	return exitUsage
}

// btfFlags are what the verbs have in common.
type btfFlags struct {
	*flag.FlagSet
	e          env
	base, from string
	closers    []io.Closer
}

func newBTFFlags(e env, name string) *btfFlags {
	f := &btfFlags{FlagSet: flag.NewFlagSet("btf "+name, flag.ContinueOnError), e: e}
	f.StringVar(&f.base, "base", "", "`source` of what split BTF is on top of; a kernel's modules know theirs")
	return f
}

// in adds the flag of verbs that look in one source.
func (f *btfFlags) in() { f.StringVar(&f.from, "in", "kernel", "`source` to look in") }

// args parses, and wants at least so many arguments.
func (f *btfFlags) args(args []string, least int) (rest []string, code int, ok bool) {
	f.SetOutput(f.e.err)
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, exitGood, false
		}
		return nil, exitUsage, false
	}
	if f.NArg() < least {
		fmt.Fprintf(f.e.err, "skep %s: %d arguments, want %d at least\n", f.Name(), f.NArg(), least)
		return nil, exitUsage, false
	}
	return f.Args(), exitGood, true
}

// fail says why a verb ends with code.
func (f *btfFlags) fail(code int, err error) int {
	fmt.Fprintf(f.e.err, "skep %s: %v\n", f.Name(), err)
	return code
}

func (f *btfFlags) close() {
	for _, c := range f.closers {
		_ = c.Close()
	}
}

func (f *btfFlags) kernel() *btf.Kernel {
	k := btf.NewKernel(os.DirFS("/"))
	f.closers = append(f.closers, k)
	return k
}

const sysBTF = "/sys/kernel/btf/"

// source reads the types of a source.
func (f *btfFlags) source(name string) (*btf.Spec, error) {
	switch kind, rest, _ := strings.Cut(name, ":"); {
	case name == "kernel":
		return f.kernel().Vmlinux()
	case kind == "mod":
		return f.kernel().Module(rest)
	case kind == "id":
		id, err := strconv.ParseUint(rest, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("%s: no number of BTF", name)
		}
		return f.loaded(uint32(id))
	}
	base, err := f.baseFor(name)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	in, err := btf.ReadFile(file, info.Size(), base)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return in.Types, nil
}

// baseFor reads -base, or finds what a file of sysfs is on top of.
func (f *btfFlags) baseFor(name string) (*btf.Spec, error) {
	if f.base != "" {
		from := f.base
		f.base = ""
		defer func() { f.base = from }()
		return f.source(from)
	}
	if module, ok := strings.CutPrefix(name, sysBTF); ok && module != "vmlinux" {
		return f.kernel().Vmlinux()
	}
	return nil, nil
}

// loaded reads BTF that is in the kernel.
func (f *btfFlags) loaded(id uint32) (*btf.Spec, error) {
	h, err := handle.FromID(id)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	info, err := h.Info()
	if err != nil {
		return nil, err
	}
	base, err := f.baseFor("")
	if err == nil && base == nil && info.Kernel && info.Name != "vmlinux" {
		base, err = f.kernel().Vmlinux()
	}
	if err != nil {
		return nil, err
	}
	return h.Spec(base)
}

func btfDump(e env, args []string) int {
	f := newBTFFlags(e, "dump")
	defer f.close()
	format := f.String("format", "raw", "raw, c, go or json")
	pkg := f.String("package", "types", "`name` of the package, of Go")
	roots := f.String("root", "", "comma-separated `names`: print these and what they need, of C and Go")
	rest, code, ok := f.args(args, 1)
	if !ok {
		return code
	}
	s, err := f.source(rest[0])
	if err != nil {
		return f.fail(exitUsage, err)
	}
	var ids []btf.ID
	for _, name := range strings.FieldsFunc(*roots, func(r rune) bool { return r == ',' }) {
		t, ok := byName(s, name)
		if !ok {
			return f.fail(exitUsage, fmt.Errorf("%s: no type %s", rest[0], name))
		}
		ids = append(ids, t.ID())
	}
	switch *format {
	case "raw":
		err = dumpRaw(e.out, s)
	case "json":
		err = dumpJSON(e.out, s)
	case "c":
		err = btf.WriteC(e.out, s, &btf.COptions{Roots: ids})
	case "go":
		err = btf.WriteGo(e.out, s, &btf.GoOptions{Package: *pkg, Roots: ids})
	default:
		return f.fail(exitUsage, fmt.Errorf("format %q: want raw, c, go or json", *format))
	}
	if err != nil {
		return f.fail(exitRejected, err)
	}
	return exitGood
}

// byName finds a type by what C calls it: "struct x", or x of any kind, structs
// first.
func byName(s *btf.Spec, name string) (btf.Type, bool) {
	kinds := []btf.Kind{btf.KindStruct, btf.KindUnion, btf.KindEnum, btf.KindEnum64, btf.KindTypedef, btf.KindVoid}
	word, rest, ok := strings.Cut(name, " ")
	switch {
	case ok && word == "struct":
		name, kinds = rest, kinds[:1]
	case ok && word == "union":
		name, kinds = rest, kinds[1:2]
	case ok && word == "enum":
		name, kinds = rest, kinds[2:4]
	}
	for _, k := range kinds {
		if t, ok := s.ByName(name, k); ok {
			return t, true
		}
	}
	return btf.Type{}, false
}

func btfFind(e env, args []string) int {
	f := newBTFFlags(e, "find")
	defer f.close()
	f.in()
	names, code, ok := f.args(args, 1)
	if !ok {
		return code
	}
	places := map[string]*btf.Spec{}
	order := []string{f.from}
	var err error
	if places[f.from], err = f.source(f.from); err != nil {
		return f.fail(exitUsage, err)
	}
	if f.from == "kernel" {
		k := f.kernel()
		modules, err := k.Modules()
		if err != nil {
			return f.fail(exitUsage, err)
		}
		for _, m := range modules {
			s, err := k.Module(m)
			if err != nil {
				fmt.Fprintf(e.err, "skep btf find: skipped: %v\n", err)
				continue
			}
			places["mod:"+m] = s
			order = append(order, "mod:"+m)
		}
	}
	for _, name := range names {
		found := false
		for _, place := range order {
			for t := range places[place].All() {
				if t.Name() == name {
					found = true
					fmt.Fprintf(e.out, "%s %s\n", place, rawHead(t))
				}
			}
		}
		if !found {
			code = f.fail(exitRejected, fmt.Errorf("%s: no type of that name", name))
		}
	}
	return code
}

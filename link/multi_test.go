package link

import (
	stdelf "debug/elf"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/elffile"
	"github.com/skepbpf/skep/internal/fuzztest"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/internal/testutil/fentry"
	"github.com/skepbpf/skep/prog"
)

// slowGlob is glob by its definition.
func slowGlob(pattern, name string) bool {
	switch {
	case pattern == "":
		return name == ""
	case pattern[0] == '*':
		return slowGlob(pattern[1:], name) || name != "" && slowGlob(pattern, name[1:])
	case name == "":
		return false
	}
	return (pattern[0] == '?' || pattern[0] == name[0]) && slowGlob(pattern[1:], name[1:])
}

func TestGlob(t *testing.T) {
	var words []string
	var grow func(alphabet, s string, n int)
	grow = func(alphabet, s string, n int) {
		words = append(words, s)
		for i := range len(alphabet) {
			if n > 0 {
				grow(alphabet, s+alphabet[i:i+1], n-1)
			}
		}
	}
	grow("ab", "", 4)
	names := words
	words = nil
	grow("ab*?", "", 4)
	for _, p := range words {
		for _, n := range names {
			if got, want := glob(p, n), slowGlob(p, n); got != want || glob(p, []byte(n)) != want {
				t.Errorf("%q matches %q: %v, want %v", p, n, got, want)
			}
		}
	}
	// What a recursive matcher would not come to the end of.
	if glob(strings.Repeat("*a", 100)+"b", strings.Repeat("a", 4096)) {
		t.Error("matches")
	}
}

func FuzzGlob(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("**?", "a")
	f.Add("*", "")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		var got bool
		fuzztest.Check(t, len(pattern)+len(name), func() { got = glob(pattern, name) })
		if len(pattern) < 10 && len(name) < 20 && got != slowGlob(pattern, name) {
			t.Errorf("%q matches %q: %v", pattern, name, got)
		}
	})
}

func TestSplitPattern(t *testing.T) {
	for _, tt := range []struct{ in, module, pattern string }{
		{"vfs_*", "", "vfs_*"}, {"m:f?", "m", "f?"}, {"vmlinux:f.isra.0", "", "f.isra.0"},
		{"", "", ""}, {":f", "", ""}, {"m:", "", ""}, {"a b", "", ""}, {"f\n", "", ""}, {"m:f:g", "", ""}, {"f+1", "", ""},
	} {
		module, pattern, err := splitPattern(tt.in)
		if module != tt.module || pattern != tt.pattern || (err != nil) != (tt.pattern == "") {
			t.Errorf("%q: %q, %q, %v", tt.in, module, pattern, err)
		}
	}
}

func TestKprobeMultiOptions(t *testing.T) {
	for _, o := range []KprobeMultiOptions{
		{}, {Pattern: "a", Symbols: []string{"b"}}, {Symbols: []string{"b"}, Addresses: []uint64{1}}, {Pattern: "a", Cookies: []uint64{1}},
		{Symbols: []string{"a"}, Unique: true}, {Pattern: "a*", Lenient: true}, {Symbols: []string{"a"}, Cookies: []uint64{1, 2}}, {Symbols: []string{"a\x00"}},
	} {
		if _, err := AttachKprobeMulti(nil, o); err == nil || strings.Contains(err.Error(), "no program") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// kprobeMulti is a program that counts, on a kernel that has such links.
func kprobeMulti(t *testing.T) (*counter, *prog.Program) {
	t.Helper()
	testutil.NeedRoot(t)
	testutil.Require(t, "5.18", "CONFIG_FPROBE")
	c := newCounter(t)
	return c, counting(t, c, prog.Spec{Type: prog.Kprobe, Attach: prog.AttachTraceKprobeMulti}, 0)
}

func TestKprobeMultiPattern(t *testing.T) {
	c, p := kprobeMulti(t)
	l, err := AttachKprobeMulti(p, KprobeMultiOptions{Pattern: "vfs_*"})
	if err != nil {
		t.Fatal(err)
	}
	list, err := FindFunctions("vfs_*", "")
	if err != nil {
		t.Fatal(err)
	}
	d, _ := l2info(t, l).Details.(KprobeMultiInfo)
	if testutil.KernelAtLeast(t, "6.6") && (int(d.Count) != len(list) || d.Count < 10) {
		t.Errorf("%d functions, want %d", d.Count, len(list))
	}
	fires(t, c, l, stat)
	for _, f := range list {
		if !strings.HasPrefix(f.Name, "vfs_") || f.Address == 0 {
			t.Errorf("%+v", f)
		}
	}

	var several *AmbiguousError
	_, err = AttachKprobeMulti(p, KprobeMultiOptions{Pattern: "vfs_r*", Unique: true})
	if !errors.As(err, &several) || !errors.Is(err, ErrAmbiguous) || len(several.Candidates) < 2 || !strings.Contains(err.Error(), "vfs_read at 0x") {
		t.Errorf("several that match: %v", err)
	}
	l, err = AttachKprobeMulti(p, KprobeMultiOptions{Pattern: "vfs_stat?", Unique: true})
	if err != nil {
		t.Fatal(err)
	}
	fires(t, c, l, stat)
	for _, pattern := range []string{"skep_no_such_*", "skep_none:*"} {
		if _, err := AttachKprobeMulti(p, KprobeMultiOptions{Pattern: pattern}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", pattern, err)
		}
	}
	if testutil.HasConfig(t, "CONFIG_DUMMY") {
		list, err := FindFunctions("dummy:*", "")
		if err != nil || len(list) < 3 {
			t.Errorf("functions of a module: %v, %v", list, err)
		}
		for _, f := range list {
			if f.Module != "dummy" {
				t.Errorf("%+v", f)
			}
		}
		if list, err := FindFunctions("vmlinux:dummy_setup", ""); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("of the kernel alone: %v, %v", list, err)
		}
	}
}

// Duplicate names are told apart by their addresses; name_show of many devices
// is one.
func TestFindFunctionsOfOneName(t *testing.T) {
	testutil.NeedRoot(t)
	testutil.Require(t, "", "CONFIG_DYNAMIC_FTRACE", "CONFIG_KPROBES")
	list, err := FindFunctions("name_show", "")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[uint64]bool{}
	for _, f := range list {
		if seen[f.Address] {
			t.Errorf("twice: %+v", f)
		}
		seen[f.Address] = true
	}
	if len(list) < 2 {
		t.Errorf("%v", list)
	}
}

func TestKprobeMultiLenient(t *testing.T) {
	c, p := kprobeMulti(t)
	o := KprobeMultiOptions{Symbols: []string{"skep_absent", "vfs_statx", "__pfx_vfs_statx"}, Cookies: []uint64{1, 2, 3}}
	_, err := AttachKprobeMulti(p, o)
	if !errors.Is(err, sys.ESRCH) || !strings.Contains(err.Error(), "no functions that can be traced: skep_absent, __pfx_vfs_statx") {
		t.Errorf("not lenient: %v", err)
	}
	o.Lenient = true
	l, err := AttachKprobeMulti(p, o)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"skep_absent", "__pfx_vfs_statx"}, l2info(t, l).Skipped); diff != "" {
		t.Error(diff)
	}
	fires(t, c, l, stat)
	if _, err := AttachKprobeMulti(p, KprobeMultiOptions{Symbols: []string{"skep_absent"}, Lenient: true}); !errors.Is(err, sys.ESRCH) {
		t.Errorf("nothing left: %v", err)
	}
}

// A program that was loaded for something else is not the kernel's fault.
func TestMultiOfOtherProgram(t *testing.T) {
	testutil.NeedRoot(t)
	p := counting(t, newCounter(t), prog.Spec{Type: prog.Kprobe}, 0)
	if testutil.KernelAtLeast(t, "6.6") {
		_, err := AttachUprobeMulti(p, UprobeMultiOptions{Path: libc(t), Symbols: []string{"malloc"}})
		if !errors.Is(err, sys.EINVAL) || errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "not loaded with attach type trace_uprobe_multi") {
			t.Errorf("uprobe: %v", err)
		}
	}
	if testutil.KernelAtLeast(t, "5.18") && testutil.HasConfig(t, "CONFIG_FPROBE") {
		_, err := AttachKprobeMulti(p, KprobeMultiOptions{Symbols: []string{"vfs_read"}})
		if !errors.Is(err, sys.EINVAL) || !strings.Contains(err.Error(), "not loaded with attach type trace_kprobe_multi") {
			t.Errorf("kprobe: %v", err)
		}
	}
}

// TestElfPattern holds the offsets of a pattern against the symbols of a library,
// as the standard library reads them.
func TestElfPattern(t *testing.T) {
	path := libc(t)
	f, err := stdelf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	syms, err := f.Symbols()
	if errors.Is(err, stdelf.ErrNoSymbols) {
		syms, err = f.DynamicSymbols()
	}
	if err != nil {
		t.Fatal(err)
	}
	var want []uint64
	for _, s := range syms {
		name, _, _ := strings.Cut(s.Name, "@")
		if stdelf.ST_TYPE(s.Info) != stdelf.STT_FUNC || s.Section == stdelf.SHN_UNDEF || !strings.HasPrefix(name, "str") {
			continue
		}
		for _, p := range f.Progs {
			if p.Type == stdelf.PT_LOAD && s.Value >= p.Vaddr && s.Value < p.Vaddr+p.Filesz {
				want = append(want, s.Value-p.Vaddr+p.Off)
			}
		}
	}
	slices.Sort(want)
	want = slices.Compact(want)
	got, err := patternOffsets(path, "str*")
	if diff := cmp.Diff(want, got); diff != "" || err != nil || len(got) < 10 {
		t.Errorf("%d places: %v\n%s", len(got), err, diff)
	}
	one, err := functionOffsets(path, []string{"malloc"})
	if err != nil {
		t.Fatal(err)
	}
	// malloc has more names, which are one place.
	if got, err := patternOffsets(path, "*malloc"); err != nil || !slices.Contains(got, one[0]) {
		t.Errorf("*malloc: %v, %v, want %v among them", got, err, one)
	}
	if _, err := patternOffsets(path, "skep_no_such_*"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no match: %v", err)
	}
}

func FuzzElfPattern(f *testing.F) {
	self, err := os.ReadFile("/bin/true")
	if err == nil {
		f.Add(self[:min(len(self), 64<<10)], "m*")
	}
	f.Add([]byte("\x7fELF"), "*")
	f.Fuzz(func(t *testing.T, b []byte, pattern string) {
		e, err := elffile.Open(strings.NewReader(string(b)), int64(len(b)))
		if err != nil {
			return
		}
		fuzztest.Within(t, len(b), fuzztest.Ceiling(2*len(b)), func() {
			got, err := elfPattern(e, pattern)
			if (err == nil) != (len(got) > 0) {
				t.Errorf("%v and %v", got, err)
			}
			for i := range got {
				if i > 0 && got[i] <= got[i-1] {
					t.Errorf("%#x follows %#x", got[i], got[i-1])
				}
			}
		})
	})
}

// tracingMulti is a program that counts, for many functions.
func tracingMulti(t *testing.T) (*counter, *prog.Program) {
	t.Helper()
	testutil.NeedRoot(t)
	testutil.RequireTrampolines(t, fentry.Try)
	c := newCounter(t)
	p, err := tryCounting(t, c, prog.Spec{Type: prog.Tracing, Attach: prog.AttachTraceFentryMulti}, 0)
	if testutil.Lacks(t, "7.2", err) {
		return nil, nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return c, p
}

func TestTracingMulti(t *testing.T) {
	c, p := tracingMulti(t)
	if p == nil {
		return
	}
	l, err := AttachTracingMulti(p, TracingMultiOptions{Pattern: "vfs_*"})
	if err != nil {
		t.Fatal(err)
	}
	in := checkInfo(t, l, TypeTracingMulti, FormLink)
	if d, ok := in.Details.(TracingMultiInfo); !ok || d.Count < 10 || d.Attach != prog.AttachTraceFentryMulti {
		t.Errorf("%+v", in)
	}
	t.Logf("skipped: %v", in.Skipped)
	fires(t, c, l, stat)

	// By types, with cookies.
	k := btf.NewKernelAt(kernel.FS("/"))
	defer k.Close()
	var types []btf.ID
	for _, name := range []string{"vfs_read", "vfs_statx"} {
		_, typ, err := k.FindType(name, btf.KindFunc)
		if err != nil {
			t.Fatal(err)
		}
		types = append(types, typ.ID())
	}
	l, err = AttachTracingMulti(p, TracingMultiOptions{Types: types, Cookies: []uint64{1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	fires(t, c, l, stat)
	for _, tt := range []struct {
		name string
		o    TracingMultiOptions
		is   error
		want string
	}{
		{"no match", TracingMultiOptions{Pattern: "skep_no_such_*"}, fs.ErrNotExist, ""},
		{"no module", TracingMultiOptions{Pattern: "skep_none:*"}, btf.ErrNoModule, ""},
		{"no function", TracingMultiOptions{Types: []btf.ID{1}}, sys.EINVAL, "not all of the types are functions"},
		{"nothing", TracingMultiOptions{}, nil, "want a pattern or types"},
		{"cookies of a pattern", TracingMultiOptions{Pattern: "a", Cookies: []uint64{1}}, nil, "takes no cookies"},
		{"too few cookies", TracingMultiOptions{Types: types, Cookies: []uint64{1}}, nil, "1 cookies for 2 functions"},
	} {
		l, err := AttachTracingMulti(p, tt.o)
		if err == nil {
			l.Close()
		}
		if err == nil || tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	one := counting(t, c, prog.Spec{Type: prog.Tracing, Attach: prog.AttachTraceFentry, Target: prog.Target{Name: "vfs_read"}}, 0)
	if _, err := AttachTracingMulti(one, TracingMultiOptions{Types: types}); err == nil || !strings.Contains(err.Error(), "which is for one function") {
		t.Errorf("program for one function: %v", err)
	}
}

// TestTracingMultiDenied: a pattern with functions in it that the kernel traces
// for nobody is attached to the others.
func TestTracingMultiDenied(t *testing.T) {
	c, p := tracingMulti(t)
	if p == nil {
		return
	}
	l, err := AttachTracingMulti(p, TracingMultiOptions{Pattern: "*migrate_?isable"})
	if !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			l.Close()
		}
		t.Errorf("only what is denied: %v", err)
	}
	l, err = AttachTracingMulti(p, TracingMultiOptions{Pattern: "*_statx"})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", l2info(t, l))
	fires(t, c, l, stat)
}

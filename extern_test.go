package skep_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/elf"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/testutil"
)

// seenTypes is `seen` of kconfig_types.c.
type seenTypes struct {
	S64, S32, S16                             int64
	U64, U32, U16, U8                         uint64
	Bool, Tristate, Char, HasWrapper, NoWings int64
	String                                    [8]byte
}

// TestRunKconfigTypes: a program reads values of every type that its loader
// was told, from each place they can come from.
func TestRunKconfigTypes(t *testing.T) {
	needKernel(t)
	text := "# CONFIG_SKEP_CHAR is not set\nCONFIG_SKEP_S32=1\nCONFIG_SKEP_CHAR=m\nCONFIG_SKEP_U8=0xff\nCONFIG_SKEP_STRING=\"too long by far\"\n"
	values := map[string]string{
		"CONFIG_SKEP_S64": "-0x8000000000000000", "CONFIG_SKEP_S32": "-2147483648", "CONFIG_SKEP_S16": "-32768",
		"CONFIG_SKEP_U64": "18446744073709551615", "CONFIG_SKEP_U32": "0xffffffff", "CONFIG_SKEP_U16": "65535",
		"CONFIG_SKEP_BOOL": "y", "CONFIG_SKEP_TRISTATE": "m",
	}
	full := seenTypes{
		S64: -1 << 63, S32: -1 << 31, S16: -1 << 15, U64: 1<<64 - 1, U32: 1<<32 - 1, U16: 1<<16 - 1, U8: 255,
		Bool: 1, Tristate: 2, Char: 'm', String: [8]byte{'t', 'o', 'o', ' ', 'l', 'o'},
	}
	for _, tt := range []struct {
		name   string
		config *skep.Config
		want   seenTypes
	}{
		{"values and text", &skep.Config{Values: values, Text: []byte(text)}, full},
		{"nothing given", nil, seenTypes{}},
		{"nothing at all", &skep.Config{NoKernel: true}, seenTypes{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec := open(t, native("kconfig_types"))
			c := load(t, spec, &skep.Options{Config: tt.config})
			if got := run(t, c, "types", 64); got != 1 {
				t.Fatalf("types returns %d", got)
			}
			got := readVar[seenTypes](t, spec, c, "seen")
			syms, err := kernel.ReadSymbols(kernel.FS("/"), []string{"__x64_sys_bpf", "__arm64_sys_bpf", "__s390x_sys_bpf"}, kernel.ScanFound)
			if err != nil {
				t.Fatal(err)
			}
			tt.want.HasWrapper = int64(len(syms.Found))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			for _, x := range c.Report().Externs {
				if want := x.Kind == elf.ExternKconfig; !want || x.Value == "" {
					t.Errorf("report: %+v", x)
				}
				if x.Name == "CONFIG_SKEP_S32" && tt.config != nil && tt.config.Values != nil && x.From != "the values given" {
					t.Errorf("report: %+v", x)
				}
			}
		})
	}
}

// TestConfigGiven: what is wrong with given values is said by name, and where.
func TestConfigGiven(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config *skep.Config
		want   string // part of the error of facts or plan; "" for none
	}{
		{"no option", &skep.Config{Values: map[string]string{"SKEP_S32": "1"}}, "SKEP_S32 is no option: names begin with CONFIG_"},
		{"does not fit", &skep.Config{Values: map[string]string{"CONFIG_SKEP_S16": "32768"}},
			"program types: types: extern CONFIG_SKEP_S16: value 32768: does not fit an integer of 2 bytes (in the values given)"},
		{"text is cut off", &skep.Config{Text: []byte{0x1f, 0x8b, 8}}, "config: the text given: "},
		{"of another type", &skep.Config{Text: []byte("CONFIG_SKEP_BOOL=1\n")},
			"extern CONFIG_SKEP_BOOL: value 1: needs char or an integer, have bool (in the text given)"},
		{"values win over text", &skep.Config{Values: map[string]string{"CONFIG_SKEP_U8": "1"}, Text: []byte("CONFIG_SKEP_U8=256\n")}, ""},
		{"first line of text wins", &skep.Config{Text: []byte("CONFIG_SKEP_U8=1\nCONFIG_SKEP_U8=256\n")}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec := open(t, native("kconfig_types"))
			facts, err := skep.ReadFacts(spec.Needs(), &skep.FactOptions{Config: tt.config, Features: madeUp(t).Features})
			if err == nil {
				defer facts.Close()
				_, err = spec.Plan(facts)
			}
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// over is a file system with some files replaced.
type over struct {
	fs.FS
	files fstest.MapFS
}

func (o over) Open(name string) (fs.File, error) {
	if _, ok := o.files[name]; ok {
		return o.files.Open(name)
	}
	return o.FS.Open(name)
}

// TestConfigSources: /boot goes before /proc, a missing option names the file
// that lacks it, and a missing file names both.
func TestConfigSources(t *testing.T) {
	const release = "6.1.2-here"
	base := fstest.MapFS{
		"proc/sys/kernel/osrelease":       {Data: []byte(release)},
		"proc/sys/kernel/version":         {Data: []byte("#1 SMP Debian 6.1.55-1 (2023-09-29)")},
		"sys/devices/system/cpu/possible": {Data: []byte("0-1")},
		"sys/devices/system/cpu/online":   {Data: []byte("0-1")},
		"boot/config-6.1.2-other":         {Data: []byte("CONFIG_SKEP_ABSENT=9\n")},
	}
	for _, tt := range []struct {
		name   string
		files  map[string]string
		config *skep.Config
		want   string // error of the plan
		line   string // of the plan
	}{
		{"neither", nil, nil, "the kernel's configuration cannot be read: open boot/config-6.1.2-here: file does not exist\nopen proc/config.gz: file does not exist", ""},
		{"absent from boot", map[string]string{"boot/config-" + release: "CONFIG_X=y\n", "proc/config.gz": "CONFIG_SKEP_ABSENT=1\n"}, nil,
			"extern CONFIG_SKEP_ABSENT: not set in /boot/config-6.1.2-here", ""},
		{"absent from proc", map[string]string{"proc/config.gz": "# CONFIG_SKEP_ABSENT is not set\n"}, nil,
			"extern CONFIG_SKEP_ABSENT: not set in /proc/config.gz", ""},
		{"absent from all", map[string]string{"proc/config.gz": "\n"},
			&skep.Config{Values: map[string]string{"CONFIG_Y": "y"}, Text: []byte("CONFIG_Z=y\n")},
			"extern CONFIG_SKEP_ABSENT: not set in the values given and the text given and /proc/config.gz", ""},
		{"kernel not asked", map[string]string{"proc/config.gz": "CONFIG_SKEP_ABSENT=1\n"}, &skep.Config{NoKernel: true},
			"extern CONFIG_SKEP_ABSENT: not set in the kernel's configuration", ""},
		{"boot", map[string]string{"boot/config-" + release: "CONFIG_SKEP_ABSENT=1\n", "proc/config.gz": "CONFIG_SKEP_ABSENT=2\n"}, nil, "",
			"extern kconfig CONFIG_SKEP_ABSENT = 1, from /boot/config-6.1.2-here"},
		{"proc", map[string]string{"proc/config.gz": "CONFIG_SKEP_ABSENT=2\n"}, nil, "", "extern kconfig CONFIG_SKEP_ABSENT = 2, from /proc/config.gz"},
		{"text", map[string]string{"proc/config.gz": "CONFIG_SKEP_ABSENT=2\n"}, &skep.Config{Text: []byte("CONFIG_SKEP_ABSENT=3")}, "",
			"extern kconfig CONFIG_SKEP_ABSENT = 3, from the text given"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := over{base, fstest.MapFS{}}
			for name, text := range tt.files {
				root.files[name] = &fstest.MapFile{Data: []byte(text)}
			}
			spec := open(t, native("kconfig_strong"))
			if err := spec.Only("needs_absent"); err != nil {
				t.Fatal(err)
			}
			facts, err := skep.ReadFacts(spec.Needs(), &skep.FactOptions{Root: root, Config: tt.config})
			if err != nil {
				t.Fatal(err)
			}
			defer facts.Close()
			plan, err := spec.Plan(facts)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), "program needs_absent") || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil || !strings.Contains(plan.String(), tt.line+"\n") {
				t.Errorf("%v, no %q in\n%s", err, tt.line, plan)
			}
		})
	}
}

// TestHiddenAddresses: a kernel that shows zeroes has the symbol, and does not
// say where.
func TestHiddenAddresses(t *testing.T) {
	root := over{os.DirFS("/"), fstest.MapFS{"proc/kallsyms": {Data: []byte("0000000000000000 T schedule\n0000000000000000 t other\n")}}}
	spec := open(t, native("ksyms"))
	if err := spec.Only("typeless"); err != nil {
		t.Fatal(err)
	}
	facts, err := skep.ReadFacts(spec.Needs(), &skep.FactOptions{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	defer facts.Close()
	_, err = spec.Plan(facts)
	if err == nil || !strings.Contains(err.Error(), "extern schedule: the kernel hides its addresses (sysctl kernel.kptr_restrict") {
		t.Errorf("error %v", err)
	}
}

// symbolsFS counts how often the kernel's symbols are opened.
type symbolsFS struct {
	fs.FS
	opened *int
}

func (s symbolsFS) Open(name string) (fs.File, error) {
	if name == "proc/kallsyms" {
		*s.opened++
	}
	return s.FS.Open(name)
}

// TestSymbolsReadOnce: the names of all programs are looked up in one pass, and
// typed ones in none.
func TestSymbolsReadOnce(t *testing.T) {
	for _, tt := range []struct {
		object string
		want   int
	}{{"ksyms", 1}, {"conntrack", 1}, {"ksyms_typed", 0}, {"kfunc", 0}, {"kconfig", 0}} {
		spec := open(t, native(tt.object))
		opened := 0
		facts, err := skep.ReadFacts(spec.Needs(), &skep.FactOptions{Root: symbolsFS{os.DirFS("/"), &opened}, Features: madeUp(t).Features})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range spec.Programs {
			p.Policy = skep.Optional
		}
		if _, err := spec.Plan(facts); err != nil {
			t.Error(err)
		}
		if err := facts.Close(); err != nil {
			t.Error(err)
		}
		if opened != tt.want {
			t.Errorf("%s: /proc/kallsyms opened %d times, want %d", tt.object, opened, tt.want)
		}
	}
}

func TestRunKfunc(t *testing.T) {
	needKernel(t)
	needBTF(t)
	testutil.Require(t, "6.4") // ldimm64 of a kernel function
	spec := open(t, native("kfunc"))
	c := load(t, spec, nil)
	if got := run(t, c, "called", 64); got != 11 {
		t.Errorf("called returns %d", got)
	}
	if got := run(t, c, "exists", 64); got != 3 {
		t.Errorf("exists returns %d, want 3", got)
	}
	links, err := c.Attach(nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		os.Getppid()
	}
	if err := links.Close(); err != nil {
		t.Fatal(err)
	}
	if masks, bits, tasks := readVar[uint64](t, spec, c, "masks"), readVar[uint64](t, spec, c, "bits"), readVar[uint64](t, spec, c, "tasks"); masks == 0 || bits != 1 || tasks == 0 {
		t.Errorf("%d masks, bits %d, %d tasks", masks, bits, tasks)
	}
	lost := strings.Join(c.Report().Degraded, "\n")
	if !strings.Contains(lost, "extern bpf_rcu_read_lock___strict: func of vmlinux is another than the object declares: it takes 0 parameters, not 1") {
		t.Errorf("the report does not tell of the function of another type:\n%s", lost)
	}
	for _, x := range c.Report().Externs {
		if missing := x.Missing != nil; missing != (x.Name == "skep_absent_kfunc" || x.Name == "bpf_rcu_read_lock___strict") {
			t.Errorf("%s: %v", x.Name, x.Missing)
		}
	}
}

// needModuleBTF skips on kernels whose modules have no BTF. One without modules
// has in vmlinux what the tests look for.
func needModuleBTF(t *testing.T) {
	t.Helper()
	needBTF(t)
	if testutil.HasConfig(t, "CONFIG_MODULES") {
		testutil.Require(t, "", "CONFIG_DEBUG_INFO_BTF_MODULES")
	}
}

// TestRunConntrack runs the same object against kernels that have connection
// tracking built in, and as a module.
func TestRunConntrack(t *testing.T) {
	needKernel(t)
	needModuleBTF(t)
	testutil.Require(t, "5.18", "CONFIG_NF_CONNTRACK")
	spec := open(t, native("conntrack"))
	if !testutil.KernelAtLeast(t, "6.4") { // wide loads of a function's address
		spec.Programs["makes"].Policy = skep.Off
	}
	c := load(t, spec, nil)
	if c.Programs["makes"] != nil {
		if got := run(t, c, "makes", 64); got != 3 {
			t.Errorf("makes returns %d, want 3", got)
		}
	}
	if got := run(t, c, "finds_none", 64); got != 3 {
		t.Errorf("finds_none returns %d, want 3 (XDP_TX)", got)
	}
	run(t, c, "finds_symbol", 64)
	syms, err := kernel.ReadSymbols(kernel.FS("/"), []string{"nf_conntrack_find_get"}, kernel.ScanAll)
	if err != nil {
		t.Fatal(err)
	}
	find := syms.Found["nf_conntrack_find_get"]
	if got := readVar[uint64](t, spec, c, "address"); got != find.Addr || got == 0 {
		t.Errorf("address %#x, want %#x", got, find.Addr)
	}
	for _, x := range c.Report().Externs {
		if x.From != find.Module {
			t.Errorf("%s: from %q, want %q", x.Name, x.From, find.Module)
		}
	}
	t.Logf("in %q", find.Module)
}

// TestRunKsymsOfModule reads a per-CPU variable of a module, of each CPU. The
// same object loads where it is in vmlinux.
func TestRunKsymsOfModule(t *testing.T) {
	needKernel(t)
	needModuleBTF(t)
	// 5.12, but for the variable's type: 6.1 does not look behind the typedef.
	testutil.Require(t, "6.12", "CONFIG_KALLSYMS_ALL", "CONFIG_NETFILTER_XTABLES")
	spec := open(t, native("ksyms_module"))
	c := load(t, spec, nil)
	links, err := c.Attach(nil)
	if err != nil {
		t.Fatal(err)
	}
	os.Getppid()
	if err := links.Close(); err != nil {
		t.Fatal(err)
	}
	facts, err := skep.ReadFacts(skep.Needs{Symbols: []string{"xt_register_target"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer facts.Close()
	target := facts.Symbols["xt_register_target"]
	if got := readVar[uint64](t, spec, c, "cpus"); got != uint64(facts.CPUs) {
		t.Errorf("the variable is there for %d CPUs, want %d", got, facts.CPUs)
	}
	// Odd while a table is changed, which nobody does.
	if got := readVar[uint64](t, spec, c, "sequence"); got == 99 || got%2 != 0 {
		t.Errorf("sequence is %d", got)
	}
	if got := readVar[uint64](t, spec, c, "address"); got != target.Value || got == 0 {
		t.Errorf("address %#x, want %#x", got, target.Value)
	}
	for _, x := range c.Report().Externs {
		if x.Missing == nil && x.From != target.From {
			t.Errorf("%s: from %q, want %q", x.Name, x.From, target.From)
		}
	}
	t.Logf("in %q", target.From)
}

// TestModuleOfPlan: a plan refers to a module's types by number; they are held
// against those of the kernel before they are used.
func TestModuleOfPlan(t *testing.T) {
	needKernel(t)
	needBTF(t)
	testutil.Require(t, "6.4", "CONFIG_NF_CONNTRACK")
	testutil.Require(t, "", "CONFIG_DEBUG_INFO_BTF_MODULES") // and that it is a module
	types, err := os.ReadFile("/sys/kernel/btf/nf_conntrack")
	if err != nil {
		t.Fatal(err)
	}
	other := append([]byte(nil), types...)
	other[len(other)-2] ^= 1 // of a name
	for _, tt := range []struct {
		name, want string
		module     string
		types      []byte
	}{
		{"same", "", "nf_conntrack", types},
		{"built anew", "module nf_conntrack: its types are not those that the plan was made for", "nf_conntrack", other},
		{"gone", "module skep_gone: BTF: not found: is it loaded?", "skep_gone", types},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := over{os.DirFS("/"), fstest.MapFS{"sys/kernel/btf/" + tt.module: {Data: tt.types}}}
			k := btf.NewKernel(onlyModule{root, tt.module})
			defer k.Close()
			spec := open(t, native("conntrack"))
			facts, err := skep.ReadFacts(spec.Needs(), &skep.FactOptions{BTF: k})
			if err != nil {
				t.Fatal(err)
			}
			plan, err := spec.Plan(facts)
			if err != nil {
				t.Fatal(err)
			}
			c, err := plan.Apply(t.Context(), nil)
			if err == nil {
				c.Close()
			}
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// onlyModule shows vmlinux and one module.
type onlyModule struct {
	over
	module string
}

func (o onlyModule) ReadDir(name string) ([]fs.DirEntry, error) {
	if name != "sys/kernel/btf" {
		return fs.ReadDir(o.over.FS, name)
	}
	var list []fs.DirEntry
	for _, n := range []string{o.module, "vmlinux"} {
		list = append(list, dirEntry{n})
	}
	return list, nil
}

type dirEntry struct{ name string }

func (d dirEntry) Name() string               { return d.name }
func (d dirEntry) IsDir() bool                { return false }
func (d dirEntry) Type() fs.FileMode          { return 0 }
func (d dirEntry) Info() (fs.FileInfo, error) { return nil, fs.ErrInvalid }

// TestEveryExternIsInThePlan: what the plan prints is what the report holds.
func TestEveryExternIsInThePlan(t *testing.T) {
	paths, err := filepath.Glob("testdata/k*.el.o")
	if err != nil || len(paths) < 6 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		spec := open(t, path)
		used := map[string]bool{}
		for _, p := range spec.Programs {
			p.Policy = skep.Optional
		}
		plan, err := spec.Plan(madeUp(t))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(plan.String()) {
			if f := strings.Fields(line); f[0] == "extern" {
				name := f[2]
				if f[1] == "typed" {
					name = f[3]
				}
				used[strings.TrimSuffix(name, ":")] = true
			}
		}
		for _, x := range spec.Externs() {
			if !used[x.Name] {
				t.Errorf("%s: %s is not in the plan:\n%s", path, x.Name, plan)
			}
		}
	}
}

package skep_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/testutil"
)

// madeUpFiles are the files of the kernel that does not exist; see madeUp. Its
// module has no types.
func madeUpFiles(t *testing.T) fstest.MapFS {
	t.Helper()
	var config bytes.Buffer
	z := gzip.NewWriter(&config)
	fmt.Fprint(z, "CONFIG_BPF_SYSCALL=y\nCONFIG_BPF_JIT=y\nCONFIG_HZ=250\nCONFIG_DEFAULT_HOSTNAME=\"(none)\"\nCONFIG_NET=y\nCONFIG_NR_CPUS=64\n")
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	module := binary.NativeEndian.AppendUint16(nil, 0xeb9f)
	module = append(module, 1, 0)
	for _, w := range []uint32{24, 0, 0, 0, 0} {
		module = binary.NativeEndian.AppendUint32(module, w)
	}
	return fstest.MapFS{
		"proc/sys/kernel/osrelease":       {Data: []byte("6.99.1-made-up\n")},
		"proc/sys/kernel/version":         {Data: []byte("#1 SMP made up\n")},
		"proc/config.gz":                  {Data: config.Bytes()},
		"proc/kallsyms":                   {Data: []byte("ffffffff81000000 T _text\nffffffff81234560 T schedule\nffffffff81234570 t idle\tt[skep_mod]\n")},
		"sys/devices/system/cpu/possible": {Data: []byte("0-5\n")},
		"sys/kernel/btf/vmlinux":          {Data: readTest(t, "testdata/kernel/vmlinux.btf")},
		"sys/kernel/btf/skep_mod":         {Data: module},
	}
}

// factFaults are what can go wrong with an operation.
func factFaults(ops systest.Op) []systest.FSFault {
	var list []systest.FSFault
	for _, f := range []systest.FSFault{
		{Err: sys.EIO}, {Err: sys.EINTR}, {Err: fs.ErrPermission}, {Err: fs.ErrNotExist},
		{Harm: systest.Truncate}, {Harm: systest.Short}, {Harm: systest.Larger}, {Harm: systest.Smaller},
	} {
		f.Ops = ops
		list = append(list, f)
		f.Rest = true
		list = append(list, f)
	}
	return list
}

// planWith plans for what can be read of the made-up kernel. The text of a
// program's error is part of the plan.
func planWith(spec *skep.Spec, fsys fs.FS) (text string, err error) {
	features := new(skep.Features)
	features.Learn(feature.BPFCookie, feature.Yes)
	features.Learn(feature.UprobeMulti, feature.No)
	facts, err := skep.ReadFacts(spec.Needs(), &skep.FactOptions{Root: fsys, Features: features})
	if err != nil {
		return "", err
	}
	defer facts.Close()
	plan, err := spec.Plan(facts)
	if err != nil {
		return "", err
	}
	return plan.String(), nil
}

// TestFactFaults lets every operation on the files that facts are read from go
// wrong, in every way: the plan is the same, or it, or an error, says what
// could not be read.
func TestFactFaults(t *testing.T) {
	systest.Forbid(t)
	systest.CheckLeaks(t, systest.Watch{})
	seen := struct{ cases, errors, same, told int }{}
	for _, path := range []string{
		"examples/execsnoop/execsnoop.bpf.el.o", "testdata/core.el.o", "testdata/globals.el.o", "testdata/kconfig.el.o",
		"testdata/ksyms.el.o", "testdata/ksyms_typed.el.o", "testdata/lsm.el.o", "testdata/usdt.el.o",
	} {
		name, _, _ := strings.Cut(filepath.Base(path), ".")
		t.Run(name, func(t *testing.T) {
			spec := open(t, path)
			for _, p := range spec.Programs {
				p.Policy = max(p.Policy, skep.Optional) // the made-up kernel lacks much
			}
			files := madeUpFiles(t)
			count := systest.FS(files, systest.FSFault{Ops: systest.AnyOp})
			want, err := planWith(spec, count)
			if err != nil || count.Matched() < 4 {
				t.Fatalf("without a fault, %d operations: %v", count.Matched(), err)
			}
			for _, fault := range factFaults(systest.AnyOp) {
				for fault.N = 1; fault.N <= count.Matched(); fault.N++ {
					fsys := systest.FS(files, fault)
					got, err := planWith(spec, fsys)
					seen.cases++
					switch {
					case err != nil:
						seen.errors++
					case got == want:
						seen.same++
					default:
						seen.told++
					}
					if why := misjudged(fault, fsys.Victims(), got, want, err); why != "" {
						t.Errorf("%v, %q: %s", fault, fsys.Victims(), why)
					}
					if n := fsys.OpenFiles(); n != 0 {
						t.Errorf("%v, %q: %d files are open", fault, fsys.Victims(), n)
					}
				}
			}
		})
	}
	t.Logf("%+v", seen)
}

// misjudged says what is wrong with the outcome of a fault.
func misjudged(fault systest.FSFault, victims []string, got, want string, err error) string {
	named := slices.ContainsFunc(victims, func(v string) bool {
		_, file, _ := strings.Cut(v, " ")
		text := got
		if err != nil {
			text = err.Error()
		}
		return strings.Contains(text, file)
	})
	switch {
	case err == nil && got == want:
		return ""
	case fault.Harm == systest.Short:
		return fmt.Sprintf("short reads matter: %v\n%s", err, cmp.Diff(want, got))
	case err != nil && !named:
		return fmt.Sprintf("the error names no file: %v", err)
	case err == nil && !named && fault.Harm == systest.Fail:
		return fmt.Sprintf("another plan that does not say why (-want +got):\n%s", cmp.Diff(want, got))
	case err == nil && !named && binaryFact(victims):
		return fmt.Sprintf("half a file passes for a whole one (-want +got):\n%s", cmp.Diff(want, got))
	}
	return ""
}

// binaryFact: what is cut short there cannot pass for a whole file, as half of a
// text can.
func binaryFact(victims []string) bool {
	return slices.ContainsFunc(victims, func(v string) bool {
		return strings.HasSuffix(v, ".gz") || strings.HasSuffix(v, "/vmlinux")
	})
}

// TestFactFaultsOfALoad is the same for a load on this kernel.
func TestFactFaultsOfALoad(t *testing.T) {
	needKernel(t)
	f := newFaulty(t)
	ops := systest.AnyOp &^ systest.OpRead // /proc/kallsyms takes thousands
	load := func(fsys fs.FS) (*skep.Collection, error) {
		facts, err := skep.ReadFacts(f.obj.Needs(), &skep.FactOptions{Root: fsys})
		if err != nil {
			return nil, err
		}
		defer facts.Close()
		return skep.Load(f.obj, &skep.Options{Facts: facts, PinDir: f.dir, Parallel: 1})
	}
	count := systest.FS(os.DirFS("/"), systest.FSFault{Ops: ops})
	c, err := load(count)
	if err != nil {
		t.Fatal(err)
	}
	f.finish(t, c)
	failed, same, cases := 0, 0, 0
	for _, fault := range factFaults(ops) {
		for fault.N = 1; fault.N <= count.Matched(); fault.N++ {
			if cases++; testutil.InGuest() && cases%3 != 0 {
				continue // as EachFault
			}
			fsys := systest.FS(os.DirFS("/"), fault)
			c, err := load(fsys)
			if err == nil {
				same++
				if diff := cmp.Diff(f.want, f.finish(t, c)); diff != "" {
					t.Errorf("%v, %q: another collection:\n%s", fault, fsys.Victims(), diff)
				}
			} else if failed++; misjudged(fault, fsys.Victims(), "", "", err) != "" {
				t.Errorf("%v, %q: %v", fault, fsys.Victims(), err)
			}
			f.untouched(t)
			if n := fsys.OpenFiles(); n != 0 {
				t.Errorf("%v, %q: %d files are open", fault, fsys.Victims(), n)
			}
		}
	}
	t.Logf("%d operations: %d errors, %d the same collection", count.Matched(), failed, same)
}

// brokenFS fails to open what its test says, and has nothing else.
type brokenFS struct {
	fs.FS
	broken string
}

func (b brokenFS) Open(name string) (fs.File, error) {
	if strings.HasPrefix(name, b.broken) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: sys.EIO}
	}
	return b.FS.Open(name)
}

// TestUnreadableFacts: a fact that cannot be read is an error only where it
// matters, and then says what could not be read.
func TestUnreadableFacts(t *testing.T) {
	for _, tc := range []struct {
		broken, object, program string
		facts                   bool // ReadFacts itself fails
		want                    string
	}{
		{"sys/devices/system/cpu", "globals", "count", true, "possible CPUs"},
		{"proc/", "globals", "count", true, "facts"},
		{"proc/config.gz", "globals", "count", false, ""},
		{"proc/kallsyms", "globals", "count", false, ""},
		{"proc/kallsyms", "ksyms", "typeless", false, "extern schedule"},
		{"sys/kernel/btf", "core", "fields", false, "kernel BTF"},
		{"sys/kernel/btf", "globals", "count", false, ""},
		{"sys/kernel/btf", "attach", "on_tp_btf", false, "on_tp_btf: target"},
	} {
		name := tc.broken + " for " + tc.object
		root := brokenFS{os.DirFS("/"), tc.broken}
		spec := open(t, native(tc.object))
		if err := spec.Only(tc.program); err != nil {
			t.Fatal(err)
		}
		facts, err := skep.ReadFacts(spec.Needs(), &skep.FactOptions{Root: root})
		if (err != nil) != tc.facts {
			t.Errorf("%s: ReadFacts: %v", name, err)
		}
		if err != nil {
			if !strings.Contains(err.Error(), tc.want) || !errors.Is(err, sys.EIO) {
				t.Errorf("%s: ReadFacts: error %v, want one with %q that wraps EIO", name, err, tc.want)
			}
			continue
		}
		_, err = spec.Plan(facts)
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: Plan: error %v, want %q", name, err, tc.want)
		}
		if err := facts.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

package skep_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/step/require"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/internal/testutil/fentry"
	"github.com/skepbpf/skep/prog"
)

// lacking names what the running kernel does not have of what must be there to
// load, by its release and configuration.
func lacking(t *testing.T, r *skep.Requirements) (what []string) {
	t.Helper()
	for _, q := range r.All {
		if q.Attach || q.Optional { // what is guarded is reached here
			continue
		}
		if q.Since != "" && !testutil.KernelAtLeast(t, q.Since) || q.Config != "" && !testutil.HasConfig(t, q.Config) {
			what = append(what, q.String())
		}
	}
	return what
}

// otherwise are programs that load, or do not, for reasons that no list of
// features has.
var otherwise = []struct{ program, before, why string }{
	{"off: refused", "", "dereferences what may be null"},
	{"ksyms_module: per_cpu", "6.12", "6.1 does not look behind the typedef of a variable's type"},
}

func excepted(t *testing.T, program string) bool {
	t.Helper()
	for _, o := range otherwise {
		if o.program == program && (o.before == "" || !testutil.KernelAtLeast(t, o.before)) {
			return true
		}
	}
	return false
}

// TestRequirements holds the lowest release that a plan claims against this
// kernel: a program that can be planned loads if, and only if, nothing that it
// needs came later or is configured out.
func TestRequirements(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "5.10")
	paths, err := filepath.Glob(native("*"))
	if err != nil || len(paths) < 20 {
		t.Fatalf("%d objects, %v", len(paths), err)
	}
	trampolines := testutil.HasTrampolines(t, fentry.Try)
	root := symbolsOnce(t)
	kernel := btf.NewKernel(os.DirFS("/"))
	defer kernel.Close()
	judged := 0
	for _, path := range paths {
		names := open(t, path).ProgramNames()
		for _, name := range names {
			s := open(t, path)
			at := s.Name + ": " + name
			if err := s.Only(name); err != nil {
				t.Fatal(err)
			}
			for _, m := range s.Maps {
				m.Pinning = 0
			}
			switch p := s.Programs[name]; {
			case p.Type == prog.StructOps:
				continue // loaded by its map, TestStructOps
			case !trampolines && (p.Type == prog.LSM || p.Type == prog.Tracing && p.Attach != prog.AttachTraceRawTP && p.Attach != prog.AttachTraceIter):
				continue
			}
			f, err := skep.ReadFacts(s.Needs(), &skep.FactOptions{Root: root, BTF: kernel})
			if err != nil {
				t.Fatal(err)
			}
			plan, err := s.Plan(f)
			if err != nil {
				continue // what could not be planned will not load
			}
			r := plan.Requirements()
			lack := append(lacking(t, r), r.Refused...)
			c, err := plan.Apply(t.Context(), nil)
			if err == nil {
				c.Close()
			}
			if claim := len(lack) == 0; claim != (err == nil) && !excepted(t, at) {
				t.Errorf("%s: claimed to load: %v; lacking %q\nload: %v", at, claim, lack, err)
			}
			judged++
		}
	}
	if judged < 60 {
		t.Errorf("only %d programs could be planned", judged)
	}
}

// TestReleases holds the tables of releases against the enumerations in the
// running kernel's BTF: what it has came with its release or before, what it
// lacks later.
func TestReleases(t *testing.T) {
	testutil.NeedLinux(t)
	testutil.Require(t, "5.10", "CONFIG_DEBUG_INFO_BTF")
	kernel := btf.NewKernel(os.DirFS("/"))
	defer kernel.Close()
	for _, tt := range []struct {
		enum  string
		since func(uint32) require.Since
		end   uint32 // the first that no release is known to have
	}{
		{"bpf_func_id", func(n uint32) require.Since { return require.Helper(int32(n)) }, 212},
		{"bpf_prog_type", require.ProgType, 33},
		{"bpf_map_type", require.MapType, 36},
		{"bpf_attach_type", require.AttachType, 62},
	} {
		_, e, err := kernel.FindType(tt.enum, btf.KindEnum)
		if err != nil {
			t.Fatal(err)
		}
		have := map[uint64]string{}
		for i := range e.Vlen() {
			if v := e.EnumValue(i); !strings.HasPrefix(v.Name, "__") {
				have[v.Value] = v.Name
			}
		}
		for n := uint32(1); n < tt.end; n++ {
			since := tt.since(n)
			if since == "" {
				t.Errorf("%s: %d has no release", tt.enum, n)
				continue
			}
			name, ok := have[uint64(n)]
			if ok != testutil.KernelAtLeast(t, string(since)) {
				t.Errorf("%s: %d %s: the kernel has it: %v, since %s", tt.enum, n, name, ok, since)
			}
		}
		if s := tt.since(tt.end); s != "" {
			t.Errorf("%s: %d came with %s?", tt.enum, tt.end, s)
		}
	}
}

func TestRequirementsText(t *testing.T) {
	s := open(t, "testdata/ringbuf.el.o")
	p, err := s.Plan(madeUp(t))
	if err != nil {
		t.Fatal(err)
	}
	text := p.Requirements().String()
	for _, want := range []string{
		"needs Linux 5.8\n", "\t5.8   map type RingBuf: map events; map small\n",
		"\t5.8   helper bpf_ringbuf_reserve: program emit, ringbuf.c:",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// requirement finds what a plan says of something.
func requirement(t *testing.T, r *skep.Requirements, what string) *skep.Requirement {
	t.Helper()
	for i := range r.All {
		if r.All[i].What == what {
			return &r.All[i]
		}
	}
	return nil
}

// TestRequirementsCount: what another program can stand in for, what may be left
// out, and what only some kernels reach raises no release; what no kernel with
// these constants reaches is none at all.
func TestRequirementsCount(t *testing.T) {
	plan := func(object string, edit func(*skep.Spec) error) *skep.Requirements {
		t.Helper()
		s := open(t, "testdata/"+object+".el.o")
		if err := edit(s); err != nil {
			t.Fatal(err)
		}
		p, err := s.Plan(madeUp(t))
		if err != nil {
			t.Fatal(err)
		}
		return p.Requirements()
	}
	const fentry, tai = "attach type trace_fentry", "helper bpf_ktime_get_tai_ns"
	alone := plan("prefer", func(s *skep.Spec) error { return s.Only("fentry_sleep") })
	if r := requirement(t, alone, fentry); alone.Load != "5.5" || r == nil || r.Optional {
		t.Errorf("alone: %s", alone)
	}
	either := plan("prefer", func(s *skep.Spec) error {
		return errors.Join(s.Only("fentry_sleep", "kprobe_sleep"), s.Prefer("fentry_sleep", "kprobe_sleep"))
	})
	if r := requirement(t, either, fentry); either.Load != "5.2" || r == nil || !r.Optional {
		t.Errorf("one of two: %s", either)
	}
	optional := plan("prefer", func(s *skep.Spec) error {
		s.Programs["fentry_sleep"].Policy, s.Programs["fexit_sleep"].Policy = skep.Optional, skep.Off
		return nil
	})
	if r := requirement(t, optional, fentry); optional.Load != "5.2" || r == nil || !r.Optional || requirement(t, optional, "attach type trace_fexit") != nil {
		t.Errorf("optional, off: %s", optional)
	}
	for program, want := range map[string]string{"by_constant": "none", "by_absent": "none", "by_symbol": "none", "by_release": "if reached", "by_enum": "if reached"} {
		r := plan("guards", func(s *skep.Spec) error { return s.Only(program) })
		got := "none"
		if q := requirement(t, r, tai); q != nil {
			got = "always"
			if q.IfReached {
				got = "if reached"
			}
		}
		if got != want || r.Load != "5.2" {
			t.Errorf("%s: %s, want %s\n%s", program, got, want, r)
		}
	}
	always := plan("guards", func(s *skep.Spec) error { return errors.Join(s.Only("by_constant"), s.Set("wanted", int32(1))) })
	if q := requirement(t, always, tai); q == nil || q.IfReached || always.Load != "6.1" {
		t.Errorf("wanted: %s", always)
	}
	refused := plan("core_poison", func(s *skep.Spec) error { return s.Only("poisoned") })
	if len(refused.Refused) != 1 || !strings.Contains(refused.Refused[0], "program poisoned: poisoned: insn ") {
		t.Errorf("refused: %q", refused.Refused)
	}
	// Attaching may want more.
	usdt := plan("attach", func(s *skep.Spec) error { return s.Only("on_kprobe") })
	if usdt.Load != usdt.Attach {
		t.Errorf("kprobe: %s", usdt)
	}
}

// TestRelocations: relocations are told in C's words, with their lines.
func TestRelocations(t *testing.T) {
	s := open(t, "testdata/core.el.o")
	p, err := s.Plan(madeUp(t))
	if err != nil {
		t.Fatal(err)
	}
	all := p.Relocations()
	find := func(fn, what string) *skep.Relocation {
		for i := range all {
			if all[i].Function == fn && strings.Contains(all[i].What, what) {
				return &all[i]
			}
		}
		t.Fatalf("no %s in %s", what, fn)
		return nil
	}
	if r := find("fields", "task_struct.pid"); r.Value != 16 || r.Was != 0 || r.Missing != "" || !strings.HasPrefix(r.Source, "core.c:") {
		t.Errorf("%+v", r)
	}
	if r := find("fields", "task_struct___old.state"); !strings.Contains(r.Missing, "no such member") {
		t.Errorf("%+v", r)
	}
	if r := find("direct", "task_struct.pid"); !strings.Contains(r.Missing, "4 bytes here and 8 in the kernel") && r.Value != 16 {
		t.Errorf("%+v", r)
	}
	if len(all) != 42 {
		t.Errorf("%d relocations", len(all))
	}
}

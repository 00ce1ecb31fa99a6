package skep_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/sys/systest"
)

var update = flag.Bool("update", false, "rewrite golden files")

// madeUp are the facts of a kernel that does not exist: types.c in
// testdata/kernel, and what is said here.
func madeUp(t *testing.T) *skep.Facts {
	t.Helper()
	types, err := os.ReadFile("testdata/kernel/vmlinux.btf")
	if err != nil {
		t.Fatal(err)
	}
	module, err := os.ReadFile(madeUpModule)
	if err != nil {
		t.Fatal(err)
	}
	kernel := btf.NewKernel(fstest.MapFS{"sys/kernel/btf/vmlinux": {Data: types}, "sys/kernel/btf/skep_mod": {Data: module}})
	t.Cleanup(func() { kernel.Close() })
	known := func(v string) skep.Fact[string] { return skep.Fact[string]{State: skep.Known, Value: v} }
	f := &skep.Facts{
		Release:  "6.99.1-made-up",
		PageSize: 16384,
		CPUs:     6,
		Config: map[string]skep.Fact[string]{
			"CONFIG_BPF_SYSCALL":      known("y"),
			"CONFIG_BPF_JIT":          known("y"),
			"CONFIG_HZ":               known("250"),
			"CONFIG_DEFAULT_HOSTNAME": known(`"(none)"`),
			"CONFIG_NET":              known("y"),
			"CONFIG_NR_CPUS":          known("64"),
			"CONFIG_SKEP_ABSENT":      {State: skep.Absent},
			"CONFIG_SKEP_ABSENT_BOOL": {State: skep.Absent, From: "/proc/config.gz"},

			"CONFIG_SKEP_BOOL":     {State: skep.Known, Value: "y", From: "/boot/config-6.99.1"},
			"CONFIG_SKEP_TRISTATE": known("m"),
			"CONFIG_SKEP_CHAR":     known("n"),
			"CONFIG_SKEP_U8":       known("0xff"),
			"CONFIG_SKEP_S16":      known("-2"),
			"CONFIG_SKEP_U16":      known("65535"),
			"CONFIG_SKEP_S32":      known("-0x80000000"),
			"CONFIG_SKEP_U32":      known("017"),
			"CONFIG_SKEP_S64":      known("-9"),
			"CONFIG_SKEP_U64":      known("0xfedcba9876543210"),
			"CONFIG_SKEP_STRING":   known(`"too long"`),
		},
		Symbols: map[string]skep.Fact[uint64]{
			"schedule":           {State: skep.Known, Value: 0xffffffff81234560},
			"skep_absent":        {State: skep.Absent},
			"skep_mod_init":      {State: skep.Known, Value: 0xffffffffc0100040, From: "skep_mod"},
			"skep_absent_symbol": {State: skep.Absent},
			"name_show":          {State: skep.Ambiguous, Err: errors.New("ambiguous: several symbols have this name, 0x1 and 0x2")},
		},
		Features: new(skep.Features),
		BTF:      kernel,
	}
	f.Features.Learn(feature.BPFCookie, feature.Yes)
	f.Features.Learn(feature.UprobeMulti, feature.No)
	return f
}

// TestPlanGolden compares plans for the made-up kernel with recorded ones. No
// call of the kernel is allowed.
func TestPlanGolden(t *testing.T) {
	systest.Forbid(t)
	for _, path := range []string{
		"examples/execsnoop/execsnoop.bpf.el.o", "testdata/core.el.o", "testdata/globals.el.o", "testdata/kconfig.el.o",
		"testdata/ksyms.el.o", "testdata/ksyms_typed.el.o", "testdata/lsm.el.o", "testdata/mapinmap.el.o", "testdata/off.el.o",
		"testdata/prefer.el.o", "testdata/ringbuf.el.o", "testdata/subprogs.el.o", "testdata/usdt.el.o", "testdata/legacy.el.o",
		"testdata/kfunc.el.o", "testdata/kfunc_bad.el.o", "testdata/prune.el.o", "testdata/prune_absent.el.o", "testdata/kfunc_module.el.o", "testdata/kconfig_types.el.o",
	} {
		name, _, _ := strings.Cut(filepath.Base(path), ".")
		t.Run(name, func(t *testing.T) {
			spec, err := skep.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range spec.Programs {
				// What this kernel lacks is part of the picture.
				p.Policy = max(p.Policy, skep.Optional)
				if strings.HasPrefix(name, "kfunc") {
					p.Policy = skep.Optional
				}
			}
			if strings.HasPrefix(name, "prune") {
				spec.Prune()
			}
			var got string
			for range 3 {
				// New facts: nothing may come from what was found before.
				plan, err := spec.Plan(madeUp(t))
				if err != nil {
					t.Fatal(err)
				}
				if text := plan.String(); got != "" && text != got {
					t.Fatalf("same spec and facts, other text:\n%s", cmp.Diff(got, text))
				} else {
					got = text
				}
			}
			golden := filepath.Join("testdata", "plan", name+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func open(t *testing.T, path string) *skep.Spec {
	t.Helper()
	s, err := skep.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestPlanFailures holds what a Required program that cannot be resolved says,
// and that the same program, Optional or Off, stops nobody.
func TestPlanFailures(t *testing.T) {
	systest.Forbid(t)
	for _, tt := range []struct {
		name, object, program, want string
		facts                       func(*skep.Facts)
	}{
		{"strong config option is absent", "kconfig_strong", "needs_absent",
			"kconfig_strong: program needs_absent: needs_absent: extern CONFIG_SKEP_ABSENT: not set in the kernel's configuration", nil},
		{"config cannot be read", "kconfig", "read_config",
			"kconfig: program read_config: read_config: extern CONFIG_BPF_SYSCALL: the kernel's configuration cannot be read: no such file",
			func(f *skep.Facts) {
				f.Config["CONFIG_BPF_SYSCALL"] = skep.Fact[string]{State: skep.Hidden, Err: errors.New("no such file")}
			}},
		{"config was not asked for", "kconfig", "read_config",
			"kconfig: program read_config: read_config: extern CONFIG_HZ: the facts do not say",
			func(f *skep.Facts) { f.Config = nil }},
		{"config value does not fit", "kconfig", "read_config",
			"kconfig: program read_config: read_config: extern CONFIG_HZ: value y: needs enum libbpf_tristate, char or (for y and n) bool, have an integer",
			func(f *skep.Facts) { f.Config["CONFIG_HZ"] = skep.Fact[string]{State: skep.Known, Value: "y"} }},
		{"strong symbol is hidden", "ksyms", "typeless",
			"ksyms: program typeless: typeless: extern schedule: hidden",
			func(f *skep.Facts) {
				f.Symbols["schedule"] = skep.Fact[uint64]{State: skep.Hidden, Err: errors.New("hidden")}
			}},
		{"hook is absent", "prefer", "fentry_sleep",
			"prefer: program fentry_sleep: target do_nanosleep: kernel BTF: no kernel BTF: not in sysfs, and the release is unknown: open proc/sys/kernel/osrelease: file does not exist",
			func(f *skep.Facts) { f.BTF = btf.NewKernel(fstest.MapFS{}) }},
		{"section is no type", "off", "unknown",
			`off: program unknown: section "?skep_unknown" is no known program type: set Type`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec := open(t, filepath.Join("testdata", tt.object+".el.o"))
			if err := spec.Only(tt.program); err != nil {
				t.Fatal(err)
			}
			facts := madeUp(t)
			if tt.facts != nil {
				tt.facts(facts)
			}
			_, err := spec.Plan(facts)
			if err == nil || err.Error() != tt.want {
				t.Fatalf("got  %v\nwant %s", err, tt.want)
			}
			var step *skep.StepError
			if !errors.As(err, &step) || step.Object != tt.object || step.Step != "plan" || step.Name != tt.program {
				t.Errorf("step %+v", step)
			}
			for _, policy := range []skep.Policy{skep.Optional, skep.Off} {
				spec.Programs[tt.program].Policy = policy
				if _, err := spec.Plan(facts); err != nil {
					t.Errorf("%s: %v", policy, err)
				}
			}
		})
	}
}

// TestPlanAlternatives: a group fails only if none of its members resolves.
func TestPlanAlternatives(t *testing.T) {
	systest.Forbid(t)
	spec := open(t, "testdata/prefer.el.o")
	if err := spec.Only("fentry_sleep", "raw_sleep"); err != nil {
		t.Fatal(err)
	}
	if err := spec.Prefer("fentry_sleep", "raw_sleep"); err != nil {
		t.Fatal(err)
	}
	spec.Programs["fentry_sleep"].Target.Name = "skep_absent"
	plan, err := spec.Plan(madeUp(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"left out: target skep_absent", "alternatives fentry_sleep raw_sleep"} {
		if !strings.Contains(plan.String(), want) {
			t.Errorf("no %q in\n%s", want, plan)
		}
	}
	if err := spec.Only("fentry_sleep"); err != nil {
		t.Fatal(err)
	}
	if _, err := spec.Plan(madeUp(t)); err == nil {
		t.Error("the only member left cannot be resolved, and the plan does not say so")
	}
}

// TestPlanLeavesSpec: planning does not change the Spec, and editing the Spec
// afterwards does not change the Plan.
func TestPlanLeavesSpec(t *testing.T) {
	systest.Forbid(t)
	spec := open(t, native("globals"))
	plan, err := spec.Plan(madeUp(t))
	if err != nil {
		t.Fatal(err)
	}
	before := plan.String()
	if err := spec.Set("min_ns", uint64(77)); err != nil {
		t.Fatal(err)
	}
	for _, p := range spec.Programs {
		p.Insns[0].Imm = 99
		p.Policy = skep.Off
	}
	for _, m := range spec.Maps {
		m.MaxEntries = 12345
	}
	if diff := cmp.Diff(before, plan.String()); diff != "" {
		t.Error(diff)
	}
}

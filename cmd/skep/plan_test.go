package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/testutil"
)

// made are flags for the made-up kernel of testdata/kernel.
func made(release string, more ...string) []string {
	return append([]string{"-kernel", "../../testdata/kernel/vmlinux.btf", "-release", release}, more...)
}

// TestPlanElsewhere compares plans for kernels that are nowhere with recorded
// ones. No call of the kernel is allowed.
func TestPlanElsewhere(t *testing.T) {
	systest.Forbid(t)
	const config, symbols = "testdata/plan/config", "testdata/plan/symbols"
	for _, tt := range []struct {
		name   string
		object string
		flags  []string
		code   int
	}{
		{"ringbuf-5.10", "ringbuf", made("5.10.0"), exitGood},
		{"ringbuf-5.4", "ringbuf", made("5.4.290"), exitRejected},
		{"core-5.4", "core", made("5.4.0"), exitRejected},
		{"core-4.18", "core", made("4.18.0", "-off", "direct"), exitRejected},
		{"core-no-types", "core", []string{"-release", "6.1"}, exitRejected},
		{"kconfig-6.1", "kconfig", made("6.1.0-28-amd64", "-config", config), exitGood},
		{"ksyms-6.1", "ksyms", made("6.1", "-symbols", symbols), exitGood},
		{"prefer-6.1", "prefer", made("6.1", "-config", config), exitRejected},
		{"run-6.1", "run", made("6.1"), exitGood},
		{"isa4-6.1", "isa4", made("6.1"), exitRejected},
		{"maptypes-6.1", "maptypes", made("6.1", "-cpus", "8"), exitGood},
		{"signed-6.1", "signed", made("6.1"), exitGood},
		{"guards-6.1", "guards", made("6.1"), exitGood},
		{"ringbuf-json", "ringbuf", made("5.8", "-json"), exitGood},
		{"core-json", "core", made("6.1", "-json"), exitRejected},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, out, errs := skepRun(append(append([]string{"plan"}, tt.flags...), testdata(tt.object))...)
			if code != tt.code {
				t.Errorf("exit %d, want %d", code, tt.code)
			}
			if strings.HasSuffix(tt.name, "json") {
				out = indent(t, out)
			}
			got := fmt.Sprintf("%s--- exit %d\n%s", out, code, errs)
			golden := filepath.Join("testdata", "plan", tt.name+".txt")
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

func indent(t *testing.T, line string) string {
	t.Helper()
	var info planInfo
	if err := json.Unmarshal([]byte(line), &info); err != nil {
		t.Fatal(err)
	}
	b, err := json.MarshalIndent(&info, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + "\n"
}

func TestPlanUsage(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"-kernel", "x.btf"}, "-kernel and -symbols need -release"},
		{[]string{"-release", "latest"}, `kernel version "latest"`},
		{[]string{"-release", "6.1", "-kernel", "no-such-file"}, "no-such-file"},
		{[]string{"-release", "6.1", "-symbols", "no-such-file"}, "no-such-file"},
	} {
		code, out, errs := skepRun(append(append([]string{"plan"}, tt.args...), testdata("xdp"))...)
		if code != exitUsage || out != "" || !strings.Contains(errs, tt.want) {
			t.Errorf("%q: exit %d, %q, %q", tt.args, code, out, errs)
		}
	}
}

// TestPlanSign writes the bytes of Plan.Signing, and nothing else.
func TestPlanSign(t *testing.T) {
	systest.Forbid(t)
	spec, err := skep.Open(testdata("signed"))
	if err != nil {
		t.Fatal(err)
	}
	features, err := skep.FeaturesOf("6.18")
	if err != nil {
		t.Fatal(err)
	}
	p, err := spec.Plan(&skep.Facts{Release: "6.18", PageSize: 4096, CPUs: 1, Features: features})
	if err != nil {
		t.Fatal(err)
	}
	want, err := p.Signing("owner")
	if err != nil {
		t.Fatal(err)
	}
	if code, out, errs := skepRun("plan", "-release", "6.18", "-sign", "owner", testdata("signed")); code != exitGood || out != string(want.Bytes) || errs != "" {
		t.Errorf("exit %d, %x, want %x, %s", code, out, want.Bytes, errs)
	}
	for args, text := range map[string]string{"-release 7.3 -sign owner": "frozen Arrays", "-release 7.3 -sign nobody": "no program nobody"} {
		if code, out, errs := skepRun(append(append([]string{"plan"}, strings.Fields(args)...), testdata("signed"))...); code != exitRejected || out != "" || !strings.Contains(errs, text) {
			t.Errorf("%s: exit %d, %x, %s", args, code, out, errs)
		}
	}
}

// TestPlanHere: described by its own files, the running kernel gives the plan
// that it gives itself.
func TestPlanHere(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "6.6", "CONFIG_DEBUG_INFO_BTF") // what the release alone says is enough
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range []string{"core", "ringbuf", "ksyms_typed", "run"} {
		_, here, _ := skepRun("plan", testdata(object))
		code, there, errs := skepRun("plan", "-kernel", "/sys/kernel/btf", "-release", strings.TrimSpace(string(release)), testdata(object))
		if diff := cmp.Diff(here, there); diff != "" || here == "" {
			t.Errorf("%s: exit %d, %s%s", object, code, errs, diff)
		}
	}
}

// TestLoadReport: with -report, a line tells what became of each part.
func TestLoadReport(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "5.10", "CONFIG_DEBUG_INFO_BTF")
	code, out, errs := skepRun("load", "-json", "-report", testdata("core"))
	if code != exitGood {
		t.Fatalf("exit %d: %s", code, errs)
	}
	all := strings.Split(strings.TrimSpace(out), "\n")
	var r reportLine
	if err := json.Unmarshal([]byte(all[len(all)-1]), &r); err != nil {
		t.Fatal(err)
	}
	if len(all) != 6 || r.Object != testdata("core") || len(r.Report.Programs) != 5 || len(r.Report.Maps) != 1 {
		t.Errorf("%d lines, %+v", len(all), r)
	}
	if m := r.Report.Maps[0]; m.Name != ".bss" || !m.Created || m.Reused {
		t.Errorf("map %+v", m)
	}
	if p := r.Report.Programs[3]; p.Name != "guarded" || !p.Loaded || len(p.Unresolved) != 1 || !strings.Contains(p.Unresolved[0], "skep_no_such_field") {
		t.Errorf("program %+v", p)
	}
	_, out, _ = skepRun("load", testdata("core"))
	if want := "program guarded: not reached, and unresolved: guarded: insn 3: byte_off struct task_struct___absent.skep_no_such_field"; !strings.Contains(out, want) {
		t.Errorf("no %q in\n%s", want, out)
	}
}

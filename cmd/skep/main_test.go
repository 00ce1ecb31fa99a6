package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/maps"
)

var update = flag.Bool("update", false, "rewrite golden files")

// skepRun runs the command in this process.
func skepRun(args ...string) (code int, out, err string) {
	var o, e bytes.Buffer
	code = run(env{&o, &e}, args)
	return code, o.String(), e.String()
}

func testdata(name string) string { return "../../testdata/" + name + ".el.o" }

func needKernel(t *testing.T) {
	t.Helper()
	testutil.NeedRoot(t)
	systest.CheckLeaks(t, systest.Watch{})
}

// lines decodes what `load -json` prints. Each line holds exactly the fields of
// the contract.
func lines(t *testing.T, out string) []result {
	t.Helper()
	var all []result
	for line := range strings.Lines(out) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		want := map[string]bool{"object": true, "program": true, "section": true, "ok": true, "error": true}
		have := map[string]bool{}
		for f := range fields {
			have[f] = true
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("fields of %q (-want +got):\n%s", line, diff)
		}
		var r result
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if r.OK == (r.Error != "") {
			t.Errorf("ok and error of %q disagree", line)
		}
		all = append(all, r)
	}
	return all
}

// verdicts is program → loaded.
func verdicts(rs []result) map[string]bool {
	v := map[string]bool{}
	for _, r := range rs {
		v[r.Program] = r.OK
	}
	return v
}

func TestUsage(t *testing.T) {
	for _, tc := range []struct {
		args []string
		code int
		want string // on stderr
	}{
		{nil, exitUsage, "usage: skep VERB"},
		{[]string{"brew"}, exitUsage, `unknown verb "brew"`},
		{[]string{"load"}, exitUsage, "skep load: no object named"},
		{[]string{"load", "-json"}, exitUsage, "no object named"},
		{[]string{"load", "-no-such-flag", "x.o"}, exitUsage, "no-such-flag"},
		{[]string{"load", "-h"}, exitGood, "-autosize"},
		{[]string{"inspect"}, exitUsage, "skep inspect: no object named"},
		{[]string{"plan"}, exitUsage, "skep plan: no object named"},
		{[]string{"inspect", "no-such-file"}, exitUsage, "no-such-file"},
		{[]string{"plan", "no-such-file"}, exitUsage, "no-such-file"},
		{[]string{"plan", "-off", "nobody", testdata("xdp")}, exitUsage, "no program nobody"},
		{[]string{"inspect", "main_test.go"}, exitUsage, "main_test.go"},
	} {
		code, out, errs := skepRun(tc.args...)
		if code != tc.code || !strings.Contains(errs, tc.want) || out != "" {
			t.Errorf("skep %q: exit %d (want %d), stdout %q, stderr %q (want %q)", tc.args, code, tc.code, out, errs, tc.want)
		}
	}
}

// TestUnreadable: an object that cannot be read or parsed gives one line, and
// those beside it are dealt with.
func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	whole, err := os.ReadFile(testdata("xdp"))
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"empty.o": nil, "text.o": []byte("no object\n"), "cut.o": whole[:len(whole)/2]} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, flags := range [][]string{{"-json"}, {"-json", "-each"}, {"-json", "-each", "-autosize", "-attach"}} {
			code, out, _ := skepRun(append(append([]string{"load"}, flags...), path)...)
			got := lines(t, out)
			if code != exitUsage || len(got) != 1 || got[0].Program != "" || got[0].OK || got[0].Object != path || got[0].Error == "" {
				t.Errorf("load %v %s: exit %d, %+v", flags, name, code, got)
			}
		}
		code, out, _ := skepRun("load", path)
		if code != exitUsage || strings.Count(out, "\n") != 1 || !strings.HasPrefix(out, path+": ") {
			t.Errorf("load %s: exit %d, %q", name, code, out)
		}
	}
	code, out, _ := skepRun("load", "-json", filepath.Join(dir, "absent.o"), filepath.Join(dir, "empty.o"))
	if got := lines(t, out); code != exitUsage || len(got) != 2 {
		t.Errorf("two unreadable objects: exit %d, %+v", code, got)
	}
}

func TestLoad(t *testing.T) {
	needKernel(t)
	for _, tc := range []struct {
		name  string
		flags []string
		objs  []string
		code  int
		want  map[string]bool
	}{
		{"all good", nil, []string{"xdp"}, exitGood,
			map[string]bool{"xdp_pass": true, "xdp_drop": true, "xdp_count": true, "xdp_frags": true}},
		{"off programs are no rejection", nil, []string{"off"}, exitGood,
			map[string]bool{"starts_off": false, "starts_on": true, "refused": false, "prefix_only": false, "unknown": false}},
		{"each ignores off", []string{"-each"}, []string{"off"}, exitRejected,
			map[string]bool{"starts_off": true, "starts_on": true, "refused": false, "prefix_only": true, "unknown": false}},
		{"one bad program fails the whole object", nil, []string{"freplace"}, exitRejected, map[string]bool{"replacement": false}},
		{"pins are ignored", nil, []string{"pinned"}, exitGood, map[string]bool{"count": true}},
		{"attach what can be", []string{"-attach"}, []string{"ksyms"}, exitGood,
			map[string]bool{"typeless": true, "typed_absent": true, "kfunc": true}},
		{"each, attached", []string{"-each", "-attach"}, []string{"ksyms"}, exitGood,
			map[string]bool{"typeless": true, "typed_absent": true, "kfunc": true}},
		{"the worst code wins", []string{"-each"}, []string{"off", "xdp"}, exitRejected,
			map[string]bool{"starts_off": true, "starts_on": true, "refused": false, "prefix_only": true, "unknown": false,
				"xdp_pass": true, "xdp_drop": true, "xdp_count": true, "xdp_frags": true}},
	} {
		args := append([]string{"load", "-json"}, tc.flags...)
		for _, o := range tc.objs {
			args = append(args, testdata(o))
		}
		code, out, errs := skepRun(args...)
		got := lines(t, out)
		if code != tc.code || errs != "" {
			t.Errorf("%s: exit %d, want %d; stderr %q", tc.name, code, tc.code, errs)
		}
		if diff := cmp.Diff(tc.want, verdicts(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s\n%s", tc.name, diff, out)
		}
		for _, r := range got {
			if r.Object == "" || r.Section == "" {
				t.Errorf("%s: line without object or section: %+v", tc.name, r)
			}
		}
	}
}

// TestConfigAndReport: values from a file reach plan and load, and both tell of
// every extern.
func TestConfigAndReport(t *testing.T) {
	needKernel(t)
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte("CONFIG_SKEP_U8=7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := testdata("kconfig_types")
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"plan", "-config", file, path}, "\nextern kconfig CONFIG_SKEP_U8 = 7, from the text given\n"},
		{[]string{"load", "-config", file, path}, path + ": extern kconfig CONFIG_SKEP_U8 = 7, from the text given\n"},
		{[]string{"load", path}, path + ": extern kconfig CONFIG_SKEP_U8 = 0 (weak: not set in /"},
	} {
		code, out, errs := skepRun(tc.args...)
		if code != exitGood || errs != "" || !strings.Contains(out, tc.want) {
			t.Errorf("%v: exit %d, %s, no %q in\n%s", tc.args, code, errs, tc.want, out)
		}
	}
	if code, _, errs := skepRun("plan", "-config", file+"?", path); code != exitUsage || !strings.Contains(errs, "no such file") {
		t.Errorf("no config file: exit %d, %s", code, errs)
	}
}

// TestLoadNotKept: programs that would load, but for another of their object,
// say so.
func TestLoadNotKept(t *testing.T) {
	needKernel(t)
	dir := t.TempDir() // no bpffs: pinning fails
	code, out, _ := skepRun("load", "-json", "-pin", dir, testdata("pinned"))
	got := lines(t, out)
	if code != exitRejected || len(got) != 1 || got[0].Program != "count" || !strings.Contains(got[0].Error, "not kept") || !strings.Contains(got[0].Error, "shared_counts") {
		t.Errorf("exit %d, %+v", code, got)
	}
}

// TestLoadMapsAlone: an object without programs can fail too.
func TestLoadMapsAlone(t *testing.T) {
	needKernel(t)
	for entries, code := range map[uint32]int{1: exitGood, 0: exitRejected} {
		spec := &skep.Spec{Name: "maps", Maps: map[string]*skep.MapSpec{
			"m": {Spec: maps.Spec{Type: maps.Array, KeySize: 4, ValueSize: 4, MaxEntries: entries}},
		}}
		got := exitGood
		results, _ := (&loadFlags{}).loadAll(spec, "maps.o")
		for _, r := range results {
			if r.Program != "" || r.OK || r.Error == "" {
				t.Errorf("line %+v", r)
			}
			got = exitRejected
		}
		if got != code {
			t.Errorf("%d entries: %d, want %d", entries, got, code)
		}
	}
}

func TestAutosize(t *testing.T) {
	size := func(m maps.Spec) maps.Spec {
		spec := &skep.Spec{Maps: map[string]*skep.MapSpec{"m": {Spec: m}}}
		autosize(spec)
		return spec.Maps["m"].Spec
	}
	for typ, want := range map[maps.Type]uint32{
		maps.Hash: 1024, maps.Array: 1024, maps.LRUHash: 1024, maps.LPMTrie: 1024, maps.StackTrace: 1024, maps.ProgArray: 1024,
		maps.RingBuf: uint32(max(64<<10, os.Getpagesize())), maps.UserRingBuf: uint32(max(64<<10, os.Getpagesize())),
		maps.Arena: 16, maps.CPUMap: uint32(runtime.NumCPU()),
		maps.TaskStorage: 0, maps.SkStorage: 0, maps.InodeStorage: 0, maps.CgrpStorage: 0, maps.StructOps: 0,
	} {
		if got := size(maps.Spec{Type: typ}); got.MaxEntries != want {
			t.Errorf("%v gets %d entries, want %d", typ, got.MaxEntries, want)
		}
		if got := size(maps.Spec{Type: typ, MaxEntries: 7}); got.MaxEntries != 7 {
			t.Errorf("%v of 7 entries gets %d", typ, got.MaxEntries)
		}
	}
	if got := size(maps.Spec{Type: maps.StackTrace}); got.ValueSize != 127*8 {
		t.Errorf("stack traces of %d bytes", got.ValueSize)
	}
	if got := size(maps.Spec{Type: maps.StackTrace, ValueSize: 80}); got.ValueSize != 80 {
		t.Errorf("stack traces of 80 bytes get %d", got.ValueSize)
	}
	if got := size(maps.Spec{Type: maps.HashOfMaps, Inner: &maps.Spec{Type: maps.Array}}); got.MaxEntries != 1024 || got.Inner.MaxEntries != 1024 {
		t.Errorf("map in map: %+v", got)
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got, -update rewrites):\n%s", path, diff)
	}
}

func TestInspect(t *testing.T) {
	objects := []string{testdata("globals"), testdata("off"), testdata("kconfig"), testdata("mapinmap"), testdata("attach")}
	code, out, errs := skepRun(append([]string{"inspect"}, objects...)...)
	if code != exitGood || errs != "" {
		t.Errorf("exit %d, stderr %q", code, errs)
	}
	golden(t, "testdata/inspect.txt", out)
	code, out, errs = skepRun(append([]string{"inspect", "-json"}, objects...)...)
	if code != exitGood || errs != "" {
		t.Errorf("-json: exit %d, stderr %q", code, errs)
	}
	golden(t, "testdata/inspect.json", out)
	for line := range strings.Lines(out) {
		var o objectInfo
		if err := json.Unmarshal([]byte(line), &o); err != nil || o.Object == "" || o.License == "" || len(o.Programs) == 0 {
			t.Errorf("%q: %v", line, err)
		}
	}
	// What can be read is printed, in spite of what cannot.
	code, out, errs = skepRun("inspect", "no-such-file", testdata("xdp"))
	if code != exitUsage || !strings.Contains(out, "xdp_pass") || !strings.Contains(errs, "no-such-file") {
		t.Errorf("exit %d, stdout %q, stderr %q", code, out, errs)
	}
}

func TestPlan(t *testing.T) {
	testutil.NeedRoot(t) // addresses of kernel symbols
	code, out, errs := skepRun("plan", testdata("ksyms"))
	if code != exitGood || !strings.Contains(out, "program typeless") || errs != "" {
		t.Errorf("exit %d, stdout %q, stderr %q", code, out, errs)
	}
	code, _, errs = skepRun("plan", testdata("freplace"))
	if code != exitRejected || !strings.Contains(errs, "replace_me") {
		t.Errorf("a plan that fails: exit %d, stderr %q", code, errs)
	}
	code, out, _ = skepRun("plan", "-off", "replacement", testdata("freplace"))
	if code != exitGood || !strings.Contains(out, "switched off") {
		t.Errorf("with -off: exit %d, stdout %q", code, out)
	}
}

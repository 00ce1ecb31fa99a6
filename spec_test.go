package skep_test

import (
	"bytes"
	"errors"
	stdmaps "maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/elf"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/layout"
)

// limits is struct limits of globals.c.
type limits struct {
	Low, High uint32
	Mask      [2]uint64
}

// TestVariables sets and reads back every kind of variable: plain and named
// sections, static ones, integers, arrays, structs, strings.
func TestVariables(t *testing.T) {
	spec := open(t, native("globals"))
	for _, tc := range []struct {
		name   string
		before any // a value of the type that Get gives
		set    any
		after  any
	}{
		{"verbose", uint32(0), uint32(1), uint32(1)},
		{"min_ns", uint64(1000), 5, uint64(5)}, // an int that fits
		{"limits", limits{1, 10, [2]uint64{0xff, 0xff00}}, limits{2, 20, [2]uint64{3, 4}}, limits{2, 20, [2]uint64{3, 4}}},
		{"prefix", [16]byte{'s', 'k', 'e', 'p'}, append([]byte("bee"), make([]byte, 13)...), [16]byte{'b', 'e', 'e'}},
		{"mode", uint8(3), uint8(7), uint8(7)},
		{"answer", uint32(42), int32(-1), ^uint32(0)},
		{"negative", int64(-7), int64(-8), int64(-8)},
		{"table", [4]uint64{1, 2, 3, 4}, [4]uint64{4, 3, 2, 1}, [4]uint64{4, 3, 2, 1}},
		{"tuned", uint32(9), &[]uint32{8}[0], uint32(8)},
		{"hits", uint64(0), ^uint64(0), ^uint64(0)},
		{"per_mode", [8]uint64{}, [8]uint64{7: 1}, [8]uint64{7: 1}},
		{"seen", limits{}, &limits{High: 1}, limits{High: 1}},
		{"scratch", uint64(0), uint(6), uint64(6)},
		{"hidden_total", uint32(0), uint32(2), uint32(2)},
		{"odd.calls", uint64(5), uint64(6), uint64(6)},
		{"even.calls", uint64(0), uint64(1), uint64(1)},
	} {
		get := func() any {
			t.Helper()
			out := reflect.New(reflect.TypeOf(tc.before))
			if err := spec.Vars[tc.name].Get(out.Interface()); err != nil {
				t.Fatal(err)
			}
			return out.Elem().Interface()
		}
		if diff := cmp.Diff(tc.before, get()); diff != "" {
			t.Errorf("%s before (-want +got):\n%s", tc.name, diff)
		}
		if err := spec.Set(tc.name, tc.set); err != nil {
			t.Errorf("set: %v", err)
		}
		if diff := cmp.Diff(tc.after, get()); diff != "" {
			t.Errorf("%s after (-want +got):\n%s", tc.name, diff)
		}
		var raw []byte
		if err := spec.Vars[tc.name].Get(&raw); err != nil || len(raw) != int(spec.Vars[tc.name].Size()) {
			t.Errorf("%s: Get into bytes: %d bytes, %v", tc.name, len(raw), err)
		}
	}
}

// TestVariablesOfOtherOrder: numbers would come out the wrong way round.
func TestVariablesOfOtherOrder(t *testing.T) {
	other := strings.NewReplacer(".el.", ".eb.", ".eb.", ".el.").Replace(native("globals"))
	spec := open(t, other)
	var n uint64
	if err := spec.Vars["min_ns"].Get(&n); err == nil || !strings.Contains(err.Error(), "Endian") {
		t.Errorf("get: %d, %v", n, err)
	}
	if err := spec.Set("min_ns", 5); err == nil || !strings.Contains(err.Error(), "Endian") {
		t.Errorf("set: %v", err)
	}
	want := []byte{8, 7, 6, 5, 4, 3, 2, 1}
	var raw []byte
	if err := errors.Join(spec.Set("min_ns", want), spec.Vars["min_ns"].Get(&raw)); err != nil || !bytes.Equal(raw, want) {
		t.Errorf("bytes: %v, %v", raw, err)
	}
	var mode uint8
	if err := errors.Join(spec.Set("mode", 9), spec.Vars["mode"].Get(&mode)); err != nil || mode != 9 {
		t.Errorf("one byte: %d, %v", mode, err)
	}
}

// TestVariablesRefused sets what does not fit; nothing may change then.
func TestVariablesRefused(t *testing.T) {
	type wrong struct {
		High uint64
		Mask [2]uint64
	}
	for _, tc := range []struct {
		reason, name string
		val          any
		want         string
	}{
		{"too wide", "verbose", uint64(1), "verbose"},
		{"too narrow", "min_ns", uint32(1), "min_ns"},
		{"an int that does not fit", "mode", 256, "mode"},
		{"negative as unsigned", "mode", -200, "mode"},
		{"bytes of another length", "prefix", []byte("short"), "prefix"},
		{"a string is no bytes", "prefix", "skep", "prefix"},
		{"another layout of the same size", "limits", wrong{}, "limits"},
		{"elements of another size", "table", [8]uint32{}, "table"},
		{"an integer for a struct", "limits", 1, "limits"},
		{"a float for an integer", "min_ns", 1.0, "min_ns"},
		{"a pointer inside", "min_ns", struct{ P *int }{}, "min_ns"},
		{"nil", "min_ns", nil, "min_ns"},
		{"a nil pointer", "min_ns", (*uint64)(nil), "min_ns"},
	} {
		spec := open(t, native("globals"))
		before := slices.Clone(spec.Maps[spec.Vars[tc.name].Map()].Contents)
		err := spec.Set(tc.name, tc.val)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want one with %q", tc.reason, err, tc.want)
		}
		if !slices.Equal(before, spec.Maps[spec.Vars[tc.name].Map()].Contents) {
			t.Errorf("%s: contents changed", tc.reason)
		}
	}
	spec := open(t, native("globals"))
	var le *layout.Error
	if err := spec.Set("limits", wrong{}); !errors.As(err, &le) {
		t.Errorf("another layout: %v is no layout error", err)
	}
	var narrow uint32
	if err := spec.Vars["min_ns"].Get(&narrow); err == nil {
		t.Error("Get into a narrower integer succeeded")
	}
	if err := spec.Vars["min_ns"].Get(narrow); err == nil {
		t.Error("Get into no pointer succeeded")
	}
	var nf *skep.NotFoundError
	err := spec.Set("no_such", 1)
	if !errors.As(err, &nf) || nf.Kind != "variable" || nf.Name != "no_such" || len(nf.Have) != len(spec.Vars) || !slices.IsSorted(nf.Have) {
		t.Errorf("unknown variable: %v", err)
	}
	delete(spec.Maps, ".bss")
	if err := spec.Set("hits", uint64(1)); !errors.As(err, &nf) || nf.Kind != "map" {
		t.Errorf("variable of a removed map: %v", err)
	}
	spec.Maps[".data"].Contents = spec.Maps[".data"].Contents[:8]
	if err := spec.Set("table", [4]uint64{}); err == nil || !strings.Contains(err.Error(), "ends at") {
		t.Errorf("variable behind the contents: %v", err)
	}
}

// TestSpecsAreIndependent edits one of two Specs of one Object, and a Copy, in
// every way: the other must not see it.
func TestSpecsAreIndependent(t *testing.T) {
	obj, err := elf.Parse(readTest(t, native("subprogs")))
	if err != nil {
		t.Fatal(err)
	}
	first, err := skep.NewSpec(obj)
	if err != nil {
		t.Fatal(err)
	}
	second, err := skep.NewSpec(obj)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Prefer("uses_one", "uses_none"); err != nil {
		t.Fatal(err)
	}
	for _, pair := range []struct {
		name        string
		spec, other *skep.Spec
	}{{"the original of a copy", first.Copy(), first}, {"another Spec of the Object", first, second}} {
		name, spec, other := pair.name, pair.spec, pair.other
		before := snapshot(other)
		if err := spec.Set("result", int32(77)); err != nil {
			t.Fatal(err)
		}
		for _, p := range spec.Programs {
			p.Insns[0].Imm = 99
			p.Policy = skep.Off
			p.Section = "edited"
		}
		for _, f := range spec.Funcs {
			f.Insns[0] = asm.Instruction{Imm: 98}
		}
		for _, m := range spec.Maps {
			m.MaxEntries, m.Off = 7777, true
		}
		delete(spec.Programs, "uses_all")
		delete(spec.Funcs, "square")
		delete(spec.Maps, ".bss")
		delete(spec.Vars, "result")
		if diff := cmp.Diff(before, snapshot(other)); diff != "" {
			t.Errorf("%s changed (-before +after):\n%s", name, diff)
		}
	}
	third, err := skep.NewSpec(obj)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(snapshot(second), snapshot(third)); diff != "" {
		t.Errorf("a Spec changed its Object (-before +after):\n%s", diff)
	}
	// A copy's variables write into the copy's maps.
	c := third.Copy()
	if err := c.Vars["result"].Set(int32(5)); err != nil {
		t.Fatal(err)
	}
	var in, inCopy int32
	if err := errors.Join(third.Vars["result"].Get(&in), c.Vars["result"].Get(&inCopy)); err != nil || in != 0 || inCopy != 5 {
		t.Errorf("result is %d in the original, %d in the copy, %v", in, inCopy, err)
	}
}

// snapshot is what a caller can edit of a Spec, copied.
func snapshot(s *skep.Spec) map[string]any {
	out := map[string]any{}
	for n, p := range s.Programs {
		out["program "+n] = []any{p.Section, p.Policy, slices.Clone(p.Insns)}
	}
	for n, f := range s.Funcs {
		out["func "+n] = slices.Clone(f.Insns)
	}
	for n, m := range s.Maps {
		out["map "+n] = []any{m.Off, m.MaxEntries, slices.Clone(m.Contents)}
	}
	for n := range s.Vars {
		out["var "+n] = true
	}
	return out
}

func policies(s *skep.Spec) map[string]skep.Policy {
	out := map[string]skep.Policy{}
	for n, p := range s.Programs {
		out[n] = p.Policy
	}
	return out
}

// TestPolicies covers what Only, Prefer and section names do to policies.
func TestPolicies(t *testing.T) {
	const on, opt, off = skep.Required, skep.Optional, skep.Off
	// Sections in the order of the file, not of the source.
	spec := open(t, native("off"))
	start := map[string]skep.Policy{"starts_off": off, "starts_on": on, "refused": off, "prefix_only": off, "unknown": off}
	if diff := cmp.Diff(start, policies(spec)); diff != "" {
		t.Errorf("policies by section (-want +got):\n%s", diff)
	}
	names := []string{"starts_off", "refused", "starts_on", "prefix_only", "unknown"}
	if diff := cmp.Diff(names, spec.ProgramNames()); diff != "" {
		t.Errorf("ProgramNames (-want +got):\n%s", diff)
	}
	spec.Programs["starts_on"].Policy = opt
	if err := spec.Only("starts_on", "starts_off"); err != nil {
		t.Fatal(err)
	}
	want := map[string]skep.Policy{"starts_off": on, "starts_on": opt, "refused": off, "prefix_only": off, "unknown": off}
	if diff := cmp.Diff(want, policies(spec)); diff != "" {
		t.Errorf("after Only (-want +got):\n%s", diff)
	}
	if err := spec.Prefer("refused", "starts_on"); err != nil {
		t.Fatal(err)
	}
	want["refused"] = on
	if diff := cmp.Diff(want, policies(spec)); diff != "" {
		t.Errorf("after Prefer (-want +got):\n%s", diff)
	}
	for text, err := range map[string]error{
		"no program nothing":  spec.Only("starts_on", "nothing"),
		"no program nobody":   spec.Prefer("nobody"),
		"already in a group":  spec.Prefer("unknown", "refused"),
		"named twice":         spec.Prefer("unknown", "unknown"),
		"program prefix_only": spec.Prefer("prefix_only", "starts_off", "prefix_only"),
	} {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("error %v, want one with %q", err, text)
		}
	}
	if diff := cmp.Diff(want, policies(spec)); diff != "" {
		t.Errorf("failed calls changed policies (-want +got):\n%s", diff)
	}
	for p, text := range map[skep.Policy]string{on: "required", opt: "optional", off: "off", 9: "off"} {
		if p.String() != text {
			t.Errorf("Policy %d is %q", p, p)
		}
	}
}

// TestNames: added programs and maps come after the object's, sorted; removed
// ones are not listed.
func TestNames(t *testing.T) {
	spec := open(t, native("subprogs"))
	spec.Programs["zz"], spec.Programs["aa"] = &skep.ProgramSpec{}, &skep.ProgramSpec{}
	delete(spec.Programs, "uses_one")
	if diff := cmp.Diff([]string{"uses_all", "uses_none", "aa", "zz"}, spec.ProgramNames()); diff != "" {
		t.Errorf("ProgramNames (-want +got):\n%s", diff)
	}
	spec.Maps["b"], spec.Maps["a"] = &skep.MapSpec{}, &skep.MapSpec{}
	if diff := cmp.Diff([]string{".bss", "a", "b"}, spec.MapNames()); diff != "" {
		t.Errorf("MapNames (-want +got):\n%s", diff)
	}
}

// TestNeeds: what must be known of a kernel is what the programs that are not
// Off use.
func TestNeeds(t *testing.T) {
	data := []skep.Feature{feature.GlobalData}
	for _, tc := range []struct {
		object string
		only   []string
		want   skep.Needs
	}{
		{"globals", nil, skep.Needs{Features: data}},
		{"core", []string{"fields"}, skep.Needs{KernelBTF: true, Features: data}},
		{"core", []string{"direct"}, skep.Needs{KernelBTF: true, Features: data, Hooks: []string{"sched_process_exit"}}},
		{"kconfig", []string{"reads_none"}, skep.Needs{}},
		{"kconfig_strong", nil, skep.Needs{}},
		{"ksyms", []string{"typeless"}, skep.Needs{Features: data, Symbols: []string{"schedule", "skep_absent"}}},
		{"ksyms", []string{"kfunc"}, skep.Needs{KernelBTF: true, Features: data, Hooks: []string{"task_newtask"}}},
		{"pinned", nil, skep.Needs{PinNames: []string{"shared_counts"}}},
		{"attach", nil, skep.Needs{KernelBTF: true, Features: data, Hooks: []string{"sys_enter"}}},
	} {
		spec := open(t, native(tc.object))
		if tc.only != nil {
			if err := spec.Only(tc.only...); err != nil {
				t.Fatal(err)
			}
		}
		got := spec.Needs()
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s %v (-want +got):\n%s", tc.object, tc.only, diff)
		}
		if diff := cmp.Diff(got, spec.Needs()); diff != "" {
			t.Errorf("%s: a second look differs:\n%s", tc.object, diff)
		}
	}
	needs := open(t, native("kconfig")).Needs()
	if !needs.Version || !slices.IsSorted(needs.Config) || !slices.Equal(needs.Features, []skep.Feature{feature.GlobalData, feature.BPFCookie}) ||
		!slices.Contains(needs.Config, "CONFIG_HZ") || slices.Contains(needs.Config, "LINUX_HAS_BPF_COOKIE") {
		t.Errorf("kconfig needs %+v", needs)
	}
}

// fields lists what the root makes of each exported field of package elf: a
// place that consumes it, or why it does not matter. A new field has no entry,
// and fails the test until somebody decides.
var fields = map[string]map[string]string{
	"Object": {
		"Order":      "Prepared.create",
		"License":    "Spec.License, prog.Spec.License",
		"Version":    "prog.Spec.KernelVersion",
		"Types":      "Spec.Types",
		"Notes":      "Spec.notes",
		"Maps":       "newMapSpec",
		"Progs":      "newProgramSpec",
		"Funcs":      "FuncSpec",
		"Vars":       "VarSpec",
		"Externs":    "planner.extern",
		"JumpTables": "planner.table",
		"FuncTags":   "Spec.callbacks, planner.markContexts",
	},
	"MapDef": {
		"Name": "mapSpec", "Section": "MapSpec.Section", "Kind": "newMapSpec, planMap",
		"Type": "mapSpec", "KeySize": "mapSpec", "ValueSize": "mapSpec", "MaxEntries": "mapSpec", "Flags": "mapSpec",
		"NumaNode": "mapSpec", "HasNuma": "mapSpec", "MapExtra": "mapSpec", "Pinning": "mapSpec",
		"Key": "mapSpec", "Value": "mapSpec", "Inner": "mapSpec", "Init": "mapSpec", "Slots": "mapSpec",
		"DataSec": "mapSpec", "ReadOnly": "newMapSpec: Freeze", "Off": "MapSpec.Off",
		"Weak":   "ignored: of the linker's interest",
		"Static": "ignored: names are unique already",
		"Extern": "ignored: created like a weak one that nobody defined",
		"Legacy": "ignored: a map without BTF needs nothing more",
	},
	"ProgDef": {"FuncDef": "newProgramSpec", "SEC": "ProgramSpec.Section", "Match": "ProgramSpec.Match"},
	"FuncDef": {
		"Name": "key of Spec.Programs and Spec.Funcs", "Symbol": "prog.Spec.Name", "Insns": "newProgramSpec, FuncSpec",
		"Type":    "FuncSpec.Type",
		"Section": "ignored: SEC has the program's; of others nobody asks",
		"Offset":  "ignored: order is that of Object.Progs",
		"Static":  "ignored: linkage stands in the object's BTF",
		"Weak":    "ignored: of the linker's interest",
	},
	"VarDef": {
		"Name": "VarSpec.Name", "Map": "VarSpec.Map", "Offset": "VarSpec.Offset", "Size": "VarSpec.Size",
		"Type": "VarSpec.check", "Static": "hasVisible", "ReadOnly": "VarSpec.ReadOnly",
		"Section": "ignored: the map stands for it",
		"Weak":    "ignored: of the linker's interest",
	},
	"ExternDef": {
		"Name": "planner.extern", "Kind": "planner.extern", "Weak": "planner.missing", "Type": "planner.find",
		"Offset": "planner.config", "Size": "planner.config",
	},
	"Match": {
		"Type": "newProgramSpec", "AttachType": "newProgramSpec", "Flags": "newProgramSpec", "AttachOpt": "newProgramSpec",
		"Pattern": "attach", "Target": "newProgramSpec, attach", "Off": "newProgramSpec", "AutoAttach": "attach", "Known": "newProgramSpec",
		"NeedsBTF":       "ignored: needsHook goes by the type, which a caller may have changed",
		"AttachRequired": "ignored here: the type always goes with the program; inspect prints it",
		"Exact":          "ignored here: inspect prints it",
	},
	"Slot": {"Index": "mapSpec", "Name": "mapSpec", "Kind": "mapSpec"},
}

func TestEveryFieldIsConsumed(t *testing.T) {
	for _, typ := range []reflect.Type{
		reflect.TypeFor[elf.Object](), reflect.TypeFor[elf.MapDef](), reflect.TypeFor[elf.ProgDef](), reflect.TypeFor[elf.FuncDef](),
		reflect.TypeFor[elf.VarDef](), reflect.TypeFor[elf.ExternDef](), reflect.TypeFor[elf.Match](), reflect.TypeFor[elf.Slot](),
	} {
		known := stdmaps.Clone(fields[typ.Name()])
		for i := range typ.NumField() {
			f := typ.Field(i)
			if !f.IsExported() {
				continue
			}
			if known[f.Name] == "" {
				t.Errorf("elf.%s.%s: not said what the root does with it", typ.Name(), f.Name)
			}
			delete(known, f.Name)
		}
		for name := range known {
			t.Errorf("elf.%s has no field %s", typ.Name(), name)
		}
	}
}

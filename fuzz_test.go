package skep_test

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/fuzztest"
	"github.com/skepbpf/skep/internal/sys/systest"
)

// seedObjects are the test objects of both byte orders.
func seedObjects(f *testing.F) [][]byte {
	var all [][]byte
	for _, pattern := range []string{"testdata/*.o", "elf/testdata/*.o", "examples/*/*.o"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			f.Fatal(pattern, len(paths), err)
		}
		for _, p := range paths {
			b, err := os.ReadFile(p)
			if err != nil {
				f.Fatal(err)
			}
			all = append(all, b)
		}
	}
	return all
}

// planMemory is what planning an input of n bytes may take. Each program gets
// its own copy of the functions it calls, so that memory is not linear to the
// object; it stays far below this in whatever is not made to use it.
func planMemory(n int) uint64 { return 512*uint64(n) + 16<<20 }

// FuzzPlan takes an object all the way to a plan for the made-up kernel: no
// system call, the same text each time, and no program that is Optional or Off
// stops the others.
func FuzzPlan(f *testing.F) {
	for _, b := range seedObjects(f) {
		f.Add(b)
	}
	types, err := os.ReadFile("testdata/kernel/vmlinux.btf")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		systest.Forbid(t)
		var spec *skep.Spec
		var err error
		fuzztest.Within(t, len(b), 2*fuzztest.Ceiling(len(b)), func() { spec, err = skep.Read(b) })
		if (spec == nil) == (err == nil) {
			t.Fatalf("spec %v, error %v", spec != nil, err)
		}
		if err != nil {
			return
		}
		var text string
		fuzztest.Within(t, len(b), planMemory(len(b)), func() { text = planText(t, spec, types) })
		if again := planText(t, spec.Copy(), types); again != text {
			t.Errorf("same spec and facts, other text:\n%s\n%s", text, again)
		}
		for _, p := range spec.Programs {
			p.Policy = max(p.Policy, skep.Optional)
		}
		if text := planText(t, spec, types); strings.HasPrefix(text, "program ") {
			t.Error(text)
		}
		told := planAnd(t, spec, types, nil, toldText)
		if again := planAnd(t, spec.Copy(), types, nil, toldText); again != told || strings.Contains(told, "nothing to sign") {
			t.Errorf("told again, it differs:\n%s\n%s", told, again)
		}
		// Pruned, and with constants inlined, nothing else may fail either.
		spec.Prune()
		for _, lacks := range [][]feature.ID{nil, {feature.GlobalData}} {
			var text string
			fuzztest.Within(t, len(b), planMemory(len(b)), func() { text = planText(t, spec, types, lacks...) })
			if strings.HasPrefix(text, "program ") {
				t.Error(text)
			}
			if again := planText(t, spec.Copy(), types, lacks...); again != text {
				t.Errorf("pruned: same spec and facts, other text:\n%s\n%s", text, again)
			}
		}
	})
}

// planText plans for a new kernel that knows all that is asked for: half the
// answers are yes. An error gives what it says.
func planText(t *testing.T, spec *skep.Spec, types []byte, lacks ...feature.ID) string {
	return planAnd(t, spec, types, lacks, (*skep.Plan).String)
}

// toldText is what else can be told of a plan.
func toldText(p *skep.Plan) string {
	r := p.Report()
	text := fmt.Sprint(p.Requirements(), p.Relocations(), r.Degraded, len(r.Externs))
	for name := range r.Programs {
		if s, err := p.Signing(name); err == nil && (len(s.Code) == 0 || !bytes.HasPrefix(s.Bytes, s.Code)) {
			text += name + " has nothing to sign"
		}
	}
	return text
}

// planAnd plans, and tells of the plan by tell.
func planAnd(t *testing.T, spec *skep.Spec, types []byte, lacks []feature.ID, tell func(*skep.Plan) string) string {
	kernel := btf.NewKernel(fstest.MapFS{"sys/kernel/btf/vmlinux": {Data: types}})
	defer kernel.Close()
	facts := &skep.Facts{
		Release: "6.99.1-made-up", PageSize: 4096, CPUs: 6, Features: new(skep.Features), BTF: kernel,
		Config: map[string]skep.Fact[string]{}, Symbols: map[string]skep.Fact[uint64]{},
	}
	facts.Features.Learn(feature.BPFCookie, feature.Yes)
	for _, id := range lacks {
		facts.Features.Learn(id, feature.No)
	}
	needs := spec.Needs()
	for _, name := range needs.Config {
		values := []string{"y", "n", "m", "250", `"text"`, ""}
		v := values[crc32.ChecksumIEEE([]byte(name))%uint32(len(values))]
		facts.Config[name] = skep.Fact[string]{State: skep.Known, Value: v}
		if v == "" {
			facts.Config[name] = skep.Fact[string]{State: skep.Absent}
		}
	}
	for i, name := range needs.Symbols {
		facts.Symbols[name] = skep.Fact[uint64]{State: skep.Known - skep.State(i%2), Value: uint64(i), Err: errors.New("hidden")}
	}
	plan, err := spec.Plan(facts)
	if (plan == nil) == (err == nil) {
		t.Fatalf("plan %v, error %v", plan != nil, err)
	}
	var step *skep.StepError
	switch {
	case err == nil:
		return tell(plan)
	case !errors.As(err, &step):
		t.Errorf("error %v is no *StepError", err)
	case spec.Programs[step.Name] != nil:
		return "program " + err.Error()
	}
	return err.Error()
}

// FuzzVariables sets and gets every variable of an object, whatever its size.
func FuzzVariables(f *testing.F) {
	for _, b := range seedObjects(f) {
		f.Add(b, uint64(7))
	}
	f.Fuzz(func(t *testing.T, b []byte, value uint64) {
		spec, err := skep.Read(b)
		if err != nil {
			return
		}
		for name, v := range spec.Vars {
			if m := spec.Maps[v.Map()]; m != nil && m.ValueSize > 1<<20 {
				continue // what is asked for takes memory
			}
			if err := spec.Set(name, value); err == nil {
				var got uint64
				if err := v.Get(&got); err != nil || got != value {
					t.Fatalf("variable %s: set %d, got %d, %v", name, value, got, err)
				}
			}
			var raw []byte
			if err := v.Get(&raw); err != nil {
				continue // its map ends before it
			}
			if err := spec.Set(name, raw); err != nil {
				t.Fatalf("variable %s: its own bytes: %v", name, err)
			}
		}
	})
}

// FuzzStructOps sets and gets members of the struct_ops maps of an object.
func FuzzStructOps(f *testing.F) {
	for _, b := range seedObjects(f) {
		spec, err := skep.Read(b)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range spec.MapNames() {
			o, err := spec.StructOps(name)
			if err != nil {
				continue
			}
			t, _ := spec.Types.Strip(spec.Maps[name].Value)
			for i := range t.Vlen() {
				member := t.Member(i).Name
				if _, err := o.Program(member); err == nil {
					f.Add(b, member, uint64(0))
				} else {
					f.Add(b, member+".x", uint64(1))
					f.Add(b, member, uint64(1))
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, member string, value uint64) {
		spec, err := skep.Read(b)
		if err != nil {
			return
		}
		for _, name := range spec.MapNames() {
			o, err := spec.StructOps(name)
			if err != nil {
				continue
			}
			if err := o.Set(member, value); err == nil {
				var got uint64
				if err := o.Get(member, &got); err != nil || got != value {
					t.Errorf("map %s: member %s: set %d, got %d, %v", name, member, value, got, err)
				}
			}
			for _, program := range append(spec.ProgramNames(), "") {
				if o.SetProgram(member, program) != nil {
					continue
				}
				if got, err := o.Program(member); err != nil || got != program {
					t.Errorf("map %s: member %s: set to program %q, got %q, %v", name, member, program, got, err)
				}
			}
		}
	})
}

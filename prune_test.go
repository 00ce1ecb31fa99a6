package skep_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/maps"
)

// switches are settings of prune.c, and what is left of it then.
type switches struct {
	useHash, audit bool
	jump           uint32
	trace          string // CONFIG_SKEP_TRACE
	maps           []string
	programs       []string
	returns        []uint32 // of entry, for packets of 64, 64 and 65 bytes
	jumps          uint32   // what jumper returns
}

var pruneSettings = []switches{
	{false, false, 0, "n", []string{"by_array"}, []string{"entry", "jumper"}, []uint32{1, 2, 1}, 7},
	{true, false, 0, "n", []string{"by_hash"}, []string{"entry", "jumper"}, []uint32{1, 2, 1}, 7},
	{false, true, 0, "n", []string{"by_array", "inner", "outer", "trail"}, []string{"entry", "jumper"}, []uint32{1002, 2004, 1004}, 7},
	{false, false, 0, "y", []string{"by_array", "traced"}, []string{"entry", "jumper"}, []uint32{100065, 200066, 300066}, 7},
	{true, false, 1, "n", []string{"by_hash", "steps"}, []string{"entry", "jumper", "step_one"}, []uint32{1, 2, 1}, 1},
	{false, false, 2, "n", []string{"by_array", "of_two", "steps"}, []string{"entry", "jumper", "step_two"}, []uint32{1, 2, 1}, 3},
	{true, true, 3, "y", []string{"by_hash", "inner", "outer", "steps", "traced", "trail"}, []string{"entry", "jumper"}, []uint32{101066, 202068, 301069}, 7},
}

func (s *switches) spec(t *testing.T) *skep.Spec {
	t.Helper()
	spec := open(t, native("prune"))
	for name, v := range map[string]any{"use_hash": s.useHash, "audit": s.audit, "jump": s.jump} {
		if err := spec.Set(name, v); err != nil {
			t.Fatal(err)
		}
	}
	return spec
}

func (s *switches) options() *skep.Options {
	return &skep.Options{Config: &skep.Config{Values: map[string]string{"CONFIG_SKEP_TRACE": s.trace}}}
}

func (s *switches) String() string {
	return fmt.Sprintf("hash=%v,audit=%v,jump=%d,trace=%s", s.useHash, s.audit, s.jump, s.trace)
}

// alwaysThere are the maps of prune.c that no constant decides about.
var alwaysThere = []string{".kconfig", ".rodata", "for_others"}

// TestPruneRuns: programs give the same results with and without what their
// constants make unreachable, and what is left is what is needed.
func TestPruneRuns(t *testing.T) {
	needKernel(t)
	for _, s := range pruneSettings {
		t.Run(s.String(), func(t *testing.T) {
			var insns [2]uint32
			for i, prune := range []bool{false, true} {
				spec := s.spec(t)
				if prune {
					spec.Prune()
				}
				c := load(t, spec, s.options())
				var got []uint32
				for _, n := range []int{64, 64, 65} {
					got = append(got, run(t, c, "entry", n))
				}
				if diff := cmp.Diff(s.returns, got); diff != "" {
					t.Errorf("pruned %v: %s", prune, diff)
				}
				if got := run(t, c, "jumper", 64); got != s.jumps {
					t.Errorf("pruned %v: jumper returns %d, want %d", prune, got, s.jumps)
				}
				info, err := c.Programs["entry"].Info()
				if err != nil {
					t.Fatal(err)
				}
				insns[i] = info.VerifiedInsns
				made, programs := sorted(c.Maps), sorted(c.Programs)
				if !prune {
					if len(made) != 11 || len(programs) != 4 {
						t.Errorf("without pruning: %q, %q", made, programs)
					}
					continue
				}
				want := append(slices.Clone(alwaysThere), s.maps...)
				slices.Sort(want)
				if diff := cmp.Diff(want, made); diff != "" {
					t.Errorf("maps: %s", diff)
				}
				if diff := cmp.Diff(s.programs, programs); diff != "" {
					t.Errorf("programs: %s", diff)
				}
			}
			if insns[1] > insns[0] {
				t.Errorf("the verifier looked at %d instructions, and at %d once pruned", insns[0], insns[1])
			}
		})
	}
}

func sorted[V any](m map[string]V) []string {
	var names []string
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// TestPruneReport: what was left out is told, with the reason, and asking for
// it gives that.
func TestPruneReport(t *testing.T) {
	systest.CheckLeaks(t, systest.Watch{})
	k := systest.NewKernel(t)
	s := switches{jump: 2, trace: "n"}
	spec := s.spec(t)
	spec.Prune()
	c, err := skep.Load(spec, s.options())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Map("by_hash"); !errors.Is(err, skep.ErrPruned) {
		t.Errorf("map: %v", err)
	}
	if _, err := c.Program("step_one"); !errors.Is(err, skep.ErrPruned) {
		t.Errorf("program: %v", err)
	}
	if why := c.Report().Maps["outer"].Why; !errors.Is(why, skep.ErrPruned) {
		t.Errorf("report of a map: %v", why)
	}
	var functions, branches int
	for _, text := range c.Report().Programs["entry"].Pruned {
		if strings.HasPrefix(text, "function ") {
			functions++
		}
		if strings.Contains(text, "constant branch at prune.c:") {
			branches++
		}
	}
	if functions != 2 || branches != 3 {
		t.Errorf("report of entry: %q", c.Report().Programs["entry"].Pruned)
	}
	var plain *systest.Prog
	for _, p := range k.Progs() {
		if p.Name == "entry" {
			plain = p
		}
	}
	if n := len(plain.Insns) / 8; n > 40 {
		t.Errorf("entry has %d instructions", n)
	}
	n := 0
	for _, cmd := range k.Calls() {
		if cmd == sys.BPF_MAP_CREATE {
			n++
		}
	}
	if n != 6 {
		t.Errorf("%d maps were created, want 6", n)
	}
}

// TestPruneAbsent: what the kernel does not have stops no program that cannot
// reach it.
func TestPruneAbsent(t *testing.T) {
	needKernel(t)
	needBTF(t)
	for _, tt := range []struct {
		prune bool
		use   int32
		want  string
	}{
		{false, 0, "extern skep_absent_kfunc"},
		{true, 1, "extern skep_absent_kfunc"},
		{true, 0, ""},
	} {
		spec := open(t, native("prune_absent"))
		if tt.prune {
			spec.Prune()
		}
		if err := spec.Set("use_absent", tt.use); err != nil {
			t.Fatal(err)
		}
		c, err := skep.Load(spec, nil)
		if tt.want != "" {
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%+v: %v", tt, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := run(t, c, "guarded", 64); got != 3 {
			t.Errorf("returned %d, want 3", got)
		}
		if o := c.Report().Programs["guarded"]; len(o.Unresolved) != 0 {
			t.Errorf("unresolved: %q", o.Unresolved)
		}
		c.Close()
	}
}

// TestPruneNoConstant: what may change, or is not known when the plan is made,
// decides nothing.
func TestPruneNoConstant(t *testing.T) {
	systest.Forbid(t)
	for _, tt := range []struct {
		name string
		edit func(*skep.Spec)
	}{
		{"not frozen", func(s *skep.Spec) { s.Maps[".rodata"].Freeze = false }},
		{"programs can write", func(s *skep.Spec) { s.Maps[".rodata"].Flags = 0 }},
		{"pinned", func(s *skep.Spec) { s.Maps[".rodata"].Pinning = maps.ByName }},
	} {
		s := switches{trace: "n"}
		spec := s.spec(t)
		spec.Prune()
		tt.edit(spec)
		plan, err := spec.Plan(madeUp(t))
		if err != nil {
			t.Fatal(err)
		}
		text := plan.String()
		if strings.Contains(text, "by_hash: off") || !strings.Contains(text, "traced: off") {
			t.Errorf("%s: %s", tt.name, text)
		}
	}
}

// TestPruneGivenMap: a plan that was made by the contents of a map takes no
// other in its place.
func TestPruneGivenMap(t *testing.T) {
	systest.CheckLeaks(t, systest.Watch{})
	systest.NewKernel(t)
	m, err := maps.New(&maps.Spec{Type: maps.Array, KeySize: 4, ValueSize: 16, MaxEntries: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	s := switches{trace: "n"}
	for _, prune := range []bool{false, true} {
		spec, o := s.spec(t), s.options()
		if prune {
			spec.Prune()
		}
		o.Maps = map[string]*maps.Map{".rodata": m}
		c, err := skep.Load(spec, o)
		if c != nil {
			c.Close()
		}
		if prune != (err != nil && strings.Contains(err.Error(), "map .rodata: programs were pruned by what the object says it holds")) {
			t.Errorf("pruned %v: %v", prune, err)
		}
	}
}

// TestPruneTailCalls: only programs that nothing can jump to any more are left
// out.
func TestPruneTailCalls(t *testing.T) {
	systest.Forbid(t)
	for _, tt := range []struct {
		name string
		edit func(*skep.Spec)
		off  []string
	}{
		{"no tail call", func(*skep.Spec) {}, []string{"step_one", "step_two"}},
		{"a pinned array", func(s *skep.Spec) { s.Maps["steps"].Pinning = maps.ByName }, nil},
		{"the only entry is off", func(s *skep.Spec) { s.Programs["jumper"].Policy = skep.Off }, []string{"jumper"}},
		{"an entry that may jump to itself", func(s *skep.Spec) {
			s.Maps["steps"].Slots[0].Name = "jumper"
			s.Maps["steps"].Slots[0].Index = 3
		}, nil},
		{"an index that is not known", func(s *skep.Spec) {
			s.Maps[".rodata"].Freeze = false
		}, nil},
	} {
		s := switches{trace: "n"}
		spec := s.spec(t)
		spec.Prune()
		tt.edit(spec)
		plan, err := spec.Plan(madeUp(t))
		if err != nil {
			t.Fatal(err)
		}
		var off []string
		for _, line := range strings.Split(plan.String(), "\n") {
			if name, ok := strings.CutPrefix(line, "program "); ok && strings.HasSuffix(line, ", off") {
				name, _, _ = strings.Cut(name, ":")
				off = append(off, name)
			}
		}
		slices.Sort(off)
		if diff := cmp.Diff(tt.off, off); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

// TestPruneEveryObject: whatever loads, loads pruned too.
func TestPruneEveryObject(t *testing.T) {
	needKernel(t)
	paths, err := filepath.Glob(native("*"))
	if err != nil || len(paths) < 20 {
		t.Fatalf("%d objects, %v", len(paths), err)
	}
	dir, root := bpffs(t), symbolsOnce(t)
	kernel := btf.NewKernel(os.DirFS("/"))
	defer kernel.Close()
	smaller := 0
	for _, path := range paths {
		var loaded [2]map[string]skep.Outcome
		for i, prune := range []bool{false, true} {
			spec := ofAge(t, open(t, path))
			if prune {
				spec.Prune()
			}
			for _, p := range spec.Programs {
				p.Policy = skep.Optional
			}
			facts, err := skep.ReadFacts(spec.Needs(), &skep.FactOptions{Root: root, BTF: kernel})
			if err != nil {
				t.Fatal(err)
			}
			c, err := skep.Load(spec, &skep.Options{PinDir: dir, Facts: facts})
			facts.Close()
			if err != nil {
				if !prune {
					break // a map that this kernel does not have
				}
				t.Errorf("%s: %v", spec.Name, err)
				break
			}
			loaded[i] = c.Report().Programs
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
		for name, o := range loaded[0] {
			pruned := loaded[1][name]
			if o.Loaded && !pruned.Loaded && !errors.Is(pruned.Why, skep.ErrPruned) {
				t.Errorf("%s: %s: %v", path, name, pruned.Why)
			}
			if len(pruned.Pruned) > 0 {
				smaller++
			}
		}
	}
	if smaller < 10 {
		t.Errorf("only %d programs have anything to prune", smaller)
	}
}

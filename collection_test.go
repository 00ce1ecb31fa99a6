package skep_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/internal/testutil/fentry"
	"github.com/skepbpf/skep/maps"
)

// TestPrefer: the first alternative that loads stays, and the report says why
// the others did not.
func TestPrefer(t *testing.T) {
	needKernel(t)
	spec := open(t, native("prefer"))
	spec.Programs["fexit_sleep"].Policy = skep.Optional
	refused := "BPF_PROG_LOAD"
	if !testutil.HasConfig(t, "CONFIG_DEBUG_INFO_BTF") {
		refused = "kernel BTF"
	}
	group := []string{"fentry_sleep", "raw_sleep", "kprobe_sleep"}
	if err := spec.Prefer(group...); err != nil {
		t.Fatal(err)
	}
	c := load(t, spec, nil)
	// Where trampolines are refused, the second.
	chosen := "raw_sleep"
	if testutil.HasTrampolines(t, fentry.Try) {
		chosen = "fentry_sleep"
	}
	behind := false
	for _, name := range group {
		o := c.Report().Programs[name]
		p, err := c.Program(name)
		switch {
		case name == chosen:
			behind = true
			if !o.Loaded || o.Why != nil || p == nil || err != nil {
				t.Errorf("%s: %+v, %v", name, o, err)
			}
		case behind:
			if o.Loaded || !errors.Is(o.Why, skep.ErrNotPreferred) || !strings.Contains(o.Why.Error(), chosen) || !errors.Is(err, skep.ErrNotPreferred) {
				t.Errorf("%s: %+v, %v", name, o, err)
			}
		default:
			if o.Loaded || o.Why == nil || errors.Is(o.Why, skep.ErrNotPreferred) || !strings.Contains(err.Error(), refused) {
				t.Errorf("%s: %+v, %v", name, o, err)
			}
		}
	}
	links, err := c.Attach(nil)
	if err != nil {
		t.Fatal(err)
	}
	stir(t)
	if readVar[uint64](t, spec, c, "hits") == 0 {
		t.Error("the preferred program did not fire")
	}
	if err := links.Close(); err != nil {
		t.Error(err)
	}
}

// TestPreferNone: if no alternative loads, the error tells of each; if all are
// Optional, it is none.
func TestPreferNone(t *testing.T) {
	needKernel(t)
	bad := func(policy skep.Policy) *skep.Spec {
		spec := open(t, native("off"))
		if err := spec.Prefer("refused", "unknown"); err != nil {
			t.Fatal(err)
		}
		spec.Programs["refused"].Policy, spec.Programs["unknown"].Policy = policy, policy
		return spec
	}
	_, err := skep.Load(bad(skep.Required), nil)
	var step *skep.StepError
	if !errors.As(err, &step) || step.Step != "program" || !strings.Contains(err.Error(), "map_value_or_null") || !strings.Contains(err.Error(), "set Type") {
		t.Errorf("error %v", err)
	}
	c := load(t, bad(skep.Optional), nil)
	if len(c.Programs) != 1 || c.Report().Programs["refused"].Why == nil || c.Report().Programs["unknown"].Why == nil {
		t.Errorf("report %+v", c.Report())
	}
}

// TestNames of a collection: what was left out says why, what is unknown is a
// NotFoundError.
func TestCollectionNames(t *testing.T) {
	needKernel(t)
	spec := open(t, native("off"))
	spec.Programs["refused"].Policy = skep.Optional
	spec.Maps["spare"] = &skep.MapSpec{Spec: maps.Spec{Type: maps.Hash, KeySize: 4, ValueSize: 4, MaxEntries: 1}, Off: true}
	c := load(t, spec, nil)
	if _, err := c.Program("starts_off"); !errors.Is(err, skep.ErrOff) {
		t.Errorf("a program that is off: %v", err)
	}
	if _, err := c.Program("refused"); err == nil || !strings.Contains(err.Error(), "left out") || !strings.Contains(err.Error(), "map_value_or_null") {
		t.Errorf("an optional program that was refused: %v", err)
	}
	if _, err := c.Map("spare"); !errors.Is(err, skep.ErrOff) {
		t.Errorf("a map that is off: %v", err)
	}
	var nf *skep.NotFoundError
	if _, err := c.Program("nobody"); !errors.As(err, &nf) || nf.Kind != "program" {
		t.Errorf("an unknown program: %v", err)
	}
	if _, err := c.Map("nothing"); !errors.As(err, &nf) || nf.Kind != "map" {
		t.Errorf("an unknown map: %v", err)
	}
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Error(err)
	}
}

// TestGivenMaps uses a map of the caller in place of the object's.
func TestGivenMaps(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "5.17") // bpf_loop
	needJIT(t)
	spec := open(t, native("callbacks"))
	mine, err := maps.New(&maps.Spec{Name: "mine", Type: maps.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 16}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()
	if err := mine.Put(uint32(1), uint64(5)); err != nil {
		t.Fatal(err)
	}
	c, err := skep.Load(spec, &skep.Options{Maps: map[string]*maps.Map{"counts": mine}})
	if err != nil {
		t.Fatal(err)
	}
	if got := run(t, c, "each_elem", 64); got != 1 || readVar[uint64](t, spec, c, "total") != 10 {
		t.Errorf("each_elem visits %d", got)
	}
	if o := c.Report().Maps["counts"]; !o.Reused || o.Created {
		t.Errorf("report of the given map: %+v", o)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	var v uint64
	if err := mine.Get(uint32(1), &v); err != nil || v != 5 {
		t.Errorf("the caller's map after Close: %d, %v", v, err)
	}
	var nf *skep.NotFoundError
	_, err = skep.Load(spec, &skep.Options{Maps: map[string]*maps.Map{"count": mine}})
	if !errors.As(err, &nf) || nf.Name != "count" {
		t.Errorf("a given map of no name: %v", err)
	}
	if err := mine.Close(); err != nil {
		t.Error(err)
	}
	if _, err = skep.Load(spec, &skep.Options{Maps: map[string]*maps.Map{"counts": mine}}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a given map that is closed: %v", err)
	}
}

func prepare(t *testing.T, spec *skep.Spec, o *skep.Options) *skep.Prepared {
	t.Helper()
	facts, err := skep.ReadFacts(spec.Needs(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer facts.Close()
	plan, err := spec.Plan(facts)
	if err != nil {
		t.Fatal(err)
	}
	prep, err := plan.Prepare(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { prep.Close() })
	return prep
}

// TestPrepared fills maps before programs see them, and gives up in between.
func TestPrepared(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "5.17") // bpf_loop
	needJIT(t)
	spec := open(t, native("callbacks"))
	prep := prepare(t, spec, nil)
	if err := prep.Maps["counts"].Put(uint32(3), uint64(4)); err != nil {
		t.Fatal(err)
	}
	c, err := prep.Load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := prep.Load(context.Background()); err == nil || !strings.Contains(err.Error(), "before") {
		t.Errorf("a second Load: %v", err)
	}
	if err := prep.Close(); err != nil {
		t.Error(err)
	}
	if got := run(t, c, "each_elem", 64); got != 1 || readVar[uint64](t, spec, c, "total") != 8 {
		t.Errorf("each_elem visits %d", got)
	}

	dir := bpffs(t)
	prep = prepare(t, open(t, native("pinned")), &skep.Options{PinDir: dir})
	if _, err := os.Stat(dir + "/shared_counts"); err != nil {
		t.Errorf("a prepared map is pinned: %v", err)
	}
	shared := prep.Maps["shared_counts"]
	if err := errors.Join(prep.Close(), prep.Close()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir + "/shared_counts"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Close leaves the pin: %v", err)
	}
	if _, err := shared.Info(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Close leaves the map open: %v", err)
	}
	if _, err := prep.Load(context.Background()); err == nil {
		t.Error("Load after Close succeeds")
	}

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	prep = prepare(t, open(t, native("pinned")), &skep.Options{PinDir: dir})
	if _, err := prep.Load(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled Load: %v", err)
	}
	if _, err := os.Stat(dir + "/shared_counts"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a cancelled Load leaves the pin: %v", err)
	}
}

// TestPins: made by the first load, taken by the second, refused if another
// map is there.
func TestPins(t *testing.T) {
	needKernel(t)
	dir := bpffs(t)
	spec := open(t, native("pinned"))
	first := load(t, spec, &skep.Options{PinDir: dir})
	second := load(t, spec, &skep.Options{PinDir: dir})
	want := []skep.MapOutcome{{Created: true}, {Reused: true}}
	got := []skep.MapOutcome{first.Report().Maps["shared_counts"], second.Report().Maps["shared_counts"]}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("shared_counts (-want +got):\n%s", diff)
	}
	if o := second.Report().Maps["private_counts"]; !o.Created {
		t.Errorf("private_counts: %+v", o)
	}
	run(t, first, "count", 64)
	run(t, second, "count", 64)
	var shared, private uint64
	if err := errors.Join(second.Maps["shared_counts"].Get(uint32(0), &shared), second.Maps["private_counts"].Get(uint32(0), &private)); err != nil || shared != 2 || private != 1 {
		t.Errorf("shared %d, private %d, %v", shared, private, err)
	}

	spec.Maps["shared_counts"].MaxEntries = 5
	_, err := skep.Load(spec, &skep.Options{PinDir: dir})
	var inc *maps.IncompatibleError
	if !errors.As(err, &inc) {
		t.Fatalf("another map of the name: %v", err)
	}
	if diff := cmp.Diff([]maps.Difference{{Property: "max entries", Want: "5", Have: "1"}}, inc.Differences); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(dir + "/shared_counts"); err != nil {
		t.Errorf("the pin of another: %v", err)
	}
	if _, err := skep.Load(open(t, native("pinned")), &skep.Options{PinDir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "shared_counts") {
		t.Errorf("a pin directory on no bpffs: %v", err)
	}
}

// TestErrorsInOrder: of several programs that are refused, the error is that of
// the first in the object, however many are loaded at once.
func TestErrorsInOrder(t *testing.T) {
	needKernel(t)
	var want string
	for _, parallel := range []int{1, 8, 8, 8, 2, 0} {
		spec := open(t, native("subprogs"))
		obj := open(t, native("off"))
		spec.Maps["counts"] = obj.Maps["counts"]
		spec.Types = nil // of two objects: neither fits
		for _, f := range spec.Funcs {
			f.Type = 0
		}
		for _, name := range []string{"z1", "z2", "z3", "z4"} {
			p := *obj.Programs["refused"]
			p.Name, p.Policy = name, skep.Required
			spec.Programs[name] = &p
		}
		for _, m := range spec.Maps {
			m.Types, m.Key, m.Value = nil, 0, 0
		}
		_, err := skep.Load(spec, &skep.Options{Parallel: parallel})
		var step *skep.StepError
		if !errors.As(err, &step) || step.Name != "z1" {
			t.Fatalf("Parallel %d: %v", parallel, err)
		}
		if want == "" {
			want = err.Error()
		}
		if diff := cmp.Diff(want, err.Error()); diff != "" {
			t.Errorf("Parallel %d (-1 +this):\n%s", parallel, diff)
		}
	}
}

// TestOptionalWithoutBTF: what an Optional program lacks stops nobody.
func TestOptionalWithoutBTF(t *testing.T) {
	needKernel(t)
	spec := open(t, native("attach"))
	if err := spec.Only("on_raw_tp", "on_tp_btf"); err != nil {
		t.Fatal(err)
	}
	spec.Programs["on_tp_btf"].Policy = skep.Optional
	facts, err := skep.ReadFacts(spec.Needs(), &skep.FactOptions{Root: brokenFS{os.DirFS("/"), "sys/kernel/btf"}})
	if err != nil {
		t.Fatal(err)
	}
	defer facts.Close()
	c, err := skep.Load(spec, &skep.Options{Facts: facts})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Programs["on_raw_tp"] == nil {
		t.Error("on_raw_tp is not loaded")
	}
	if _, err := c.Program("on_tp_btf"); err == nil || !strings.Contains(err.Error(), "kernel BTF") {
		t.Errorf("on_tp_btf: %v", err)
	}
}

package skep_test

import (
	"context"
	"errors"
	"fmt"
	stdmaps "maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/maps"
)

// outcome is what two loads of one object must have in common. Lost is what a
// lesser form may lack, if the report says so.
type outcome struct {
	Maps, Programs map[string]string
	Lost           []string
}

func describe(t *testing.T, c *skep.Collection) outcome {
	t.Helper()
	o := outcome{map[string]string{}, map[string]string{}, nil}
	for name, m := range c.Maps {
		info, err := m.Info()
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprint(info.Type, info.KeySize, info.ValueSize, info.MaxEntries, info.Flags, m.Reused())
		switch info.Type {
		case maps.Array:
			b, err := m.LookupBytes(make([]byte, 4))
			text += fmt.Sprintf(" %x %v", b, err)
		case maps.ArrayOfMaps, maps.ProgArray:
			for i := range info.MaxEntries {
				var id uint32
				err := m.Get(i, &id)
				text += fmt.Sprintf(" %d: %s", i, owner(t, c, info.Type, id, err))
			}
		}
		o.Maps[name] = text
		if info.BTF == 0 {
			o.Lost = append(o.Lost, "BTF of "+name)
		}
		if info.Name == "" {
			o.Lost = append(o.Lost, "name of "+name)
		}
	}
	for name, p := range c.Programs {
		info, err := p.Info()
		if err != nil {
			t.Fatal(err)
		}
		o.Programs[name] = fmt.Sprint(info.Type, info.XlatedLen, len(info.MapIDs))
		if info.BTFID == 0 {
			o.Lost = append(o.Lost, "BTF of "+name)
		}
		if info.Name == "" {
			o.Lost = append(o.Lost, "name of "+name)
		}
	}
	slices.Sort(o.Lost)
	return o
}

// owner is the name of the map or program of an id.
func owner(t *testing.T, c *skep.Collection, holder maps.Type, id uint32, err error) string {
	if errors.Is(err, maps.ErrKeyNotExist) {
		return "-"
	}
	if err != nil {
		return err.Error()
	}
	if holder == maps.ProgArray {
		for name, p := range c.Programs {
			if i, err := p.ID(); err == nil && i == id {
				return name
			}
		}
	}
	for name, m := range c.Maps {
		if i, err := m.Info(); err == nil && i.ID == id {
			return name
		}
	}
	return "unknown"
}

// degraded is all that a report says was given up.
func degraded(r *skep.Report) []string {
	all := slices.Clone(r.Degraded)
	for _, p := range r.Programs {
		all = append(all, p.Degraded...)
	}
	for _, m := range r.Maps {
		all = append(all, m.Degraded...)
	}
	return all
}

// faulty loads testdata/everything.el.o while calls fail, over and over.
type faulty struct {
	dir  string // of a bpffs
	obj  *skep.Spec
	id   uint32 // of the map pinned before
	want outcome
	seen struct{ errors, same, lesser int }
}

func newFaulty(t *testing.T) *faulty {
	t.Helper()
	needBTF(t)
	f := &faulty{dir: bpffs(t), obj: ofAge(t, open(t, native("everything")))}
	before, err := maps.New(&maps.Spec{Name: "pinned_before", Type: maps.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 4}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { before.Close() })
	if err := errors.Join(before.Pin(f.pin("pinned_before")), before.Put(uint32(7), uint64(77))); err != nil {
		t.Fatal(err)
	}
	info, err := before.Info()
	if err != nil {
		t.Fatal(err)
	}
	f.id = info.ID
	f.want = f.good(t)
	if len(f.want.Lost) > 0 {
		// The object that was pinned before has no BTF, on purpose.
		if diff := cmp.Diff([]string{"BTF of pinned_before"}, f.want.Lost); diff != "" {
			t.Logf("this kernel takes less than the newest:\n%s", diff)
		}
	}
	return f
}

func (f *faulty) pin(name string) string { return filepath.Join(f.dir, name) }

func (f *faulty) load() (*skep.Collection, error) {
	return skep.Load(f.obj, &skep.Options{PinDir: f.dir, Parallel: 1})
}

// good loads without a fault, and takes away what that leaves pinned.
func (f *faulty) good(t *testing.T) outcome {
	t.Helper()
	c, err := f.load()
	if err != nil {
		t.Fatalf("without a fault: %v", err)
	}
	return f.finish(t, c)
}

func (f *faulty) finish(t *testing.T, c *skep.Collection) outcome {
	t.Helper()
	o := describe(t, c)
	if err := errors.Join(c.Close(), os.Remove(f.pin("pinned_new"))); err != nil {
		t.Fatal(err)
	}
	return o
}

// untouched checks the pin that was there before.
func (f *faulty) untouched(t *testing.T) {
	t.Helper()
	m, err := maps.OpenPinned(f.pin("pinned_before"), 0)
	if err != nil {
		t.Fatalf("the pin of another is gone: %v", err)
	}
	defer m.Close()
	info, err := m.Info()
	var v uint64
	if err = errors.Join(err, m.Get(uint32(7), &v)); err != nil || info.ID != f.id || v != 77 {
		t.Errorf("the pinned map is %d (was %d), holds %d, %v", info.ID, f.id, v, err)
	}
}

// each loads with every fault of some calls, and judges; after each the same
// load succeeds.
func (f *faulty) each(t *testing.T, call systest.Fault, errnos ...sys.Errno) {
	t.Helper()
	o := systest.Faults{Calls: []systest.Fault{call}, Errnos: errnos, Watch: systest.Watch{Pins: []string{f.dir}}}
	n := 0
	runs := systest.EachFault(t, o, func(t *testing.T, in *systest.Injector) {
		n++
		c, err := f.load()
		in.Disarm()
		if err != nil {
			f.seen.errors++
			f.judge(t, err, in)
		} else {
			f.compare(t, c)
		}
		f.untouched(t)
		if t.Failed() {
			_ = os.Remove(f.pin("pinned_new"))
		}
		// What a fault leaves in the process stays, and is seen later too; a
		// load after each would take as long as all the rest.
		if n%8 == 0 || t.Failed() {
			f.goodAsBefore(t)
		}
	})
	f.goodAsBefore(t)
	t.Logf("%d cases: %d errors, %d the same collection, %d a lesser form that the report tells of",
		runs, f.seen.errors, f.seen.same, f.seen.lesser)
}

func (f *faulty) goodAsBefore(t *testing.T) {
	t.Helper()
	if diff := cmp.Diff(f.want, f.good(t)); diff != "" {
		t.Errorf("a load after the fault (-want +got):\n%s", diff)
	}
}

// judge checks that an error names object and step, and what failed.
func (f *faulty) judge(t *testing.T, err error, in *systest.Injector) {
	t.Helper()
	in.Judge(t, err)
	var step *skep.StepError
	switch {
	case !errors.As(err, &step):
		t.Errorf("no StepError: %v", err)
	case step.Object != "everything" || !strings.HasPrefix(err.Error(), "everything: "):
		t.Errorf("error does not name the object: %v", err)
	case step.Step == "":
		t.Errorf("error does not name the step: %v", err)
	case slices.Contains([]string{"map", "program", "slots"}, step.Step) && (step.Name == "" || !strings.Contains(err.Error(), step.Name)):
		t.Errorf("error does not name the %s: %v", step.Step, err)
	}
}

// compare checks that a collection is as without the fault.
func (f *faulty) compare(t *testing.T, c *skep.Collection) {
	t.Helper()
	lost := degraded(c.Report())
	got := f.finish(t, c)
	want := f.want
	if len(lost) > 0 {
		f.seen.lesser++
		got.Lost, want.Lost = nil, nil
		if strings.Contains(lost[0], "LINUX_HAS_BPF_COOKIE is 0") {
			got.Maps, want.Maps = stdmaps.Clone(got.Maps), stdmaps.Clone(want.Maps)
			delete(got.Maps, ".kconfig")
			delete(want.Maps, ".kconfig")
		}
	} else {
		f.seen.same++
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("another collection, report says %q (-want +got):\n%s", lost, diff)
	}
}

// TestFaults is the bar: whatever bpf(2) call fails, and however, a load either
// gives the collection of a load without a fault, or an error that says what
// failed; and nothing stays.
func TestFaults(t *testing.T) {
	needKernel(t)
	newFaulty(t).each(t, systest.Fault{Cmd: systest.AnyCmd}, sys.EPERM, sys.ENOMEM, sys.EAGAIN, sys.EINVAL)
}

// TestFaultsElsewhere fails the system calls that are not bpf(2).
func TestFaultsElsewhere(t *testing.T) {
	needKernel(t)
	newFaulty(t).each(t, systest.Fault{Call: "*"}, sys.EPERM, sys.ENOMEM, sys.EINVAL)
}

// countdown is a context that is cancelled at the n-th look at it.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestCancelled cancels a load wherever it looks at its context.
func TestCancelled(t *testing.T) {
	needKernel(t)
	f := newFaulty(t)
	watch := systest.Watch{Pins: []string{f.dir}}
	steps := map[string]bool{}
	for n := 0; ; n++ {
		before := systest.Take(watch)
		c, err := skep.LoadContext(&countdown{context.Background(), n}, f.obj, &skep.Options{PinDir: f.dir, Parallel: 1})
		if err == nil {
			f.finish(t, c)
			break
		}
		var step *skep.StepError
		if !errors.As(err, &step) || !errors.Is(err, context.Canceled) {
			t.Fatalf("cancelled at look %d: %v", n, err)
		}
		steps[step.Step] = true
		if diff := before.Compare(watch); diff != "" {
			t.Errorf("cancelled at look %d (%v), left behind:\n%s", n, err, diff)
		}
		f.untouched(t)
	}
	for _, s := range []string{"facts", "btf", "map", "program", "slots"} {
		if !steps[s] {
			t.Errorf("step %q is never cancelled", s)
		}
	}
	f.good(t)
}

// TestCancelledAtCalls cancels while each system call of a load is made: that
// one is still awaited.
func TestCancelledAtCalls(t *testing.T) {
	needKernel(t)
	f := newFaulty(t)
	for n, more := 1, true; more; n++ {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			systest.CheckLeaks(t, systest.Watch{Pins: []string{f.dir}})
			ctx := systest.CancelAt(t, n)
			c, err := skep.LoadContext(ctx, f.obj, &skep.Options{PinDir: f.dir, Parallel: 1})
			more = ctx.Err() != nil
			var step *skep.StepError
			switch {
			case err == nil: // at its last calls a load does not look any more
				f.finish(t, c)
			case !more || !errors.As(err, &step) || !errors.Is(err, context.Canceled):
				t.Error(err)
			}
			f.untouched(t)
		})
	}
	if diff := cmp.Diff(f.want, f.good(t)); diff != "" {
		t.Errorf("the load after them (-want +got):\n%s", diff)
	}
}

// TestAttachFaults fails each call of Attach: either all are attached, or none.
func TestAttachFaults(t *testing.T) {
	needKernel(t)
	needBTF(t)
	spec := open(t, native("attach"))
	if err := spec.Only("on_raw_tp", "on_tp_btf", "on_tracepoint"); err != nil {
		t.Fatal(err)
	}
	if err := spec.Set("target_pid", uint32(os.Getpid())); err != nil {
		t.Fatal(err)
	}
	coll := load(t, spec, nil)
	good, err := coll.Attach(nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(good.ByProgram) != 3 {
		t.Fatalf("attached %d programs: %v", len(good.ByProgram), good.Skipped)
	}
	if err := good.Close(); err != nil {
		t.Fatal(err)
	}
	runs := systest.EachFault(t, systest.Faults{}, func(t *testing.T, in *systest.Injector) {
		links, err := coll.Attach(nil)
		in.Disarm()
		in.Judge(t, err)
		var step *skep.StepError
		switch {
		case err == nil:
			if len(links.ByProgram) != 3 {
				t.Errorf("attached %d programs without an error: %v", len(links.ByProgram), links.Skipped)
			}
			if err := links.Close(); err != nil {
				t.Error(err)
			}
		case !errors.As(err, &step) || step.Step != "attach" || !strings.Contains(err.Error(), step.Name):
			t.Errorf("%s failed: %v", in.Victim(), err)
		case links != nil:
			t.Error("links beside an error")
		}
	})
	t.Logf("%d cases", runs)
}

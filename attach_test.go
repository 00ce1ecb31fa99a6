package skep_test

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/link"
)

// counters of attach.c by the program that raises them.
var counters = map[string]string{
	"on_raw_tp": "raw_tp_hits", "on_tp_btf": "tp_btf_hits", "on_tracepoint": "tracepoint_hits",
	"on_uprobe": "uprobe_hits", "on_uretprobe": "uretprobe_hits", "on_kprobe": "kprobe_hits",
}

// TestAttach attaches by section names: each link fires, and none once closed.
func TestAttach(t *testing.T) {
	needKernel(t)
	needBTF(t)
	spec := open(t, native("attach"))
	for _, name := range []string{"on_uprobe", "on_uretprobe"} {
		m := &spec.Programs[name].Match
		m.Target, m.AutoAttach = "libc.so.6:malloc", true // as SEC("uprobe/libc.so.6:malloc") would
	}
	if !testutil.HasConfig(t, "CONFIG_KPROBES") {
		spec.Programs["on_kprobe"].Policy = skep.Optional
	}
	c := load(t, spec, nil)
	links, err := c.Attach(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := links.Skipped["on_perf_event"]; !errors.Is(err, link.ErrNoTarget) {
		t.Errorf("on_perf_event: %v", err)
	}
	if err, ok := links.Skipped["on_kprobe"]; ok && !strings.Contains(err.Error(), "do_nanosleep") {
		t.Errorf("on_kprobe: %v", err)
	}
	stir(t)
	for program, counter := range counters {
		l := links.ByProgram[program]
		if l == nil {
			if (program != "on_kprobe" || testutil.HasConfig(t, "CONFIG_KPROBES")) && !tooOld(t, program) {
				t.Errorf("%s is not attached: %v", program, links.Skipped[program])
			}
			continue
		}
		if readVar[uint64](t, spec, c, counter) == 0 {
			t.Errorf("%s did not fire", program)
		}
		if info, err := l.Info(); err != nil || info.Form == "" {
			t.Errorf("%s: info %+v, %v", program, info, err)
		}
	}
	if err := errors.Join(links.Close(), links.Close()); err != nil {
		t.Error(err)
	}
	before := map[string]uint64{}
	for _, counter := range counters {
		before[counter] = readVar[uint64](t, spec, c, counter)
	}
	stir(t)
	for _, counter := range counters {
		if n := readVar[uint64](t, spec, c, counter); n != before[counter] {
			t.Errorf("%s rose from %d to %d after Close", counter, before[counter], n)
		}
	}
	var none *skep.Links
	if err := none.Close(); err != nil {
		t.Error(err)
	}
}

// TestAttachSome: skipped, unloaded and target-less programs are left alone.
func TestAttachSome(t *testing.T) {
	needKernel(t)
	needBTF(t)
	spec := open(t, native("attach"))
	if err := spec.Only("on_raw_tp", "on_tp_btf", "on_uprobe", "on_perf_event"); err != nil {
		t.Fatal(err)
	}
	c := load(t, spec, nil)
	links, err := c.Attach(&skep.AttachOptions{Skip: []string{"on_tp_btf"}})
	if err != nil {
		t.Fatal(err)
	}
	defer links.Close()
	if diff := cmp.Diff([]string{"on_raw_tp"}, slices.Sorted(maps.Keys(links.ByProgram))); diff != "" {
		t.Errorf("attached (-want +got):\n%s", diff)
	}
	want := []string{"on_perf_event", "on_uprobe"}
	if tooOld(t, "on_uprobe") {
		want = want[:1]
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(links.Skipped))); diff != "" {
		t.Errorf("skipped (-want +got):\n%s", diff)
	}
	for name, err := range links.Skipped {
		if !errors.Is(err, link.ErrNoTarget) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.Attach(&skep.AttachOptions{Skip: []string{"nobody"}}); err == nil || !strings.Contains(err.Error(), "no program nobody") {
		t.Errorf("skipping an unknown program: %v", err)
	}
}

// TestAttachUndone: a failure in the middle detaches what came before it.
func TestAttachUndone(t *testing.T) {
	needKernel(t)
	needBTF(t)
	spec := open(t, native("attach"))
	if err := spec.Only("on_raw_tp", "on_tp_btf", "on_tracepoint"); err != nil {
		t.Fatal(err)
	}
	if err := spec.Set("target_pid", uint32(os.Getpid())); err != nil {
		t.Fatal(err)
	}
	spec.Programs["on_tracepoint"].Match.Target = "syscalls/skep_no_such"
	c := load(t, spec, nil)
	links, err := c.Attach(nil)
	var step *skep.StepError
	if links != nil || !errors.As(err, &step) || step.Step != "attach" || step.Name != "on_tracepoint" || !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("links %v, error %v", links, err)
	}
	before := readVar[uint64](t, spec, c, "raw_tp_hits")
	stir(t)
	if after := readVar[uint64](t, spec, c, "raw_tp_hits"); after != before {
		t.Errorf("raw_tp_hits rose from %d to %d", before, after)
	}
	ids := map[uint32]bool{}
	for _, p := range c.Programs {
		id, err := p.ID()
		if err != nil {
			t.Fatal(err)
		}
		ids[id] = true
	}
	for l, err := range link.All() {
		if err != nil {
			t.Fatal(err)
		}
		if info, err := l.Info(); err == nil && ids[info.Program] {
			t.Errorf("still attached: %+v", info)
		}
		l.Close()
	}
}

package systest

import (
	"fmt"
	stdmaps "maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skepbpf/skep/internal/sys"
)

// Watch says what a Snapshot holds beside descriptors and mappings.
type Watch struct {
	// Pins are directories of a bpffs, listed with all below them.
	Pins []string
}

// Snapshot is what the process, and the kernel on its behalf, holds: a count
// for each line of text.
type Snapshot map[string]int

// Take makes a snapshot. It works where /proc is mounted, and is empty
// elsewhere.
func Take(w Watch) Snapshot {
	startPoller()
	s := Snapshot{}
	s.descriptors()
	s.mappings()
	for _, dir := range w.Pins {
		s.pins(dir)
	}
	s.probes()
	return s
}

// startPoller makes the runtime open its epoll and event descriptors now, so
// that they do not look like a leak later.
func startPoller() {
	if r, w, err := os.Pipe(); err == nil {
		r.Close()
		w.Close()
	}
}

func (s Snapshot) descriptors() {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, e := range entries {
		// The directory's own descriptor is closed by now: no target.
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			s["fd "+e.Name()+" -> "+target]++
		}
	}
}

// mappings counts what is mapped from BPF objects, perf events, sysfs and
// files other than the program itself and its libraries.
func (s Snapshot) mappings() {
	text, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	self, _ := os.Executable()
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 6 || strings.HasPrefix(f[5], "[") || f[5] == self || strings.Contains(f[5], ".so") {
			continue
		}
		s["mapping "+f[5]]++
	}
}

func (s Snapshot) pins(dir string) {
	_ = filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err == nil && path != dir {
			s["pin "+path]++
		}
		return nil
	})
}

// probes are the events that this process defined in tracefs, where that is
// mounted: lines with its number in their name.
func (s Snapshot) probes() {
	own := "/p" + strconv.Itoa(os.Getpid()) + "_"
	for _, dir := range [...]string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"} {
		for _, file := range [...]string{"kprobe_events", "uprobe_events"} {
			text, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				continue
			}
			for line := range strings.Lines(string(text)) {
				if strings.Contains(line, own) {
					s[file+" "+strings.TrimSpace(line)]++
				}
			}
		}
	}
}

// Diff lists what is more ("+") or less ("-") in after than in s; it is empty
// if nothing is.
func (s Snapshot) Diff(after Snapshot) string {
	var b strings.Builder
	all := stdmaps.Clone(s)
	stdmaps.Copy(all, after)
	for _, line := range slices.Sorted(stdmaps.Keys(all)) {
		if d := after[line] - s[line]; d != 0 {
			fmt.Fprintf(&b, "%+d %s\n", d, line)
		}
	}
	return b.String()
}

// Compare waits for the snapshot to be as before, for the kernel frees some
// objects only after a grace period, and gives the difference that remains.
func (s Snapshot) Compare(w Watch) string { return s.compare(w, 2*time.Second) }

func (s Snapshot) compare(w Watch, grace time.Duration) string {
	end := time.Now().Add(grace)
	for wait := time.Millisecond; ; wait *= 2 {
		diff := s.Diff(Take(w))
		if diff == "" || time.Now().After(end) {
			return diff
		}
		time.Sleep(wait)
	}
}

// CheckLeaks fails the test if at its end there is more or less than now: of
// descriptors, mappings, pins, goroutines, events in tracefs; or if a map,
// program, link or BTF object that the test made in the kernel, or an attachment
// without a link, is still there. It prints where each was made and, of objects,
// who holds them. Call it first: cleanups that close things must run before it.
func CheckLeaks(t testing.TB, w Watch) {
	t.Helper()
	l := Begin(t, w)
	t.Cleanup(func() {
		if left := l.Left(); left != "" {
			t.Errorf("left behind:\n%s", left)
		}
	})
}

// Leaks compares a later state of the process with that of its making.
type Leaks struct {
	watch   Watch
	tracer  *Tracer
	ledger  *ledger
	before  Snapshot
	running map[string]string
}

// Begin is CheckLeaks for a test that asks itself, by Left.
func Begin(t testing.TB, w Watch) *Leaks {
	t.Helper()
	l := &Leaks{watch: w, tracer: TraceFDs(t), ledger: newLedger()}
	install(t, func(below *sys.Seam) *sys.Seam {
		layer := *below
		layer.BPF = l.ledger.watch(below)
		return &layer
	})
	l.mark()
	return l
}

// mark makes the present state the one to compare with. What was made in the
// kernel before stays on record.
func (l *Leaks) mark() {
	l.before, l.running = Take(l.watch), goroutines()
}

// Left lists what is there and should not be, "" if nothing is. It waits a few
// seconds for what ends by itself.
func (l *Leaks) Left() string {
	return l.Held() + l.ledger.report(l.watch.Pins)
}

// Held is Left without what only the kernel knows of, and frees by and by: what
// is asked many times.
func (l *Leaks) Held() string {
	diff := l.before.compare(l.watch, min(l.ledger.grace, 2*time.Second))
	if diff != "" {
		diff += l.tracer.Report()
	}
	return diff + newGoroutines(l.running, l.ledger.grace)
}

// Tracer knows where each open sys.FD was made.
type Tracer struct {
	mu   sync.Mutex
	open map[int]string // stack by number
}

// TraceFDs records descriptors from now until the test ends.
func TraceFDs(t testing.TB) *Tracer {
	t.Helper()
	tr := &Tracer{open: map[int]string{}}
	install(t, func(below *sys.Seam) *sys.Seam {
		layer := *below
		layer.FDOpened = func(raw int) {
			tr.set(raw, stack())
			if below.FDOpened != nil {
				below.FDOpened(raw)
			}
		}
		layer.FDClosed = func(raw int) {
			tr.set(raw, "")
			if below.FDClosed != nil {
				below.FDClosed(raw)
			}
		}
		return &layer
	})
	return tr
}

func (tr *Tracer) set(raw int, stack string) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if stack == "" {
		delete(tr.open, raw)
		return
	}
	tr.open[raw] = stack
}

// Report is one paragraph for each descriptor that is open: its number and the
// stack that made it. Empty if there is none.
func (tr *Tracer) Report() string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	var b strings.Builder
	for _, raw := range slices.Sorted(stdmaps.Keys(tr.open)) {
		fmt.Fprintf(&b, "fd %d was made at\n%s", raw, tr.open[raw])
	}
	return b.String()
}

// stack is the callers of NewFD, innermost first.
func stack() string {
	var pcs [32]uintptr
	return frames(pcs[:runtime.Callers(4, pcs[:])])
}

func frames(pcs []uintptr) string {
	if len(pcs) == 0 {
		return ""
	}
	frames := runtime.CallersFrames(pcs)
	var b strings.Builder
	for {
		f, more := frames.Next()
		if f.Function != "" && !strings.HasPrefix(f.Function, "runtime.") && !strings.HasPrefix(f.Function, "testing.") {
			fmt.Fprintf(&b, "\t%s %s:%d\n", f.Function, f.File, f.Line)
		}
		if !more {
			return b.String()
		}
	}
}

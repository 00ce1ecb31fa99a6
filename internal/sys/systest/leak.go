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
	// Objects holds the ids of all maps, programs, links and BTF objects of the
	// machine. Needs CAP_SYS_ADMIN, and a machine where nobody else loads BPF.
	Objects bool
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
	if w.Objects {
		s.objects()
	}
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

func (s Snapshot) objects() {
	for _, kind := range []struct {
		name string
		next func(*sys.GetIDAttr) error
	}{
		{"map", sys.MapGetNextID}, {"program", sys.ProgGetNextID},
		{"link", sys.LinkGetNextID}, {"btf", sys.BtfGetNextID},
	} {
		attr := sys.GetIDAttr{}
		for kind.next(&attr) == nil {
			attr.StartId = attr.NextId
			s[kind.name+" id "+strconv.Itoa(int(attr.NextId))]++
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
func (s Snapshot) Compare(w Watch) string {
	for wait := time.Millisecond; ; wait *= 2 {
		diff := s.Diff(Take(w))
		if diff == "" || wait > time.Second {
			return diff
		}
		time.Sleep(wait)
	}
}

// CheckLeaks fails the test if at its end there is more or less than now. For
// each descriptor left open it prints where it was made. Call it first: cleanups
// that close things must run before it.
func CheckLeaks(t testing.TB, w Watch) {
	t.Helper()
	tracer := TraceFDs(t)
	before := Take(w)
	t.Cleanup(func() {
		if diff := before.Compare(w); diff != "" {
			t.Errorf("left behind:\n%s%s", diff, tracer.Report())
		}
	})
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
	frames := runtime.CallersFrames(pcs[:runtime.Callers(4, pcs[:])])
	var b strings.Builder
	for {
		f, more := frames.Next()
		if f.Function != "" && !strings.HasPrefix(f.Function, "runtime.") {
			fmt.Fprintf(&b, "\t%s %s:%d\n", f.Function, f.File, f.Line)
		}
		if !more {
			return b.String()
		}
	}
}

package link

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/prog"
)

func tracefsFile(t *testing.T, name string) string {
	t.Helper()
	tfs, err := kernel.OpenTracefs("")
	if err != nil {
		t.Fatal(err)
	}
	defer tfs.Close()
	b, err := tfs.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// perfForm is how the kernel here attaches to perf events, if it is let.
func perfForm(t *testing.T) (Type, Form) {
	t.Helper()
	if testutil.KernelAtLeast(t, "5.15") {
		return TypePerfEvent, FormLink
	}
	return TypeNone, FormPerfIoctl
}

func TestTracepoint(t *testing.T) {
	testutil.NeedRoot(t)
	typ, form := perfForm(t)
	for _, tt := range []struct {
		name string
		old  bool
		typ  Type
		form Form
	}{
		{"link", false, typ, form},
		{"ioctl", true, TypeNone, FormPerfIoctl},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCounter(t)
			p := counting(t, c, prog.Spec{Type: prog.Tracepoint}, 0)
			if tt.old {
				withoutLinks(t)
				_, err := AttachTracepoint(p, TracepointOptions{Category: "sched", Name: "sched_switch", Cookie: 1})
				if !errors.Is(err, errors.ErrUnsupported) {
					t.Errorf("cookie on a kernel without: %v", err)
				}
			}
			l, err := AttachTracepoint(p, TracepointOptions{Category: "sched", Name: "sched_switch"})
			if err != nil {
				t.Fatal(err)
			}
			in := checkInfo(t, l, tt.typ, tt.form)
			if d, ok := in.Details.(PerfEventInfo); !ok || d.Event != PerfTracepoint || d.Name != "sched_switch" {
				t.Errorf("details %+v", in.Details)
			}
			if tt.form == FormPerfIoctl {
				if err := l.Pin("/nowhere"); !errors.Is(err, errors.ErrUnsupported) {
					t.Errorf("pin: %v", err)
				}
				if l.LinkFD() != nil {
					t.Error("has a link's descriptor")
				}
			}
			fires(t, c, l, func() { time.Sleep(time.Millisecond) })
			if _, err := l.Info(); !errors.Is(err, os.ErrClosed) {
				t.Errorf("info after close: %v", err)
			}
		})
	}
}

func TestTracepointErrors(t *testing.T) {
	testutil.NeedRoot(t)
	c := newCounter(t)
	p := counting(t, c, prog.Spec{Type: prog.Tracepoint}, 0)
	_, err := AttachTracepoint(p, TracepointOptions{Category: "sched", Name: "no_such_event"})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such event: %v", err)
	}
	if _, err := AttachTracepoint(p, TracepointOptions{Category: "..", Name: "x"}); err == nil {
		t.Error("bad category accepted")
	}
	x := counting(t, c, prog.Spec{Type: prog.XDP, Attach: prog.AttachXDP}, 2)
	if _, err := AttachTracepoint(x, TracepointOptions{Category: "sched", Name: "sched_switch"}); err == nil {
		t.Error("XDP program attached to a tracepoint")
	}
}

func TestTracepointCookieAndDetach(t *testing.T) {
	testutil.NeedRoot(t)
	c := newCounter(t)
	p := counting(t, c, prog.Spec{Type: prog.Tracepoint}, 0)
	l, err := AttachTracepoint(p, TracepointOptions{Category: "sched", Name: "sched_switch", Cookie: 77})
	if testutil.Lacks(t, "5.15", err) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Detach(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("detach: %v", err)
	}
	p2 := counting(t, c, prog.Spec{Type: prog.Tracepoint}, 0)
	withoutLinks(t)
	old, err := AttachTracepoint(p2, TracepointOptions{Category: "sched", Name: "sched_switch"})
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	counts(t, c, func() { time.Sleep(time.Millisecond) })
	if err := old.Detach(); err != nil {
		t.Error(err)
	}
	silent(t, c, func() { time.Sleep(time.Millisecond) })
	if _, err := old.Info(); err != nil {
		t.Errorf("info after detach: %v", err)
	}
	old.Close()
}

func TestPerfEvent(t *testing.T) {
	testutil.NeedRoot(t)
	typ, form := perfForm(t)
	for _, tt := range []struct {
		name string
		old  bool
		o    PerfEventOptions
		typ  Type
		form Form
	}{
		{"period", false, PerfEventOptions{Config: Software(CPUClock), SamplePeriod: 1e6}, typ, form},
		{"frequency", false, PerfEventOptions{Config: Software(CPUClock), Frequency: 1000}, typ, form},
		{"page faults of a process", false, PerfEventOptions{
			Config: Software(PageFaults), SamplePeriod: 1, PID: os.Getpid(), CPU: AnyCPU, Inherit: true,
		}, typ, form},
		{"ioctl", true, PerfEventOptions{Config: Software(CPUClock), SamplePeriod: 1e6}, TypeNone, FormPerfIoctl},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCounter(t)
			p := counting(t, c, prog.Spec{Type: prog.PerfEvent}, 0)
			if tt.old {
				withoutLinks(t)
			}
			if tt.o.PID != 0 {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				tt.o.PID = threadID(t)
			}
			l, err := AttachPerfEvent(p, tt.o)
			if err != nil {
				t.Fatal(err)
			}
			in := checkInfo(t, l, tt.typ, tt.form)
			d, ok := in.Details.(PerfEventInfo)
			if !ok || d.Event != PerfOther {
				t.Errorf("details %+v", in.Details)
			}
			// Newer kernels count clocks by PMUs of their own, and say so.
			if tt.o.Config != Software(CPUClock) && (d.Type != tt.o.Config.Type || d.Config != tt.o.Config.Config) {
				t.Errorf("details %+v", d)
			}
			fires(t, c, l, func() {
				if tt.o.PID == 0 {
					spin(20 * time.Millisecond)
					return
				}
				b := make([]byte, 8<<20) // fresh pages
				for i := 0; i < len(b); i += 4096 {
					b[i] = 1
				}
			})
		})
	}
}

// threadID is the number of the thread, which must be locked.
func threadID(t *testing.T) int {
	t.Helper()
	self, err := os.Readlink("/proc/thread-self")
	if err != nil {
		t.Fatal(err)
	}
	tid, err := strconv.Atoi(filepath.Base(self))
	if err != nil {
		t.Fatal(err)
	}
	return tid
}

func TestPerfEventOfCaller(t *testing.T) {
	testutil.NeedRoot(t)
	attr := sys.PerfEventAttr{
		Type: uint32(sys.PERF_TYPE_SOFTWARE), Config: uint64(sys.PERF_COUNT_SW_CPU_CLOCK),
		SamplePeriod: 1e6, Bits: sys.PerfBitDisabled.Mask(),
	}
	event, err := sys.PerfEventOpen(&attr, -1, 0, -1, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer event.Close()
	fd, err := event.Borrow()
	if err != nil {
		t.Fatal(err)
	}
	defer event.Release()
	c := newCounter(t)
	p := counting(t, c, prog.Spec{Type: prog.PerfEvent}, 0)
	l, err := AttachPerfEvent(p, PerfEventOptions{FD: fd})
	if err != nil {
		t.Fatal(err)
	}
	fires(t, c, l, func() { spin(20 * time.Millisecond) })
	if _, err := sys.PerfID(fd); err != nil {
		t.Errorf("the caller's descriptor: %v", err)
	}
}

func TestPerfEventOptions(t *testing.T) {
	for _, o := range []PerfEventOptions{
		{}, {SamplePeriod: 1, Frequency: 1}, {SamplePeriod: 1, CPU: AnyCPU}, {SamplePeriod: 1, PID: -1}, {FD: 1},
	} {
		if l, err := AttachPerfEvent(nil, o); err == nil {
			l.Close()
			t.Errorf("%+v accepted", o)
		}
	}
}

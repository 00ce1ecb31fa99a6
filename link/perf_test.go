package link

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
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

func TestTracepoint(t *testing.T) {
	testutil.NeedRoot(t)
	for _, tt := range []struct {
		name string
		old  bool
		typ  Type
		form Form
	}{
		{"link", false, TypePerfEvent, FormLink},
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
			if tt.old {
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
	testutil.NeedKernel(t, "5.15")
	c := newCounter(t)
	p := counting(t, c, prog.Spec{Type: prog.Tracepoint}, 0)
	l, err := AttachTracepoint(p, TracepointOptions{Category: "sched", Name: "sched_switch", Cookie: 77})
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

// probed is what uprobes are put on.
//
//go:noinline
func probed() int { return time.Now().Nanosecond() }

// probedAddress is the address that the symbol table of the test binary, which
// go test strips, would have.
func probedAddress() uint64 {
	return uint64(runtime.FuncForPC(reflect.ValueOf(probed).Pointer()).Entry())
}

func TestUprobeSelf(t *testing.T) {
	testutil.NeedRoot(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		old    bool
		legacy bool
		pid    int
		typ    Type
		form   Form
	}{
		{"link", false, false, 0, TypePerfEvent, FormLink},
		{"own process", false, false, os.Getpid(), TypePerfEvent, FormLink},
		{"ioctl", true, false, 0, TypeNone, FormPerfIoctl},
		{"tracefs and link", false, true, 0, TypePerfEvent, FormLink},
		{"tracefs and ioctl", true, true, 0, TypeNone, FormPerfIoctl},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.legacy {
				testutil.NeedConfig(t, "CONFIG_UPROBE_EVENTS")
			}
			c := newCounter(t)
			p := counting(t, c, prog.Spec{Type: prog.Kprobe}, 0)
			if tt.old {
				withoutLinks(t)
			}
			l, err := AttachUprobe(p, UprobeOptions{Path: self, Address: probedAddress(), PID: tt.pid, Legacy: tt.legacy})
			if err != nil {
				t.Fatal(err)
			}
			in := checkInfo(t, l, tt.typ, tt.form)
			d, ok := in.Details.(PerfEventInfo)
			if !ok || d.Event != PerfUprobe || !strings.HasSuffix(d.Name, ".test") || d.Offset == 0 {
				t.Errorf("details %+v", in.Details)
			}
			if tt.legacy != strings.Contains(tracefsFile(t, "uprobe_events"), "skep/") {
				t.Error("definition in tracefs")
			}
			before := c.load(t)
			for range 10 {
				runtime.KeepAlive(probed())
			}
			// A signal while the probed instruction is stepped over makes the
			// kernel take the breakpoint again; the runtime sends some.
			if n := c.load(t) - before; n < 10 || n > 15 {
				t.Errorf("fired %d times for 10 calls", n)
			}
			fires(t, c, l, func() { runtime.KeepAlive(probed()) })
			if strings.Contains(tracefsFile(t, "uprobe_events"), "skep/") {
				t.Error("a definition stays in tracefs")
			}
		})
	}
}

func TestUprobeLibrary(t *testing.T) {
	testutil.NeedRoot(t)
	needCommand(t, "cat")
	if _, err := ResolveBinary("libc.so.6"); err != nil {
		t.Skip(err)
	}
	for _, tt := range []struct {
		name string
		o    UprobeOptions
		kind PerfEventKind
	}{
		{"uprobe", UprobeOptions{Symbol: "setlocale"}, PerfUprobe},
		{"uretprobe", UprobeOptions{Symbol: "setlocale", Return: true}, PerfUretprobe},
		{"cookie", UprobeOptions{Symbol: "setlocale", Cookie: 9}, PerfUprobe},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCounter(t)
			p := counting(t, c, prog.Spec{Type: prog.Kprobe}, 0)
			tt.o.Path = "libc.so.6"
			l, err := AttachUprobe(p, tt.o)
			if err != nil {
				t.Fatal(err)
			}
			in := checkInfo(t, l, TypePerfEvent, FormLink)
			if d := in.Details.(PerfEventInfo); d.Event != tt.kind || d.Cookie != 0 && d.Cookie != tt.o.Cookie {
				t.Errorf("details %+v", d)
			}
			fires(t, c, l, func() { run(t, "cat", "/dev/null") })
		})
	}
}

func TestUprobeErrors(t *testing.T) {
	testutil.NeedRoot(t)
	c := newCounter(t)
	p := counting(t, c, prog.Spec{Type: prog.Kprobe}, 0)
	for _, tt := range []struct {
		name string
		o    UprobeOptions
		is   error
	}{
		{"no such file", UprobeOptions{Path: "/no/such/file", Symbol: "f"}, os.ErrNotExist},
		{"no such command", UprobeOptions{Path: "no-such-command", Symbol: "f"}, os.ErrNotExist},
		{"no such symbol", UprobeOptions{Path: "bash", Symbol: "no_such_function"}, os.ErrNotExist},
		{"nothing said", UprobeOptions{Path: "bash"}, nil},
		{"no path", UprobeOptions{Symbol: "f"}, nil},
		{"not ELF", UprobeOptions{Path: "/etc/passwd", Symbol: "f"}, nil},
		{"directory", UprobeOptions{Path: "/etc", Symbol: "f"}, nil},
		{"offset of a return", UprobeOptions{Path: "bash", Symbol: "f", Offset: 4, Return: true}, nil},
		{"negative process", UprobeOptions{Path: "bash", Offset: 4, PID: -2}, nil},
		{"counter too far", UprobeOptions{Path: "/bin/bash", Offset: 4, RefCtrOffset: 1 << 32}, nil},
		{"address outside", UprobeOptions{Path: "/bin/bash", Address: 1 << 60}, nil},
	} {
		l, err := AttachUprobe(p, tt.o)
		if err == nil {
			t.Errorf("%s: attached", tt.name)
			l.Close()
		} else if tt.is != nil && !errors.Is(err, tt.is) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestUprobeMulti(t *testing.T) {
	testutil.NeedRoot(t)
	needCommand(t, "cat")
	c := newCounter(t)
	s := prog.Spec{Type: prog.Kprobe, Attach: prog.AttachTraceUprobeMulti}
	p := counting(t, c, s, 0)
	l, err := AttachUprobeMulti(p, UprobeMultiOptions{Path: "libc.so.6", Symbols: []string{"setlocale", "exit"}, Cookies: []uint64{1, 2}})
	testutil.SkipUnsupported(t, err, "6.6", "CONFIG_UPROBES")
	if err != nil {
		t.Fatal(err)
	}
	in := checkInfo(t, l, TypeUprobeMulti, FormLink)
	if d := in.Details.(UprobeMultiInfo); d.Count != 2 || !strings.Contains(d.Path, "libc") {
		t.Errorf("details %+v", d)
	}
	fires(t, c, l, func() { run(t, "cat", "/dev/null") })
}

func TestKprobe(t *testing.T) {
	testutil.NeedRoot(t)
	testutil.NeedConfig(t, "CONFIG_KPROBES")
	for _, tt := range []struct {
		name string
		o    KprobeOptions
	}{
		{"kprobe", KprobeOptions{Symbol: "vfs_statx"}},
		{"kretprobe", KprobeOptions{Symbol: "vfs_statx", Return: true}},
		{"legacy", KprobeOptions{Symbol: "vfs_statx", Legacy: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCounter(t)
			p := counting(t, c, prog.Spec{Type: prog.Kprobe}, 0)
			l, err := AttachKprobe(p, tt.o)
			if err != nil {
				t.Fatal(err)
			}
			fires(t, c, l, stat)
		})
	}
}

func TestKprobeMulti(t *testing.T) {
	testutil.NeedRoot(t)
	testutil.NeedConfig(t, "CONFIG_FPROBE")
	c := newCounter(t)
	p := counting(t, c, prog.Spec{Type: prog.Kprobe, Attach: prog.AttachTraceKprobeMulti}, 0)
	l, err := AttachKprobeMulti(p, KprobeMultiOptions{Symbols: []string{"vfs_statx", "vfs_read"}})
	testutil.SkipUnsupported(t, err, "5.18")
	if err != nil {
		t.Fatal(err)
	}
	fires(t, c, l, stat)
}

// What the kernel here lacks must be said, not guessed at.
func TestKprobeWithoutKprobes(t *testing.T) {
	testutil.NeedRoot(t)
	if testutil.HasConfig(t, "CONFIG_KPROBES") {
		t.Skip("the kernel has kprobes")
	}
	p := counting(t, newCounter(t), prog.Spec{Type: prog.Kprobe}, 0)
	_, err := AttachKprobe(p, KprobeOptions{Symbol: "vfs_statx"})
	if err == nil || !strings.Contains(err.Error(), "CONFIG_KPROBES") {
		t.Errorf("got %v", err)
	}
}

func TestKprobeOptions(t *testing.T) {
	for _, o := range []KprobeOptions{
		{}, {Symbol: "f", Address: 1}, {Address: 1, Offset: 1}, {Symbol: "f", Offset: 1, Return: true},
		{Symbol: "a b"}, {Symbol: "f+1"}, {Symbol: "f\n-:x"},
	} {
		if _, err := AttachKprobe(nil, o); err == nil || strings.Contains(err.Error(), "no program") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestPerfEvent(t *testing.T) {
	testutil.NeedRoot(t)
	for _, tt := range []struct {
		name string
		old  bool
		o    PerfEventOptions
		typ  Type
		form Form
	}{
		{"period", false, PerfEventOptions{Config: Software(CPUClock), SamplePeriod: 1e6}, TypePerfEvent, FormLink},
		{"frequency", false, PerfEventOptions{Config: Software(CPUClock), Frequency: 1000}, TypePerfEvent, FormLink},
		{"page faults of a process", false, PerfEventOptions{
			Config: Software(PageFaults), SamplePeriod: 1, PID: os.Getpid(), CPU: AnyCPU, Inherit: true,
		}, TypePerfEvent, FormLink},
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

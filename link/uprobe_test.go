package link

import (
	"errors"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/prog"
)

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
	testutil.Require(t, "", "CONFIG_UPROBE_EVENTS")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	typ, form := perfForm(t)
	for _, tt := range []struct {
		name   string
		old    bool
		legacy bool
		pid    int
		typ    Type
		form   Form
	}{
		{"link", false, false, 0, typ, form},
		{"own process", false, false, os.Getpid(), typ, form},
		{"ioctl", true, false, 0, TypeNone, FormPerfIoctl},
		{"tracefs and link", false, true, 0, typ, form},
		{"tracefs and ioctl", true, true, 0, TypeNone, FormPerfIoctl},
	} {
		t.Run(tt.name, func(t *testing.T) {
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
	testutil.Require(t, "", "CONFIG_UPROBE_EVENTS")
	testutil.NeedTool(t, "cat")
	libc(t)
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
			if tt.o.Cookie != 0 && testutil.Lacks(t, "5.15", err) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			typ, form := perfForm(t)
			in := checkInfo(t, l, typ, form)
			if d := in.Details.(PerfEventInfo); d.Event != tt.kind || d.Cookie != 0 && d.Cookie != tt.o.Cookie {
				t.Errorf("details %+v", d)
			}
			fires(t, c, l, func() { run(t, "cat", "/dev/null") })
		})
	}
}

func TestUprobeErrors(t *testing.T) {
	testutil.NeedRoot(t)
	testutil.Require(t, "", "CONFIG_UPROBE_EVENTS")
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
	testutil.Require(t, "", "CONFIG_UPROBES")
	testutil.NeedTool(t, "cat")
	libc(t)
	c := newCounter(t)
	s := prog.Spec{Type: prog.Kprobe, Attach: prog.AttachTraceUprobeMulti}
	p := counting(t, c, s, 0)
	l, err := AttachUprobeMulti(p, UprobeMultiOptions{Path: "libc.so.6", Symbols: []string{"setlocale", "exit"}, Cookies: []uint64{1, 2}})
	if testutil.Lacks(t, "6.6", err) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	in := checkInfo(t, l, TypeUprobeMulti, FormLink)
	if d := in.Details.(UprobeMultiInfo); d.Count != 2 || !strings.Contains(d.Path, "libc") {
		t.Errorf("details %+v", d)
	}
	fires(t, c, l, func() { run(t, "cat", "/dev/null") })
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/link"
)

// needKernel gives the options for this kernel: one that is built without BTF
// needs a file of it, which $SKEP_KERNEL_BTF names.
func needKernel(t *testing.T) options {
	t.Helper()
	testutil.NeedRoot(t)
	testutil.Require(t, "5.8")
	o := options{btf: os.Getenv("SKEP_KERNEL_BTF")}
	if o.btf == "" {
		testutil.Require(t, "", "CONFIG_DEBUG_INFO_BTF")
	}
	systest.CheckLeaks(t, systest.Watch{})
	return o
}

// output is a buffer that tells when a text has been written to it.
type output struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	want string
	seen chan struct{}
}

func newOutput(want string) *output { return &output{want: want, seen: make(chan struct{})} }

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.buf.Write(b)
	if o.want != "" && strings.Contains(o.buf.String(), o.want) {
		o.want = ""
		close(o.seen)
	}
	return n, err
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// start runs execsnoop until ctx ends, and gives its result.
func start(t *testing.T, ctx context.Context, w io.Writer, o options) <-chan error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- run(ctx, w, o) }()
	return done
}

// wait gives the result of run, which must come soon.
func wait(t *testing.T, done <-chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("execsnoop does not end")
		return nil
	}
}

// attached counts the links of raw tracepoints that execsnoop uses.
func attached(t *testing.T) int {
	t.Helper()
	n := 0
	for l, err := range link.All() {
		if err != nil {
			t.Fatal(err)
		}
		if info, err := l.Info(); err == nil {
			if rt, ok := info.Details.(*link.RawTracepointInfo); ok && strings.HasPrefix(rt.Name, "sched_process_e") {
				n++
			}
		}
		l.Close()
	}
	return n
}

// TestRun sees a process of ours start and end, with its arguments, parent and
// exit code; ends when the context does; and leaves nothing attached.
func TestRun(t *testing.T) {
	o := needKernel(t)
	marker := fmt.Sprintf("skep-marker-%d", os.Getpid())
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	before := attached(t)
	out := newOutput("ARGS / EXIT") // printed once attached
	done := start(t, ctx, out, o)
	select {
	case <-out.seen:
	case err := <-done:
		t.Fatalf("ended early: %v", err)
	}
	cmd := exec.Command("/bin/sh", "-c", "exit 7", marker)
	_ = cmd.Run()
	pid := cmd.Process.Pid
	execLine := fmt.Sprintf("%-8d %-8d /bin/sh -c exit 7 %s", pid, os.Getpid(), marker)
	exitLine := fmt.Sprintf("%-8d %-8d code 7 after ", pid, os.Getpid())
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		text := out.String()
		if strings.Contains(text, execLine) && strings.Contains(text, exitLine) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("no %q and %q in:\n%s", execLine, exitLine, text)
		}
	}
	cancel()
	if err := wait(t, done); err != nil {
		t.Errorf("after cancel: %v", err)
	}
	for end := time.Now().Add(5 * time.Second); attached(t) > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("something stays attached")
		}
	}
}

// TestCount ends by itself after so many records.
func TestCount(t *testing.T) {
	o := needKernel(t)
	o.count, o.execOnly = 3, true
	out := newOutput("ARGS / EXIT")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	done := start(t, ctx, out, o)
	select {
	case <-out.seen:
	case err := <-done:
		t.Fatalf("ended early: %v", err)
	}
	for range 5 {
		if err := exec.Command("/bin/true").Run(); err != nil {
			t.Fatal(err)
		}
	}
	if err := wait(t, done); err != nil {
		t.Fatal(err)
	}
	text := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(text) != 4 || strings.Contains(out.String(), " exit ") {
		t.Errorf("%d lines:\n%s", len(text), out)
	}
	if ctx.Err() != nil {
		t.Error("it was the context that ended it")
	}
}

// TestDuration: a deadline ends it without an error, also where nothing happens.
func TestDuration(t *testing.T) {
	o := needKernel(t)
	o.min = time.Hour
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if err := wait(t, start(t, ctx, io.Discard, o)); err != nil {
		t.Error(err)
	}
}

// TestCancelledBefore: a context that has ended attaches nothing.
func TestCancelledBefore(t *testing.T) {
	o := needKernel(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := wait(t, start(t, ctx, broken{}, o)); err != nil { // not even the headline
		t.Error(err)
	}
}

// broken refuses to be written to.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestBrokenPipe ends as soon as nobody reads the output any more.
func TestBrokenPipe(t *testing.T) {
	o := needKernel(t)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	done := start(t, ctx, broken{}, o)
	for {
		_ = exec.Command("/bin/true").Run()
		select {
		case err := <-done:
			if err == nil || ctx.Err() != nil {
				t.Errorf("ended with %v", err)
			}
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// TestOwnBTF takes the kernel's types from a copy of what sysfs has.
func TestOwnBTF(t *testing.T) {
	o := needKernel(t)
	testutil.Require(t, "", "CONFIG_DEBUG_INFO_BTF")
	types, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err != nil {
		t.Fatal(err)
	}
	o.btf = filepath.Join(t.TempDir(), "btf")
	if err := os.WriteFile(o.btf, types, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if err := wait(t, start(t, ctx, io.Discard, o)); err != nil {
		t.Error(err)
	}
	o.btf = "/no/such/file"
	if err := run(context.Background(), io.Discard, o); !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, btf.ErrNoBTF) {
		t.Errorf("no file: %v", err)
	}
}

func TestText(t *testing.T) {
	e := &execEvent{ArgsLen: 8, ArgsTotal: 8}
	copy(e.Args[:], "ls\x00-l\x00/\x00")
	if got := e.argv(); got != "ls -l /" {
		t.Errorf("argv %q", got)
	}
	e.ArgsTotal = 9
	if got := e.argv(); got != "ls -l / ..." {
		t.Errorf("cut argv %q", got)
	}
	e.ArgsLen = 1 << 30 // more than there is
	if got := e.argv(); got != "ls -l /" {
		t.Errorf("argv of a bad length %q", got)
	}
	for _, tc := range []struct {
		ev   exitEvent
		want string
	}{
		{exitEvent{ExitCode: 7 << 8}, "code 7"},
		{exitEvent{ExitCode: 0, Duration: 1500}, "code 0 after 2µs"},
		{exitEvent{ExitCode: 9}, "signal 9 (killed)"},
		{exitEvent{ExitCode: 11 | 0x80, Duration: 1e9}, "signal 11 (segmentation fault) after 1s"},
	} {
		if got := tc.ev.status(); got != tc.want {
			t.Errorf("status %q, want %q", got, tc.want)
		}
	}
}

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/skepbpf/skep/internal/testutil"
)

// TestPlanted goes wrong in a guest as TestSelf wants it to.
func TestPlanted(t *testing.T) {
	switch plant := testutil.OptIn(t, "SKEP_PLANT"); plant {
	case "fine":
	case "needs 6.6":
		const fchmodat2 = 452 // everywhere
		name, err := syscall.BytePtrFromString(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, errno := syscall.Syscall6(fchmodat2, 0, uintptr(unsafe.Pointer(name)), 0o666, 0, 0, 0); errno != 0 {
			t.Error(errno)
		}
	case "warning":
		if err := os.WriteFile("/dev/kmsg", []byte("<4>WARNING: CPU: 0 PID: 1 at planted.c:1\n"), 0o200); err != nil {
			t.Fatal(err)
		}
	case "panic":
		err := errors.Join(os.WriteFile("/proc/sys/kernel/sysrq", []byte("1"), 0o200), os.WriteFile("/proc/sysrq-trigger", []byte("c"), 0o200))
		t.Fatalf("the kernel goes on: %v", err)
	case "hang": // so that the testing package cannot end it either
		if err := syscall.Kill(os.Getpid(), syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	case "wait":
		t.Log(killMe)
		os.Stdout.WriteString(killMe + "\n")
		time.Sleep(time.Hour)
	default:
		t.Fatalf("unknown: %q", plant)
	}
}

// killMe is said by a guest that waits for its QEMU to be killed.
const killMe = "planted: the machine may break down now"

// killer kills a QEMU as soon as its guest says so.
type killer struct {
	bytes.Buffer
	qemu *os.Process
}

func (k *killer) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(killMe)) && k.qemu != nil {
		_ = k.qemu.Kill()
	}
	return k.Buffer.Write(b)
}

// TestSelf runs TestPlanted on real kernels: whatever goes wrong in a guest is
// red for that guest, and nothing else is. It takes two minutes:
//
//	SKEP_VMTEST=1 go test -v -run TestSelf ./internal/cmd/vmtest
func TestSelf(t *testing.T) {
	testutil.OptIn(t, "SKEP_VMTEST")
	for _, tt := range []struct {
		name, kernel, plant, red string
		timeout                  time.Duration
	}{
		{"nothing", "5.10", "fine", "", 0},
		{"failure, too old", "5.10", "needs 6.6", "./internal/cmd/vmtest failed (status 1)", 0},
		{"failure, new enough", "6.12", "needs 6.6", "", 0},
		{"warning", "5.10", "warning", "the kernel complains 1 times, first", 0},
		{"panic", "5.10", "panic", "Kernel panic - not syncing: sysrq triggered crash", 0},
		{"hang", "5.10", "hang", "the guest was still running after", 45 * time.Second},
		{"truncated log", "5.10", "wait", "did not end; the log breaks off", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := newSession()
			if err != nil {
				t.Fatal(err)
			}
			defer s.close()
			out := &killer{}
			s.env = []string{"SKEP_PLANT=" + tt.plant}
			s.started = func(p *os.Process) { out.qemu = p }
			o := options{packages: "./internal/cmd/vmtest", run: "^TestPlanted$", verbose: true, timeout: 5 * time.Minute}
			if tt.timeout != 0 {
				o.timeout = tt.timeout
			}
			list, err := findTargets(tt.kernel)
			if err != nil {
				t.Fatal(err)
			}
			r := result{target: list[0]}
			start := time.Now()
			r.err = o.one(context.Background(), s, &r, out)
			red := r.red()
			t.Logf("%s, %v: %q", r.release, time.Since(start).Round(time.Second), red)
			if (red == "") != (tt.red == "") || !strings.Contains(red, tt.red) {
				t.Errorf("red is %q, want %q, of:\n%s", red, tt.red, out)
			}
		})
	}
}

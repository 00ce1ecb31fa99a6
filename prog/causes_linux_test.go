package prog_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/maps"
	"github.com/skepbpf/skep/prog"
	"github.com/skepbpf/skep/refusal"
)

// wantCause holds an error against a cause and words of its text.
func wantCause(t *testing.T, err error, cause refusal.Cause, words ...string) {
	t.Helper()
	var r *refusal.Error
	if !errors.As(err, &r) || r.Cause != cause {
		t.Errorf("got %v, want cause %q", err, cause)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("no %q in %v", w, err)
		}
	}
}

// TestCauses makes the kernel refuse for reasons other than privilege.
func TestCauses(t *testing.T) {
	needKernel(t)
	noLeak(t)
	long := make(asm.Instructions, 0, 1_000_001)
	for range 1_000_000 {
		long = append(long, asm.Mov(asm.R0, 0))
	}
	long = append(long, asm.Exit())
	for _, tt := range []struct {
		name  string
		spec  prog.Spec
		cause refusal.Cause
		errno sys.Errno
		words []string
	}{
		{"too long", prog.Spec{Type: prog.SocketFilter, Insns: long}, refusal.TooLong, sys.E2BIG, []string{"more instructions than 1000000"}},
		{"no such type", prog.Spec{Type: 60, Insns: ret(0)}, refusal.Unsupported, sys.EINVAL, []string{"this kernel does not have program type"}},
		{"no such attach type", prog.Spec{Type: prog.CGroupSockAddr, Attach: 200, Insns: ret(1)}, refusal.Unsupported, sys.EINVAL, []string{"AttachType(200)"}},
		{"no such flag", prog.Spec{Type: prog.SocketFilter, Flags: 1 << 30, Insns: ret(0)}, refusal.Unknown, sys.EINVAL, []string{"refused, cause unknown"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := tt.spec
			s.Name, s.License = "x", "GPL"
			_, err := prog.Load(&s, nil)
			wantCause(t, err, tt.cause, tt.words...)
			if !errors.Is(err, tt.errno) {
				t.Errorf("%v is not %v", err, tt.errno)
			}
		})
	}
	_, err := maps.New(&maps.Spec{Name: "m", Type: 60, KeySize: 4, ValueSize: 4, MaxEntries: 1}, nil)
	wantCause(t, err, refusal.Unsupported, "this kernel does not have map type")
	_, err = maps.New(&maps.Spec{Name: "m", Type: maps.Hash, KeySize: 4, ValueSize: 4, MaxEntries: 1, Flags: 1 << 30}, nil)
	wantCause(t, err, refusal.Unknown)
}

// TestTooComplex plays a verifier that gives up.
func TestTooComplex(t *testing.T) {
	k := systest.NewKernel(t)
	k.Verify = func(*systest.Prog) (string, sys.Errno) {
		return "0: (b7) r0 = 0\nBPF program is too large. Processed 1000001 insn\nprocessed 1000001 insns (limit 1000000)\n", sys.E2BIG
	}
	_, err := prog.Load(&prog.Spec{Name: "x", Type: prog.XDP, License: "GPL", Insns: ret(2)}, nil)
	wantCause(t, err, refusal.TooComplex, "gave up after 1000001 instructions")
}

// TestUserNamespace runs itself as root of a user namespace, which holds every
// capability there, and no right to BPF.
func TestUserNamespace(t *testing.T) {
	if os.Getenv("SKEP_TEST_USERNS") != "" {
		caps, err := sys.Capabilities()
		if err != nil || caps>>sys.CAP_BPF&1 == 0 {
			t.Fatalf("capabilities %#x, %v", caps, err)
		}
		_, err = prog.Load(&prog.Spec{Name: "x", Type: prog.XDP, License: "GPL", Insns: ret(2)}, nil)
		wantCause(t, err, refusal.UserNamespace, "CAP_BPF and CAP_NET_ADMIN counts only in the initial user namespace")
		_, err = maps.New(&maps.Spec{Name: "m", Type: maps.LPMTrie, KeySize: 8, ValueSize: 4, MaxEntries: 1, Flags: sys.BPF_F_NO_PREALLOC}, nil)
		wantCause(t, err, refusal.UserNamespace, "CAP_BPF")
		_, err = prog.FromID(1)
		wantCause(t, err, refusal.UserNamespace, "CAP_SYS_ADMIN")
		return
	}
	needKernel(t)
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestUserNamespace$", "-test.v")
	cmd.Env = append(os.Environ(), "SKEP_TEST_USERNS=1", "GOCOVERDIR=")
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestUserNamespace") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestDiagnosisIsBounded counts the calls that explaining takes, on kernels that
// refuse everything with one errno.
func TestDiagnosisIsBounded(t *testing.T) {
	for _, errno := range []sys.Errno{sys.EPERM, sys.EINVAL, sys.E2BIG, sys.ENOMEM, sys.ENOSPC, sys.ENOTSUPP} {
		k := systest.NewKernel(t)
		k.Refuse = func(sys.Cmd, unsafe.Pointer) sys.Errno { return errno }
		_, err := prog.Load(&prog.Spec{Name: "x", Type: prog.XDP, License: "GPL", Insns: ret(2)}, nil)
		loads := len(k.Calls())
		_, merr := maps.New(&maps.Spec{Name: "m", Type: maps.Hash, KeySize: 4, ValueSize: 4, MaxEntries: 1}, nil)
		creates := len(k.Calls()) - loads
		if !errors.Is(err, errno) || !errors.Is(merr, errno) {
			t.Errorf("%v: %v, %v", errno, err, merr)
		}
		t.Logf("%v: %d calls for a program, %d for a map", errno, loads, creates)
		if loads > 12 || creates > 6 {
			t.Errorf("%v: %d calls for a program, %d for a map", errno, loads, creates)
		}
	}
}

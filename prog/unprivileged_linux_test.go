package prog_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/prog"
	"github.com/skepbpf/skep/refusal"
)

// TestUnprivileged runs itself as a user without capabilities. The binary is
// named by /proc, because only its owner may look into the directory it is in.
func TestUnprivileged(t *testing.T) {
	if os.Getenv("SKEP_TEST_UNPRIVILEGED") != "" {
		unprivileged(t)
		return
	}
	needKernel(t)
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestUnprivileged$", "-test.v")
	cmd.Env = append(os.Environ(), "SKEP_TEST_UNPRIVILEGED=1", "GOCOVERDIR=")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS: TestUnprivileged") {
		t.Errorf("%v\n%s", err, out)
	}
}

func unprivileged(t *testing.T) {
	if caps, err := sys.Capabilities(); err != nil || caps != 0 {
		t.Fatalf("capabilities %#x, %v", caps, err)
	}
	soft, hard, _ := sys.Memlock()
	for want, s := range map[string]prog.Spec{
		"needs CAP_BPF and CAP_PERFMON":   {Type: prog.Kprobe},
		"needs CAP_BPF and CAP_NET_ADMIN": {Type: prog.XDP},
		"needs CAP_BPF":                   {Type: prog.SKReuseport},
	} {
		s.Name, s.License, s.Insns = "x", "GPL", ret(0)
		set := new(feature.Set)
		_, err := prog.Load(&s, &prog.Options{Features: set})
		var denied *refusal.Error
		if !errors.As(err, &denied) || !errors.Is(err, sys.EPERM) || !strings.HasSuffix(err.Error(), ": "+want) {
			t.Errorf("got %v, want %s", err, want)
		}
		for id := range feature.Count {
			if set.Get(id) == feature.No {
				t.Errorf("%s: not permitted was taken for not there", id)
			}
		}
	}
	if s, h, _ := sys.Memlock(); s != soft || h != hard {
		t.Error("the memlock limit was raised")
	}
}

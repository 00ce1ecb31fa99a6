package kernel

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/skepbpf/skep/internal/testutil"
)

// TestTracefsUnprivileged: plain users are told what is missing. It runs itself
// as one; the binary is named by /proc, because only its owner may look into
// the directory it is in.
func TestTracefsUnprivileged(t *testing.T) {
	if os.Geteuid() != 0 {
		unprivileged(t)
		return
	}
	testutil.NeedRoot(t) // which can be anybody
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestTracefsUnprivileged$", "-test.v")
	cmd.Env = append(os.Environ(), "GOCOVERDIR=")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS: TestTracefsUnprivileged") {
		t.Errorf("%v\n%s", err, out)
	}
}

func unprivileged(t *testing.T) {
	t.Helper()
	tfs, err := OpenTracefs("")
	if err == nil { // an administrator mounted it open to everybody
		t.Logf("%s can be read", tfs)
		tfs.Close()
	} else if !strings.Contains(err.Error(), "needs") {
		t.Errorf("got %v", err)
	}
}

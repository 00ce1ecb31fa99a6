package kernel

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/testutil"
)

func TestTracefs(t *testing.T) {
	testutil.NeedRoot(t)
	before := readMounts(t)
	tfs, err := OpenTracefs("")
	if err != nil {
		t.Fatal(err)
	}
	defer tfs.Close()
	t.Log(tfs)
	b, err := tfs.ReadFile("events/sched/sched_switch/id")
	if err != nil {
		t.Fatal(err)
	}
	if id, err := strconv.Atoi(strings.TrimSpace(string(b))); err != nil || id <= 0 {
		t.Errorf("id %q, %v", b, err)
	}
	if _, err := tfs.ReadFile("events/sched/no_such_event/id"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such event: %v", err)
	}
	if readMounts(t) != before {
		t.Error("the mounts changed")
	}
	if err := tfs.Close(); err != nil {
		t.Error(err)
	}
	if _, err := tfs.ReadFile("events/enable"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after close: %v", err)
	}
}

// A directory of another file system is refused: an empty /sys/kernel/tracing
// exists where tracefs is not mounted.
func TestTracefsChecksTheFileSystem(t *testing.T) {
	testutil.NeedLinux(t)
	if _, err := OpenTracefs(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := OpenTracefs(t.TempDir() + "/missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestTracefsAtOverride(t *testing.T) {
	testutil.NeedRoot(t)
	dir := t.TempDir()
	if err := sys.Mount("tracefs", dir, "tracefs", ""); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := sys.Unmount(dir); err != nil {
			t.Error(err)
		}
	}()
	for _, path := range []string{dir, ""} { // "" may find it in mountinfo
		tfs, err := OpenTracefs(path)
		if err != nil {
			t.Fatal(err)
		}
		if path != "" && tfs.String() != dir {
			t.Errorf("got %s, want %s", tfs, dir)
		}
		if _, err := tfs.ReadFile("available_events"); err != nil {
			t.Error(err)
		}
		tfs.Close()
	}
}

func TestExplainTracefs(t *testing.T) {
	for _, tt := range []struct {
		denied, detached error
		want             string
	}{
		{sys.EACCES, sys.EPERM, "CAP_DAC_READ_SEARCH"},
		{nil, sys.EPERM, "CAP_SYS_ADMIN"},
		{nil, sys.ENODEV, "CONFIG_TRACING"},
		{nil, sys.ENOSYS, "not mounted"},
	} {
		if err := explainTracefs(tt.denied, tt.detached); !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v does not say %q", err, tt.want)
		}
	}
}

func readMounts(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/testutil"
)

// TestUpgrade plans and does an upgrade from the command line.
func TestUpgrade(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "5.8")
	bpffs := t.TempDir()
	if err := sys.Mount("bpf", bpffs, "bpf", ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sys.Unmount(bpffs) })
	dir := filepath.Join(bpffs, "lb")
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	v1, v2 := testdata("upgrade1"), testdata("upgrade2")
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{[]string{"plan", "-pin", dir, v1}, []string{
			"pin of map counts: create " + dir + "/counts\n",
			"pin of link on_enter: create " + dir + "/links/on_enter\n",
		}},
		{[]string{"load", "-pin", dir, "-upgrade", v1}, []string{"map counts: create", "link on_enter: create", "on_xdp (xdp): ok"}},
		{[]string{"plan", "-pin", dir, v2}, []string{
			"pin of map calls: recreate " + dir + "/calls: what is in it comes from the object",
			"pin of map counts: reuse " + dir + "/counts\n",
			"pin of map events: recreate " + dir + "/events: max entries is 65536, not 131072\n",
			"pin of map flows: migrate " + dir + "/flows: value size is 8, not 24, max entries is 64, not 128\n",
			"pin of link on_enter: recreate " + dir + "/links/on_enter: a raw_tracepoint link keeps its program: both run for a moment\n",
		}},
		{[]string{"load", "-pin", dir, "-upgrade", v2}, []string{"map flows: migrate", "link on_enter: recreate"}},
	} {
		code, out, errs := skepRun(tt.args...)
		if code != exitGood {
			t.Fatalf("%v: exit %d: %s%s", tt.args, code, out, errs)
		}
		for _, w := range tt.want {
			if !strings.Contains(out, w) {
				t.Errorf("%v: no %q in\n%s", tt.args, w, out)
			}
		}
	}
	// Back to version 1: the flows do not fit, and are not given up.
	code, out, _ := skepRun("load", "-pin", dir, "-upgrade", v1)
	if code != exitRejected || !strings.Contains(out, "all elements may not fit; its contents would be lost") {
		t.Errorf("exit %d: %s", code, out)
	}
	code, out, errs := skepRun("load", "-json", "-report", "-pin", dir, "-upgrade", "-recreate", "flows", v1)
	var r reportLine
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &r); err != nil || code != exitGood || len(r.Report.Pins) != 5 {
		t.Errorf("exit %d, %v: %s%s", code, err, out, errs)
	}
}

func TestUpgradeUsage(t *testing.T) {
	for _, args := range [][]string{
		{"load", "-upgrade", "x.o"}, {"load", "-upgrade", "-each", "-pin", "/p", "x.o"}, {"load", "-pin", "/p", "-remove", "x.o"},
		{"plan", "-release", "6.1", "-pin", "/p", "x.o"},
	} {
		if code, _, errs := skepRun(args...); code != exitUsage || !strings.Contains(errs, "-pin") {
			t.Errorf("%v: exit %d: %s", args, code, errs)
		}
	}
}

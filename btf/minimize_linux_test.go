package btf

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/skepbpf/skep/internal/testutil"
)

// TestMinimizeTools: every tool of libbpf-tools is relocated against the little
// as against all of the kernel's types, alone and with all others, and needs no
// more of them than bpftool keeps.
func TestMinimizeTools(t *testing.T) {
	testutil.NeedTime(t)
	tool := testutil.NeedTool(t, "bpftool")
	kernel, err := liveKernel(t).Vmlinux()
	if err != nil {
		t.Fatal(err)
	}
	var all []COREObject
	ours, theirs, relos := 0, 0, 0
	dir := t.TempDir()
	for _, o := range objects(t) {
		relocs := relosOf(t, o.btf, o.ext)
		if all = append(all, relocs); len(relocs.Relos) == 0 {
			continue
		}
		little, err := Minimize([]*Spec{kernel}, relocs)
		if err != nil {
			t.Fatalf("%s: %v", o.name, err)
		}
		relos += sameOutcomes(t, o.name, relocs, kernel, little)
		file, out := filepath.Join(dir, o.name+".o"), filepath.Join(dir, o.name+".btf")
		if err := os.WriteFile(file, o.file, 0o600); err != nil {
			t.Fatal(err)
		}
		if log, err := exec.Command(tool, "gen", "min_core_btf", "/sys/kernel/btf/vmlinux", out, file).CombinedOutput(); err != nil {
			t.Errorf("%s: bpftool: %v\n%s", o.name, err, log)
			continue
		}
		b, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		other, err := Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		sameOutcomes(t, "bpftool's "+o.name, relocs, kernel, other)
		if len(little.Bytes()) > len(b) {
			t.Errorf("%s: %d bytes, bpftool's %d", o.name, len(little.Bytes()), len(b))
		}
		ours += len(little.Bytes())
		theirs += len(b)
	}
	together, err := Minimize([]*Spec{kernel}, all...)
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		sameOutcomes(t, "together", all[i], kernel, together)
	}
	t.Logf("%d objects, %d relocations; %d bytes, bpftool %d; all in one: %d", len(all), relos, ours, theirs, len(together.Bytes()))
}

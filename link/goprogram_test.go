package link

import (
	stdelf "debug/elf"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/prog"
)

// victim is a Go program to attach to, as guests of vmtest have it; elsewhere
// it is built here.
func victim(t *testing.T, name, ldflags string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	testutil.NeedTool(t, "go")
	path := filepath.Join(t.TempDir(), name)
	cmd := exec.Command("go", "build", "-ldflags="+ldflags, "-o", path, "../internal/cmd/vmtest/victim")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// victimWork is the function of the victim to attach to.
const victimWork = "main.Work"

// TestUprobeGoProgram counts the calls of a function in programs without a
// dynamic symbol table: by name, and by address where the name is stripped.
func TestUprobeGoProgram(t *testing.T) {
	testutil.NeedRoot(t)
	whole, stripped := victim(t, "skep-victim", ""), victim(t, "skep-victim-stripped", "-s -w")
	f, err := stdelf.Open(whole)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	syms, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	var address uint64
	for _, s := range syms {
		if s.Name == victimWork {
			address = s.Value
		}
	}
	typ, form := perfForm(t)
	for _, tt := range []struct {
		name string
		o    UprobeOptions
	}{
		{"by name", UprobeOptions{Path: whole, Symbol: victimWork}},
		{"by address", UprobeOptions{Path: whole, Address: address}},
		// The linker puts the same code in the same place.
		{"stripped, by address", UprobeOptions{Path: stripped, Address: address}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCounter(t)
			l, err := AttachUprobe(counting(t, c, prog.Spec{Type: prog.Kprobe}, 0), tt.o)
			if err != nil {
				t.Fatal(err)
			}
			checkInfo(t, l, typ, form)
			before := c.load(t)
			run(t, tt.o.Path, "7")
			// A signal while the probed instruction is stepped over makes the
			// kernel take the breakpoint again; the runtime sends some.
			if n := c.load(t) - before; n < 7 || n > 12 {
				t.Errorf("fired %d times for 7 calls", n)
			}
			fires(t, c, l, func() { run(t, tt.o.Path, "1") })
		})
	}
	t.Run("stripped, by name", func(t *testing.T) {
		p := counting(t, newCounter(t), prog.Spec{Type: prog.Kprobe}, 0)
		l, err := AttachUprobe(p, UprobeOptions{Path: stripped, Symbol: victimWork})
		if err == nil {
			l.Close()
			t.Fatal("attached")
		}
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), victimWork) || !strings.Contains(err.Error(), "stripped") {
			t.Error(err)
		}
	})
}

package skep_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/testutil"
)

// TestOnceForAll: programs of one object share its BTF, its .kconfig map and one
// reading of the configuration.
func TestOnceForAll(t *testing.T) {
	needKernel(t)
	needBTF(t)
	testutil.Require(t, "5.16") // older kernels get lesser forms, and are asked which
	spec := open(t, native("kconfig_each"))
	opened := 0
	facts, err := skep.ReadFacts(spec.Needs(), &skep.FactOptions{Root: configFS{os.DirFS("/"), &opened}})
	if err != nil {
		t.Fatal(err)
	}
	defer facts.Close()
	in := systest.Inject(t, systest.Fault{Cmd: systest.AnyCmd})
	c := load(t, spec, &skep.Options{Facts: facts, Parallel: 1})
	in.Disarm()
	count := map[string]int{"programs": len(c.Programs), "configurations": opened}
	for _, call := range in.Calls() {
		switch call {
		case "BPF_BTF_LOAD", "BPF_MAP_CREATE", "BPF_PROG_LOAD":
			count[call]++
		}
	}
	want := map[string]int{"programs": 13, "configurations": 1, "BPF_BTF_LOAD": 1, "BPF_MAP_CREATE": 1, "BPF_PROG_LOAD": 13}
	if diff := cmp.Diff(want, count); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// configFS counts how often a configuration of the kernel is opened.
type configFS struct {
	fs.FS
	opened *int
}

func (c configFS) Open(name string) (fs.File, error) {
	f, err := c.FS.Open(name)
	if err == nil && (strings.HasPrefix(name, "boot/config-") || name == "proc/config.gz") {
		*c.opened++
	}
	return f, err
}

// symbolsOnce is the system's files, of which the kernel writes the list of its
// symbols once for all reads of the test: it takes most of the time of a load.
func symbolsOnce(t *testing.T) fs.FS {
	t.Helper()
	const name = "proc/kallsyms"
	text := readTest(t, "/"+name)
	return over{os.DirFS("/"), fstest.MapFS{name: {Data: text}}}
}

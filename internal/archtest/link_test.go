package archtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// unlinked are beginnings of symbols that are in no program which only opens,
// loads and attaches, each with what keeps it out.
var unlinked = map[string]string{
	module + "/internal/step/prune.":   "Spec.Prune is reached by its call alone",
	module + "/internal/step/require.": "requirements are told when asked for",
	module + "/asm.Instruction.String": "the disassembler: a generic function over instructions keeps it",
	module + "/maps.Typed":             "typed access is reached by its call alone",
	"time.Time.":                       "a method shaped like Stat, ModTime or Deadline keeps all of package time",
	"time.Load":                        "time zones, as above",
	"bufio.":                           "internal/kernel reads lines itself",
	"bytes.(*Buffer).":                 "bin.ReadUpTo",
	"io.ReadAll":                       "bin.ReadUpTo",
	"strings.Replace":                  "bin.Replace",
	"strings.Fields":                   "bin.Fields",
	"compress/":                        "internal/kernel unpacks gzip",
	"encoding/json.":                   "reflection and size",
	"regexp.":                          "size; parse by hand",
	"text/":                            "calls methods by name, so the linker keeps all of them",
	"reflect.Value.MethodByName":       "as above",
	"sort.":                            "bin.Sort",
}

// TestLinked builds the smallest program and looks for what has no business in
// it: import rules do not show what a program is linked with.
func TestLinked(t *testing.T) {
	out := filepath.Join(t.TempDir(), "linked")
	build := exec.Command("go", "build", "-o", out, "./testdata/linked")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if b, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	b, err := exec.Command("go", "tool", "nm", out).Output()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	symbols := 0
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 3 || !strings.EqualFold(f[1], "T") {
			continue
		}
		symbols++
		for begin := range unlinked {
			if strings.HasPrefix(f[2], begin) {
				found[begin] = f[2]
			}
		}
	}
	if symbols < 1000 {
		t.Errorf("%d functions: the program is not what it was", symbols)
	}
	for begin, name := range found {
		t.Errorf("%s is linked: %s", name, unlinked[begin])
	}
}

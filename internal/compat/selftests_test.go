package compat

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/skepbpf/skep/internal/testutil"
)

// The kernel's own BPF tests are built by selftests/build.sh. Guests have no
// environment of ours: flags say the same there.
var (
	selftests = flag.String("selftests", "", "folder of the kernel selftests' objects, and maybe of the oracle")
	table     = flag.String("table", os.Getenv("SKEP_COMPAT_TABLE"), "file for the outcome of every program; - writes it to the log")
	patience  = flag.Duration("patience", 15*time.Second, "what libbpf may spend on a program; one that takes longer is left out")
	onlyObj   = flag.String("object", "*", "objects of the selftests to look at, as a pattern")
)

// share of the programs that libbpf loads which skep has to load.
const share = 0.995

// TestSelftests loads every program of the kernel's selftests alone, with skep
// and with libbpf of the same kernel's source, and compares outcome and
// instructions as TestPrograms does.
func TestSelftests(t *testing.T) {
	if *selftests == "" {
		*selftests = testutil.OptIn(t, "SKEP_SELFTESTS")
	}
	testutil.NeedRoot(t)
	objects := selftestObjects(t)
	oracle := selftestOracle(t)
	leftOut := harmful(t)
	// The objects alone are 300 MB; what is parsed of one is garbage with the next.
	debug.SetGCPercent(50)

	type answer struct {
		verdicts map[string]verdict
		err      error
	}
	answers := make(chan answer, 2) // libbpf is ahead by so many objects
	go func() {
		defer close(answers)
		for _, o := range objects {
			v, err := askOracle(oracle, o, leftOut)
			answers <- answer{v, err}
		}
	}()
	r := record(t)
	out := openTables(t)
	var rows []row
	for _, o := range objects {
		data, err := os.ReadFile(o.path)
		if err != nil {
			t.Fatal(err)
		}
		o.data = data
		a := <-answers
		got, skepErr := r.object(o, func(p string) bool {
			e := a.verdicts[p].Errno
			return e == syscall.ETIME || e == syscall.ECANCELED
		})
		if a.err != nil {
			t.Errorf("%s: libbpf: %v", o.name, a.err)
		}
		more := selftestRows(o.name, got, a.verdicts, skepErr)
		out.add(t, more)
		rows = append(rows, more...)
	}
	count(t, len(objects), rows)
	unexplained(t, rows)
}

// selftestRows pairs the answers for one object.
func selftestRows(name string, got, want map[string]verdict, skepErr error) []row {
	var rows []row
	for program, w := range want {
		g, known := got[program]
		switch {
		case program == "":
			continue // the object was refused as a whole
		case skepErr != nil:
			g = verdict{Error: skepErr.Error(), Step: "parse", Section: w.Section}
		case !known:
			g = verdict{Error: "skep does not know the program", Step: "parse", Section: w.Section}
		}
		rows = append(rows, compare(key{name, program}, g, w))
	}
	whole, refused := want[""]
	if !refused {
		whole = verdict{Error: "libbpf does not know the program", Step: "open"}
	}
	for program, g := range got {
		if _, known := want[program]; !known {
			rows = append(rows, compare(key{name, program}, g, whole))
		}
	}
	if len(rows) == 0 { // no program, or unknown to both
		g := verdict{OK: skepErr == nil}
		if skepErr != nil {
			g.Error, g.Step = skepErr.Error(), "parse"
		}
		rows = append(rows, compare(key{name, ""}, g, verdict{OK: !refused, Errno: whole.Errno}))
	}
	return rows
}

// selftestObjects are files of the folder, unread: name is the path inside it
// without the ending.
func selftestObjects(t *testing.T) []object {
	t.Helper()
	var list []object
	for _, glob := range []string{"*.bpf.o", "*/*.bpf.o"} {
		paths, err := filepath.Glob(filepath.Join(*selftests, glob))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range paths {
			rel, err := filepath.Rel(*selftests, p)
			if err != nil {
				t.Fatal(err)
			}
			name := strings.TrimSuffix(rel, ".bpf.o")
			if ok, err := filepath.Match(*onlyObj, filepath.Base(name)); err != nil {
				t.Fatal(err)
			} else if ok {
				list = append(list, object{name: name, path: p})
			}
		}
	}
	if len(list) == 0 {
		t.Fatalf("no *.bpf.o in %s", *selftests)
	}
	slices.SortFunc(list, func(a, b object) int { return cmp.Compare(a.name, b.name) })
	return list
}

// selftestOracle is the one beside the objects, where nothing can be built, or
// a new one. What came with testdata is not executable.
func selftestOracle(t *testing.T) string {
	t.Helper()
	beside := filepath.Join(*selftests, "oracle")
	program, err := os.ReadFile(beside)
	if os.Getenv("SKEP_ORACLE") != "" || err != nil {
		return oraclePath(t)
	}
	path := filepath.Join(t.TempDir(), "oracle")
	if err := os.WriteFile(path, program, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// askOracle loads every program of o alone with libbpf.
func askOracle(oracle string, o object, leftOut []string) (map[string]verdict, error) {
	var out, stderr bytes.Buffer
	cmd := exec.Command(oracle, "dump", o.path)
	cmd.Env = append(os.Environ(), fmt.Sprintf("ORACLE_SECONDS=%d", int(patience.Seconds())), "ORACLE_SKIP="+strings.Join(leftOut, " "))
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		err = nil // the object did not open, and a line says so
	}
	all := map[string]verdict{}
	if bad := oracleLines(out.Bytes(), func(_, program string, v verdict) { all[program] = v }); bad != nil && err == nil {
		err = bad
	}
	if err != nil && stderr.Len() > 0 {
		err = fmt.Errorf("%w: %s", err, stderr.Bytes())
	}
	return all, err
}

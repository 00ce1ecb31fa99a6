package compat

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/internal/testutil/fentry"
)

// claim is a row of the tables in rows_*_test.go: a rule of loading, the object
// that needs it, how its programs are run, and what they must give. It holds
// for skep and, unless libbpf says why not, for libbpf.
type claim struct {
	rule   string
	object string // of testdata
	// options and steps are what `oracle run` takes (see oracle.c): +PROGRAM,
	// on=MAP, off=MAP, kconfig=TEXT; packet:P:N, until:P:N, ctx:P:HEX,
	// attach:P, congest:NAME; none:P is 1 if P is not loaded.
	options []string
	steps   []string
	want    []any            // of each step: an int or int64, a func(*testing.T) uint32, or nil for anything
	vars    map[string]any   // of each variable: an int, or a func(t, *outcome, uint64) bool
	types   string           // of testdata/kernel: what CO-RE goes by in place of the kernel's
	symbols string           // in place of /proc/kallsyms
	hand    func(*skep.Spec) // what the user sets beyond what libbpf has words for
	fails   string           // part of skep's error; libbpf refuses it too
	libbpf  string           // why libbpf refuses what skep loads
	kernel  string           // the first that has what it takes
	config  []string
	hooks   bool // takes a trampoline
}

// outcome is what a loader made of a claim.
type outcome struct {
	OK      bool
	Errno   int
	Phase   string
	PID     uint32
	Returns []uint32
	Vars    map[string]string // of data sections, by name: hexadecimal
	Log     string
}

// packets are the bytes of a test run without a number.
const packets = 64

// claims are all rows.
func claims() []claim {
	return slices.Concat(externRows, coreRows, structOpsRows, objectRows, reverseRows)
}

func (c *claim) path() string {
	order := ".el"
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		order = ".eb"
	}
	return "../../testdata/" + c.object + order + ".o"
}

func (c *claim) typesPath() string {
	order := ".el.btf"
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		order = ".eb.btf"
	}
	return "../../testdata/kernel/" + c.types + order
}

func (c *claim) name() string { return strings.ReplaceAll(c.rule, " ", "_") }

// require skips where the kernel lacks what the row takes.
func (c *claim) require(t *testing.T) {
	t.Helper()
	testutil.Require(t, c.kernel, c.config...)
	if c.hooks {
		testutil.RequireTrampolines(t, fentry.Try)
	}
}

// TestRows loads what each row names with skep, and runs it.
func TestRows(t *testing.T) {
	testutil.NeedRoot(t)
	for _, c := range claims() {
		t.Run(c.name(), func(t *testing.T) {
			c.require(t)
			systest.CheckLeaks(t, systest.Watch{})
			o, err := c.skep()
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Errorf("got %v, want an error with %q", err, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			c.check(t, o)
		})
	}
}

// TestRowsOfLibbpf does the same with libbpf.
func TestRowsOfLibbpf(t *testing.T) {
	testutil.NeedRoot(t)
	oracle := rowsOracle(t)
	for _, c := range claims() {
		t.Run(c.name(), func(t *testing.T) {
			c.require(t)
			o := c.ask(t, oracle)
			switch {
			case c.fails != "" && o.OK:
				t.Error("libbpf loads it")
			case c.fails != "":
			case c.libbpf != "" && o.OK:
				t.Errorf("libbpf loads it, although: %s", c.libbpf)
			case c.libbpf != "":
			case !o.OK:
				t.Errorf("%s: errno %d: %s", o.Phase, o.Errno, o.Log)
			default:
				c.check(t, o)
			}
		})
	}
}

// rowsOracle is the one that came with the test to a guest, where nothing can
// be built, or a new one.
func rowsOracle(t *testing.T) string {
	t.Helper()
	program, err := os.ReadFile("testdata/oracle")
	if os.Getenv("SKEP_ORACLE") != "" || err != nil {
		return oraclePath(t)
	}
	path := filepath.Join(t.TempDir(), "oracle")
	if err := os.WriteFile(path, program, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// ask runs the claim with libbpf.
func (c *claim) ask(t *testing.T, oracle string) *outcome {
	t.Helper()
	args := append([]string{"run", c.path()}, c.options...)
	if c.types != "" {
		args = append(args, "btf="+c.typesPath())
	}
	if c.symbols != "" {
		path := filepath.Join(t.TempDir(), "kallsyms")
		if err := os.WriteFile(path, []byte(c.symbols), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, "kallsyms="+path)
	}
	for _, s := range c.steps {
		args = append(args, sized(s))
	}
	out, err := exec.Command(oracle, args...).Output()
	if err != nil {
		t.Fatalf("oracle %v: %v", args, err)
	}
	o := new(outcome)
	if err := json.Unmarshal(out, o); err != nil {
		t.Fatalf("oracle said %q: %v", out, err)
	}
	return o
}

// sized is a step with its argument.
func sized(step string) string {
	switch strings.Count(step, ":") {
	case 1:
		return fmt.Sprintf("%s:%d", step, packets)
	default:
		return step
	}
}

// check holds the results against the row.
func (c *claim) check(t *testing.T, o *outcome) {
	t.Helper()
	if len(o.Returns) != len(c.steps) || len(c.want) != len(c.steps) {
		t.Fatalf("%d steps, %d wanted results, %d results", len(c.steps), len(c.want), len(o.Returns))
	}
	for i, got := range o.Returns {
		var want uint32
		switch w := c.want[i].(type) {
		case nil:
			continue
		case int:
			want = uint32(w)
		case int64:
			want = uint32(w)
		case func(*testing.T) uint32:
			want = w(t)
		default:
			t.Fatalf("a wanted result of type %T", w)
		}
		if got != want {
			t.Errorf("%s gives %d (%#x), want %d", c.steps[i], int32(got), got, int32(want))
		}
	}
	for name, w := range c.vars {
		got := c.variable(t, o, name)
		switch w := w.(type) {
		case int:
			if got != uint64(w) {
				t.Errorf("%s is %d, want %d", name, got, w)
			}
		case func(*testing.T, *outcome, uint64) bool:
			if !w(t, o, got) {
				t.Errorf("%s is %#x", name, got)
			}
		default:
			t.Fatalf("a wanted variable of type %T", w)
		}
	}
}

// variable is a number that a program left.
func (c *claim) variable(t *testing.T, o *outcome, name string) uint64 {
	t.Helper()
	spec, err := skep.Open(c.path())
	if err != nil {
		t.Fatal(err)
	}
	v := spec.Vars[name]
	if v == nil {
		t.Fatalf("no variable %s", name)
	}
	section, err := hex.DecodeString(o.Vars[v.Map()])
	if err != nil || len(section) < int(v.Offset()+v.Size()) {
		t.Fatalf("%s: section %s has %d bytes, %v", name, v.Map(), len(section), err)
	}
	var b [8]byte
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		copy(b[8-v.Size():], section[v.Offset():])
	} else {
		copy(b[:v.Size()], section[v.Offset():])
	}
	return binary.NativeEndian.Uint64(b[:])
}

// TestRowsAreComplete: each object of testdata is in a row, or a test of its own
// names it.
func TestRowsAreComplete(t *testing.T) {
	testutil.NeedFile(t, "the tests' source", "rows_linux_test.go")
	in, seen := map[string]bool{}, map[string]bool{}
	for _, c := range claims() {
		in[c.object] = true
		if seen[c.rule] {
			t.Errorf("two rows of the name %q", c.rule)
		}
		seen[c.rule] = true
	}
	tests := otherTests(t)
	for _, o := range ownObjects(t) {
		if strings.Contains(o.path, "/testdata/") && !in[o.name] && !strings.Contains(tests, `"`+o.name+`"`) && !strings.Contains(tests, "/"+o.name+".") {
			t.Errorf("%s: no row, and no test that names it", o.name)
		}
	}
}

// otherTests is the text of all tests of the module but those here.
func otherTests(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") || strings.Contains(path, "/compat/") {
			return err
		}
		b, err := os.ReadFile(path)
		all.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

var errNoEnd = errors.New("nothing came of it in 5 seconds")

// patient runs f until it gives a number other than 0.
func patient(f func() (uint32, error)) (uint32, error) {
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		n, err := f()
		if n != 0 || err != nil {
			return n, err
		}
		if time.Now().After(end) {
			return 0, errNoEnd
		}
	}
}

func bytesOf(arg string) int {
	n, err := strconv.Atoi(arg)
	if err != nil {
		return packets
	}
	return n
}

package skep_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/link"
	"github.com/skepbpf/skep/prog"
	"github.com/skepbpf/skep/token"
)

// own is a name for a congestion control that no other process registers.
func own(name string) string { return fmt.Sprintf("%s%d", name, os.Getpid()) }

// named gives struct_ops of an object such a name.
func named(t *testing.T, spec *skep.Spec, name string, ops ...string) {
	t.Helper()
	for _, o := range ops {
		s, err := spec.StructOps(o)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Set("name", name); err != nil {
			t.Fatal(err)
		}
	}
}

// registered asks for a congestion control.
func registered(t *testing.T, name string) bool {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	switch err := setCongestion(uintptr(fd), name); {
	case err == nil:
		return true
	case !errors.Is(err, syscall.ENOENT):
		t.Error(err)
	}
	return false
}

// released closes a link that may still meet the fault, and then once more.
func released(t *testing.T, in *systest.Injector, l link.Link) {
	t.Helper()
	err := l.Close()
	in.Judge(t, err)
	in.Disarm()
	if err := l.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

// TestFaultsOfStructOps fails the calls that register a struct of operations,
// replace it and take it back, by a link and without one.
func TestFaultsOfStructOps(t *testing.T) {
	needKernel(t)
	needStructOps(t)
	testutil.Require(t, "6.4")
	plain, linked := open(t, native("structops")), open(t, native("structops_link"))
	name := own("skepf")
	named(t, plain, name, "skep_cc")
	named(t, linked, name, "first", "second")
	for _, tt := range []struct {
		how   string
		spec  *skep.Spec
		first string
		next  string // takes its place; "" if none can
	}{
		{"stored", plain, "skep_cc", ""},
		{"linked", linked, "first", "second"},
	} {
		t.Run(tt.how, func(t *testing.T) {
			var c *skep.Collection
			// One that is stored can be registered once.
			setup := func(t *testing.T) { c = load(t, tt.spec, nil) }
			runs := systest.EachFault(t, systest.Faults{Setup: setup}, func(t *testing.T, in *systest.Injector) {
				defer func() {
					in.Disarm()
					if err := c.Close(); err != nil {
						t.Error(err)
					}
				}()
				l, err := c.AttachStructOps(tt.first)
				in.Judge(t, err)
				switch {
				case err != nil && l != nil:
					t.Errorf("a link and %v", err)
				case err == nil && tt.next != "":
					in.Judge(t, c.UpdateStructOps(l, tt.next))
				}
				if err == nil {
					if !registered(t, name) {
						t.Error("attached, and not registered")
					}
					_, err := l.Info()
					in.Judge(t, err)
					released(t, in, l)
				}
				if in.Disarm(); registered(t, name) {
					t.Error("still registered")
				}
			})
			t.Logf("%d cases", runs)
		})
	}
}

// TestFaultsOfStreams fails the calls that read what a program wrote.
func TestFaultsOfStreams(t *testing.T) {
	needKernel(t)
	needBTF(t)
	testutil.Require(t, "6.17")
	c := load(t, open(t, native("stream")), nil)
	p := c.Programs["shout"]
	if _, err := p.Run(&prog.RunOptions{Ctx: []byte{1, 0, 0, 0}}); err != nil {
		t.Fatal(err)
	}
	runs := systest.EachFault(t, systest.Faults{}, func(t *testing.T, in *systest.Injector) {
		for _, s := range []io.Reader{p.Stdout(), p.Stderr()} {
			n, err := s.Read(make([]byte, 4))
			switch {
			case errors.Is(err, io.EOF) && n == 0: // nothing is there (any more)
			case in.Fault().Errno == sys.EINVAL && errors.Is(err, errors.ErrUnsupported):
				// So answers a kernel without the command; another has nothing to object to.
			default:
				in.Judge(t, err)
			}
		}
	})
	t.Logf("%d cases", runs)
}

// tokenFaults fails the calls that make a token, and those of a load with it. It
// is part of TestToken, for it takes a user namespace with a bpffs of its own.
func tokenFaults(t *testing.T, path string, spec *skep.Spec) {
	calls := []systest.Fault{{Cmd: systest.AnyCmd}, {Call: "*"}}
	runs := systest.EachFault(t, systest.Faults{Calls: calls}, func(t *testing.T, in *systest.Injector) {
		tok, err := token.Create(path)
		in.Judge(t, err)
		if err != nil {
			if tok != nil {
				t.Errorf("a token and %v", err)
			}
			return
		}
		c, err := skep.Load(spec, &skep.Options{Token: tok, Parallel: 1})
		in.Disarm()
		in.Judge(t, err)
		if err == nil {
			err = c.Close()
		} else if !strings.Contains(err.Error(), spec.Name) {
			t.Errorf("the object is not named: %v", err)
		}
		if closed := tok.Close(); err == nil && closed != nil {
			t.Error(closed)
		}
	})
	t.Logf("%d cases", runs)
}

package systest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/testutil"
)

// twoMaps makes two maps; it forgets the first where the second fails.
func twoMaps(careful bool) error {
	attr := sys.MapCreateAttr{MapType: sys.BPF_MAP_TYPE_ARRAY, KeySize: 4, ValueSize: 4, MaxEntries: 1}
	a, err := sys.MapCreate(&attr)
	if err != nil {
		return err
	}
	b, err := sys.MapCreate(&attr)
	if err != nil && careful {
		return errors.Join(err, a.Close())
	}
	if err != nil {
		return err
	}
	return errors.Join(a.Close(), b.Close())
}

func TestEachFaultGoesThroughAll(t *testing.T) {
	testutil.NeedLinux(t)
	var got []string
	runs := EachFault(t, Faults{
		Calls:  []Fault{{Cmd: AnyCmd}, {Call: "memfd_create"}},
		Errnos: []sys.Errno{sys.EPERM, sys.ENOMEM},
		Setup:  func(t *testing.T) { NewKernel(t) },
		Sample: All,
	}, func(t *testing.T, in *Injector) {
		err := twoMaps(true)
		in.Disarm()
		f := in.Fault()
		if (err != nil) != (in.Fired() > 0) {
			t.Errorf("%v: %v", f, err)
		}
		if f.Call == "" {
			in.Judge(t, err) // the fake kernel has its own errno for no descriptor
		}
		got = append(got, f.String())
	})
	var want []string
	for _, call := range []string{"bpf", "memfd_create"} {
		want = append(want, "count "+call+" calls")
		for _, errno := range []string{"EPERM", "ENOMEM"} {
			for _, rest := range []string{"", " and later"} {
				for _, n := range []string{"1", "2", "3"} {
					want = append(want, "fail "+call+" call "+n+rest+" with "+errno)
				}
			}
		}
	}
	for i := range got { // errnos print as the system words them
		for name, errno := range map[string]sys.Errno{"EPERM": sys.EPERM, "ENOMEM": sys.ENOMEM} {
			got[i] = strings.Replace(got[i], errno.Error(), name, 1)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || runs != len(want) {
		t.Errorf("%d runs (-want +got):\n%s", runs, diff)
	}
}

func TestLeftSeesWhatACaseForgets(t *testing.T) {
	testutil.NeedLinux(t)
	l := Begin(t, Watch{})
	l.ledger.grace = 200 * time.Millisecond
	NewKernel(t)
	in := Inject(t, Fault{Cmd: AnyCmd, N: 2, Errno: sys.EPERM})
	if err := twoMaps(false); !errors.Is(err, sys.EPERM) || in.Fired() != 1 {
		t.Fatal(err)
	}
	if left := l.Left(); !strings.Contains(left, "+1 fd ") || !strings.Contains(left, "twoMaps") {
		t.Errorf("left %q", left)
	}
	for raw := range l.tracer.open {
		closeRaw(raw)
	}
}

func TestLeaksOfGoroutines(t *testing.T) {
	l := Begin(t, Watch{})
	l.ledger.grace = 200 * time.Millisecond
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		<-stop
		close(stopped)
	}()
	if left := l.Left(); !strings.HasPrefix(left, "+1 goroutine ") || strings.Count(left, "goroutine") != 2 || !strings.Contains(left, "TestLeaksOfGoroutines") {
		t.Errorf("left %q", left)
	}
	close(stop)
	<-stopped
	l.ledger.grace = defaultGrace
	if left := l.Left(); left != "" {
		t.Errorf("after its end: %s", left)
	}
}

func TestCancelAt(t *testing.T) {
	testutil.NeedLinux(t)
	for n, want := range map[int][3]bool{0: {}, 1: {true, true, true}, 3: {false, false, true}, 4: {}} {
		t.Run("", func(t *testing.T) {
			Inject(t, Fault{Cmd: AnyCmd, N: 1, Rest: true, Errno: sys.EPERM})
			ctx := CancelAt(t, n)
			var got [3]bool
			for i := range got {
				if i == 1 {
					fd, err := sys.MemfdCreate("counted too")
					if err != nil {
						t.Fatal(err)
					}
					fd.Close()
				} else if _, err := sys.MapCreate(&sys.MapCreateAttr{}); !errors.Is(err, sys.EPERM) {
					t.Fatal(err)
				}
				got[i] = ctx.Err() != nil
			}
			if got != want {
				t.Errorf("cancelled at %d: after each call %v, want %v", n, got, want)
			}
		})
	}
}

package fuzztest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// recorder takes the place of a test that is to fail.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

var sink []byte

func TestCheck(t *testing.T) {
	allocate := func(each, times int) func() {
		return func() {
			for range times {
				sink = make([]byte, each)
			}
		}
	}
	for _, tt := range []struct {
		name string
		n    int
		f    func()
		want string
	}{
		{"nothing", 0, func() {}, ""},
		{"what is allowed", 1000, allocate(1000, 64), ""},
		{"one large object", 0, allocate(Base+1, 1), "0 bytes of input: "},
		{"one large object for much input", Base/PerByte + 1, allocate(2*Base, 1), ""},
		{"many small objects", 100, allocate(64, 2000), "100 bytes of input: "},
		{"garbage counts", 1, allocate(8<<10, 20), "bytes allocated, at most 65552"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &recorder{TB: t}
			Check(r, tt.n, tt.f)
			got := strings.Join(r.errors, "\n")
			if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("errors %q, want %q", got, tt.want)
			}
		})
	}
}

// TestTime: slow once is noise, slow twice is not.
func TestTime(t *testing.T) {
	for slow, bad := range []bool{false, false, true} {
		r := &recorder{TB: t}
		runs := 0
		within(r, 10, Base, time.Second, func() {
			if runs++; runs <= slow {
				time.Sleep(1100 * time.Millisecond)
			}
		})
		if bad != (len(r.errors) != 0) {
			t.Errorf("slow %d times: errors %q", slow, r.errors)
		}
	}
}

// TestTimeFor: larger inputs have longer.
func TestTimeFor(t *testing.T) {
	for n, units := range map[int]time.Duration{0: 1, 1: 1, timeUnit: 1, timeUnit + 1: 2, 10 * timeUnit: 10} {
		want := units * timeLimit
		if testing.Short() {
			want *= emulated
		}
		if got := timeFor(n); got != want {
			t.Errorf("%d bytes: %v, want %v", n, got, want)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	for b.Loop() {
		Check(b, 0, func() {})
	}
}

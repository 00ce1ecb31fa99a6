package testutil

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/skepbpf/skep/internal/feature"
)

// recorder is a test that is told how to end.
type recorder struct {
	testing.TB
	end string
}

func (r *recorder) Helper() {}

func (r *recorder) stop(how, why string) {
	r.end = how + ": " + why
	runtime.Goexit()
}

func (r *recorder) Skip(args ...any)             { r.stop("skip", fmt.Sprint(args...)) }
func (r *recorder) Skipf(f string, args ...any)  { r.stop("skip", fmt.Sprintf(f, args...)) }
func (r *recorder) Fatal(args ...any)            { r.stop("fail", fmt.Sprint(args...)) }
func (r *recorder) Fatalf(f string, args ...any) { r.stop("fail", fmt.Sprintf(f, args...)) }

// outcome is "skip: why", "fail: why", or "" if the test would go on.
func outcome(f func(testing.TB)) string {
	r := &recorder{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(r)
	}()
	<-done
	return r.end
}

func TestRules(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("not Linux")
	}
	none := HasConfig(t, "CONFIG_SKEP_NONE") // true where the configuration cannot be read
	if none {
		t.Log("the kernel's configuration cannot be read")
	}
	unsupported := &feature.UnsupportedError{Name: "it", Since: "2.6"}
	tests := []struct {
		name, want string
		f          func(testing.TB)
	}{
		{"new enough", "", func(tb testing.TB) { NeedKernel(tb, "2.6") }},
		{"too old", "skip: needs Linux 999.1", func(tb testing.TB) { NeedKernel(tb, "999.1") }},
		{"no version", "fail: ", func(tb testing.TB) { NeedKernel(tb, "new") }},
		{"required, there", "", func(tb testing.TB) { Require(tb, "2.6", "CONFIG_BPF_SYSCALL") }},
		{"required of any version", "", func(tb testing.TB) { Require(tb, "", "CONFIG_BPF_SYSCALL") }},
		{"required, too old", "skip: needs Linux 999.1", func(tb testing.TB) { Require(tb, "999.1", "CONFIG_BPF_SYSCALL") }},
		{"no error", "", func(tb testing.TB) { SkipUnsupported(tb, nil, "2.6") }},
		{"another error", "", func(tb testing.TB) { SkipUnsupported(tb, errors.New("x"), "2.6") }},
		{"should have it", "fail: Linux 2.6 should have it", func(tb testing.TB) { SkipUnsupported(tb, unsupported, "") }},
		{"should have it, says the caller", "fail: Linux 3.0 should have it", func(tb testing.TB) { SkipUnsupported(tb, unsupported, "3.0") }},
		{"cannot have it", "skip: ", func(tb testing.TB) { SkipUnsupported(tb, unsupported, "999.1") }},
		{"privilege", "skip: root", func(tb testing.TB) { Privilege(tb, "root") }},
	}
	if !none {
		lacks := "skip: the kernel is built without CONFIG_SKEP_NONE"
		for name, f := range map[string]func(testing.TB){
			"option":            func(tb testing.TB) { NeedConfig(tb, "CONFIG_SKEP_NONE") },
			"required option":   func(tb testing.TB) { Require(tb, "2.6", "CONFIG_BPF_SYSCALL", "CONFIG_SKEP_NONE") },
			"error and option":  func(tb testing.TB) { SkipUnsupported(tb, errors.New("x"), "2.6", "CONFIG_SKEP_NONE") },
			"prefix of options": func(tb testing.TB) { Require(tb, "", "CONFIG_BPF_SYSCALL"); NeedConfig(tb, "CONFIG_SKEP_NONE") },
		} {
			tests = append(tests, struct {
				name, want string
				f          func(testing.TB)
			}{name, lacks, f})
		}
	}
	t.Setenv("SKEP_REQUIRE", "")
	for _, tt := range tests {
		if got := outcome(tt.f); !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	t.Setenv("SKEP_REQUIRE", "1")
	if got := outcome(func(tb testing.TB) { Privilege(tb, "root") }); !strings.HasPrefix(got, "fail: root") {
		t.Errorf("required: %q", got)
	}
}

func TestNeedTrampolines(t *testing.T) {
	min, ok := trampolines[runtime.GOARCH]
	if !ok || !KernelAtLeast(t, min) || !HasConfig(t, "CONFIG_BPF_JIT") || !HasConfig(t, "CONFIG_DEBUG_INFO_BTF") {
		t.Skip("this kernel cannot have trampolines")
	}
	refused := fmt.Errorf("load: %w", os.NewSyscallError("bpf", syscall.EPERM))
	for _, tt := range []struct {
		name, stock, want string
		err               error
	}{
		{"there", "", "", nil},
		{"there, stock", "1", "", nil},
		{"refused by the host", "", "skip: this host refuses", refused},
		{"refused, stock", "1", "fail: Linux " + min, refused},
		{"broken", "", "fail: ", errors.New("x")},
	} {
		t.Setenv("SKEP_STOCK", tt.stock)
		got := outcome(func(tb testing.TB) { NeedTrampolines(tb, func() error { return tt.err }) })
		if !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

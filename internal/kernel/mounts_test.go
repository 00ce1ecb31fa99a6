package kernel

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseMounts(t *testing.T) {
	const text = `22 28 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw
36 22 0:11 / /sys/kernel/tracing rw shared:17 master:1 - tracefs tracefs rw
37 22 0:11 / /with\040blank\134x rw - tracefs none rw
38 22 0:11 /events /only/a/part rw - tracefs tracefs rw
39 22 0:11 / relative rw - tracefs tracefs rw
40 22 0:11
41 22 0:11 / /short - tracefs tracefs rw
42 22 0:12 / /sys/kernel/debug rw - debugfs debugfs rw
`
	want := []string{"/sys/kernel/tracing", `/with blank\x`}
	if diff := cmp.Diff(want, ParseMounts([]byte(text), "tracefs")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"/sys/kernel/debug"}, ParseMounts([]byte(text), "debugfs")); diff != "" {
		t.Error(diff)
	}
	got, err := Mounts(root("debian"), "tracefs")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"/sys/kernel/tracing"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		``: ``, `/a`: `/a`, `/a\040b`: `/a b`, `/a\04`: `/a\04`, `\134`: `\`, `\888`: `\888`,
	} {
		if got := unescape(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

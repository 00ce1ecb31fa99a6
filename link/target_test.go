package link

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseKprobeTarget(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want KprobeTarget
		bad  bool
	}{
		{in: "do_unlinkat", want: KprobeTarget{"", "do_unlinkat", 0}},
		{in: "tcp_v4_rcv.isra.0", want: KprobeTarget{"", "tcp_v4_rcv.isra.0", 0}},
		{in: "f+0x10", want: KprobeTarget{"", "f", 16}},
		{in: "f+010", want: KprobeTarget{"", "f", 8}},
		{in: "f+12", want: KprobeTarget{"", "f", 12}},
		{in: "f+", bad: true},
		{in: "f+-1", bad: true},
		{in: "f+1+2", bad: true},
		{in: "+1", bad: true},
		{in: "", bad: true},
		{in: "a b", bad: true},
		{in: "a/b", bad: true},
		{in: "veth:veth_open+4", want: KprobeTarget{"veth", "veth_open", 4}},
		{in: "vmlinux:f.isra.0", want: KprobeTarget{"vmlinux", "f.isra.0", 0}},
		{in: ":f", bad: true},
		{in: "m:", bad: true},
		{in: "m:f:g", bad: true},
		{in: "../m:f", bad: true},
	} {
		got, err := ParseKprobeTarget(tt.in)
		if tt.bad != (err != nil) {
			t.Errorf("%q: error %v", tt.in, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q: %s", tt.in, diff)
		}
	}
}

func TestParseUprobeTarget(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want UprobeTarget
		bad  bool
	}{
		{in: "/bin/bash:readline", want: UprobeTarget{"/bin/bash", "readline", 0}},
		{in: "libc.so.6:malloc@GLIBC_2.2.5", want: UprobeTarget{"libc.so.6", "malloc@GLIBC_2.2.5", 0}},
		{in: "a:f@@V+0x8", want: UprobeTarget{"a", "f@@V", 8}},
		{in: "a:main.(*T).Run", want: UprobeTarget{"a", "main.(*T).Run", 0}},
		{in: "a:std::vector<int>::operator+", want: UprobeTarget{"a", "std::vector<int>::operator+", 0}},
		{in: "a:operator+=(x)+4", want: UprobeTarget{"a", "operator+=(x)", 4}},
		{in: "a:+4", want: UprobeTarget{"a", "+4", 0}},
		{in: "/bin/bash", bad: true},
		{in: "/bin/bash:", bad: true},
		{in: ":f", bad: true},
		{in: "", bad: true},
	} {
		got, err := ParseUprobeTarget(tt.in)
		if tt.bad != (err != nil) {
			t.Errorf("%q: error %v", tt.in, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q: %s", tt.in, diff)
		}
	}
}

func TestParseTracepointTarget(t *testing.T) {
	for in, ok := range map[string]bool{
		"sched/sched_switch": true, "syscalls/sys_enter_execve": true,
		"sched": false, "sched/": false, "/x": false, "": false, "../x": false, "a/..": false, "a/b/c": false,
	} {
		if _, _, err := ParseTracepointTarget(in); ok != (err == nil) {
			t.Errorf("%q: error %v", in, err)
		}
	}
}

func TestParseTracingTarget(t *testing.T) {
	for _, tt := range []struct {
		in, module, function string
		bad                  bool
	}{
		{"tcp_connect", "", "tcp_connect", false},
		{"nf_tables:nft_do_chain", "nf_tables", "nft_do_chain", false},
		{":f", "", "", true},
		{"m:", "", "", true},
		{"", "", "", true},
	} {
		m, f, err := ParseTracingTarget(tt.in)
		if m != tt.module || f != tt.function || tt.bad != (err != nil) {
			t.Errorf("%q: %q, %q, %v", tt.in, m, f, err)
		}
	}
}

package elf

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/testutil"
)

func TestMatchSection(t *testing.T) {
	for _, tt := range []struct {
		name   string
		want   string // as matchText prints it
		reason string
	}{
		{"kprobe/do_nanosleep", `type 2 attach 0 flags 0x0 pattern "kprobe+" target "do_nanosleep" autoattach exact known`, "name and target"},
		{"kprobe", `type 2 attach 0 flags 0x0 pattern "kprobe+" target "" exact known`, "bare: nothing to attach to"},
		{"?kprobe/f", `type 2 attach 0 flags 0x0 pattern "kprobe+" target "f" off autoattach exact known`, "off"},
		{"kprobe_f", `type 0 attach 0 flags 0x0 pattern "" target ""`, "no separator"},
		{"kprobes/f", `type 0 attach 0 flags 0x0 pattern "" target "f"`, "longer name"},
		{"kprobe.multi/tcp_*", `type 2 attach 42 flags 0x0 pattern "kprobe.multi+" target "tcp_*" autoattach exact known`, "name with a dot"},
		{"uprobe.multi.s//bin/sh:main", `type 2 attach 48 flags 0x10 pattern "uprobe.multi.s+" target "/bin/sh:main" autoattach exact known`, "target with separators"},
		{"fentry/f", `type 26 attach 24 flags 0x0 pattern "fentry+" target "f" btf autoattach exact known`, "BTF target"},
		{"fentry", `type 26 attach 24 flags 0x0 pattern "fentry+" target "" btf autoattach exact known`, "BTF target set by the caller"},
		{"lsm_cgroup/socket_bind", `type 29 attach 43 flags 0x0 pattern "lsm_cgroup+" target "socket_bind" btf exact known`, "caller says which cgroup"},
		{"lsm.s/file_open", `type 29 attach 27 flags 0x10 pattern "lsm.s+" target "file_open" btf autoattach exact known`, "sleepable"},
		{"xdp", `type 6 attach 37 flags 0x0 pattern "xdp" target "" attachopt exact known`, "optional attach type"},
		{"xdp/devmap", `type 6 attach 33 flags 0x0 pattern "xdp/devmap" target "" attachrequired exact known`, "name with a separator"},
		{"xdp.frags/cpumap", `type 6 attach 35 flags 0x20 pattern "xdp.frags/cpumap" target "" exact known`, "fragments"},
		{"xdp/lo", `type 6 attach 37 flags 0x0 pattern "xdp" target "lo" attachopt known`, "known before the separator"},
		{"?xdp/lo", `type 6 attach 37 flags 0x0 pattern "xdp" target "lo" attachopt off known`, "the same, off"},
		{"cgroup/skb/x", `type 8 attach 0 flags 0x0 pattern "cgroup/skb" target "x" known`, "longest known part"},
		{"xdp/devmap/x", `type 6 attach 33 flags 0x0 pattern "xdp/devmap" target "x" attachrequired known`, "longest known part"},
		{"socket1", `type 0 attach 0 flags 0x0 pattern "" target ""`, "no separator"},
		{"/xdp", `type 0 attach 0 flags 0x0 pattern "" target "xdp"`, "nothing before the separator"},
		{"", `type 0 attach 0 flags 0x0 pattern "" target ""`, "empty"},
		{"?", `type 0 attach 0 flags 0x0 pattern "" target "" off`, "empty, off"},
		{"??xdp", `type 0 attach 0 flags 0x0 pattern "" target "" off`, "one mark only"},
		{"syscall", `type 31 attach 0 flags 0x10 pattern "syscall" target "" exact known`, "sleepable by nature"},
	} {
		if got := matchText(MatchSection(tt.name)); got != tt.want {
			t.Errorf("%q (%s):\n got %s\nwant %s", tt.name, tt.reason, got, tt.want)
		}
	}
}

// TestSectionTable compares the table with a committed list: each name alone
// and with a target.
func TestSectionTable(t *testing.T) {
	var b strings.Builder
	for i := range sectionTable {
		for _, name := range []string{sectionTable[i].name, sectionTable[i].name + "/target"} {
			b.WriteString(name + ": " + matchText(MatchSection(name)) + "\n")
		}
	}
	const golden = "testdata/golden/sections.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); d != "" {
		t.Errorf("%s (-want +got):\n%s", golden, d)
	}
	if len(sectionTable) != 116 {
		t.Errorf("%d rows, libbpf 1.8 has 116", len(sectionTable))
	}
}

// TestSectionTableLibbpf compares names and flags with libbpf's source.
func TestSectionTableLibbpf(t *testing.T) {
	path := testutil.OptIn(t, "SKEP_LIBBPF_C")
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`\n\s*SEC_DEF\("([^"]+)",\s*(\w+),\s*(\w+),\s*([^,)]+?)(?:,\s*(\w+))?\),`)
	type entry struct {
		Pattern, Prog, Attach                                      string
		Sleepable, Frags, BTF, Attachable, Optional, HasAutoAttach bool
	}
	var want, got []entry
	for _, m := range row.FindAllStringSubmatch(string(src), -1) {
		f := m[4]
		opt := strings.Contains(f, "SEC_ATTACHABLE_OPT")
		want = append(want, entry{
			Pattern: m[1], Prog: camel(m[2]), Attach: camel(strings.TrimPrefix(m[3], "BPF_")),
			Sleepable: strings.Contains(f, "SEC_SLEEPABLE"), Frags: strings.Contains(f, "SEC_XDP_FRAGS"),
			BTF: strings.Contains(f, "SEC_ATTACH_BTF"), Attachable: strings.Contains(f, "SEC_ATTACHABLE") && !opt,
			Optional: opt, HasAutoAttach: m[5] != "",
		})
	}
	table, err := os.ReadFile("section_table.go")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`\n\t\{"([^"]+)", "[^"]*", prog(\w+), (?:attach)?(\w+), `).FindAllStringSubmatch(string(table), -1)
	if len(names) != len(sectionTable) {
		t.Fatalf("%d rows read of %d", len(names), len(sectionTable))
	}
	for i := range sectionTable {
		r := &sectionTable[i]
		pattern := r.name
		if r.flags&takesTarget != 0 {
			pattern += "+"
			if r.pattern != pattern {
				t.Errorf("pattern of %s is %s", pattern, r.pattern)
			}
		}
		got = append(got, entry{pattern, names[i][2], names[i][3],
			r.flags&sleepable != 0, r.flags&xdpFrags != 0, r.flags&needsBTF != 0,
			r.flags&attachable != 0, r.flags&attachOpt != 0, r.flags&autoAttach != 0})
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("table (-libbpf +here):\n%s", d)
	}
}

func camel(s string) string {
	var b strings.Builder
	for _, w := range strings.Split(s, "_") {
		if w != "" {
			b.WriteString(w[:1] + strings.ToLower(w[1:]))
		}
	}
	return b.String()
}

package main

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// enumTypes names the Go type of a C enum. Enums that are not listed give
// untyped constants: their values are used as plain numbers.
var enumTypes = []struct{ c, goName, doc string }{
	{"bpf_cmd", "Cmd", "is a command of bpf(2)"},
	{"bpf_map_type", "MapType", "is the type of a map"},
	{"bpf_prog_type", "ProgType", "is the type of a program"},
	{"bpf_attach_type", "AttachType", "says where a program attaches"},
	{"bpf_link_type", "LinkType", "is the type of a link"},
	{"bpf_func_id", "FuncID", "is the number of a helper function"},
	{"bpf_perf_event_type", "PerfLinkType", "says what a perf event link is attached to"},
	{"bpf_stats_type", "StatsType", "selects run statistics"},
	{"bpf_task_fd_type", "TaskFDType", "says what a perf event or raw tracepoint descriptor is"},
	{"bpf_cgroup_iter_order", "CgroupIterOrder", "is the order in which a cgroup iterator walks"},
	{"bpf_core_relo_kind", "CORERelocKind", "is the kind of a CO-RE relocation"},
	{"xdp_action", "XDPAction", "is the verdict of an XDP program"},
	{"tcx_action_base", "TCXAction", "is the verdict of a tcx program"},
	{"sk_action", "SKAction", "is the verdict of a socket program"},
}

// wantedConsts are the prefixes of the macros and unnamed enum values that are
// written out; the rest of perf_event.h (memory and branch sampling) is not
// what a BPF loader needs.
var wantedConsts = []string{"BPF_", "BTF_", "MAX_BPF_", "SK_BPF_", "XDP_", "PERF_FLAG_", "PERF_ATTR_", "PERF_PMU_"}

func enumGoName(c string) string {
	for _, e := range enumTypes {
		if e.c == c {
			return e.goName
		}
	}
	return ""
}

func parseConsts(list []byte) ([]cvalue, error) {
	var out []cvalue
	for line := range strings.Lines(string(list)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, val, _ := strings.Cut(strings.TrimSpace(line), " ")
		v, err := strconv.ParseInt(val, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("consts.txt: %q: %w", line, err)
		}
		out = append(out, cvalue{name, v})
	}
	return out, nil
}

// enums writes every named enum.
func (g *generator) enums(b *bytes.Buffer) error {
	for _, e := range enumTypes {
		t, err := g.types.enum(e.c)
		if err != nil {
			return err
		}
		base := "uint32"
		if signed(t) {
			base = "int32"
		}
		fmt.Fprintf(b, "// %s %s (enum %s).\ntype %s %s\n\n", e.goName, e.doc, e.c, e.goName, base)
		fmt.Fprintf(b, "// enum %s.\nconst (\n", e.c)
		for _, v := range enumValues(t) {
			g.constant(b, v, e.goName)
		}
		b.WriteString(")\n\n")
	}
	for _, t := range g.types.otherEnums() {
		fmt.Fprintf(b, "// enum %s.\nconst (\n", t.Name())
		for _, v := range enumValues(t) {
			g.constant(b, v, "")
		}
		b.WriteString(")\n\n")
	}
	return nil
}

// consts writes macros and unnamed enum values, in the list's order.
func (g *generator) consts(b *bytes.Buffer, list []cvalue) error {
	b.WriteString("// Macros and values of unnamed enums.\nconst (\n")
	for _, v := range list {
		if slices.ContainsFunc(wantedConsts, func(p string) bool { return strings.HasPrefix(v.name, p) }) {
			g.constant(b, v, "")
		}
	}
	b.WriteString(")\n")
	return nil
}

// constant writes one constant, unless its name came before. Sentinels such as
// __MAX_BPF_CMD stay out: they move with every kernel.
func (g *generator) constant(b *bytes.Buffer, v cvalue, typ string) {
	if g.seen[v.name] || strings.HasPrefix(v.name, "__") {
		return
	}
	g.seen[v.name] = true
	fmt.Fprintf(b, "%s %s = %d\n", v.name, typ, v.val)
}

// names writes a String method for each typed enum: the C name.
func (g *generator) names(b *bytes.Buffer) error {
	b.WriteString("import \"strconv\"\n\n")
	b.WriteString("func enumName(names []string, typ string, v int64) string {\nif v >= 0 && v < int64(len(names)) && names[v] != \"\" { return names[v] }\nreturn typ + \"(\" + strconv.FormatInt(v, 10) + \")\"\n}\n\n")
	for _, e := range enumTypes {
		t, err := g.types.enum(e.c)
		if err != nil {
			return err
		}
		list := "names" + e.goName
		fmt.Fprintf(b, "// String is the C name.\nfunc (v %s) String() string { return enumName(%s[:], %q, int64(v)) }\n\n", e.goName, list, e.goName)
		fmt.Fprintf(b, "var %s = [...]string{\n", list)
		used := map[int64]bool{}
		for _, v := range enumValues(t) {
			// The first name of a value is the one the kernel shows; a
			// value far from the rest (a flag) would blow up the table.
			if v.val < 0 || v.val > 1024 || used[v.val] || strings.HasPrefix(v.name, "__") {
				continue
			}
			used[v.val] = true
			fmt.Fprintf(b, "%d: %q,\n", v.val, v.name)
		}
		b.WriteString("}\n\n")
	}
	return nil
}

package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// spec says how one Go struct is cut out of a C type. Unions are resolved by
// names: of each union on the way, the member named in pick is taken, or the
// anonymous struct that holds a field named there, or else the first member.
type spec struct {
	goName string
	doc    string
	c      string            // struct or union
	pick   []string          // union members taken
	full   bool              // keep the size of the C type: the kernel writes it
	field  map[string]string // Go types of fields, by Go name
}

// fieldTypes gives a field, by its C name, a Go type other than the one its C
// type suggests, wherever it occurs; spec.field goes first.
var fieldTypes = map[string]string{
	"map_type":             "MapType",
	"prog_type":            "ProgType",
	"attach_type":          "AttachType",
	"expected_attach_type": "AttachType",
	"fd_type":              "TaskFDType",
	"order":                "CgroupIterOrder",
}

var linkHeader = map[string]string{"Type": "LinkType", "PerfEventType": "PerfLinkType"}

func link(goName, doc string, pick ...string) spec {
	return spec{goName: "LinkCreate" + goName + "Attr", doc: "creates " + doc, c: "bpf_attr", pick: append([]string{"link_create"}, pick...)}
}

func linkInfo(goName, doc string, pick ...string) spec {
	return spec{goName: "LinkInfo" + goName, doc: "describes " + doc, c: "bpf_link_info", pick: pick, full: true, field: linkHeader}
}

func perfLinkInfo(goName, doc string, pick string) spec {
	return linkInfo("Perf"+goName, doc, "perf_event", pick)
}

func attr(goName, doc string, pick ...string) spec {
	return spec{goName: goName, doc: doc, c: "bpf_attr", pick: pick}
}

// specs lists every struct of internal/sys.
var specs = []spec{
	attr("MapCreateAttr", "is the attribute of BPF_MAP_CREATE", "map_type"),
	attr("MapElemAttr", "is the attribute of BPF_MAP_*_ELEM and BPF_MAP_FREEZE", "key"),
	attr("MapGetNextKeyAttr", "is the attribute of BPF_MAP_GET_NEXT_KEY", "key", "next_key"),
	attr("MapBatchAttr", "is the attribute of BPF_MAP_*_BATCH", "batch"),
	attr("ProgLoadAttr", "is the attribute of BPF_PROG_LOAD; AttachBtfObjFd overlays the kernel's attach_prog_fd, which freplace uses", "prog_type", "attach_btf_obj_fd"),
	attr("ObjAttr", "is the attribute of BPF_OBJ_PIN and BPF_OBJ_GET", "pathname"),
	attr("ProgAttachAttr", "is the attribute of BPF_PROG_ATTACH and BPF_PROG_DETACH; TargetFd may be an interface index and RelativeFd a program id, as flags say", "attach_bpf_fd"),
	attr("ProgTestRunAttr", "is the attribute of BPF_PROG_TEST_RUN", "test"),
	attr("GetIDAttr", "is the attribute of BPF_*_GET_NEXT_ID and BPF_*_GET_FD_BY_ID; StartId is the id of the latter", "next_id"),
	attr("ObjInfoAttr", "is the attribute of BPF_OBJ_GET_INFO_BY_FD", "info"),
	attr("ProgQueryAttr", "is the attribute of BPF_PROG_QUERY; TargetFd may be an interface index", "query", "count"),
	{goName: "RawTracepointOpenAttr", doc: "is the attribute of BPF_RAW_TRACEPOINT_OPEN", c: "bpf_attr", pick: []string{"raw_tracepoint"}, field: map[string]string{"Name": "Pointer", "Cookie": "uint64"}},
	attr("BtfLoadAttr", "is the attribute of BPF_BTF_LOAD", "btf_log_buf"),
	attr("TaskFdQueryAttr", "is the attribute of BPF_TASK_FD_QUERY", "task_fd_query"),
	link("", "a link that needs nothing beyond program, target and attach type", "target_btf_id"),
	link("Iter", "an iterator link", "iter_info"),
	link("PerfEvent", "a perf event link", "perf_event"),
	link("KprobeMulti", "a kprobe.multi link", "kprobe_multi"),
	link("Tracing", "a fentry, fexit, fmod_ret, LSM, tp_btf or freplace link", "tracing"),
	link("Netfilter", "a netfilter link", "netfilter"),
	link("Tcx", "a tcx link; TargetFd is an interface index", "tcx"),
	link("UprobeMulti", "an uprobe.multi link", "uprobe_multi"),
	link("Netkit", "a netkit link; TargetFd is an interface index", "netkit"),
	link("Cgroup", "a cgroup link", "cgroup"),
	link("TracingMulti", "a tracing_multi link", "tracing_multi"),
	attr("LinkUpdateAttr", "is the attribute of BPF_LINK_UPDATE; NewProgFd and OldProgFd are maps for struct_ops", "link_update"),
	attr("LinkDetachAttr", "is the attribute of BPF_LINK_DETACH", "link_detach"),
	attr("EnableStatsAttr", "is the attribute of BPF_ENABLE_STATS", "enable_stats"),
	attr("IterCreateAttr", "is the attribute of BPF_ITER_CREATE", "iter_create"),
	attr("ProgBindMapAttr", "is the attribute of BPF_PROG_BIND_MAP", "prog_bind_map"),
	attr("TokenCreateAttr", "is the attribute of BPF_TOKEN_CREATE", "token_create"),
	attr("ProgStreamReadAttr", "is the attribute of BPF_PROG_STREAM_READ_BY_FD", "prog_stream_read"),
	attr("ProgAssocStructOpsAttr", "is the attribute of BPF_PROG_ASSOC_STRUCT_OPS", "prog_assoc_struct_ops"),
	{goName: "CommonAttr", doc: "goes with any command that BPF_COMMON_ATTRS is set on", c: "bpf_common_attr", full: true},

	{goName: "IterLinkInfoMap", doc: "gives an iterator link its map", c: "bpf_iter_link_info", pick: []string{"map"}, full: true},
	{goName: "IterLinkInfoCgroup", doc: "gives an iterator link its cgroup", c: "bpf_iter_link_info", pick: []string{"cgroup"}, full: true},
	{goName: "IterLinkInfoTask", doc: "gives an iterator link its task", c: "bpf_iter_link_info", pick: []string{"task"}, full: true},

	{goName: "MapInfo", doc: "describes a map", c: "bpf_map_info", full: true, field: map[string]string{"Type": "MapType"}},
	{goName: "ProgInfo", doc: "describes a program", c: "bpf_prog_info", full: true, field: map[string]string{"Type": "ProgType"}},
	{goName: "BtfInfo", doc: "describes a BTF object", c: "bpf_btf_info", full: true},
	{goName: "TokenInfo", doc: "describes a token", c: "bpf_token_info", full: true},
	{goName: "LinkInfo", doc: "is what all link infos begin with", c: "bpf_link_info", pick: []string{""}, full: true, field: linkHeader},
	linkInfo("RawTracepoint", "a raw tracepoint link", "raw_tracepoint"),
	linkInfo("Tracing", "a tracing link", "tracing"),
	linkInfo("Cgroup", "a cgroup link", "cgroup"),
	linkInfo("Iter", "an iterator link", "iter"),
	linkInfo("IterTask", "an iterator link over tasks", "iter", "task"),
	linkInfo("Netns", "a network namespace link", "netns"),
	linkInfo("Xdp", "an XDP link", "xdp"),
	linkInfo("StructOps", "a struct_ops link", "struct_ops"),
	linkInfo("Netfilter", "a netfilter link", "netfilter"),
	linkInfo("KprobeMulti", "a kprobe.multi link", "kprobe_multi"),
	linkInfo("UprobeMulti", "an uprobe.multi link", "uprobe_multi"),
	linkInfo("TracingMulti", "a tracing_multi link", "tracing_multi"),
	linkInfo("Tcx", "a tcx link", "tcx"),
	linkInfo("Netkit", "a netkit link", "netkit"),
	linkInfo("Sockmap", "a sockmap link", "sockmap"),
	perfLinkInfo("Uprobe", "a perf event link of an uprobe", "uprobe"),
	perfLinkInfo("Kprobe", "a perf event link of a kprobe", "kprobe"),
	perfLinkInfo("Tracepoint", "a perf event link of a tracepoint", "tracepoint"),
	perfLinkInfo("Event", "a perf event link of another event", "event"),

	{goName: "PerfEventAttr", doc: "is the attribute of perf_event_open(2)", c: "perf_event_attr", pick: []string{"config1", "config2", "aux_action"}, full: true, field: map[string]string{"Config1": "uint64"}},
	{goName: "PerfProbeAttr", doc: "is PerfEventAttr for the dynamic PMUs kprobe and uprobe: KprobeFunc is also uprobe_path, ProbeOffset also kprobe_addr", c: "perf_event_attr", pick: []string{"kprobe_func", "probe_offset", "aux_action"}, full: true, field: map[string]string{"KprobeFunc": "Pointer"}},
}

// gofield is one field of a Go struct; name is "_" for padding.
type gofield struct {
	name, typ string
	off, size uint32 // bytes
}

// goName turns snake_case into CamelCase.
func goName(c string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(c, "_") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return b.String()
}

// fields flattens the C type of s, by its picks, with explicit padding.
func (g *generator) fields(s *spec) ([]gofield, error) {
	t, err := g.types.named(s.c)
	if err != nil {
		return nil, err
	}
	var flat []gofield
	if err := g.flatten(s, t, 0, "", &flat); err != nil {
		return nil, fmt.Errorf("%s: %w", s.goName, err)
	}
	return pad(flat, t, s.full)
}

// pad fills the gaps, so that Go's own alignment (4 for uint64 on 386 and arm)
// has no say. Attributes end on a multiple of 8 bytes, as the kernel's union
// does: their size is then the same everywhere.
func pad(flat []gofield, t *ctype, full bool) ([]gofield, error) {
	var out []gofield
	at := uint32(0)
	fill := func(to uint32) {
		if to > at {
			out = append(out, gofield{"_", fmt.Sprintf("[%d]byte", to-at), at, to - at})
		}
	}
	seen := map[string]bool{}
	for _, f := range flat {
		if f.off < at || seen[f.name] {
			return nil, fmt.Errorf("field %s overlaps or comes twice", f.name)
		}
		seen[f.name] = true
		fill(f.off)
		out = append(out, f)
		at = f.off + f.size
	}
	if full {
		fill(t.size)
	} else {
		fill((at + 7) &^ 7)
	}
	return out, nil
}

// flatten appends the fields of t, which begins at byte base. Fields of a
// member struct whose name is taken get the member's name in front.
func (g *generator) flatten(s *spec, t *ctype, base uint32, outer string, out *[]gofield) error {
	members := t.members
	if t.kind == kindUnion {
		m := g.choose(s, t)
		if m == nil {
			return nil
		}
		members = []cmember{*m}
	}
	for i := 0; i < len(members); i++ {
		m := members[i]
		mt := g.strip(m.typ)
		off := base + m.off/8
		switch {
		case mt.kind == kindStruct || mt.kind == kindUnion:
			inner := outer
			if m.name != "" {
				inner = goName(m.name)
			}
			if err := g.flatten(s, mt, off, inner, out); err != nil {
				return err
			}
		case m.bits != 0:
			g.bitfield(s, members, &i, mt, base, out)
		case m.name == "" || strings.HasPrefix(m.name, "__reserved"):
			continue
		default:
			name := goName(m.name)
			if slices.ContainsFunc(*out, func(f gofield) bool { return f.name == name }) {
				name = outer + name
			}
			typ, err := g.goType(s, m, name)
			if err != nil {
				return err
			}
			*out = append(*out, gofield{name, typ, off, g.sizeof(m.typ)})
		}
	}
	return nil
}

// bitfield makes one field of the storage unit that consecutive bit fields
// share. A unit of several named bits is called Bits; one with a single named
// bit takes its name, and is non-zero when the bit is set on either byte order.
func (g *generator) bitfield(s *spec, members []cmember, i *int, mt *ctype, base uint32, out *[]gofield) {
	unit := mt.size * 8
	start := members[*i].off / unit
	var named []string
	j := *i
	for ; j < len(members) && members[j].bits != 0 && members[j].off/unit == start; j++ {
		if n := members[j].name; n != "" && !strings.HasPrefix(n, "__") {
			named = append(named, n)
		}
	}
	*i = j - 1
	if len(named) == 0 {
		return
	}
	name := "Bits"
	if len(named) == 1 {
		name = goName(named[0])
	}
	*out = append(*out, gofield{name, fmt.Sprintf("uint%d", unit), base + start*mt.size, mt.size})
}

// choose takes the member of a union that the picks ask for. The pick "" means
// none: the union is padding.
func (g *generator) choose(s *spec, u *ctype) *cmember {
	if len(s.pick) == 1 && s.pick[0] == "" {
		return nil
	}
	for i := range u.members {
		m := &u.members[i]
		if m.name != "" && slices.Contains(s.pick, m.name) {
			return m
		}
	}
	for i := range u.members {
		m := &u.members[i]
		t := g.strip(m.typ)
		if m.name == "" && t.kind == kindStruct && slices.ContainsFunc(t.members, func(f cmember) bool { return f.name != "" && slices.Contains(s.pick, f.name) }) {
			return m
		}
	}
	return &u.members[0]
}

// strip follows typedefs and qualifiers.
func (g *generator) strip(id uint32) *ctype {
	t := g.types.all[id]
	for t.kind >= kindTypedef && t.kind <= 11 {
		t = g.types.all[t.target]
	}
	return t
}

func (g *generator) sizeof(id uint32) uint32 {
	t := g.strip(id)
	if t.kind == kindArray {
		return t.count * g.sizeof(t.target)
	}
	return t.size
}

// goType is the Go type of a scalar or array field.
func (g *generator) goType(s *spec, m cmember, name string) (string, error) {
	if typ := s.field[name]; typ != "" {
		return typ, nil
	}
	if typ := fieldTypes[m.name]; typ != "" {
		return typ, nil
	}
	for id := m.typ; g.types.all[id].kind == kindTypedef; id = g.types.all[id].target {
		if g.types.all[id].name == "__aligned_u64" {
			return "Pointer", nil
		}
	}
	t := g.strip(m.typ)
	if t.kind == kindArray {
		elem, err := g.goType(s, cmember{typ: t.target}, "")
		if elem == "int8" {
			elem = "byte"
		}
		return fmt.Sprintf("[%d]%s", t.count, elem), err
	}
	sign := "u"
	if t.signed {
		sign = ""
	}
	switch {
	case t.kind == kindInt, t.kind == kindEnum && enumGoName(t.name) == "":
		return fmt.Sprintf("%sint%d", sign, t.size*8), nil
	case t.kind == kindEnum:
		return enumGoName(t.name), nil
	}
	return "", fmt.Errorf("field %s: kind %d has no Go type", m.name, t.kind)
}

// structs writes all specs, and the bits of perf_event_attr.
func (g *generator) structs(b *bytes.Buffer) error {
	for i := range specs {
		s := &specs[i]
		fields, err := g.fields(s)
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "// %s %s.\ntype %s struct {\n", s.goName, s.doc, s.goName)
		for _, f := range fields {
			fmt.Fprintf(b, "%s %s\n", f.name, f.typ)
		}
		b.WriteString("}\n\n")
	}
	return g.perfBits(b)
}

// perfBits numbers the one-bit fields of perf_event_attr.
func (g *generator) perfBits(b *bytes.Buffer) error {
	t, err := g.types.named("perf_event_attr")
	if err != nil {
		return err
	}
	b.WriteString("// Bits of PerfEventAttr.Bits and PerfProbeAttr.Bits, by number; see PerfBit.Mask.\nconst (\n")
	for _, m := range t.members {
		if m.bits == 1 && m.name != "" {
			fmt.Fprintf(b, "PerfBit%s PerfBit = %d\n", goName(m.name), m.off%64)
		}
	}
	b.WriteString(")\n")
	return nil
}

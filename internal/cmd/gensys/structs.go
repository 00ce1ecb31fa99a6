package main

// spec says how one Go struct is cut out of a C type. Unions are resolved by
// names: of each union on the way, the member named in pick is taken, or the
// anonymous one that holds a field named there, or else the first.
type spec struct {
	goName  string
	doc     string
	c       string            // struct or union
	pick    []string          // union members taken
	noUnion bool              // unions are padding
	full    bool              // keep the size of the C type: the kernel writes it
	field   map[string]string // Go types of fields, by Go name
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
	{goName: "LinkInfo", doc: "is what all link infos begin with", c: "bpf_link_info", noUnion: true, full: true, field: linkHeader},
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

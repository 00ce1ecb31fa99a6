package argctx

// Context is what the verifier calls the context of a program type.
type Context struct {
	Name    string // of the struct, or typedef, that it looks for
	Typedef string // a name that it accepts as well
	Aliases string // structs that are the context by another name, between spaces
	Words   bool   // a pointer to 64-bit words is the context too
}

// contexts by the number of the program type (enum bpf_prog_type); others have
// no context with a name (bpf_ctx_convert_map, include/linux/bpf_types.h).
// bpf_user_pt_regs_t stands for a struct whose name is the architecture's.
var contexts = [...]Context{
	15: {Name: "bpf_cgroup_dev_ctx"}, // CGROUP_DEVICE
	8:  {Name: "__sk_buff"},          // CGROUP_SKB
	9:  {Name: "bpf_sock"},           // CGROUP_SOCK
	18: {Name: "bpf_sock_addr"},      // CGROUP_SOCK_ADDR
	25: {Name: "bpf_sockopt"},        // CGROUP_SOCKOPT
	23: {Name: "bpf_sysctl"},         // CGROUP_SYSCTL
	22: {Name: "__sk_buff"},          // FLOW_DISSECTOR
	2:  {Name: "bpf_user_pt_regs_t", Typedef: "bpf_user_pt_regs_t", Aliases: " pt_regs "},
	10: {Name: "__sk_buff"},  // LWT_IN
	11: {Name: "__sk_buff"},  // LWT_OUT
	19: {Name: "__sk_buff"},  // LWT_SEG6LOCAL
	12: {Name: "__sk_buff"},  // LWT_XMIT
	32: {Name: "bpf_nf_ctx"}, // NETFILTER
	7:  {Name: "bpf_perf_event_data", Typedef: "bpf_user_pt_regs_t", Aliases: " pt_regs user_pt_regs user_regs_struct "},
	17: {Name: "bpf_raw_tracepoint_args", Words: true}, // RAW_TRACEPOINT
	24: {Name: "bpf_raw_tracepoint_args", Words: true}, // RAW_TRACEPOINT_WRITABLE
	4:  {Name: "__sk_buff"},                            // SCHED_ACT
	3:  {Name: "__sk_buff"},                            // SCHED_CLS
	30: {Name: "bpf_sk_lookup"},                        // SK_LOOKUP
	16: {Name: "sk_msg_md"},                            // SK_MSG
	21: {Name: "sk_reuseport_md"},                      // SK_REUSEPORT
	14: {Name: "__sk_buff"},                            // SK_SKB
	13: {Name: "bpf_sock_ops"},                         // SOCK_OPS
	1:  {Name: "__sk_buff"},                            // SOCKET_FILTER
	6:  {Name: "xdp_md"},                               // XDP
}

// Of is the context of a program type, by its number.
func Of(progType uint32) (Context, bool) {
	if progType >= uint32(len(contexts)) || contexts[progType].Name == "" {
		return Context{}, false
	}
	return contexts[progType], true
}

/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The other map types a loader must create, each used once. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct lpm_key {
	__u32 prefixlen;
	__u8 data[4];
};

struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(max_entries, 8); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, struct lpm_key); __type(value, __u32); } routes SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_LRU_HASH); __uint(max_entries, 8); __type(key, __u64); __type(value, __u64); } recent SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, __u64); } per_cpu SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 8); __type(value, __u64); } queue SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_STACK); __uint(max_entries, 8); __uint(value_size, 8); } stack SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } perf SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_STACK_TRACE); __uint(max_entries, 16); __uint(key_size, 4); __uint(value_size, 127 * 8); } traces SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_BLOOM_FILTER); __uint(max_entries, 16); __type(value, __u32); __uint(map_extra, 3); } bloom SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(map_flags, BPF_F_MMAPABLE); __uint(max_entries, 3); __uint(numa_node, 0); __type(key, int); __type(value, __u32); } shared SEC(".maps");

SEC("tc")
int use(struct __sk_buff *skb)
{
	struct lpm_key lpm = { .prefixlen = 32 };
	__u64 k64 = 0, v64 = 1;
	__u32 k32 = 0, *v32 = bpf_map_lookup_elem(&routes, &lpm);

	if (v32)
		k32 = *v32;
	bpf_map_update_elem(&recent, &k64, &v64, BPF_ANY);
	bpf_map_update_elem(&per_cpu, &k32, &v64, BPF_ANY);
	bpf_map_push_elem(&queue, &v64, 0);
	bpf_map_push_elem(&stack, &v64, 0);
	bpf_map_push_elem(&bloom, &k32, 0);
	bpf_perf_event_output(skb, &perf, BPF_F_CURRENT_CPU, &v64, sizeof(v64));
	v32 = bpf_map_lookup_elem(&shared, &k32);
	return v32 ? *v32 : 0;
}

SEC("perf_event")
int stackid(struct bpf_perf_event_data *ctx)
{
	return bpf_get_stackid(ctx, &traces, 0) < 0;
}

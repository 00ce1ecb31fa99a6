/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A map that is shared by name through a bpf file system. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} shared_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} private_counts SEC(".maps");

SEC("socket")
int count(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *shared = bpf_map_lookup_elem(&shared_counts, &key);
	__u64 *private = bpf_map_lookup_elem(&private_counts, &key);

	if (shared && private) {
		*shared += 1;
		*private += 1;
	}
	return 0;
}

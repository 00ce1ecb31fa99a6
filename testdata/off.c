/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Programs that start off, section names that are no program type, and one that the verifier refuses. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

SEC("?socket")
int starts_off(struct __sk_buff *skb)
{
	return 0;
}

SEC("socket")
int starts_on(struct __sk_buff *skb)
{
	return 1;
}

/* Reads through a lookup's result without testing it for NULL. */
SEC("?socket")
int refused(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&counts, &key);

	return *value;
}

SEC("?xdp/lo")
int prefix_only(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("?skep_unknown")
int unknown(struct __sk_buff *skb)
{
	return 0;
}

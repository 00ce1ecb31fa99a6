/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Weak definitions of maps, functions and variables, as headers shared by many objects carry. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} weak_counts __weak SEC(".maps");

__weak int weak_total;

__weak __noinline int weak_add(int x)
{
	weak_total += x;
	return weak_total;
}

SEC("socket")
int count(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&weak_counts, &key);

	if (value)
		*value += 1;
	return weak_add(1);
}

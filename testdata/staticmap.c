/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Maps that are static in C, one of them in the slot of another: relocations name their section, and where in it. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

static struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} counts SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
};

static struct inner unused SEC(".maps"), inner SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = {
	.values = { &unused, &inner },
};

SEC("socket")
int through(struct __sk_buff *skb)
{
	__u32 one = 1, zero = 0, *n;
	void *map = bpf_map_lookup_elem(&outer, &one);

	n = bpf_map_lookup_elem(&inner, &zero);
	if (n)
		*n = 7;
	if (!map)
		return 1;
	n = bpf_map_lookup_elem(map, &zero);
	return n ? *n : 2;
}

SEC("socket")
int count(struct __sk_buff *skb)
{
	__u32 key = 0, *n = bpf_map_lookup_elem(&counts, &key);

	return n ? ++*n : 0;
}

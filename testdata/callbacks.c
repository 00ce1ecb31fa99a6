/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Callbacks: functions whose address is taken, two of them over one map. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

struct bpf_map;

struct sum {
	__u64 total;
	__u32 n;
};

static __noinline __u64 weight(__u64 v)
{
	return v * 2;
}

static int add_elem(struct bpf_map *map, __u32 *key, __u64 *value, struct sum *sum)
{
	sum->total += weight(*value);
	sum->n++;
	return 0;
}

static int add_index(__u32 i, struct sum *sum)
{
	sum->total += weight(i);
	return i > 100;
}

__u64 total;

SEC("socket")
int each_elem(struct __sk_buff *skb)
{
	struct sum sum = {};

	bpf_for_each_map_elem(&counts, add_elem, &sum, 0);
	total = sum.total;
	return sum.n;
}

SEC("socket")
int each_index(struct __sk_buff *skb)
{
	struct sum sum = {};

	bpf_loop(10, add_index, &sum, 0);
	bpf_for_each_map_elem(&counts, add_elem, &sum, 0);
	total = sum.total;
	return sum.total;
}

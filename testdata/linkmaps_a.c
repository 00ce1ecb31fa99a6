/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Linked with its twin into one object: tables of programs and of maps in each, of static names that meet. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} inner_a SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct inner);
} outer_a SEC(".maps") = {
	.values = { [1] = &inner_a },
};

int tail_a(struct __sk_buff *skb);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct __sk_buff *));
} jumps_a SEC(".maps") = {
	.values = { [1] = &tail_a },
};

SEC("socket")
int tail_a(struct __sk_buff *skb)
{
	__u32 one = 1, zero = 0, *n;
	void *inner = bpf_map_lookup_elem(&outer_a, &one);

	if (!inner)
		return 1;
	n = bpf_map_lookup_elem(inner, &zero);
	return n ? *n += 3 : 2;
}

SEC("socket")
int enter_a(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &jumps_a, 1);
	return 0;
}

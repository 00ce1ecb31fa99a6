/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Linked with its twin into one object: static functions and variables of one name meet there. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>



static volatile __u64 state = 2;

static __noinline int helper(int x)
{
	state += x;
	return x * 3;
}

extern int shared(int x);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} totals SEC(".maps");

SEC("socket")
int prog_b(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *total = bpf_map_lookup_elem(&totals, &key);

	if (total)
		*total += 1;
	return shared(helper(skb->len));
}

/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Linked with its twin into one object: static functions and variables of one name meet there. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

static volatile __u64 state = 1;

static __noinline int helper(int x)
{
	state += x;
	return x + 1;
}

__noinline int shared(int x)
{
	return helper(x) + 5;
}

SEC("socket")
int prog_a(struct __sk_buff *skb)
{
	return helper(skb->len);
}

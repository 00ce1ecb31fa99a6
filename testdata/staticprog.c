/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Static functions in sections of their own are programs too (libbpf refuses the object). */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

static __noinline int helper(int x)
{
	return x * 2;
}

SEC("socket")
static int quiet(struct __sk_buff *skb)
{
	return helper(skb->len);
}

SEC("xdp")
static int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("socket")
int loud(struct __sk_buff *skb)
{
	return helper(skb->mark);
}
